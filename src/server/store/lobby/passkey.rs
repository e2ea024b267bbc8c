//! Passkeys (ACC-3), by the definer functions of migration 0019: the keys themselves, and the ceremonies between asking a
//! browser and its answer. What comes and goes runs on the transaction of its audit entry.

use serde_json::Value;
use sqlx::PgPool;

use crate::{
    model::{
        id::{PasskeyId, UserId},
        personal::Email,
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx, types::read},
    },
};

/// What a browser is asked to show a passkey for. An answer counts for that alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CeremonyKind {
    /// To add one.
    Register,
    /// As the second proof of a sign-in.
    Answer,
    /// To sign in with nothing else.
    SignIn,
    /// To show again who one is.
    Confirm,
}

impl CeremonyKind {
    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Answer => "answer",
            Self::SignIn => "sign_in",
            Self::Confirm => "confirm",
        }
    }
}

/// A ceremony that begins.
#[derive(Debug)]
pub struct NewCeremony<'a> {
    pub token_hash: &'a [u8],
    pub kind: CeremonyKind,
    /// Whose answer is waited for; nobody's in particular for a sign-in with nothing else.
    pub user: Option<UserId>,
    pub state: &'a Value,
    pub now: At,
    pub expires: At,
}

/// # Errors
/// The database cannot be reached.
pub async fn passkey_ceremony_begin(db: &PgPool, c: NewCeremony<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "select lobby.passkey_ceremony_begin($1, $2, $3, $4, $5, $6)",
        c.token_hash,
        c.kind.code(),
        c.user.map(|user| user.0),
        c.state,
        c.now,
        c.expires,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A ceremony that was begun here, and is over with this.
#[derive(Debug)]
pub struct Ceremony {
    pub user: Option<UserId>,
    pub state: Value,
}

/// Ends the ceremony behind a token. `None` when it is over, of another kind, or was answered.
///
/// # Errors
/// The database cannot be reached.
pub async fn passkey_ceremony_take(
    db: &PgPool,
    token_hash: &[u8],
    kind: CeremonyKind,
    now: At,
) -> Result<Option<Ceremony>, StoreError> {
    let row = sqlx::query!(
        r#"select user_id as "user_id?", state as "state!" from lobby.passkey_ceremony_take($1, $2, $3)"#,
        token_hash,
        kind.code(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| Ceremony { user: r.user_id.map(UserId), state: r.state }))
}

/// A passkey of somebody, as they know it.
#[derive(Debug, Clone)]
pub struct Passkey {
    pub id: PasskeyId,
    pub name: String,
    pub credential: Value,
    pub added_at: At,
    pub used_at: Option<At>,
}

/// All passkeys of somebody, the oldest first.
///
/// # Errors
/// The database cannot be reached.
pub async fn passkeys_of(db: &PgPool, user: UserId) -> Result<Vec<Passkey>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id!", name as "name!", credential as "credential!", added_at as "added_at!",
               used_at as "used_at?"
           from lobby.passkeys_of($1)"#,
        user.0
    )
    .fetch_all(db)
    .await?;
    let passkeys = rows.into_iter().map(|r| Passkey {
        id: PasskeyId(r.id),
        name: r.name,
        credential: r.credential,
        added_at: r.added_at,
        used_at: r.used_at,
    });
    Ok(passkeys.collect())
}

/// A passkey by what authenticators call it, and whose it is.
#[derive(Debug)]
pub struct KnownPasskey {
    pub id: PasskeyId,
    pub user: UserId,
    pub email: Email,
    pub credential: Value,
}

/// # Errors
/// The database cannot be reached.
pub async fn passkey_by_credential(db: &PgPool, credential_id: &[u8]) -> Result<Option<KnownPasskey>, StoreError> {
    let row = sqlx::query!(
        r#"select id as "id!", user_id as "user_id!", email as "email!", credential as "credential!"
           from lobby.passkey_by_credential($1)"#,
        credential_id
    )
    .fetch_optional(db)
    .await?;
    row.map(|r| {
        Ok(KnownPasskey {
            id: PasskeyId(r.id),
            user: UserId(r.user_id),
            email: read("users.email", &r.email)?,
            credential: r.credential,
        })
    })
    .transpose()
}

/// A passkey that an authenticator has just made.
#[derive(Debug)]
pub struct NewPasskey<'a> {
    pub id: PasskeyId,
    pub user: UserId,
    pub credential_id: &'a [u8],
    pub credential: &'a Value,
    pub name: &'a str,
    /// How many a person may have.
    pub most: i32,
}

/// False when the person has as many as one may have.
///
/// # Errors
/// Taken when it is registered already, with whomever.
pub async fn passkey_add(tx: &mut TenantTx, p: &NewPasskey<'_>) -> Result<bool, StoreError> {
    let now = tx.now();
    let added = sqlx::query_scalar!(
        "select lobby.passkey_add($1, $2, $3, $4, $5, $6, $7)",
        p.user.0,
        p.id.0,
        p.credential_id,
        p.credential,
        p.name,
        now,
        p.most,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(added.unwrap_or(false))
}

/// Stores what a use leaves. False when another one was stored since `old` was read.
///
/// # Errors
/// The database cannot be reached.
pub async fn passkey_used(db: &PgPool, id: PasskeyId, old: &Value, new: &Value, now: At) -> Result<bool, StoreError> {
    let stored =
        sqlx::query_scalar!("select lobby.passkey_used($1, $2, $3, $4)", id.0, old, new, now).fetch_one(db).await?;
    Ok(stored.unwrap_or(false))
}

/// Takes one away, and with the last factor the recovery codes. False when it is not this person's.
///
/// # Errors
/// The database cannot be reached.
pub async fn passkey_remove(tx: &mut TenantTx, user: UserId, id: PasskeyId) -> Result<bool, StoreError> {
    let removed = sqlx::query_scalar!("select lobby.passkey_remove($1, $2)", user.0, id.0).fetch_one(tx.conn()).await?;
    Ok(removed.unwrap_or(false))
}
