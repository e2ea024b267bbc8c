//! A stand-in for the agency system `NowCerts`: a token for everybody who asks in the right shape, and one to three
//! fictional clients for every number, the same ones each time. Everybody here is invented.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use anyhow::Context;
use axum::{
    Form, Json, Router,
    extract::Query,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Where the demo's insurance agency looks for its agency system.
pub const AGENCY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4011);

const FIRST: [&str; 12] = [
    "Amelia", "Bertrand", "Cecilia", "Dominic", "Esther", "Franklin", "Gloria", "Hector", "Imogen", "Julian", "Kendra",
    "Lionel",
];
const LAST: [&str; 12] = [
    "Abernathy",
    "Brisco",
    "Carmody",
    "Delacroix",
    "Eastman",
    "Fairbanks",
    "Goodwin",
    "Hargrove",
    "Ingram",
    "Jessup",
    "Kingsley",
    "Lockhart",
];
const COMPANIES: [&str; 6] = [
    "Aspen Ridge Bakery",
    "Blue Spruce Dental",
    "Copperline Roofing",
    "Front Range Cycles",
    "Mesa Print",
    "Tall Pine Inn",
];
const LINES: [&str; 5] = ["AUTO", "HOME", "LIFE", "BOP", "UMB"];
const TASKS: [&str; 5] = [
    "Send the renewal quote",
    "Ask for the driver's licence",
    "Confirm the new address",
    "Review the roof inspection",
    "Call back about the claim",
];

/// Serves the stand-in until told to stop.
///
/// # Errors
/// The address is taken.
pub async fn agency_standin(listen: SocketAddr, stop: CancellationToken) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("{listen} cannot be listened on"))?;
    axum::serve(listener, router()).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "not a door of the product: another system, played for the demo")]
fn router() -> Router {
    Router::new()
        .route("/token", post(token))
        .route("/api/token", post(token))
        .route("/api/InsuredDetailList()", get(search))
}

/// The password grant: whoever names themselves and a password is believed.
async fn token(Form(form): Form<HashMap<String, String>>) -> Response {
    let has = |name: &str| form.get(name).is_some_and(|value| !value.is_empty());
    let is_grant = form.get("grant_type").is_some_and(|grant| grant == "password");
    if !is_grant || !has("username") || !has("password") {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    }
    Json(json!({ "access_token": "stand-in", "token_type": "bearer", "expires_in": 3600 })).into_response()
}

async fn search(headers: HeaderMap, Query(query): Query<HashMap<String, String>>) -> Response {
    let login = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if login != Some("Bearer stand-in") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match query.get("$filter").and_then(|filter| asked(filter)) {
        Some(number) => Json(json!({ "value": clients(&number) })).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The digits of the first number in `cellPhone eq '+13035550142' or …`.
fn asked(filter: &str) -> Option<String> {
    let literal = filter.split('\'').nth(1)?;
    let digits: String = literal.chars().filter(char::is_ascii_digit).collect();
    (7..=15).contains(&digits.len()).then_some(digits)
}

/// Who has this number: mostly one person, sometimes a household.
fn clients(digits: &str) -> Vec<Value> {
    let mut rng = StdRng::seed_from_u64(digits.parse().unwrap_or_default());
    let count = match rng.random_range(0..10) {
        0..6 => 1,
        6..9 => 2,
        _ => 3,
    };
    let household = pick(&LAST, &mut rng);
    (0..count).map(|i| client(digits, i, household, &mut rng)).collect()
}

fn client(digits: &str, index: u32, last: &str, rng: &mut StdRng) -> Value {
    let company = if rng.random_ratio(1, 4) { pick(&COMPANIES, rng) } else { "" };
    let policies: Vec<Value> = (0..rng.random_range(1..4))
        .map(|_| json!({ "number": format!("{}-{:06}", pick(&LINES, rng), rng.random_range(0..1_000_000)) }))
        .collect();
    let tasks: Vec<Value> = (0..rng.random_range(0..3)).map(|_| json!({ "title": pick(&TASKS, rng) })).collect();
    let (month, day) = (rng.random_range(1..=6), rng.random_range(1..=28));
    json!({
        "databaseId": format!("demo-{digits}-{index}"),
        "firstName": pick(&FIRST, rng),
        "lastName": last,
        "commercialName": company,
        "cellPhone": format!("+{digits}"),
        "policies": policies,
        "tasks": tasks,
        "lastContactDate": format!("2026-{month:02}-{day:02}"),
    })
}

fn pick(from: &[&'static str], rng: &mut StdRng) -> &'static str {
    from.choose(rng).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_always_finds_the_same_people() {
        let digits = asked("cellPhone eq '+13035550142' or phone eq '+13035550142'").expect("a number");
        assert_eq!(digits, "13035550142");
        let found = clients(&digits);
        assert_eq!(found, clients(&digits));
        assert!((1..=3).contains(&found.len()));
        assert!(found.iter().all(|client| client["cellPhone"] == "+13035550142" && client["firstName"] != ""));
        assert_eq!(asked("phone eq 'x'"), None);
        assert_eq!(asked(""), None);
    }
}
