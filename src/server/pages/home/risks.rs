//! What somebody should look at: connections that do not work as they should, deletion that does not run, access that nobody
//! has looked at, people without a second factor, the operator's access.

use crate::{
    server::{
        kit::At,
        providers::telephony,
        services::retention::Row,
        store::{connection::Connection, lobby::WithoutFactor, review::Review},
    },
    ui::parts::Tone,
};

const DAY: i64 = 24 * 3600;
/// A phone provider that says nothing for this long is worth a look.
const SILENT_SECONDS: i64 = DAY;
/// A revoked connection is news for this long.
const NEWS_SECONDS: i64 = 7 * DAY;
/// Deletion runs every night; two days without a finished run are one night too many.
const LATE_SECONDS: i64 = 2 * DAY;

/// One open risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    pub tone: Tone,
    /// The state in a word.
    pub word: &'static str,
    pub text: String,
    pub href: String,
}

/// The worst there is to say of each connection.
pub fn of_connections(connections: &[Connection], now: At) -> Vec<Risk> {
    connections.iter().filter_map(|connection| of_connection(connection, now)).collect()
}

fn of_connection(c: &Connection, now: At) -> Option<Risk> {
    let says = |tone, word, text: &str| {
        Some(Risk { tone, word, text: format!("{}: {text}", c.label), href: format!("/connections/{}", c.id) })
    };
    if c.state != "active" {
        let is_news = c.revoked_at.is_some_and(|at| now.since(at) < NEWS_SECONDS);
        return if is_news { says(Tone::Warn, "Revoked", "its webhooks are refused.") } else { None };
    }
    match c.test_result.as_deref() {
        Some("refused") => return says(Tone::Bad, "Failing", "the provider refuses its account or secret."),
        Some("unreachable") => return says(Tone::Warn, "Unreachable", "the provider did not answer the last test."),
        _ => {}
    }
    let heard = c.last_event_at.unwrap_or(c.created_at);
    if telephony(&c.provider).is_some() && now.since(heard) > SILENT_SECONDS {
        return says(Tone::Warn, "Silent", "no event for more than a day.");
    }
    if c.tested_at.is_none() { says(Tone::Warn, "Untested", "it was never tested.") } else { None }
}

/// Kinds of data that should be gone by now.
pub fn of_retention(rows: &[Row], now: At) -> Vec<Risk> {
    rows.iter()
        .filter(|row| row.due > 0 && is_late(row, now))
        .map(|row| Risk {
            tone: Tone::Warn,
            word: "Overdue",
            text: format!(
                "{}: {} past their time, and no run has deleted them in two days.",
                row.kind.label(),
                row.due
            ),
            href: "/settings/retention".to_owned(),
        })
        .collect()
}

/// An access review that nobody finished in time.
pub fn of_review(open: Option<&Review>, now: At) -> Option<Risk> {
    let review = open.filter(|review| review.closed_at.is_none() && review.due_at <= now)?;
    let left = review.people - review.decided;
    let text = format!("The access review is past its time: {left} of {} people are undecided.", review.people);
    Some(Risk { tone: Tone::Bad, word: "Overdue", text, href: format!("/reviews/{}", review.id) })
}

/// People who should have a second factor by now and have none: they are kept out until then.
pub fn of_factors(missing: &[WithoutFactor], now: At) -> Option<Risk> {
    let late = missing.iter().filter(|person| person.due.is_some_and(|due| due <= now)).count();
    let says = match late {
        0 => return None,
        1 => "One person has no second factor and is kept out.".to_owned(),
        many => format!("{many} people have no second factor and are kept out."),
    };
    Some(Risk { tone: Tone::Warn, word: "Missing", text: says, href: "/settings/security".to_owned() })
}

/// Whoever runs the installation looks in: no fault, but somebody should know.
pub fn of_operator(ticket: &str) -> Risk {
    let text = format!("The operator of this installation has access, under the ticket {ticket}.");
    Risk { tone: Tone::Warn, word: "Open", text, href: "/security/operators".to_owned() }
}

fn is_late(row: &Row, now: At) -> bool {
    let finished = row.last_run.as_ref().and_then(|run| run.finished_at);
    finished.is_none_or(|at| now.since(at) > LATE_SECONDS)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{
        id::{ConnectionId, MemberId, ReviewId},
        permission::Role,
        retention::DataKind,
    };

    fn now() -> At {
        At("2026-03-09T15:00:00Z".parse().expect("an instant"))
    }

    fn healthy() -> Connection {
        Connection {
            id: ConnectionId(Uuid::nil()),
            provider: "twilio".into(),
            label: "Main line".into(),
            account: "AC1".into(),
            number: None,
            base_url: None,
            state: "active".into(),
            created_at: now().plus(-30 * DAY),
            rotated_at: None,
            revoked_at: None,
            last_event_at: Some(now().plus(-60)),
            tested_at: Some(now().plus(-60)),
            test_result: Some("ok".into()),
        }
    }

    fn word(connection: Connection) -> Option<&'static str> {
        of_connections(&[connection], now()).first().map(|risk| risk.word)
    }

    #[test]
    fn each_connection_shows_its_worst() {
        assert_eq!(word(healthy()), None);
        assert_eq!(word(Connection { test_result: Some("refused".into()), ..healthy() }), Some("Failing"));
        assert_eq!(word(Connection { last_event_at: None, ..healthy() }), Some("Silent"));
        let agency = Connection { provider: "nowcerts".into(), last_event_at: None, ..healthy() };
        assert_eq!(word(agency.clone()), None, "an agency system sends no events");
        assert_eq!(word(Connection { tested_at: None, test_result: None, ..agency }), Some("Untested"));
        let revoked =
            |ago: i64| Connection { state: "revoked".into(), revoked_at: Some(now().plus(-ago)), ..healthy() };
        assert_eq!(word(revoked(DAY)), Some("Revoked"));
        assert_eq!(word(revoked(30 * DAY)), None);
    }

    #[test]
    fn deletion_that_does_not_run_is_a_risk() {
        let row = Row { kind: DataKind::Calls, days: 30, is_default: true, oldest: None, due: 3, last_run: None };
        assert_eq!(of_retention(std::slice::from_ref(&row), now()).len(), 1);
        assert!(of_retention(&[Row { due: 0, ..row }], now()).is_empty());
    }

    #[test]
    fn a_review_is_a_risk_when_its_time_is_over() {
        let review = |due_at, closed_at| Review {
            id: ReviewId(Uuid::nil()),
            opened_at: now().plus(-30 * DAY),
            due_at,
            opened_by: None,
            closed_at,
            closed_by: None,
            record: None,
            people: 5,
            decided: 3,
        };
        let risk = of_review(Some(&review(now(), None)), now()).expect("a risk");
        assert!(risk.text.contains("2 of 5"), "{}", risk.text);
        assert_eq!(of_review(Some(&review(now().plus(1), None)), now()), None);
        assert_eq!(of_review(Some(&review(now(), Some(now()))), now()), None);
        assert_eq!(of_review(None, now()), None);
    }

    #[test]
    fn people_without_a_factor_are_a_risk_when_they_are_kept_out() {
        let person = |due| WithoutFactor { member: MemberId(Uuid::nil()), name: "Ada".into(), role: Role::Agent, due };
        assert_eq!(of_factors(&[person(None), person(Some(now().plus(1)))], now()), None);
        let risk = of_factors(&[person(Some(now())), person(Some(now()))], now()).expect("a risk");
        assert!(risk.text.starts_with("2 people"), "{}", risk.text);
    }
}
