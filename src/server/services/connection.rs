//! Connecting providers (KEY-1, KEY-2): create, test, rotate, revoke. A secret goes in and is never shown again.

use serde_json::json;

use super::audit::{self, Act};
use crate::{
    model::{
        audit::Action,
        field::{Bad, Fields, text},
        id::{ConnectionId, SecretId},
        phone::Phone,
    },
    server::{
        http::{AppError, Cx},
        kit::entropy::Token,
        providers::{
            TestOutcome,
            agency::{AgencyConnection, agency},
            telephony,
        },
        store::{self, connection::NewConnection},
        vault::{Purpose, Secret},
    },
};

/// After a rotation the old secret stays good for this long, so that no event in flight is lost (KEY-2: within 60 s).
pub const OVERLAP_SECONDS: i64 = 60;

/// What the form says.
pub struct Draft<'a> {
    pub provider: &'a str,
    pub label: &'a str,
    pub account: &'a str,
    pub number: &'a str,
    pub base_url: &'a str,
    pub secret: Secret,
}

/// A draft whose every field is acceptable to its provider.
struct Checked {
    provider: &'static str,
    label: String,
    account: String,
    number: Option<Phone>,
    base_url: Option<String>,
}

fn check(draft: &Draft<'_>) -> Result<Checked, AppError> {
    let mut fields = Fields::default();
    let label = fields.take("label", text(draft.label, 80));
    let secret = draft.secret.expose();
    let (provider, account) = if let Some(provider) = telephony(draft.provider) {
        fields.take("secret", provider.check_secret(secret));
        (Some(provider.code()), fields.take("account", provider.check_account(draft.account)))
    } else if let Some(system) = agency(draft.provider) {
        fields.take("secret", system.check_secret(secret));
        (Some(system.code()), fields.take("account", system.check_account(draft.account)))
    } else {
        fields.note("provider", Bad::Choice);
        (None, None)
    };
    let number = match draft.number.trim() {
        "" => Some(None),
        number => fields.take("number", number.parse::<Phone>().map_err(|_| Bad::Phone)).map(Some),
    };
    let base_url = match draft.base_url.trim() {
        "" => Some(None),
        address => fields.take("base_url", base(address)).map(Some),
    };
    match (provider, label, account, number, base_url) {
        (Some(provider), Some(label), Some(account), Some(number), Some(base_url)) => {
            fields.finish()?;
            Ok(Checked { provider, label, account, number, base_url })
        }
        _ => Err(fields.into()),
    }
}

/// A base address without path; that it is public is checked at each connect.
fn base(address: &str) -> Result<String, Bad> {
    let url = url::Url::parse(address).map_err(|_| Bad::Url)?;
    let plain = matches!(url.scheme(), "https" | "http") && url.has_host() && url.username().is_empty();
    if plain && url.query().is_none() { Ok(address.trim_end_matches('/').to_owned()) } else { Err(Bad::Url) }
}

/// Connects a provider.
///
/// # Errors
/// Invalid fields; refused without `credentials`.
pub async fn create(cx: &Cx, draft: Draft<'_>) -> Result<ConnectionId, AppError> {
    let person = cx.signed_in()?;
    let checked = check(&draft)?;
    let id: ConnectionId = cx.app.draw();
    audit::audited(&cx.app, &person.caller, Action::ConnectionCreated, async |act| {
        act.on("connection", id.0);
        act.after(json!({ "provider": checked.provider }));
        let token = Token::draw(cx.app.entropy());
        let sealed =
            cx.app.vault().seal(&mut act.tx, Purpose::ConnectionToken, id.0, token.reveal().as_bytes()).await?;
        let new = NewConnection {
            id,
            provider: checked.provider,
            label: &checked.label,
            account: &checked.account,
            number: checked.number.as_ref().map(Phone::reveal),
            base_url: checked.base_url.as_deref(),
            token_hash: &token.hash(),
            token_sealed: &sealed,
            created_by: person.member.0,
        };
        store::connection::insert(&mut act.tx, new).await?;
        put_secret(cx, act, id, &draft.secret).await?;
        Ok(id)
    })
    .await
}

async fn put_secret(cx: &Cx, act: &mut Act, connection: ConnectionId, secret: &Secret) -> Result<(), AppError> {
    let id: SecretId = cx.app.draw();
    let sealed = cx.app.vault().seal(&mut act.tx, Purpose::ConnectionSecret, id.0, secret.expose().as_bytes()).await?;
    let old_until = cx.visitor.now.plus(OVERLAP_SECONDS);
    Ok(store::connection::put_secret(&mut act.tx, connection, id, &sealed, old_until).await?)
}

/// Replaces the secret; the old one is good for a minute more.
///
/// # Errors
/// Invalid secret; refused without `credentials`; conflict when revoked.
pub async fn rotate(cx: &Cx, id: ConnectionId, secret: Secret) -> Result<(), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::ConnectionRotated, async |act| {
        act.on("connection", id.0);
        let connection = store::connection::get(&mut act.tx, id).await?;
        let fine = match (telephony(&connection.provider), agency(&connection.provider)) {
            (Some(provider), _) => provider.check_secret(secret.expose()),
            (None, Some(system)) => system.check_secret(secret.expose()),
            (None, None) => Err(Bad::Choice),
        };
        fine.map_err(|bad| AppError::field("secret", bad))?;
        store::connection::rotated(&mut act.tx, id).await?;
        put_secret(cx, act, id, &secret).await
    })
    .await
}

/// Ends a connection: the next webhook is refused, the secrets are gone.
///
/// # Errors
/// Invalid confirmation; refused without `credentials`; conflict when revoked already.
pub async fn revoke(cx: &Cx, id: ConnectionId, confirm: &str) -> Result<(), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::ConnectionRevoked, async |act| {
        act.on("connection", id.0);
        if confirm.trim() != "revoke" {
            return Err(AppError::field("confirm", Bad::Confirm("revoke".to_owned())));
        }
        Ok(store::connection::revoke(&mut act.tx, id).await?)
    })
    .await
}

/// Tries account and secret against the provider, and stores how it went. No transaction is open while it answers.
///
/// # Errors
/// Refused without `credentials`; missing when revoked or not this business's.
pub async fn test(cx: &Cx, id: ConnectionId) -> Result<TestOutcome, AppError> {
    let person = cx.signed_in()?;
    let mut tx = cx.tx().await?;
    let connection = store::connection::get(&mut tx, id).await?;
    let (secret_id, sealed) = store::connection::newest_secret(&mut tx, id).await?;
    tx.commit().await?;
    let vault = cx.app.vault();
    let secret = vault.open_text(person.caller.business, Purpose::ConnectionSecret, secret_id.0, &sealed).await?;
    let outbound = cx.app.outbound();
    let outcome = match (telephony(&connection.provider), agency(&connection.provider)) {
        (Some(provider), _) => provider.test(outbound, &connection.account, &secret).await,
        (None, Some(system)) => {
            let target = AgencyConnection { account: connection.account, secret, base_url: connection.base_url };
            system.test(outbound, &target).await
        }
        (None, None) => return Err(AppError::Missing),
    };
    audit::audited(&cx.app, &person.caller, Action::ConnectionTested, async |act| {
        act.on("connection", id.0);
        let word = match outcome {
            TestOutcome::Ok => "ok",
            TestOutcome::Refused => "refused",
            TestOutcome::Unreachable => "unreachable",
        };
        act.after(json!({ "result": word }));
        store::connection::tested(&mut act.tx, id, word).await?;
        Ok(outcome)
    })
    .await
}

/// The webhook address to give to the provider. Looking at it is written down: whoever has it can knock.
///
/// # Errors
/// Refused without `credentials`; missing when it is not this business's.
pub async fn address(cx: &Cx, id: ConnectionId) -> Result<Secret, AppError> {
    let person = cx.signed_in()?;
    let (provider, sealed) = audit::audited(&cx.app, &person.caller, Action::ConnectionRevealed, async |act| {
        act.on("connection", id.0);
        let connection = store::connection::get(&mut act.tx, id).await?;
        Ok((connection.provider, store::connection::sealed_token(&mut act.tx, id).await?))
    })
    .await?;
    let token = cx.app.vault().open_text(person.caller.business, Purpose::ConnectionToken, id.0, &sealed).await?;
    Ok(Secret::new(webhook_base(&cx.app.config().public_url, &provider, token.expose())))
}

/// `https://…/webhooks/twilio/{token}`; the doors are below it.
#[must_use]
pub fn webhook_base(public_url: &str, provider: &str, token: &str) -> String {
    format!("{public_url}/webhooks/{provider}/{token}")
}
