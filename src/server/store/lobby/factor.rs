//! Second factors of people (ACC-3), by the definer functions of migrations 0011 and 0018. What changes a factor runs on the
//! transaction of its audit entry; what answers a question has none, as nobody is signed in yet.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    model::{factor::Factor, id::UserId, personal::Email},
    server::{
        kit::At,
        store::{StoreError, TenantTx, types::read},
    },
};

/// Which second factors somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factors {
    pub totp: bool,
    pub email_codes: bool,
    pub text_codes: bool,
    pub passkeys: i64,
    pub recovery_left: i64,
}

impl Factors {
    /// Whether there is one. Recovery codes stand in for a factor and are none.
    #[must_use]
    pub fn any(&self) -> bool {
        self.totp || self.email_codes || self.text_codes || self.passkeys > 0
    }

    /// Whether there is one that has to be shown where somebody proves again who they are (ACC-8): the password is not
    /// enough then.
    #[must_use]
    pub fn beyond_password(&self) -> bool {
        self.totp || self.passkeys > 0
    }
}

/// Which second factors somebody has, since when.
#[derive(Debug, Clone, Copy)]
pub struct FactorDates {
    pub totp: Option<At>,
    pub email_codes: Option<At>,
    pub text_codes: Option<At>,
    /// How many. Each has its own date.
    pub passkeys: i64,
    pub recovery_drawn: Option<At>,
    pub recovery_left: i64,
}

impl From<FactorDates> for Factors {
    fn from(dates: FactorDates) -> Self {
        Self {
            totp: dates.totp.is_some(),
            email_codes: dates.email_codes.is_some(),
            text_codes: dates.text_codes.is_some(),
            passkeys: dates.passkeys,
            recovery_left: dates.recovery_left,
        }
    }
}

/// # Errors
/// The database cannot be reached.
pub async fn factors_of(db: &PgPool, user: UserId) -> Result<Factors, StoreError> {
    factor_dates(db, user).await.map(Factors::from)
}

/// # Errors
/// The database cannot be reached.
pub async fn factor_dates(db: &PgPool, user: UserId) -> Result<FactorDates, StoreError> {
    let row = sqlx::query!(
        r#"select totp_at as "totp_at?", email_at as "email_at?", text_at as "text_at?", passkeys as "passkeys!",
               recovery_at as "recovery_at?", recovery_left as "recovery_left!"
           from lobby.factor_dates($1)"#,
        user.0
    )
    .fetch_one(db)
    .await?;
    Ok(FactorDates {
        totp: row.totp_at,
        email_codes: row.email_at,
        text_codes: row.text_at,
        passkeys: row.passkeys,
        recovery_drawn: row.recovery_at,
        recovery_left: row.recovery_left,
    })
}

/// The seed of somebody's authenticator app, sealed under its id.
pub struct TotpSeed {
    pub id: Uuid,
    pub sealed: Vec<u8>,
    pub started_at: At,
    /// Absent while it is being set up: then it counts for nothing.
    pub added_at: Option<At>,
}

/// # Errors
/// The database cannot be reached.
pub async fn totp_seed(db: &PgPool, user: UserId) -> Result<Option<TotpSeed>, StoreError> {
    let seed = sqlx::query_as!(
        TotpSeed,
        r#"select id as "id!", sealed as "sealed!", started_at as "started_at!", added_at as "added_at?"
           from lobby.totp_seed($1)"#,
        user.0
    )
    .fetch_optional(db)
    .await?;
    Ok(seed)
}

/// Stores a seed that is being set up, in place of an older one that is. False when an app is there already.
///
/// # Errors
/// The database cannot be reached.
pub async fn totp_start(db: &PgPool, user: UserId, id: Uuid, sealed: &[u8], now: At) -> Result<bool, StoreError> {
    let started =
        sqlx::query_scalar!("select lobby.totp_start($1, $2, $3, $4)", user.0, id, sealed, now).fetch_one(db).await?;
    Ok(started.unwrap_or(false))
}

/// The seed counts from now on, and the step of the code that showed it is used up. False when it is not the one that
/// is being set up any more.
///
/// # Errors
/// The database cannot be reached.
pub async fn totp_confirm(tx: &mut TenantTx, user: UserId, id: Uuid, step: i64) -> Result<bool, StoreError> {
    let now = tx.now();
    let confirmed = sqlx::query_scalar!("select lobby.totp_confirm($1, $2, $3, $4)", user.0, id, step, now)
        .fetch_one(tx.conn())
        .await?;
    Ok(confirmed.unwrap_or(false))
}

/// Uses a step up. False when it, or a later one, was used before.
///
/// # Errors
/// The database cannot be reached.
pub async fn totp_step(db: &PgPool, user: UserId, id: Uuid, step: i64) -> Result<bool, StoreError> {
    let first = sqlx::query_scalar!("select lobby.totp_step($1, $2, $3)", user.0, id, step).fetch_one(db).await?;
    Ok(first.unwrap_or(false))
}

/// From now on this person may answer with mailed codes. False when they could before.
///
/// # Errors
/// The database cannot be reached.
pub async fn email_factor_add(tx: &mut TenantTx, user: UserId) -> Result<bool, StoreError> {
    let now = tx.now();
    let added = sqlx::query_scalar!("select lobby.email_factor_add($1, $2)", user.0, now).fetch_one(tx.conn()).await?;
    Ok(added.unwrap_or(false))
}

/// Takes a factor away, and with the last one the recovery codes. False when it was not there.
///
/// # Errors
/// The database cannot be reached.
pub async fn factor_remove(tx: &mut TenantTx, user: UserId, kind: Factor) -> Result<bool, StoreError> {
    let removed =
        sqlx::query_scalar!("select lobby.factor_remove($1, $2)", user.0, kind.code()).fetch_one(tx.conn()).await?;
    Ok(removed.unwrap_or(false))
}

/// A code that is about to be mailed, by its hash.
pub struct NewEmailCode<'a> {
    pub challenge: Uuid,
    pub user: UserId,
    pub hash: &'a [u8],
    pub now: At,
    pub expires: At,
}

/// Stores it in place of the older one of its challenge. False when the person has not chosen mailed codes, or the last
/// one is younger than a minute.
///
/// # Errors
/// The database cannot be reached.
pub async fn email_code_put(db: &PgPool, c: NewEmailCode<'_>) -> Result<bool, StoreError> {
    let stored = sqlx::query_scalar!(
        "select lobby.email_code_put($1, $2, $3, $4, $5)",
        c.challenge,
        c.user.0,
        c.hash,
        c.now,
        c.expires,
    )
    .fetch_one(db)
    .await?;
    Ok(stored.unwrap_or(false))
}

/// Uses a mailed code up. False when it is wrong, used, or over.
///
/// # Errors
/// The database cannot be reached.
pub async fn email_code_use(
    db: &PgPool,
    challenge: Uuid,
    user: UserId,
    hash: &[u8],
    now: At,
) -> Result<bool, StoreError> {
    let counted = sqlx::query_scalar!("select lobby.email_code_use($1, $2, $3, $4)", challenge, user.0, hash, now)
        .fetch_one(db)
        .await?;
    Ok(counted.unwrap_or(false))
}

/// Stores new recovery codes by their hashes. The old ones die.
///
/// # Errors
/// The database cannot be reached.
pub async fn recovery_draw(tx: &mut TenantTx, user: UserId, hashes: &[Vec<u8>]) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query!("select lobby.recovery_draw($1, $2, $3)", user.0, hashes, now).execute(tx.conn()).await?;
    Ok(())
}

/// A recovery code that was just used up.
#[derive(Debug)]
pub struct RecoveryUsed {
    pub left: i64,
    /// Whom to tell.
    pub email: Email,
}

/// Uses a recovery code up; `None` when it is wrong or was used before.
///
/// # Errors
/// The database cannot be reached.
pub async fn recovery_use(db: &PgPool, user: UserId, hash: &[u8], now: At) -> Result<Option<RecoveryUsed>, StoreError> {
    let row = sqlx::query!(
        r#"select remaining as "remaining!", email as "email!" from lobby.recovery_use($1, $2, $3)"#,
        user.0,
        hash,
        now
    )
    .fetch_optional(db)
    .await?;
    row.map(|r| Ok(RecoveryUsed { left: r.remaining, email: read("users.email", &r.email)? })).transpose()
}
