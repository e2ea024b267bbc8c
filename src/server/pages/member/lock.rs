//! What failed tries to sign in have locked for somebody (ACC-4), and the button that ends it.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::id::MemberId,
    server::{pages::text, store::lobby::LockState},
    ui::{
        actions::team::UnlockMember,
        parts::{Card, Facts, Form, Submit, Tone},
    },
};

/// The section of the page; nothing when nothing is locked.
pub(super) fn section(member: MemberId, lock: LockState, may_unlock: bool, zone: &str) -> Option<AnyView> {
    if !lock.is_locked() {
        return None;
    }
    let browsers =
        [("Browsers that are new to them", lock.elsewhere_until), ("A browser that they have used", lock.known_until)];
    let mut items = Vec::new();
    for (browser, until) in browsers {
        if let Some(until) = until {
            items.push((browser.to_owned(), view! { "Locked until " {text::when(until, zone)} }.into_any()));
        }
    }
    if lock.needs_link {
        items.push(("Their password".to_owned(), "Does not admit any more without a mailed link".into_any()));
    }
    let unlock = may_unlock.then(|| unlock(member));
    let card = view! {
        <Card title="Sign-in is locked">
            <div class="stack">
                <p>
                    "Somebody failed to sign in with this address too often. Browsers open again by themselves, and a \
                     mailed link is never locked. Unlock it when you know that it was them."
                </p>
                <Facts items=items />
                {unlock}
            </div>
        </Card>
    };
    Some(card.into_any())
}

fn unlock(member: MemberId) -> AnyView {
    view! {
        <Form action=UnlockMember::PATH.to_owned()>
            <input type="hidden" name="id" value=member.to_string() />
            <Submit label="Unlock" tone=Tone::Neutral />
        </Form>
    }
    .into_any()
}
