//! Two businesses with everything in them, somebody who asks, and what can be seen of what happened.

use std::{cell::Cell, collections::BTreeMap};

use axum::http::Method;
use ringfort::{
    model::{
        id::BusinessId,
        permission::{Grants, Role},
        profile::Profile,
    },
    server::http::doors::{Door, Kind},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    canary::{BUSINESS, NAME, NUMBER, TYPED},
    plan::{Row, Thing, Whose, Wire},
};
use crate::{
    kit::{Browser, Business, Member, PUBLIC_URL, Reply, TestApp, fixture::Filled, form, messages::Messages, sql},
    link::{ANOTHER, PASSWORD},
    oidc::provider::Provider,
    token,
};

/// What may grow whatever is asked: the log, and its queue for the sealer.
const LOG: [&str; 2] = ["audit_entries", "audit_pending"];

/// A digest of each table's rows.
pub type State = BTreeMap<String, String>;

/// Somebody, in a browser in which they have just shown who they are.
pub struct Person {
    pub member: Member,
    pub browser: Browser,
}

/// What is asked at a door.
#[derive(Debug, Clone)]
pub struct Ask {
    pub path: String,
    pub fields: Vec<(String, String)>,
}

/// An installation with a business that is attacked, and another one.
pub struct World {
    pub app: TestApp,
    pub a: Business,
    pub b: Business,
    pub of_a: Filled,
    pub of_b: Filled,
    pub messages: Messages,
    pub provider: Provider,
    state: String,
    count: Cell<u32>,
}

impl World {
    pub async fn start() -> Self {
        let provider = Provider::start().await;
        let (app, messages) = TestApp::start_texting_with_oidc(provider.address.clone(), provider.settings()).await;
        let a = app.business("a", Profile::FieldService).await;
        let b = app.business("b", Profile::FieldService).await;
        let (of_a, of_b) = (app.fill(&a).await, app.fill(&b).await);
        sql::run(&app.owner, format!("update businesses set name = '{BUSINESS}'")).await;
        sql::run(&app.owner, format!("update members set name = '{NAME}'")).await;
        sql::run(&app.owner, format!("update calls set party_number = '{NUMBER}'")).await;
        let state = state_of(&app).await;
        Self { app, a, b, of_a, of_b, messages, provider, state, count: Cell::new(0) }
    }

    /// A number that was not used before.
    pub fn next(&self) -> u32 {
        self.count.set(self.count.get() + 1);
        1_000 + self.count.get()
    }

    /// An address that nobody has, with somebody's name in it.
    pub fn email(&self) -> String {
        format!("zyxabella{}@quomptrix.example", self.next())
    }

    pub fn business(&self, id: BusinessId) -> &Business {
        if id == self.a.id { &self.a } else { &self.b }
    }

    pub fn filled(&self, id: BusinessId) -> &Filled {
        if id == self.a.id { &self.of_a } else { &self.of_b }
    }

    /// Somebody new in a business, whom nothing that happened before is about.
    pub async fn person(&self, business: &Business, role: Role) -> Person {
        let member = self.app.join(business.id, role, &self.email()).await;
        sql::run(&self.app.owner, format!("update members set name = '{NAME}' where id = '{}'", member.id.0)).await;
        let browser = self.app.browser(&member).await;
        Person { member, browser }
    }

    /// Gives somebody a role of the business's own, which was copied from `base`.
    pub async fn give(&self, person: &Person, base: Role, grants: Grants) {
        let (member, id): (&Member, Uuid) = (&person.member, self.app.app.draw());
        let (business, name) = (member.business.0, self.email());
        let role = format!(
            "insert into roles (business_id, id, name, base, created_at, created_by, changed_at, changed_by)
             values ('{business}', '{id}', '{name}', '{}', now(), '{1}', now(), '{1}')",
            base.code(),
            member.id.0
        );
        let held = format!(
            "insert into role_grants (business_id, role_id, permission, reach)
             select '{business}', '{id}', split_part(line, ' ', 1), split_part(line, ' ', 2)
             from unnest(string_to_array('{}', ',')) as line",
            grants.stored().join(",")
        );
        let given = format!("update members set role_id = '{id}' where id = '{}'", member.id.0);
        for statement in [role, held, given] {
            sql::run(&self.app.owner, statement).await;
        }
    }

    /// An access token of theirs.
    pub async fn access(&self, person: &Person) -> String {
        self.app.give_password(&person.member, token::PASSWORD).await;
        token::program(&self.app, &person.member.email).await.access
    }

    /// The state of everything but the log.
    pub async fn state(&self) -> State {
        sql::pairs(&self.app.owner, self.state.clone()).await.into_iter().collect()
    }

    /// The end of the log.
    pub async fn mark(&self) -> String {
        let newest = "select coalesce(max(at), '-infinity')::text from audit_entries";
        sql::text(&self.app.owner, newest).await
    }

    /// What was written since, as `action result`.
    pub async fn since(&self, mark: &str) -> Vec<String> {
        let written = format!("select action || ' ' || result from audit_entries where at > '{mark}' order by at");
        sql::texts(&self.app.owner, written).await
    }

    /// Things for the ids of a row. The first one is somebody's; the others are of the business of who asks.
    pub async fn ids(&self, row: &Row, whose: Whose, person: &Person) -> Vec<(&'static str, String)> {
        let mut ids = Vec::new();
        for (place, (name, thing)) in row.ids.iter().enumerate() {
            let whose = if place == 0 { whose } else { Whose::Others };
            ids.push((*name, self.thing(*thing, whose, person).await));
        }
        ids
    }

    /// A new thing of somebody's, as who asks sees it.
    pub async fn thing(&self, thing: Thing, whose: Whose, person: &Person) -> String {
        let home = self.business(person.member.business);
        let other = if home.id == self.a.id { &self.b } else { &self.a };
        match whose {
            Whose::Mine => self.make(thing, &person.member).await,
            Whose::Others => self.make(thing, home.member(Role::Agent)).await,
            Whose::Foreign => self.make(thing, other.member(Role::Agent)).await,
            Whose::Nobodys => nobodys(&self.make(thing, other.member(Role::Agent)).await),
        }
    }

    /// A good request at a door.
    pub fn ask(&self, row: &Row, ids: &[(&'static str, String)], person: &Person, answer: &str) -> Ask {
        let mut ask = Ask { path: row.path.to_owned(), fields: Vec::new() };
        let values = row.fields.iter().map(|(name, value)| (*name, self.value(value, person, answer)));
        let values: Vec<_> = ids.iter().cloned().chain(values).collect();
        for (name, value) in values {
            if name.starts_with('{') {
                ask.path = ask.path.replace(name, &value);
            } else {
                ask.fields.push((name.to_owned(), value));
            }
        }
        ask
    }

    fn value(&self, value: &str, person: &Person, answer: &str) -> String {
        let email = if value.contains("{email}") { self.email() } else { String::new() };
        let number = if value.contains("{number}") { self.next().to_string() } else { String::new() };
        let soon = self.app.now().plus(30 * 24 * 3600).0.to_string();
        value
            .replace("{soon}", soon.get(..10).unwrap_or_default())
            .replace("{email}", &email)
            .replace("{number}", &number)
            .replace("{me}", &person.member.email)
            .replace("{password}", PASSWORD)
            .replace("{another}", ANOTHER)
            .replace("{answer}", answer)
    }
}

/// An id of the same kind and the same moment that nobody has.
pub fn nobodys(id: &str) -> String {
    // Not the end, which pages show for the whole.
    let (start, rest) = id.split_at(id.len() - 10);
    let (digit, end) = rest.split_at(1);
    format!("{start}{}{end}", if digit == "0" { "1" } else { "0" })
}

/// The statement that digests each table of the tenants and of the lobby.
async fn state_of(app: &TestApp) -> String {
    let mut tables = sql::tenant_tables(&app.owner).await;
    tables.retain(|table| !LOG.contains(&table.as_str()));
    let lobby = "select oid::regclass::text from pg_class
        where relnamespace = 'lobby'::regnamespace and relkind = 'r' order by 1";
    tables.extend(sql::texts(&app.owner, lobby).await);
    let digest = |table: &String| {
        format!("select '{table}'::text, coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t")
    };
    tables.iter().map(digest).collect::<Vec<_>>().join(" union all ")
}

/// The tables that differ.
pub fn changed(before: &State, after: &State) -> Vec<String> {
    before.iter().filter(|(table, digest)| after.get(*table) != Some(*digest)).map(|(table, _)| table.clone()).collect()
}

/// Asks at a door, with something typed in every header that a stranger writes.
pub async fn knock(browser: &Browser, door: &Door, wire: Wire, ask: &Ask, access: Option<&str>) -> Reply {
    let browser = if wire == Wire::Form { browser.clone() } else { browser.clone().json() };
    let bearer = access.map(|token| format!("Bearer {token}"));
    let referer = format!("{PUBLIC_URL}/team?typed={TYPED}");
    let mut headers = vec![("user-agent", TYPED), ("referer", referer.as_str())];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    let pairs: Vec<(&str, &str)> = ask.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if door.method == Method::GET {
        let path = if pairs.is_empty() { ask.path.clone() } else { format!("{}?{}", ask.path, form(&pairs)) };
        return browser.ask(Method::GET, &path, &headers, String::new()).await;
    }
    let body = if let [("*", whole)] = pairs[..] {
        headers.extend(whole.starts_with('{').then_some(("content-type", "application/json")));
        whole.to_owned()
    } else if door.kind == Kind::Rest {
        headers.push(("content-type", "application/json"));
        let fields = ask.fields.iter().map(|(name, value)| (name.clone(), Value::String(value.clone())));
        Value::Object(fields.collect()).to_string()
    } else {
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        form(&pairs)
    };
    browser.ask(door.method.clone(), &ask.path, &headers, body).await
}

/// A try in words, for who reads that it went wrong.
pub fn told(door: &Door, reply: &Reply) -> String {
    let body: String = reply.body.chars().take(200).collect();
    format!("{} {} answered {} {body:?}", door.method, door.path, reply.status)
}
