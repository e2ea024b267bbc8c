//! The agents of the live board (TEL-2): what they say of themselves, since when, and whether they are on a call. A part of the
//! board's island, with the events that change it.

use leptos::prelude::*;

use crate::{
    model::{agent::AgentState, call::CallState},
    ui::{
        parts::{AgentStateBadge, duration},
        wire::live::{LiveAgent, LiveCall},
    },
};

/// The list, by name.
#[component]
pub(super) fn Agents(agents: ReadSignal<Vec<LiveAgent>>, clock: ReadSignal<i64>) -> impl IntoView {
    view! {
        <ul class="agents" aria-label="Agents">
            // All anew when one changes, which is rare: a keyed list would be kilobytes more for every browser.
            {move || agents.get().into_iter().map(|agent| view! { <Agent agent=agent clock=clock /> }).collect_view()}
        </ul>
    }
}

#[component]
fn Agent(agent: LiveAgent, clock: ReadSignal<i64>) -> impl IntoView {
    let note = match (agent.call, agent.reason) {
        (Some(_), _) => "on a call".to_owned(),
        (None, reason) => reason.unwrap_or_default(),
    };
    let since = agent.since.filter(|_| agent.state != AgentState::Offline);
    let timer = move || since.map(|since| duration((clock.get() - since) / 1000));
    view! {
        <li data-agent=agent.id.to_string()>
            <span class="cell-main">{agent.name}</span>
            <AgentStateBadge state=agent.state />
            <span class="num">{timer}</span>
            <span class="cell-note">{note}</span>
        </li>
    }
}

/// Puts an agent in place of what was known of them, else where they belong by name.
pub(super) fn put(agents: &mut Vec<LiveAgent>, agent: &LiveAgent) {
    agents.retain(|known| known.id != agent.id);
    let place = agents.partition_point(|known| (&known.name, known.id) < (&agent.name, agent.id));
    agents.insert(place, agent.clone());
}

/// Notes who is on a call, and who is not any more. False when that changes nobody.
pub(super) fn mark(agents: &mut [LiveAgent], call: &LiveCall) -> bool {
    let talks = call.talking.filter(|_| call.state == CallState::InProgress);
    let mut changed = false;
    for agent in agents {
        let on = match talks {
            Some(member) if member == agent.id => Some(call.id),
            _ => agent.call.filter(|known| *known != call.id),
        };
        changed |= on != agent.call;
        agent.call = on;
    }
    changed
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{
        call::Direction,
        id::{CallId, MemberId},
    };

    fn agent(id: u128, name: &str) -> LiveAgent {
        let state = AgentState::Available;
        LiveAgent {
            id: MemberId(Uuid::from_u128(id)),
            name: name.to_owned(),
            state,
            reason: None,
            since: None,
            call: None,
        }
    }

    fn call(state: CallState, talking: u128) -> LiveCall {
        LiveCall {
            id: CallId(Uuid::from_u128(9)),
            state,
            direction: Direction::Inbound,
            party: None,
            own: None,
            agents: Vec::new(),
            queue: None,
            talking: Some(MemberId(Uuid::from_u128(talking))),
            started_at: 0,
            state_at: 0,
        }
    }

    #[test]
    fn agents_stand_by_name_and_once() {
        let mut agents = Vec::new();
        for (id, name) in [(1, "Cy"), (2, "Ana"), (3, "Bob"), (2, "Ana")] {
            put(&mut agents, &agent(id, name));
        }
        let names: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
        assert_eq!(names, ["Ana", "Bob", "Cy"]);
    }

    #[test]
    fn a_call_is_somebodys_until_it_ends_or_goes_on_elsewhere() {
        let mut agents = [agent(1, "Ana"), agent(2, "Bob")];
        assert!(!mark(&mut agents, &call(CallState::Ringing, 1)), "it only rings");
        assert!(mark(&mut agents, &call(CallState::InProgress, 1)));
        assert!(!mark(&mut agents, &call(CallState::InProgress, 1)), "told twice");
        assert!(mark(&mut agents, &call(CallState::InProgress, 2)), "transferred");
        assert_eq!((agents[0].call, agents[1].call.is_some()), (None, true));
        assert!(mark(&mut agents, &call(CallState::Completed, 2)));
        assert!(agents.iter().all(|agent| agent.call.is_none()));
    }
}
