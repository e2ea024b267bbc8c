//! What support sees, as tables for a terminal and as JSON. States, times and closed words: the database gives nothing else.

use serde_json::{Map, Value, json};

use crate::{
    model::id::ConnectionId,
    server::{
        kit::At,
        store::operator::look::{Connection, Jobs, Overview, People, Receipts, Refusals, Run},
    },
};

/// The tables, in their order.
pub struct Sections(Vec<Section>);

struct Section {
    name: &'static str,
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Sections {
    #[must_use]
    pub fn of(o: &Overview) -> Self {
        let b = &o.business;
        let business = vec![b.profile.clone(), b.zone.clone(), b.state.clone(), at(b.created_at)];
        let people = |p: &People| vec![p.role.clone(), p.active.to_string(), p.removed.to_string()];
        Self(vec![
            Section::new("business", &["profile", "zone", "state", "created"], vec![business]),
            Section::new("people", &["role", "active", "removed"], o.people.iter().map(people).collect()),
            Section::new(
                "connections",
                &["id", "provider", "state", "created", "rotated", "last event", "tested", "test", "secrets"],
                o.connections.iter().map(connection).collect(),
            ),
            Section::new(
                "events of seven days",
                &["connection", "state", "problem", "count", "newest"],
                o.receipts.iter().map(receipts).collect(),
            ),
            Section::new(
                "refusals of a day",
                &["connection", "reason", "count", "last hour"],
                o.refusals.iter().map(refusals).collect(),
            ),
            Section::new(
                "jobs",
                &["kind", "state", "problem", "count", "attempts", "oldest"],
                o.jobs.iter().map(jobs).collect(),
            ),
            Section::new(
                "deletion",
                &["kind", "state", "deleted", "started", "finished"],
                o.retention.iter().map(run).collect(),
            ),
        ])
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(Section::text).collect();
        parts.join("\n")
    }

    /// For programs: an array of objects per table.
    #[must_use]
    pub fn json(&self) -> Value {
        let tables: Map<String, Value> =
            self.0.iter().map(|section| (section.name.replace(' ', "_"), section.json())).collect();
        Value::Object(tables)
    }
}

impl Section {
    fn new(name: &'static str, head: &'static [&'static str], rows: Vec<Vec<String>>) -> Self {
        Self { name, head, rows }
    }

    fn text(&self) -> String {
        let mut widths: Vec<usize> = self.head.iter().map(|cell| cell.len()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = |cells: Vec<&str>| {
            let padded: Vec<String> =
                cells.into_iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
            format!("  {}\n", padded.join("  ").trim_end())
        };
        let mut text = format!("{}\n{}", self.name.to_uppercase(), line(self.head.to_vec()));
        for row in &self.rows {
            text.push_str(&line(row.iter().map(String::as_str).collect()));
        }
        if self.rows.is_empty() {
            text.push_str("  none\n");
        }
        text
    }

    fn json(&self) -> Value {
        let object = |row: &Vec<String>| {
            let members: Map<String, Value> =
                self.head.iter().zip(row).map(|(name, cell)| (name.replace(' ', "_"), json!(cell))).collect();
            Value::Object(members)
        };
        self.rows.iter().map(object).collect()
    }
}

fn at(at: At) -> String {
    at.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn at_or_dash(when: Option<At>) -> String {
    when.map_or_else(|| "-".to_owned(), at)
}

fn or_dash(word: Option<&str>) -> String {
    word.unwrap_or("-").to_owned()
}

fn connection(c: &Connection) -> Vec<String> {
    vec![
        c.name(),
        c.provider.clone(),
        c.state.clone(),
        at(c.created_at),
        at_or_dash(c.rotated_at),
        at_or_dash(c.last_event_at),
        at_or_dash(c.tested_at),
        or_dash(c.test_result.as_deref()),
        c.secrets.to_string(),
    ]
}

fn receipts(r: &Receipts) -> Vec<String> {
    vec![
        ConnectionId(r.connection_id).to_string(),
        r.state.clone(),
        or_dash(r.problem.as_deref()),
        r.count.to_string(),
        at(r.newest),
    ]
}

fn refusals(r: &Refusals) -> Vec<String> {
    vec![ConnectionId(r.connection_id).to_string(), r.reason.clone(), r.count.to_string(), at(r.last_hour)]
}

fn jobs(j: &Jobs) -> Vec<String> {
    vec![
        j.kind.clone(),
        j.state.clone(),
        or_dash(j.problem.as_deref()),
        j.count.to_string(),
        j.attempts.to_string(),
        at(j.oldest),
    ]
}

fn run(r: &Run) -> Vec<String> {
    vec![r.kind.clone(), r.state.clone(), r.deleted.to_string(), at(r.started_at), at_or_dash(r.finished_at)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_and_the_same_as_json() {
        let rows = vec![vec!["pop.look_up".to_owned(), "dead".to_owned()], vec!["x".to_owned(), "queued".to_owned()]];
        let sections = Sections(vec![
            Section::new("open jobs", &["kind", "state"], rows),
            Section::new("people", &["role"], Vec::new()),
        ]);
        assert_eq!(
            sections.text(),
            "OPEN JOBS\n  kind         state\n  pop.look_up  dead\n  x            queued\n\nPEOPLE\n  role\n  none\n"
        );
        let wanted = json!({
            "open_jobs": [{ "kind": "pop.look_up", "state": "dead" }, { "kind": "x", "state": "queued" }],
            "people": [],
        });
        assert_eq!(sections.json(), wanted);
    }
}
