//! The programs that are signed in with a person's account (ACC-7): a part of the page of their sessions.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{cells, text};
use crate::{
    server::{kit::At, store::lobby::Family},
    ui::actions::token::RevokeToken,
};

/// The programs, the one used last first, each with the way to sign it out.
#[must_use]
pub fn card(families: Vec<Family>, zone: &str, now: At) -> AnyView {
    let content = if families.is_empty() {
        view! { <p class="subtle">"No phone app and no other program is signed in with your account."</p> }.into_any()
    } else {
        let programs = families.into_iter().map(|family| program(family, zone, now)).collect_view();
        view! {
            <p class="subtle">"Each ends by itself after 30 days. Sign out what you do not know."</p>
            <ul class="stack-tight">{programs}</ul>
        }
        .into_any()
    };
    view! {
        <section class="stack-tight">
            <h2 class="section-title">"Phone apps and other programs"</h2>
            {content}
        </section>
    }
    .into_any()
}

/// A block of its own and not a row, as sessions are, so that its button is in view on a phone.
fn program(family: Family, zone: &str, now: At) -> AnyView {
    let whose = format!(" of {}", family.device);
    let used = cells::ago_or_dash(Some(family.last_used_at), now, zone);
    let (since, until) = (text::when(family.created_at, zone), text::when(family.expires_at, zone));
    view! {
        <li class="card">
            <div class="toolbar">
                <div class="stack-tight">
                    <span class="cell-main">{family.device}</span>
                    <div>
                        <span class="cell-note">{family.business_name} " · " {family.agent}</span>
                        <span class="cell-note">"Signed in " {since}</span>
                        <span class="cell-note">"Last used " {used}</span>
                        <span class="cell-note">"Good until " {until}</span>
                    </div>
                </div>
                <form method="post" action=RevokeToken::PATH>
                    <input type="hidden" name="id" value=family.id.to_string() />
                    <button class="btn btn-quiet btn-small" type="submit">
                        "Sign out this program"
                        <span class="sr-only">{whose}</span>
                    </button>
                </form>
            </div>
        </li>
    }
    .into_any()
}
