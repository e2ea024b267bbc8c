//! Businesses, their people, and the provider that calls them. Signing is written anew, not with the verifier's code.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use ringfort::{
    model::id::{BusinessId, ConnectionId, JobId, MemberId, SecretId, TraceId, UserId},
    server::{
        caller::{Actor, Caller, Origin},
        kit::entropy::token_hash,
        store::TenantTx,
        vault::Purpose,
    },
};
use sha1::Sha1;
use uuid::Uuid;

use super::{Bench, PUBLIC_URL, new_id, now, random};

const AUTH_TOKEN: &str = "0123456789abcdef0123456789abcdef";
const NUMBER: &str = "+15005550006";

/// A business with one connection, as its provider knows it.
#[derive(Clone)]
pub struct Line {
    pub business: BusinessId,
    pub connection: ConnectionId,
    pub owner: MemberId,
    pub account: String,
    pub token: String,
}

/// The part of a webhook's address that finds the business. Not random here, so that pgbench can make it too.
pub fn token(number: usize) -> String {
    format!("bench-token-{number}")
}

/// Founds a business and connects its provider.
pub async fn found(bench: &Bench, number: usize) -> anyhow::Result<Line> {
    let business: BusinessId = new_id();
    let at = now();
    sqlx::query(
        "insert into businesses (business_id, name, profile, zone, created_at)
         values ($1, $2, 'insurance_agency', 'America/New_York', $3)",
    )
    .bind(business)
    .bind(format!("Business {number}"))
    .bind(at)
    .execute(&bench.owner)
    .await?;
    let key = bench.app.vault().new_data_key(business)?;
    sqlx::query("insert into data_keys (business_id, id, wrapped, master_key, created_at) values ($1, $2, $3, $4, $5)")
        .bind(business)
        .bind(key.id)
        .bind(key.wrapped)
        .bind(key.master_key)
        .bind(at)
        .execute(&bench.owner)
        .await?;
    let (_, owner) = join(bench, business, "owner", &format!("owner@b{number}.example")).await?;
    connect(bench, business, owner, number).await
}

/// A person who joins.
pub async fn join(bench: &Bench, business: BusinessId, role: &str, email: &str) -> anyhow::Result<(UserId, MemberId)> {
    let (user, member): (UserId, MemberId) = (new_id(), new_id());
    sqlx::query("insert into lobby.users (id, email, password_hash, created_at) values ($1, $2, 'none', $3)")
        .bind(user)
        .bind(email)
        .bind(now())
        .execute(&bench.owner)
        .await?;
    sqlx::query(
        "insert into members (business_id, id, user_id, email, name, role, joined_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(business)
    .bind(member)
    .bind(user)
    .bind(email)
    .bind(email)
    .bind(role)
    .bind(now())
    .execute(&bench.owner)
    .await?;
    Ok((user, member))
}

async fn connect(bench: &Bench, business: BusinessId, owner: MemberId, number: usize) -> anyhow::Result<Line> {
    let (connection, secret): (ConnectionId, SecretId) = (new_id(), new_id());
    let (account, token) = (format!("AC{number:032x}"), token(number));
    sqlx::query(
        "insert into connections (business_id, id, provider, label, account, number, token_hash, token_sealed,
             created_by, created_at)
         values ($1, $2, 'twilio', 'Twilio', $3, $4, $5, $6, $7, $8)",
    )
    .bind(business)
    .bind(connection)
    .bind(&account)
    .bind(NUMBER)
    .bind(token_hash(&token))
    .bind(vec![0_u8])
    .bind(owner)
    .bind(now())
    .execute(&bench.owner)
    .await?;
    let sealed = seal(bench, business, secret.0).await?;
    sqlx::query(
        "insert into connection_secrets (business_id, id, connection_id, sealed, created_at)
         values ($1, $2, $3, $4, $5)",
    )
    .bind(business)
    .bind(secret)
    .bind(connection)
    .bind(sealed)
    .bind(now())
    .execute(&bench.owner)
    .await?;
    Ok(Line { business, connection, owner, account, token })
}

async fn seal(bench: &Bench, business: BusinessId, row: Uuid) -> anyhow::Result<Vec<u8>> {
    let caller = Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business,
        origin: Origin { door: "bench", network: None },
        trace: new_id::<TraceId>(),
    };
    let mut tx = TenantTx::open(bench.app.db(), &caller, now()).await?;
    let sealed = bench.app.vault().seal(&mut tx, Purpose::ConnectionSecret, row, AUTH_TOKEN.as_bytes()).await?;
    tx.commit().await?;
    Ok(sealed)
}

/// A new call's id, as Twilio draws them.
pub fn new_sid() -> String {
    format!("CA{}", hex::encode(random::<16>()))
}

/// A signed status event of a call, as the bytes of a request.
pub fn status(line: &Line, sid: &str, state: &str) -> Vec<u8> {
    let path = format!("/webhooks/twilio/{}/status", line.token);
    // In the order of their names, which is the order that is signed.
    let fields = [
        ("AccountSid", line.account.as_str()),
        ("CallSid", sid),
        ("CallStatus", state),
        ("Direction", "inbound"),
        ("From", "+14155550100"),
        ("SequenceNumber", "0"),
        ("To", NUMBER),
    ];
    let signature = sign(&format!("{PUBLIC_URL}{path}"), &fields);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
    format!(
        "POST {path} HTTP/1.1\r\nhost: calls.example.com\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         x-twilio-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn sign(url: &str, fields: &[(&str, &str)]) -> String {
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(AUTH_TOKEN.as_bytes()).expect("HMAC takes any key");
    mac.update(url.as_bytes());
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}
