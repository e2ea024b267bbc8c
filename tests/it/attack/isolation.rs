//! Another business's id is answered byte for byte as one that nobody has: status, headers and body, on every wire, whatever
//! the role (TEN-4). And no page of a business changes by what another one has: no list, count, search or graph.

use std::collections::BTreeMap;

use ringfort::{
    model::{
        permission::{Need, Role},
        profile::Profile,
    },
    server::http::{
        doors::{Door, Kind},
        flash::{COOKIE, Flash},
    },
};
use serde_json::Value;

use super::{
    plan::{Row, Thing, Whose, Wire, doors},
    world::{Ask, Person, World, changed, knock, nobodys, told},
};
use crate::kit::{Browser, Reply, TestApp, sql};

/// Where pages are asked for what concerns an id: page, word of the query, what the id names. The log is asked for what
/// nobody has done here, so that looking at it does not show.
const SEARCHES: [(&str, &str, Thing); 11] = [
    ("/work-orders", "who", Thing::Member),
    ("/work-orders", "call", Thing::Call),
    ("/work-orders/new", "call", Thing::Call),
    ("/map", "member", Thing::Member),
    ("/calls", "member", Thing::Member),
    ("/audit", "actor", Thing::Member),
    ("/audit", "target", Thing::Call),
    ("/audit", "target", Thing::Member),
    ("/audit", "text", Thing::Audit),
    ("/audit", "before", Thing::Audit),
    ("/audit", "entry", Thing::Audit),
];

/// Pages that differ each time somebody looks: looking is an entry, and both boards name their place in the stream, which counts
/// what happens in all businesses (docs/SECURITY.md, Limits).
const MOVING: [&str; 6] = ["/audit", "/audit/exports/new", "/audit/seals", "/board", "/dispatch", "/home"];

/// What an answer says, without what differs from answer to answer: nonces, and the id that was asked for.
#[derive(Debug, PartialEq)]
struct Said {
    status: u16,
    headers: BTreeMap<String, String>,
    /// What the next page would say. It travels sealed.
    flash: Option<Value>,
    body: String,
}

impl Said {
    /// In what it differs from another: of the pages, where they part.
    fn unlike(&self, other: &Self) -> String {
        let parts = self.body.bytes().zip(other.body.bytes()).position(|(one, other)| one != other);
        let part =
            |body: &str| parts.map(|at| String::from_utf8_lossy(&body.as_bytes()[at..]).chars().take(200).collect());
        let told = |said: &Self| {
            let part: Option<String> = part(&said.body);
            format!("{} {:?} {:?} …{}", said.status, said.headers, said.flash, part.unwrap_or_default())
        };
        format!("\n   {}\n   {}", told(self), told(other))
    }
}

fn said(app: &TestApp, reply: &Reply, id: &str) -> Said {
    let mut headers = BTreeMap::new();
    for (name, value) in &reply.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).replace(id, "*");
        let value = match name.as_str() {
            "date" | "x-request-id" => continue,
            "content-security-policy" => without(&value, "'nonce-", '\''),
            "set-cookie" if value.starts_with(COOKIE) => COOKIE.to_owned(),
            _ => value,
        };
        headers.entry(name.to_string()).and_modify(|all: &mut String| all.push_str(&value)).or_insert(value);
    }
    let sealed = reply.cookie(COOKIE).and_then(|pair| pair.split_once('=').map(|(_, value)| value.to_owned()));
    let opened = sealed.and_then(|value| Flash::read(app.app.vault(), app.now(), &value));
    let flash = opened.map(|flash| {
        let text = serde_json::to_string(&flash).expect("plain data").replace(id, "*");
        serde_json::from_str(&text).expect("what was just written")
    });
    // What the log's page asks with is sealed anew each time; where it looks for words, the id is two of them.
    let number = id.split_once('_').map_or(id, |(_, number)| number);
    let body = without(&reply.normal(&[id, number]), "data-news=\"", '"');
    Said { status: reply.status, headers, flash, body }
}

/// A text without what stands between a beginning and its end.
fn without(text: &str, start: &str, end: char) -> String {
    let Some((before, rest)) = text.split_once(start) else { return text.to_owned() };
    format!("{before}{}", rest.split_once(end).map_or("", |(_, after)| after))
}

/// Asks for an id of the other business, and for one that nobody has: what differs.
async fn compare(
    world: &World,
    person: &Person,
    (door, row): (&Door, &Row),
    wire: Wire,
    asks: [(&Ask, &str); 2],
) -> Option<String> {
    let access = if wire == Wire::Bearer { Some(world.access(person).await) } else { None };
    let browser = if access.is_some() { world.app.stranger() } else { person.browser.clone() };
    let mut answers = Vec::new();
    let before = world.state().await;
    for (ask, id) in asks {
        let reply = knock(&browser, door, wire, ask, access.as_deref()).await;
        let told = told(door, &reply);
        answers.push((said(&world.app, &reply, id), told));
    }
    let [(foreign, told), (nowhere, _)] = &answers[..] else { return Some("two were asked".to_owned()) };
    let changed = changed(&before, &world.state().await);
    if !changed.is_empty() {
        return Some(format!("{told}: it changed {changed:?}"));
    }
    if foreign != nowhere {
        return Some(format!("{told}{}", foreign.unlike(nowhere)));
    }
    let is_hidden = matches!(foreign.status, 403 | 404 | 409 | 422)
        || (foreign.status == 303 && wire == Wire::Form)
        || (foreign.status == 200 && row.is_so_already);
    (!is_hidden).then(|| format!("{told}: it did something"))
}

/// The same request with another id.
fn swapped(ask: &Ask, from: &str, to: &str) -> Ask {
    let fields = ask.fields.iter().map(|(name, value)| (name.clone(), value.replace(from, to)));
    Ask { path: ask.path.replace(from, to), fields: fields.collect() }
}

/// A door's request of somebody of one business with one id of another, at a place among its ids: what is wrong.
async fn reach_over(world: &World, person: &Person, (door, row): (&Door, &Row), place: usize) -> Vec<String> {
    let mut ids = world.ids(row, row.home(), person).await;
    let (_, thing) = row.ids[place];
    let foreign = world.thing(thing, Whose::Foreign, person).await;
    let nowhere = nobodys(&foreign);
    ids[place].1.clone_from(&foreign);
    let one = world.ask(row, &ids, person, "");
    let other = swapped(&one, &foreign, &nowhere);
    let mut problems = Vec::new();
    for wire in Wire::of(door.kind) {
        let asks = [(&one, foreign.as_str()), (&other, nowhere.as_str())];
        let found = compare(world, person, (door, row), *wire, asks).await;
        problems.extend(found.map(|found| format!("by {wire:?}: {found}")));
    }
    problems
}

#[tokio::test]
async fn ten_4_a_foreign_id_is_answered_as_one_that_nobody_has() {
    let world = World::start().await;
    let (mut problems, mut tried) = (Vec::new(), 0);
    for role in Role::ALL {
        let person = world.person(&world.b, role).await;
        let may = |need: Need| need != Need::Public && need.admits(Some(role.grants()));
        for (door, row) in doors().into_iter().filter(|(door, row)| !row.ids.is_empty() && may(door.need)) {
            for place in 0..row.ids.len() {
                let found = reach_over(&world, &person, (&door, row), place).await;
                problems.extend(found.into_iter().map(|found| format!("as {}, {found}", role.code())));
                tried += 1;
            }
        }
    }
    assert!(tried >= 40, "only {tried} tries");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn ten_4_a_search_for_a_foreign_id_finds_what_one_for_nobodys_finds() {
    let world = World::start().await;
    let all = doors();
    let mut problems = Vec::new();
    for (path, word, thing) in SEARCHES {
        let (door, _) = all.iter().find(|(door, _)| door.path == path).expect("a page of that name");
        let person = world.person(&world.b, Role::Owner).await;
        let foreign = world.thing(thing, Whose::Foreign, &person).await;
        let nowhere = nobodys(&foreign);
        let is_log = path == "/audit";
        let only = is_log.then(|| ("action".to_owned(), "business.changed".to_owned()));
        let ask = |id: &str| Ask {
            path: path.to_owned(),
            fields: [(word.to_owned(), id.to_owned())].into_iter().chain(only.clone()).collect(),
        };
        let mut answers = Vec::new();
        for id in [&foreign, &nowhere] {
            let reply = knock(&person.browser, door, Wire::Form, &ask(id), None).await;
            answers.push(said(&world.app, &reply, id));
        }
        if answers[0].status >= 500 || answers[0] != answers[1] {
            problems.push(format!("{path}?{word}=: {}", answers[0].unlike(&answers[1])));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Each page that takes no id, as each role of a business may see it.
async fn all_pages(app: &TestApp, readers: &[(Role, Browser)]) -> BTreeMap<(Role, &'static str), Said> {
    let mut seen = BTreeMap::new();
    for (role, browser) in readers {
        let is_read = |door: &Door| door.kind == Kind::Page && door.need != Need::Public;
        for (door, row) in doors().into_iter().filter(|(door, row)| is_read(door) && row.ids.is_empty()) {
            if door.need.admits(Some(role.grants())) && !door.path.contains('{') {
                let ask = Ask { path: row.path.to_owned(), fields: Vec::new() };
                let reply = knock(browser, &door, Wire::Form, &ask, None).await;
                seen.insert((*role, door.path), said(app, &reply, "\0"));
            }
        }
    }
    seen
}

#[tokio::test]
async fn ten_4_no_page_changes_by_what_another_business_has() {
    let app = TestApp::start().await;
    let b = app.business("b", Profile::FieldService).await;
    app.fill(&b).await;
    let mut readers = Vec::new();
    for role in Role::ALL {
        readers.push((role, app.browser(b.member(role)).await));
    }
    let first = all_pages(&app, &readers).await;
    let again = all_pages(&app, &readers).await;

    let a = app.business("a", Profile::FieldService).await;
    app.fill(&a).await;
    sql::run(&app.owner, format!("update members set name = 'Canary' where business_id = '{}'", a.id.0)).await;
    let other = app.browser(a.member(Role::Owner)).await;
    for path in ["/calls", "/audit", "/team"] {
        assert_eq!(other.get(path).await.status, 200, "{path}: the other business is at work");
    }
    let after = all_pages(&app, &readers).await;
    assert!(first.len() >= 60, "only {} pages", first.len());
    let mut problems = Vec::new();
    for ((role, path), page) in &after {
        let key = (*role, *path);
        if first.get(&key) != again.get(&key) && !MOVING.contains(path) {
            problems.push(format!("{path} as {} differs by itself: say why, in MOVING", role.code()));
        } else if !MOVING.contains(path) && again.get(&key) != Some(page) {
            let was = again.get(&key).map(|was| was.unlike(page)).unwrap_or_default();
            problems.push(format!("{path} as {}: {was}", role.code()));
        }
        if page.body.contains("Canary") || page.body.contains("@a.example") {
            problems.push(format!("{path} as {} shows somebody of another business", role.code()));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
