//! Twilio's side: signs and sends what Twilio would.

use axum::{
    body::Body,
    http::{Method, Request},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use ringfort::{
    model::{
        id::{ConnectionId, SecretId},
        permission::Role,
    },
    server::{kit::entropy::Token, vault::Purpose},
};
use sha1::Sha1;

use super::{
    Business, PUBLIC_URL, Reply, TestApp,
    browser::{form, send},
};

pub const AUTH_TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub const NUMBER: &str = "+15005550006";

/// A connection, with everything that only Twilio and the product know.
#[derive(Clone)]
pub struct Twilio {
    pub connection: ConnectionId,
    pub account: String,
    /// The part of the address that finds the business.
    pub token: String,
    pub auth: String,
}

impl TestApp {
    /// Connects Twilio to a business.
    pub async fn twilio(&self, business: &Business) -> Twilio {
        let token = Token::draw(self.app.entropy());
        let account = format!("AC{:032x}", 7);
        let connection = self.connect(business, "twilio", &account, None, AUTH_TOKEN, &token).await;
        Twilio { connection, account, token: token.reveal().to_owned(), auth: AUTH_TOKEN.to_owned() }
    }

    /// A connection of any provider.
    pub async fn connect(
        &self,
        business: &Business,
        provider: &str,
        account: &str,
        base_url: Option<&str>,
        secret: &str,
        token: &Token,
    ) -> ConnectionId {
        let (id, secret_id): (ConnectionId, SecretId) = (self.app.draw(), self.app.draw());
        let token_sealed = self.seal(business.id, Purpose::ConnectionToken, id.0, token.reveal().as_bytes()).await;
        let sealed = self.seal(business.id, Purpose::ConnectionSecret, secret_id.0, secret.as_bytes()).await;
        sqlx::query(
            "insert into connections (business_id, id, provider, label, account, number, base_url, token_hash,
                 token_sealed, created_by, created_at)
             values ($1, $2, $3, 'The line', $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(business.id)
        .bind(id)
        .bind(provider)
        .bind(account)
        .bind((provider == "twilio").then_some(NUMBER))
        .bind(base_url)
        .bind(token.hash())
        .bind(token_sealed)
        .bind(business.member(Role::Owner).id)
        .bind(self.now())
        .execute(&self.owner)
        .await
        .expect("a connection");
        sqlx::query(
            "insert into connection_secrets (business_id, id, connection_id, sealed, created_at)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(business.id)
        .bind(secret_id)
        .bind(id)
        .bind(sealed)
        .bind(self.now())
        .execute(&self.owner)
        .await
        .expect("a secret");
        id
    }
}

/// RFC 2104 over the address and every parameter in order, as twilio.com documents it. Our own words, not the
/// product's.
pub fn sign(url: &str, fields: &[(&str, &str)], auth: &str) -> String {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let mut text = url.to_owned();
    for (name, value) in sorted {
        text.push_str(name);
        text.push_str(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(auth.as_bytes()).expect("any length will do");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

impl Twilio {
    pub fn path(&self, door: &str) -> String {
        format!("/webhooks/twilio/{}/{door}", self.token)
    }

    /// Sends a signed event.
    pub async fn post(&self, app: &TestApp, door: &str, fields: &[(&str, &str)]) -> Reply {
        let path = self.path(door);
        let fields = [&[("AccountSid", self.account.as_str())][..], fields].concat();
        let signature = sign(&format!("{PUBLIC_URL}{path}"), &fields, &self.auth);
        post(app, &path, Some(&signature), form(&fields)).await
    }
}

/// Sends anything to a webhook's address.
pub async fn post(app: &TestApp, path: &str, signature: Option<&str>, body: String) -> Reply {
    let mut request =
        Request::builder().method(Method::POST).uri(path).header("content-type", "application/x-www-form-urlencoded");
    if let Some(signature) = signature {
        request = request.header("x-twilio-signature", signature);
    }
    send(app.router(), request.body(Body::from(body)).expect("a request")).await
}

/// A call's id, of Twilio's shape.
pub fn sid(number: u32) -> String {
    format!("CA{number:032x}")
}
