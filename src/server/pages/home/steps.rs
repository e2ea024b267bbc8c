//! The first steps of a fresh business. The card goes away when all of them are done.

use leptos::prelude::*;

use crate::{
    server::{providers::telephony, store::connection::Connection},
    ui::parts::{Badge, Card, Tone},
};

/// One thing to do first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub done: bool,
    pub title: &'static str,
    pub why: &'static str,
    pub href: &'static str,
}

/// The steps, done or not, from what there is.
pub fn of(connections: &[Connection], extensions: usize, people: usize) -> Vec<Step> {
    let phones = connections.iter().any(|c| c.state == "active" && telephony(&c.provider).is_some());
    vec![
        Step {
            done: phones,
            title: "Connect your phone provider",
            why: "Its calls appear here from the first event on.",
            href: "/connections/new",
        },
        Step { done: extensions > 0, title: "Add an extension", why: "It says whose desk rings.", href: "/extensions" },
        Step {
            done: people > 1,
            title: "Invite your team",
            why: "Everybody sees what their role may see.",
            href: "/team",
        },
    ]
}

/// The card; nothing when there is nothing left to do.
pub fn card(steps: &[Step]) -> Option<AnyView> {
    if steps.iter().all(|step| step.done) {
        return None;
    }
    let items = steps.iter().map(|step| item(*step)).collect_view();
    let card = view! {
        <Card title="First steps">
            <ol class="stack-tight">{items}</ol>
        </Card>
    };
    Some(card.into_any())
}

fn item(step: Step) -> AnyView {
    let state = if step.done {
        view! { <Badge tone=Tone::Good icon="check" text="Done".to_owned() /> }.into_any()
    } else {
        view! { <Badge tone=Tone::Info icon="clock" text="To do".to_owned() /> }.into_any()
    };
    view! {
        <li class="toolbar">
            <span>
                <a class="link" href=step.href>{step.title}</a>
                <span class="cell-note">{step.why}</span>
            </span>
            {state}
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_business_has_everything_before_it() {
        assert!(of(&[], 0, 1).iter().all(|step| !step.done));
        assert!(card(&[]).is_none());
    }
}
