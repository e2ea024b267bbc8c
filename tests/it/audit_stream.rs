//! Streams of the audit log (AUD-5), to real collectors over real TLS: everything that is sealed arrives, in its order, at
//! least once, whatever becomes of the collector; and nobody is called or trusted who must not be.

mod page;
mod receiver;
mod sending;

use ringfort::{
    model::{id::StreamId, permission::Role, profile::Profile},
    server::services::audit_stream::sending as sender,
};
use serde_json::Value;

use crate::kit::{Browser, Business, TestApp, sql};
use receiver::{CA, Collector, Ends, HERE};

const CREATE: &str = "/api/audit/streams/create";

/// A product that may call these collectors, a business in it, and its owner.
async fn start(collectors: &[&Collector]) -> (TestApp, Business, Browser) {
    let app = TestApp::start_allowing(collectors.iter().map(|collector| collector.address()).collect()).await;
    let business = app.business("a", Profile::FieldService).await;
    let owner = app.browser(business.member(Role::Owner)).await;
    (app, business, owner)
}

/// The fields of the form, for a collector of the tests.
fn form<'a>(address: &'a str, format: &'a str, start: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("label", "SIEM"), ("address", address), ("format", format), ("start", start), ("ca", CA)]
}

/// Makes a stream as a person does.
async fn made(owner: &Browser, fields: &[(&str, &str)]) -> StreamId {
    let reply = owner.post(CREATE, fields).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    let to = reply.header("location").expect("a page").to_owned();
    let id = to.strip_prefix("/audit/streams/").unwrap_or_else(|| panic!("refused: {to}"));
    id.parse().expect("an id")
}

/// One turn of the sender for every stream, whenever it would be due. Says how many there were.
async fn turn(app: &TestApp) -> usize {
    sql::run(&app.owner, "update audit_streams set next_at = now() - interval '1 second', lease_until = null").await;
    sender::round(&app.app, 16).await.expect("a round")
}

/// The ids of everything that is sealed, in the order of the chain.
async fn sealed_ids(app: &TestApp, business: &Business) -> Vec<String> {
    let query = format!(
        "select 'aud_' || replace(e.id::text, '-', '') from audit_entries e
         where e.business_id = '{}' and not exists (select from audit_pending p where p.id = e.id)
         order by e.xid, e.id",
        business.id.0
    );
    sql::texts(&app.owner, query).await
}

fn ids(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["entry"]["id"].as_str().expect("an id").to_owned()).collect()
}

/// Without what came twice.
fn once(ids: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    ids.into_iter().filter(|id| seen.insert(id.clone())).collect()
}

/// A column of the only stream, as a text.
async fn column(app: &TestApp, what: &str) -> String {
    sql::text(&app.owner, format!("select coalesce(({what})::text, '-') from audit_streams")).await
}

/// A collector of syslog that runs, and a stream to it from the beginning.
async fn syslog() -> (TestApp, Business, Browser, Collector, StreamId) {
    let mut collector = Collector::away().await;
    collector.syslog(HERE, Ends::Politely).await;
    let (app, business, owner) = start(&[&collector]).await;
    let stream = made(&owner, &form(&collector.address(), "json", "beginning")).await;
    (app, business, owner, collector, stream)
}
