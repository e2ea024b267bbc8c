//! Every role at every guarded door, on every wire, at what is theirs, somebody else's, another business's and nobody's
//! (PER-2, PER-3). What the table denies is refused, is an entry, and changes no row of any table.

use axum::http::Method;
use ringfort::{
    model::permission::{Grants, Need, Role},
    server::http::doors::{Door, Kind},
};

use super::{
    plan::{First, Row, Whose, Wire, doors},
    world::{Ask, Person, World, changed, knock, told},
};

/// A test for each role: they run beside each other.
macro_rules! roles {
    ($($name:ident $role:ident;)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                walk(Walker { base: Role::$role, grants: Role::$role.grants(), is_custom: false }).await;
            }
        )+

        #[test]
        fn per_2_no_role_is_left_out() {
            assert_eq!([$(Role::$role),+], Role::ALL);
        }
    };
}

roles! {
    per_3_an_owner_does_what_the_table_says Owner;
    per_3_an_admin_does_what_the_table_says Admin;
    per_3_a_manager_does_what_the_table_says Manager;
    per_3_a_dispatcher_does_what_the_table_says Dispatcher;
    per_3_an_agent_does_what_the_table_says Agent;
    per_3_a_technician_does_what_the_table_says Technician;
    per_3_a_viewer_does_what_the_table_says Viewer;
    per_3_an_auditor_does_what_the_table_says Auditor;
}

/// Who walks: somebody with a built-in role, or with one that the business made.
#[derive(Debug, Clone, Copy)]
struct Walker {
    base: Role,
    grants: Grants,
    is_custom: bool,
}

impl Walker {
    async fn person(self, world: &World) -> Person {
        let person = world.person(&world.a, self.base).await;
        if self.is_custom {
            world.give(&person, self.base, self.grants).await;
        }
        person
    }
}

#[tokio::test]
async fn per_1_a_role_of_the_business_does_what_it_holds() {
    let held = [
        "analytics all",
        "audit.read all",
        "calls.own all",
        "extensions all",
        "leaderboard all",
        "live_board own",
        "roles.read all",
        "settings all",
        "team.read all",
    ];
    let grants = Grants::read(&held);
    assert_eq!(grants.held().count(), held.len(), "the table knows them all");
    Box::pin(walk(Walker { base: Role::Viewer, grants, is_custom: true })).await;
}

#[tokio::test]
async fn per_1_the_role_that_it_was_copied_from_opens_nothing() {
    Box::pin(walk(Walker { base: Role::Admin, grants: Grants::read(&["leaderboard all"]), is_custom: true })).await;
}

/// What must come of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Refused before anything was looked at.
    Shut,
    /// Refused by the rules of what is done.
    Denied,
    /// As if there were no such thing.
    Missing,
    /// Answered.
    Open,
}

fn wanted(door: &Door, row: &Row, walker: Walker, whose: Whose) -> Wanted {
    let is_reached = row.ids.first().is_none_or(|(_, thing)| thing.is_reached(walker.grants, whose));
    if !door.need.admits(Some(walker.grants)) {
        Wanted::Shut
    } else if !is_reached {
        Wanted::Missing
    } else if row.for_owners && walker.base != Role::Owner {
        Wanted::Denied
    } else {
        Wanted::Open
    }
}

/// One try at a door.
struct Try {
    door: Door,
    row: &'static Row,
    whose: Whose,
    wire: Wire,
    wanted: Wanted,
    ask: Ask,
    /// A program's token.
    access: Option<String>,
}

impl Try {
    async fn new(
        world: &World,
        person: &Person,
        at: (&Door, &'static Row),
        how: (Whose, Wire),
        wanted: Wanted,
    ) -> Self {
        let ((door, row), (whose, wire)) = (at, how);
        let ids = world.ids(row, whose, person).await;
        let ask = world.ask(row, &ids, person, "");
        let access = if wire == Wire::Bearer { Some(world.access(person).await) } else { None };
        Self { door: door.clone(), row, whose, wire, wanted, ask, access }
    }

    /// Knocks: what is wrong with what came of it.
    async fn run(&self, world: &World, person: &Person) -> Result<(), String> {
        let Self { door, row, whose, wire, wanted, ask, access } = self;
        let browser = if access.is_some() { world.app.stranger() } else { person.browser.clone() };
        let mark = world.mark().await;
        let reply = knock(&browser, door, *wire, ask, access.as_deref()).await;
        let entries = world.since(&mark).await;
        let by_form = *wire == Wire::Form && door.kind == Kind::Action;
        let is_done = entries.iter().any(|entry| entry.ends_with(" done"));
        let fits = match wanted {
            Wanted::Shut => reply.status == 403 && entries == ["door.refused refused"],
            Wanted::Denied => reply.status == 403 && !entries.is_empty() && !is_done,
            Wanted::Missing if row.is_so_already => matches!(reply.status, 200 | 303) && entries.is_empty(),
            // A form that is refused goes back to its page, which says why.
            Wanted::Missing => {
                (matches!(reply.status, 404 | 409 | 422) || (by_form && reply.status == 303)) && !is_done
            }
            Wanted::Open => {
                // What needs something first does not find it.
                let misses = matches!(reply.status, 400 | 404) && row.first != First::Nothing;
                // A stream is tested and sent again only so often, whoever asks.
                matches!(reply.status, 200..400 | 409 | 422 | 429) || misses
            }
        };
        if fits {
            return Ok(());
        }
        let told = told(door, &reply);
        Err(format!("{whose:?} by {wire:?}, wanted {wanted:?}: {told}, and wrote {entries:?}"))
    }
}

async fn walk(walker: Walker) {
    let world = World::start().await;
    let (mut refused, mut problems) = (Vec::new(), Vec::new());
    let person = walker.person(&world).await;
    let mut user = walker.person(&world).await;
    for (door, row) in doors().into_iter().filter(|(door, _)| door.need != Need::Public) {
        for whose in row.owners() {
            let wanted = wanted(&door, row, walker, *whose);
            for wire in Wire::of(door.kind) {
                if wanted != Wanted::Open {
                    refused.push(Try::new(&world, &person, (&door, row), (*whose, *wire), wanted).await);
                    continue;
                }
                let open = Try::new(&world, &user, (&door, row), (*whose, *wire), wanted).await;
                problems.extend(open.run(&world, &user).await.err());
                // Whoever has done something is not who they were.
                if door.method == Method::POST {
                    user = walker.person(&world).await;
                }
            }
        }
    }
    assert!(refused.len() >= 60, "only {} tries that are refused", refused.len());
    problems.extend(nothing_changes(&world, &person, &refused).await);
    problems.extend(tokens_and_cookies(&world, &person).await);
    assert!(problems.is_empty(), "as {}:\n{}", walker.base.code(), problems.join("\n"));
}

/// All that is refused, one after the other: not a row of any table differs afterwards, but in the log. Where one does,
/// once more, to say which it was.
async fn nothing_changes(world: &World, person: &Person, refused: &[Try]) -> Vec<String> {
    let mut problems = Vec::new();
    let before = world.state().await;
    for each in refused {
        problems.extend(each.run(world, person).await.err());
    }
    let changed_at_all = changed(&before, &world.state().await);
    if changed_at_all.is_empty() {
        return problems;
    }
    problems.push(format!("what was refused has changed {changed_at_all:?}"));
    for each in refused {
        let before = world.state().await;
        let _ = each.run(world, person).await;
        let changed = changed(&before, &world.state().await);
        if !changed.is_empty() {
            let (door, whose, wire) = (&each.door, each.whose, each.wire);
            problems.push(format!("{} {}, {whose:?} by {wire:?}, changed {changed:?}", door.method, door.path));
        }
    }
    problems
}

/// A token opens no door of browsers, and a cookie none of programs, whatever role is behind it.
async fn tokens_and_cookies(world: &World, person: &Person) -> Vec<String> {
    let access = world.access(person).await;
    let (stranger, mut problems) = (world.app.stranger(), Vec::new());
    let mut asks = Vec::new();
    for (door, row) in doors().into_iter().filter(|(door, _)| door.need != Need::Public) {
        let ids = world.ids(row, row.home(), person).await;
        asks.push((door, world.ask(row, &ids, person, "")));
    }
    let before = world.state().await;
    for (door, ask) in &asks {
        let reply = if door.kind == Kind::Rest {
            knock(&person.browser, door, Wire::Json, ask, None).await
        } else {
            knock(&stranger, door, Wire::Json, ask, Some(&access)).await
        };
        if reply.status != 401 {
            problems.push(format!("by the other's key: {}", told(door, &reply)));
        }
    }
    let changed = changed(&before, &world.state().await);
    if !changed.is_empty() {
        problems.push(format!("the other's key changed {changed:?}"));
    }
    problems
}
