//! What is planted in every field, so that it is found where it must not be (AUD-7): in the log, in the queues of live
//! events and jobs, and in what the program says of itself.

use std::{
    io,
    sync::{Arc, Mutex},
};

use ringfort::model::audit::Action;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::EnvFilter;

use crate::kit::{TestApp, sql};

pub const NAME: &str = "Zyxabella Quomptrix";
pub const BUSINESS: &str = "Quomptrix Roofing";
pub const NOTE: &str = "Zyxabella's home office";
pub const NUMBER: &str = "+14155558642";
pub const SECRET: &str = "c0ffee00c0ffee00c0ffee00c0ffee00";
/// Stands in a request's address and in what a browser says of itself.
pub const TYPED: &str = "zyxabella@quomptrix.example";

/// Parts of them, in small letters: everything that is planted holds one. The last is that of the passwords of `link.rs`
/// and `token.rs`.
const MARKS: [&str; 5] = ["zyxabella", "quomptrix", "4155558642", SECRET, "quiet otters"];

/// What was logged while it listened.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Listens to this thread, more closely than an installation does, until the guard goes.
    pub fn listen() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("info,ringfort=trace"))
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panics")).into_owned()
    }
}

fn marked(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    MARKS.into_iter().find(|mark| text.contains(mark))
}

/// The lines of what was logged in which something comes up that was planted.
pub fn in_log(log: &Log) -> Vec<String> {
    log.text().lines().filter(|line| marked(line).is_some()).map(|line| format!("logged: {line}")).collect()
}

/// The rows in which something comes up that was planted, and what an entry holds that is neither id nor closed word.
pub async fn in_database(app: &TestApp) -> Vec<String> {
    let mut found = Vec::new();
    for table in ["audit_entries", "outbox", "jobs"] {
        let rows = sql::texts(&app.owner, format!("select t::text from {table} t")).await;
        found.extend(rows.into_iter().filter(|row| marked(row).is_some()).map(|row| format!("{table}: {row}")));
    }
    let told = "select distinct e.action, v #>> '{}' from audit_entries e
        cross join lateral (
            select jsonb_path_query(e.before, '$.**') union all select jsonb_path_query(e.after, '$.**')
        ) as x (v)
        where jsonb_typeof(v) = 'string'";
    for (action, value) in sql::pairs(&app.owner, told).await {
        if action.parse::<Action>().is_err() || !is_closed(&value) {
            found.push(format!("audit_entries: {action} says {value:?}"));
        }
    }
    found
}

/// Ids, closed words, instants, zones, and lists of them: nothing that could be a name, an address or somebody's number.
fn is_closed(value: &str) -> bool {
    let is_word = |word: &str| {
        let is_plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:/+- ".contains(&b));
        // `calls.own all` is a permission with its reach.
        is_plain && word.split(' ').count() <= 2 && !word.starts_with('+')
    };
    value.len() <= 120 && value.split(", ").all(is_word)
}

#[test]
fn aud_7_what_is_looked_for_is_found() {
    for planted in [NAME, BUSINESS, NOTE, NUMBER, SECRET, TYPED, crate::link::PASSWORD, crate::link::ANOTHER] {
        assert!(marked(planted).is_some(), "{planted}");
    }
    assert!(marked(crate::token::PASSWORD).is_some() && marked("call_0199").is_none());
    for open in [TYPED, NUMBER, "Zyxabella Anne Quomptrix", "a\"b", "Zoë"] {
        assert!(!is_closed(open), "{open}");
    }
    for closed in ["", "call_0199", "totp, email", "password+totp", "2026-11-23T08:00:00Z", "America/New_York"] {
        assert!(is_closed(closed), "{closed}");
    }
}
