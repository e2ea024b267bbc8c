//! Attacks that nobody writes one by one (PER-2, PER-3, TEN-4, AUD-1, AUD-7): they are made from the router's list of doors
//! and one table ([`plan`]), which says of each door what its ids name, what a good request holds, and what it leaves in
//! the log. A door without a row in the table fails.
//!
//! - [`rights`]: every role at every guarded door, on every wire, at what is theirs, another's, another business's and
//!   nobody's. What is refused changes nothing.
//! - [`isolation`]: another business's id is answered byte for byte as one that nobody has, and no page of a business
//!   changes by what another one has.
//! - [`streams`]: the same for live events.
//! - [`trail`]: each door, done by who may, leaves the entries that the table names, and where it names none, nothing;
//!   and no name, address, number or secret that was planted comes up in the log, the queues or what is logged.
//!
//! To add a door: its row in `plan/pages.rs` or `plan/actions.rs`. To add a kind of thing that ids name: a variant of
//! [`plan::Thing`], and how one is made in `things.rs`. What must be so before something can be done: a variant of
//! [`plan::First`], made so in `ways.rs`.

mod canary;
mod isolation;
mod plan;
mod rights;
mod streams;
mod things;
mod trail;
mod ways;
mod world;

use std::collections::BTreeSet;

use ringfort::{
    model::permission::{Need, Permission},
    server::http::doors::Kind,
};

use self::plan::{Leaves, doors, plan};

/// What is looked at here may be seen by few, so that each look is written down.
const SENSITIVE: [Permission; 10] = [
    Permission::ScreenPop,
    Permission::CallsOwn,
    Permission::CallsAll,
    Permission::CallNumbers,
    Permission::RecordingsPlay,
    Permission::RecordingsDownload,
    Permission::Transcripts,
    Permission::AuditRead,
    Permission::AuditExport,
    Permission::PrivacyRequests,
];

#[test]
fn per_3_every_door_has_a_row_and_every_row_a_door() {
    let all = doors();
    let there: BTreeSet<_> = all.iter().map(|(door, _)| (door.method.to_string(), door.path)).collect();
    for row in plan() {
        assert!(there.contains(&(row.method.to_owned(), row.path)), "{} {}: no such door", row.method, row.path);
    }
    assert_eq!(plan().count(), there.len(), "a door has two rows");
    for (door, row) in &all {
        let named =
            |part: &str| row.ids.iter().any(|(name, _)| *name == part) || row.fields.iter().any(|f| f.0 == part);
        for part in door.path.split('/').filter(|part| part.starts_with('{')) {
            assert!(named(part), "{}: its row does not say what {part} is", door.path);
        }
    }
}

#[test]
fn aud_1_what_changes_something_and_what_shows_something_sensitive_names_its_entry() {
    let is_sensitive = |permission: &Permission| SENSITIVE.contains(permission);
    for (door, row) in doors() {
        let must = match (door.kind, door.need) {
            (Kind::Action, Need::Holds(_) | Need::HoldsAll(_) | Need::HoldsAny(_)) => true,
            (Kind::Page | Kind::Rest, Need::Holds(permission) | Need::HoldsAll(permission)) => {
                is_sensitive(&permission)
            }
            (Kind::Page | Kind::Rest, Need::HoldsAny(any)) => any.iter().all(is_sensitive),
            _ => false,
        };
        let says = matches!(row.leaves, Leaves::Entries(_) | Leaves::Later(_));
        assert!(says || !must, "{} {}: what does it leave in the log?", door.method, door.path);
    }
}
