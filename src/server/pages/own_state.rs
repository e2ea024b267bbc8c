//! The form by which agents say whether they take calls: on the board, and on their home page.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::agent::AgentState,
    server::{
        http::flash::FormState,
        store::agent::{Agent, Reason},
    },
    ui::{
        actions::board::SayState,
        parts::{AgentStateBadge, ErrorSummary, Form, SelectField, Submit, Tone},
    },
};

/// What can be said: each state, and after it the reasons that belong to it, by their ids.
#[must_use]
pub fn options(reasons: &[Reason]) -> Vec<(String, String)> {
    let mut options = Vec::with_capacity(AgentState::ALL.len() + reasons.len());
    for state in AgentState::ALL {
        options.push((state.code().to_owned(), state.label().to_owned()));
        let of_state = reasons.iter().filter(|reason| reason.state == state);
        options.extend(of_state.map(|reason| (reason.id.to_string(), format!("{}: {}", state.label(), reason.label))));
    }
    options
}

/// The form, with what is said now.
#[must_use]
pub fn form(own: Option<&Agent>, reasons: &[Reason], form: FormState) -> AnyView {
    let state = own.map_or(AgentState::Offline, |own| own.state);
    let options = options(reasons);
    let reason = own.and_then(|own| own.reason.clone()).map(|reason| view! { <span class="subtle">{reason}</span> });
    view! {
        <div class="stack-tight">
            <p class="row">
                <span>"You are shown as"</span>
                <AgentStateBadge state=state />
                {reason}
            </p>
            <Form action=SayState::PATH.to_owned()>
                <ErrorSummary problems=form.problems() />
                <SelectField
                    name="says"
                    label="Show me as"
                    options=options
                    value=form.value("says", state.code())
                    problem=form.problem("says")
                />
                <Submit label="Set my state" tone=Tone::Neutral />
            </Form>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::id::ReasonId;

    #[test]
    fn a_reason_stands_behind_its_state() {
        let reason = Reason { id: ReasonId(Uuid::nil()), state: AgentState::Break, label: "Lunch".to_owned() };
        let labels: Vec<String> = options(&[reason]).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["Available", "Busy", "On a break", "On a break: Lunch", "Wrapping up", "Offline"]);
    }
}
