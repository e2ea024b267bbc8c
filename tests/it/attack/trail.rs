//! Every door, done by who may (AUD-1, AUD-7): it leaves the entries that the table names; where it names none, it changes
//! no row. And nothing that was planted comes up in the log, the queues or what is logged, however good a request was.

use axum::http::Method;
use ringfort::{
    model::permission::{Need, Role},
    server::http::doors::{Door, Kind},
};

use super::{
    canary::{Log, NUMBER, TYPED, in_database, in_log},
    plan::{First, Leaves, Row, Wire, doors},
    ways::Ready,
    world::{Ask, Person, World, changed, knock, told},
};
use crate::kit::{Browser, Reply, twilio::sid};

/// Who does it: an owner, or where owners have no business, whoever has.
fn doer(door: &Door) -> Role {
    let opens = |role: &Role| door.need.admits(Some(role.grants()));
    Role::ALL.into_iter().find(opens).unwrap_or(Role::Owner)
}

/// What of a good request differs from what its row says.
async fn follow(world: &World, door: &Door, row: &Row) -> Result<(), String> {
    let person = world.person(&world.a, doer(door)).await;
    let ids = world.ids(row, row.home(), &person).await;
    let Ready { browser, answer } = world.prepare(row.first, &person).await;
    let ask = world.ask(row, &ids, &person, &answer);
    let access =
        if door.kind == Kind::Rest && door.need != Need::Public { Some(world.access(&person).await) } else { None };
    let is_strangers = access.is_some() || (door.need == Need::Public && row.first == First::Nothing);
    let browser = if is_strangers { world.app.stranger() } else { browser };
    let (before, mark) = (world.state().await, world.mark().await);
    let reply = request(world, &browser, (door, row), &ask, access.as_deref()).await;
    if matches!(row.leaves, Leaves::Later(_)) {
        world.app.run_jobs().await;
    }
    let (after, entries) = (world.state().await, world.since(&mark).await);
    let told = told(door, &reply);
    let is_fine = if door.method == Method::GET { reply.status < 500 } else { matches!(reply.status, 200 | 204) };
    if !is_fine {
        return Err(told);
    }
    match row.leaves {
        Leaves::Entries(words) | Leaves::Later(words) => {
            let is_there = |word: &&&str| entries.contains(&format!("{word} done"));
            let missing: Vec<_> = words.iter().filter(|word| !is_there(word)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("{told}: no {missing:?} in {entries:?}")) }
        }
        Leaves::Beside(tables) => {
            let mut changed = changed(&before, &after);
            changed.retain(|table| !tables.contains(&table.as_str()));
            let is_quiet = changed.is_empty() && entries.is_empty();
            if is_quiet { Ok(()) } else { Err(format!("{told}: changed {changed:?}, and wrote {entries:?}")) }
        }
    }
}

/// The request itself: a provider's is signed.
async fn request(
    world: &World,
    browser: &Browser,
    (door, row): (&Door, &Row),
    ask: &Ask,
    access: Option<&str>,
) -> Reply {
    if row.first != First::Webhook {
        return knock(browser, door, Wire::Json, ask, access).await;
    }
    let call = sid(world.next());
    let event = [
        ("CallSid", call.as_str()),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("From", NUMBER),
        ("To", crate::kit::twilio::NUMBER),
        ("CallerName", super::canary::NAME),
    ];
    world.of_a.twilio.post(&world.app, "voice", &event).await
}

#[tokio::test]
async fn aud_1_every_door_leaves_what_the_table_says_and_nothing_that_was_planted() {
    let (log, _listens) = Log::listen();
    let shared = World::start().await;
    let mut problems = Vec::new();
    for (door, row) in doors() {
        if row.first == First::Nothing {
            problems.extend(follow(&shared, &door, row).await.err());
        } else {
            // What leads up to it counts against limits, and moves the clock.
            let own = World::start().await;
            problems.extend(follow(&own, &door, row).await.err());
            own.app.run_jobs().await;
            problems.extend(in_database(&own.app).await);
        }
    }
    shared.app.run_jobs().await;
    problems.extend(in_database(&shared.app).await);
    problems.extend(in_log(&log));
    assert!(log.text().contains("a browser reported content"), "nothing was listened to");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A request with something planted in every place where somebody could write: fields, ids, and the query.
fn planted(row: &Row) -> Ask {
    let mut ask = Ask { path: row.path.to_owned(), fields: Vec::new() };
    for name in row.ids.iter().map(|(name, _)| *name).chain(row.fields.iter().map(|(name, _)| *name)) {
        if name.starts_with('{') {
            ask.path = ask.path.replace(name, TYPED);
        } else {
            ask.fields.push((name.to_owned(), TYPED.to_owned()));
        }
    }
    if row.method == "GET" && ask.fields.is_empty() {
        ask.fields.push(("typed".to_owned(), TYPED.to_owned()));
    }
    ask
}

async fn plant(world: &World, person: &Person, (door, row): (&Door, &Row), wire: Wire) -> Option<String> {
    let ask = planted(row);
    let access =
        if wire == Wire::Bearer && door.need != Need::Public { Some(world.access(person).await) } else { None };
    let browser = if wire == Wire::Bearer { world.app.stranger() } else { person.browser.clone() };
    let reply = knock(&browser, door, wire, &ask, access.as_deref()).await;
    // Too many tries at once would not have been looked at.
    (reply.status == 429 || reply.status >= 500).then(|| told(door, &reply))
}

#[tokio::test]
async fn aud_7_what_somebody_types_where_it_does_not_belong_is_kept_nowhere() {
    let (log, _listens) = Log::listen();
    let world = World::start().await;
    let mut person = world.person(&world.a, Role::Owner).await;
    let mut problems = Vec::new();
    for (door, row) in doors() {
        // A form that is posted runs the same code, and would count twice against the limits.
        for wire in Wire::of(door.kind).iter().filter(|wire| door.method == Method::GET || **wire != Wire::Form) {
            problems.extend(plant(&world, &person, (&door, row), *wire).await);
            if door.method == Method::POST {
                person = world.person(&world.a, Role::Owner).await;
            }
        }
    }
    world.app.run_jobs().await;
    problems.extend(in_database(&world.app).await);
    problems.extend(in_log(&log));
    assert!(log.text().contains("a browser reported content"), "nothing was listened to");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
