//! The screen pop (POP-1, POP-2): who is calling, at the moment the desk rings, gone after five minutes. It takes no
//! focus, so it never catches what somebody types; acknowledged once, it closes in every tab.

use std::time::Duration;

use leptos::{prelude::*, server_fn::ServerFn};
use wasm_bindgen::JsValue;
use web_sys::UrlSearchParams;

use super::hub;
use crate::ui::{
    actions::calls::AcknowledgePop,
    parts::{Icon, duration},
    wire::live::{LiveEvent, PopCard, PopMatch},
};

/// Waits for pops and shows them. `now` is the server's clock when the page was drawn.
#[island]
pub fn ScreenPop(now: i64) -> impl IntoView {
    let (pops, set_pops) = signal(Vec::<PopCard>::new());
    let (clock, set_clock) = signal(now);

    Effect::new(move |_| {
        hub::clock_says(now);
        hub::listen(move |event| match event {
            LiveEvent::Pop { pop, .. } => set_pops.update(|pops| {
                pops.retain(|p| p.id != pop.id);
                pops.push(pop.clone());
            }),
            LiveEvent::PopGone { id } => set_pops.update(|pops| pops.retain(|p| p.id != *id)),
            LiveEvent::Call { .. } | LiveEvent::Agent { .. } => {}
        });
        set_interval(
            move || {
                let now = hub::server_now();
                set_clock.set(now);
                // POP-2: gone from the page as well, whether or not anybody says so.
                if pops.with_untracked(|pops| pops.iter().any(|p| p.expires_at <= now)) {
                    set_pops.update(|pops| pops.retain(|p| p.expires_at > now));
                }
            },
            Duration::from_secs(1),
        );
    });

    let close = move |pop: &PopCard| {
        let id = pop.id;
        set_pops.update(|pops| pops.retain(|p| p.id != id));
        // Closed here in any case; that it failed shows by its staying open in other tabs.
        let _ = acknowledge(&id.to_string());
    };
    view! {
        <div class="pops" role="region" aria-label="Incoming calls" aria-live="assertive">
            <For
                each=move || pops.get().into_iter().next_back()
                key=|pop| pop.id
                children=move |pop| {
                    let shown = pop.clone();
                    view! { <Card pop=shown clock=clock on_close=Callback::new(move |()| close(&pop)) /> }
                }
            />
            {move || {
                let others = pops.with(Vec::len).saturating_sub(1);
                (others > 0).then(|| view! {
                    <a class="btn btn-quiet btn-small" href="/pops">{format!("{others} more rang at your desk")}</a>
                })
            }}
        </div>
    }
}

/// Sends what the form of `/pops` sends, as a beacon: nobody waits for the answer, and it arrives even when the next click
/// leaves the page. Not by calling the server function: its client half (requests, faults, their texts) would be the
/// largest thing in the module.
fn acknowledge(id: &str) -> Result<bool, JsValue> {
    let form = UrlSearchParams::new()?;
    form.append("id", id);
    window().navigator().send_beacon_with_opt_url_search_params(AcknowledgePop::PATH, Some(&form))
}

#[component]
fn Card(pop: PopCard, clock: ReadSignal<i64>, on_close: Callback<()>) -> impl IntoView {
    let left = move || duration((pop.expires_at - clock.get()) / 1000);
    let many = pop.matches.len();
    let party = pop.party.map_or_else(|| "number withheld".to_owned(), |p| p.to_string());
    view! {
        <section class="pop" data-pop=pop.id.to_string()>
            <p class="subtle"><Icon name="phone_in" />" Calling you: "<span class="mono">{party}</span></p>
            {(many > 1).then(|| view! { <p class="section-title">{format!("{many} matches")}</p> })}
            {pop.matches.into_iter().map(matched).collect_view()}
            {pop.problem.map(|text| view! { <p>{text}</p> })}
            <div class="dialog-actions">
                // It counts in silence: what rings is read once, not every second.
                <span class="subtle num" role="timer" aria-live="off">
                    "gone in "{left}
                </span>
                <a class="btn btn-quiet btn-small" href=format!("/calls/{}", pop.call)>"Open the call"</a>
                <button class="btn btn-primary btn-small" type="button" on:click=move |_| on_close.run(())>"Got it"</button>
            </div>
        </section>
    }
}

/// One client who may be the caller; the same on the page that works without scripts.
#[must_use]
pub fn matched(m: PopMatch) -> impl IntoView {
    let list = |label: &'static str, items: Vec<String>| {
        (!items.is_empty()).then(|| view! { <p><span class="subtle">{label}": "</span>{items.join(", ")}</p> })
    };
    view! {
        <p class="pop-name">{m.name}</p>
        {m.company.map(|c| view! { <p>{c}</p> })}
        {list("Policies", m.policies)}
        {list("Open tasks", m.open_tasks)}
        {m.last_contact.map(|at| view! { <p><span class="subtle">"Last contact: "</span>{at}</p> })}
    }
}
