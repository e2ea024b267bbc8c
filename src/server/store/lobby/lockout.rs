//! Failed tries to get in, counted by the database (ACC-4): of those that come at once none is lost. A bucket is an
//! account with a browser that it knows, or with all that it does not know (no device).

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    model::{
        id::{DeviceId, MemberId, UserId},
        lockout::{BUCKET_SECONDS, LINK_AFTER, REMINDER_SECONDS, STREAK_SECONDS, Standing, steps},
        permission::Permission,
        personal::Email,
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx, types::read},
    },
};

/// How the database names a bucket.
fn bucket(device: Option<DeviceId>) -> Uuid {
    device.map_or(Uuid::nil(), |device| device.0)
}

/// # Errors
/// The database cannot be reached.
pub async fn lockout_standing(
    db: &PgPool,
    user: UserId,
    device: Option<DeviceId>,
    now: At,
) -> Result<Standing, StoreError> {
    let row = sqlx::query!(
        r#"select is_locked as "is_locked!", in_a_row as "in_a_row!" from lobby.lockout_standing($1, $2, $3)"#,
        user.0,
        bucket(device),
        now
    )
    .fetch_one(db)
    .await?;
    Ok(Standing::of(row.is_locked, row.in_a_row))
}

/// A failure that was counted.
#[derive(Debug, Clone)]
pub struct Failure {
    /// In a row in its bucket, this one included. Each number is given once, however many come at once.
    pub failures: i32,
    /// Until when its bucket is locked; an instant that is over when it is not.
    pub locked_until: At,
    /// In a row over all buckets of the account, this one included. Each number is given once.
    pub in_a_row: i32,
    /// Where the account's person can be written to.
    pub email: Email,
}

/// Counts a failure.
///
/// # Errors
/// The database cannot be reached; nobody has this account.
pub async fn lockout_failed(
    db: &PgPool,
    user: UserId,
    device: Option<DeviceId>,
    now: At,
) -> Result<Failure, StoreError> {
    let steps = steps();
    let row = sqlx::query!(
        r#"select failures as "failures!", locked_until as "locked_until!", in_a_row as "in_a_row!", email as "email!"
           from lobby.lockout_failed($1, $2, $3, $4)"#,
        user.0,
        bucket(device),
        now,
        &steps[..]
    )
    .fetch_one(db)
    .await?;
    Ok(Failure {
        failures: row.failures,
        locked_until: row.locked_until,
        in_a_row: row.in_a_row,
        email: read("users.email", &row.email)?,
    })
}

/// Somebody got in: forgets this bucket, and ends the account's row of failures.
///
/// # Errors
/// The database cannot be reached.
pub async fn lockout_passed(db: &PgPool, user: UserId, device: Option<DeviceId>) -> Result<(), StoreError> {
    sqlx::query!("select lobby.lockout_passed($1, $2)", user.0, bucket(device)).execute(db).await?;
    Ok(())
}

/// Where to write to that a mailed link is needed; `None` when that was told within a day.
///
/// # Errors
/// The database cannot be reached.
pub async fn lockout_remind(db: &PgPool, user: UserId, now: At) -> Result<Option<Email>, StoreError> {
    let email =
        sqlx::query_scalar!("select lobby.lockout_remind($1, $2, $3)", user.0, now, now.plus(-REMINDER_SECONDS))
            .fetch_one(db)
            .await?;
    email.map(|email| read("users.email", &email)).transpose()
}

/// Forgets everything that is counted against a member of this business. Says how many buckets that were.
///
/// # Errors
/// Refused without `team.manage`; missing when not an active member of this business.
pub async fn lockout_clear(tx: &mut TenantTx, member: MemberId) -> Result<i64, StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let business = tx.business();
    let cleared = sqlx::query_scalar!(
        r#"select lobby.lockout_clear(user_id) as "cleared!" from members
           where business_id = $1 and id = $2 and state = 'active'"#,
        business.0,
        member.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(cleared)
}

/// What of somebody's sign-in is locked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockState {
    /// Until when in browsers that the account has not signed in with before.
    pub elsewhere_until: Option<At>,
    /// Until when in a browser that it has signed in with; the longest, if there are several.
    pub known_until: Option<At>,
    /// Whether the password alone does not admit any more.
    pub needs_link: bool,
}

impl LockState {
    /// Whether anything is locked at all.
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        self.elsewhere_until.is_some() || self.known_until.is_some() || self.needs_link
    }
}

/// What is locked now for a member of this business.
///
/// # Errors
/// Refused without `team.manage`; missing when not an active member of this business.
pub async fn lock_state(tx: &mut TenantTx, member: MemberId) -> Result<LockState, StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let (business, now) = (tx.business(), tx.now());
    let row = sqlx::query!(
        r#"select l.elsewhere_until as "elsewhere_until?", l.known_until as "known_until?", l.in_a_row as "in_a_row!"
           from members m cross join lateral lobby.lock_state(m.user_id, $3) l
           where m.business_id = $1 and m.id = $2 and m.state = 'active'"#,
        business.0,
        member.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(LockState {
        elsewhere_until: row.elsewhere_until,
        known_until: row.known_until,
        needs_link: row.in_a_row >= LINK_AFTER,
    })
}

/// Forgets failures that nobody has added to for long.
///
/// # Errors
/// The database cannot be reached.
pub async fn lockouts_trim(db: &PgPool, now: At) -> Result<(), StoreError> {
    sqlx::query!(
        "select lobby.lockouts_trim($1, $2, $3)",
        now.plus(-BUCKET_SECONDS),
        now.plus(-STREAK_SECONDS),
        LINK_AFTER
    )
    .execute(db)
    .await?;
    Ok(())
}
