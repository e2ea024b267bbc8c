//! The cards of a work order's page: moving it along, assigning, links, canceling, the timeline.

use leptos::{prelude::*, server_fn::ServerFn};

use super::Model;
use crate::{
    model::{personal::PersonName, work_order::WorkOrderState},
    server::{
        http::flash::FormState,
        kit::At,
        pages::{text, work_orders::parts},
        services::work_order::CONFIRM,
        store::{
            position::Near,
            tracking_link::Link,
            work_order::{Step, WorkOrder},
        },
        vault::Secret,
    },
    ui::{
        actions::work_order::{TrackingCreate, TrackingRevoke, WorkOrderAssign, WorkOrderCancel, WorkOrderMove},
        parts::{Badge, Card, ConfirmField, Form, Notice, SelectField, Submit, Tone},
    },
};

/// What every form of a work order says: which one, and as it was seen.
fn hidden(order: &WorkOrder) -> AnyView {
    view! {
        <input type="hidden" name="id" value=order.id.to_string() />
        <input type="hidden" name="version" value=order.version.to_string() />
    }
    .into_any()
}

/// Moving it along: a button for each state that may follow.
pub(super) fn go(order: &WorkOrder) -> AnyView {
    let moves = order.state.moves();
    if moves.is_empty() {
        return ().into_any();
    }
    let buttons = moves.iter().enumerate().map(|(place, to)| {
        let class = if place == 0 { "btn btn-primary" } else { "btn btn-quiet" };
        view! {
            <form method="post" action=WorkOrderMove::PATH>
                {hidden(order)}
                <input type="hidden" name="to" value=to.code() />
                <button class=class type="submit">{said(*to)}</button>
            </form>
        }
    });
    let buttons = buttons.collect_view();
    view! {
        <Card title="Next">
            <div class="row">{buttons}</div>
        </Card>
    }
    .into_any()
}

/// On this page somebody may act for the technician: it says the state, not «I».
fn said(to: WorkOrderState) -> &'static str {
    match to {
        WorkOrderState::Assigned => "Not on the way",
        other => other.label(),
    }
}

/// Whom it is given to, with who is nearest where that was asked.
pub(super) fn assign(m: &Model) -> AnyView {
    let order = &m.whole.order;
    let mut people = vec![(String::new(), "Nobody".to_owned())];
    people.extend(m.whole.technicians.iter().map(|t| (t.member.to_string(), t.name.reveal().to_owned())));
    // Who is no technician any more keeps it until somebody takes it away.
    let former = order.member.filter(|member| m.whole.technicians.iter().all(|t| t.member != *member));
    people.extend(former.map(|member| {
        let name = order.member_name.as_ref().map_or("Somebody", PersonName::reveal);
        (member.to_string(), format!("{name} (no technician any more)"))
    }));
    let form = &m.forms.assign;
    let value = form.value("member", &order.member.map(|member| member.to_string()).unwrap_or_default());
    let problem = form.problem("member");
    let nearest = match (&m.near, m.may_look, order.place) {
        (Some(near), ..) => self::nearest(order, near),
        (None, true, Some(_)) => {
            let href = format!("/work-orders/{}?nearest=1", order.id);
            view! {
                <p class="hint">
                    <a class="link" href=href>"Who is nearest?"</a>
                    " This look at locations is written down, and technicians see it."
                </p>
            }
            .into_any()
        }
        (None, true, None) => {
            view! { <p class="hint">"Give the job a place on the map to see who is nearest."</p> }.into_any()
        }
        (None, false, _) => ().into_any(),
    };
    let which = hidden(order);
    view! {
        <Card title="Technician">
            <div class="stack-tight">
                <Form action=WorkOrderAssign::PATH.to_owned()>
                    {which}
                    <SelectField name="member" label="Assigned to" options=people value=value problem=problem />
                    <Submit label="Assign" />
                </Form>
                {nearest}
            </div>
        </Card>
    }
    .into_any()
}

/// Who is on shift with a fresh position, nearest first, each with a button of their own.
fn nearest(order: &WorkOrder, near: &[Near]) -> AnyView {
    if near.is_empty() {
        return view! { <p class="hint">"Nobody is on shift with a position of the last minute."</p> }.into_any();
    }
    let items = near.iter().map(|near| {
        let name = near.name.reveal().to_owned();
        let label = format!("Assign to {name}");
        let away = format!("{} · {} s ago", parts::distance(near.distance_m), near.age.max(0));
        view! {
            <li class="row">
                <span>{name}</span>
                <span class="subtle num">{away}</span>
                <form method="post" action=WorkOrderAssign::PATH>
                    {hidden(order)}
                    <input type="hidden" name="member" value=near.member.to_string() />
                    <button class="btn btn-quiet btn-small" type="submit" aria-label=label>"Assign"</button>
                </form>
            </li>
        }
    });
    view! {
        <h3 class="label">"Nearest now, as the crow flies"</h3>
        <ol class="stack-tight" data-nearest="">{items.collect_view()}</ol>
    }
    .into_any()
}

/// The links by which the customer follows.
pub(super) fn links(m: &Model) -> AnyView {
    let order = &m.whole.order;
    let make = (!order.state.is_end()).then(|| {
        let can_text = order.phone.is_some();
        view! {
            <form class="form" method="post" action=TrackingCreate::PATH>
                <input type="hidden" name="id" value=order.id.to_string() />
                <p class="hint">
                    "It shows the technician's first name and, on the way, about where they are. It is over with the job, or four \
                     hours after its window."
                </p>
                <div class="row" id="f-way">
                    {can_text.then(|| view! {
                        <button class="btn btn-quiet" type="submit" name="way" value="text">"Text it to the customer"</button>
                    })}
                    <button class="btn btn-quiet" type="submit" name="way" value="show">"Show it once"</button>
                </div>
            </form>
        }
    });
    let problem = m.forms.link.problem("way").map(|problem| view! { <p class="problem">{problem}</p> });
    let items = m.whole.links.iter().map(|link| item(link, m.now, &m.zone)).collect_view();
    let none = m.whole.links.is_empty().then(|| view! { <p class="subtle">"None yet."</p> });
    view! {
        <Card title="Tracking links">
            <div class="stack-tight">{make}{problem}{none}<ul class="stack-tight">{items}</ul></div>
        </Card>
    }
    .into_any()
}

fn item(link: &Link, now: At, zone: &str) -> AnyView {
    let is_open = link.is_open(now);
    let badge = if is_open {
        view! { <Badge tone=Tone::Good icon="check" text="Open".to_owned() /> }.into_any()
    } else {
        view! { <Badge tone=Tone::Neutral icon="cross" text="Over".to_owned() /> }.into_any()
    };
    let way = match (link.texted, link.waits) {
        (true, true) => "being texted",
        (true, false) => "by text",
        (false, _) => "shown once",
    };
    let opened =
        link.opened_at.map_or_else(|| "never opened".to_owned(), |at| format!("opened {}", text::ago(at, now)));
    let end = is_open.then(|| {
        view! {
            <form method="post" action=TrackingRevoke::PATH>
                <input type="hidden" name="id" value=link.id.to_string() />
                <button class="btn btn-quiet btn-small" type="submit">"End it"</button>
            </form>
        }
    });
    view! {
        <li class="row">
            {badge}
            <span>{way}", by "{link.by_name.clone()}</span>
            <span class="subtle">{opened}", until "{text::when(link.expires_at, zone)}</span>
            {end}
        </li>
    }
    .into_any()
}

/// The address of a link that was just made.
pub(super) fn once(address: &Secret) -> AnyView {
    let shown = address.expose().to_owned();
    view! {
        <Notice tone=Tone::Warn title="This link is shown once">
            <p>"Pass it on to the customer now; nobody can show it again. You can make another one."</p>
            <pre class="secret" data-copy="">{shown}</pre>
        </Notice>
    }
    .into_any()
}

/// Canceling, which cannot be undone.
pub(super) fn cancel(order: &WorkOrder, form: &FormState) -> AnyView {
    let (value, problem) = (form.value("confirm", ""), form.problem("confirm"));
    let (is_open, which) = (problem.is_some(), hidden(order));
    view! {
        <Card title="Cancel the job">
            <details open=is_open>
                <summary><span class="link">"The customer needs nobody"</span></summary>
                <Form action=WorkOrderCancel::PATH.to_owned()>
                    {which}
                    <ConfirmField word=CONFIRM value=value problem=problem />
                    <Submit label="Cancel the job" tone=Tone::Bad />
                </Form>
            </details>
        </Card>
    }
    .into_any()
}

/// What happened, oldest first.
pub(super) fn timeline(steps: &[Step], zone: &str) -> AnyView {
    let items = steps.iter().map(|step| {
        let to = step.member_name.as_ref().map(|name| format!(" to {name}")).unwrap_or_default();
        view! {
            <li>
                <span class="row">
                    {parts::state(step.state)}
                    <span>{step.step.label()}{to}</span>
                </span>
                <span class="row">
                    {text::when(step.at, zone)}
                    <span class="hint">"by "{step.by_name.clone()}</span>
                </span>
            </li>
        }
    });
    view! { <ol class="timeline">{items.collect_view()}</ol> }.into_any()
}
