//! What runs before a tenant is known: each function calls one definer function of migration 0008, which is the
//! whole list of holes in the tenant wall. Sessions have their own file, [`super::session`].

use sqlx::PgPool;
use uuid::Uuid;

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        id::{BusinessId, ConnectionId, DataKeyId, InvitationId, JobId, MemberId, SecretId, UserId},
        permission::Role,
        profile::Profile,
    },
    server::{
        caller::{Actor, Caller, Origin},
        kit::At,
    },
};

/// The account behind an address.
pub struct Account {
    pub user: UserId,
    pub password_hash: String,
}

/// # Errors
/// The database cannot be reached.
pub async fn sign_in_lookup(db: &PgPool, email: &str) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query!(
        r#"select user_id as "user_id!", password_hash as "password_hash!" from lobby.sign_in_lookup($1)"#,
        email
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| Account { user: UserId(r.user_id), password_hash: r.password_hash }))
}

/// Stores a hash made with today's parameters.
///
/// # Errors
/// The database cannot be reached.
pub async fn password_rehash(db: &PgPool, user: UserId, hash: &str) -> Result<(), StoreError> {
    sqlx::query!("select lobby.password_rehash($1, $2)", user.0, hash).execute(db).await?;
    Ok(())
}

/// A business that a person belongs to.
#[derive(Debug, Clone)]
pub struct Membership {
    pub business: BusinessId,
    pub business_name: String,
    pub member: MemberId,
    pub role: Role,
}

/// # Errors
/// The database cannot be reached.
pub async fn memberships_of(db: &PgPool, user: UserId) -> Result<Vec<Membership>, StoreError> {
    let rows = sqlx::query!(
        r#"select business_id as "business_id!", business_name as "business_name!", member_id as "member_id!",
               role as "role!"
           from lobby.memberships_of($1)"#,
        user.0
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Membership {
                business: BusinessId(r.business_id),
                business_name: r.business_name,
                member: MemberId(r.member_id),
                role: read("members.role", &r.role)?,
            })
        })
        .collect()
}

/// A sign-up that waits for its mailed link.
pub struct SignUpStart<'a> {
    pub id: Uuid,
    pub token_hash: &'a [u8],
    pub email: &'a str,
    pub business_name: &'a str,
    pub profile: Profile,
    pub zone: &'a str,
    pub now: At,
    pub expires: At,
}

/// False when the address already has an account: then nothing is stored.
///
/// # Errors
/// The database cannot be reached.
pub async fn sign_up_start(db: &PgPool, s: SignUpStart<'_>) -> Result<bool, StoreError> {
    let started = sqlx::query_scalar!(
        r#"select lobby.sign_up_start($1, $2, $3, $4, $5, $6, $7, $8) as "started!""#,
        s.id,
        s.token_hash,
        s.email,
        s.business_name,
        s.profile.code(),
        s.zone,
        s.now,
        s.expires,
    )
    .fetch_one(db)
    .await?;
    Ok(started)
}

/// What a mailed sign-up link stands for, while it is good.
#[derive(Debug, Clone)]
pub struct SignUp {
    pub email: String,
    pub business_name: String,
    pub profile: Profile,
}

/// # Errors
/// The database cannot be reached.
pub async fn sign_up_peek(db: &PgPool, token_hash: &[u8], now: At) -> Result<Option<SignUp>, StoreError> {
    let row = sqlx::query!(
        r#"select email as "email!", business_name as "business_name!", profile as "profile!"
           from lobby.sign_up_peek($1, $2)"#,
        token_hash,
        now
    )
    .fetch_optional(db)
    .await?;
    row.map(|r| {
        Ok(SignUp { email: r.email, business_name: r.business_name, profile: read("sign_ups.profile", &r.profile)? })
    })
    .transpose()
}

/// A new business and its owner.
pub struct Founding<'a> {
    pub token_hash: &'a [u8],
    pub user: UserId,
    pub business: BusinessId,
    pub member: MemberId,
    pub name: &'a str,
    pub password_hash: &'a str,
    pub data_key: DataKeyId,
    pub wrapped: &'a [u8],
    pub master_key: &'a str,
}

/// Uses the link up and founds the business, in a transaction that goes on as the owner's. `None` when the link is
/// not good (any more).
///
/// # Errors
/// Taken when the address got an account meanwhile; the database cannot be reached.
#[expect(clippy::disallowed_methods, reason = "a tenant is being created: there is none to open a TenantTx for")]
pub async fn sign_up_finish(
    db: &PgPool,
    f: Founding<'_>,
    caller: impl FnOnce(Actor, BusinessId) -> Caller,
    now: At,
) -> Result<Option<TenantTx>, StoreError> {
    let mut tx = db.begin().await?;
    let email = sqlx::query_scalar!(
        "select lobby.sign_up_finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        f.token_hash,
        now,
        f.user.0,
        f.business.0,
        f.member.0,
        f.name,
        f.password_hash,
        f.data_key.0,
        f.wrapped,
        f.master_key,
    )
    .fetch_one(&mut *tx)
    .await?;
    if email.is_none() {
        return Ok(None);
    }
    let actor = Actor::Member { member: f.member, user: f.user, role: Role::Owner };
    TenantTx::adopt(tx, caller(actor, f.business), now).await.map(Some)
}

/// What a mailed invitation stands for, while it is good.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub business: BusinessId,
    pub business_name: String,
    pub email: String,
    pub role: Role,
    /// Whether the address already has an account, whose password must then be given.
    pub has_account: bool,
}

/// # Errors
/// The database cannot be reached.
pub async fn invitation_peek(db: &PgPool, token_hash: &[u8], now: At) -> Result<Option<Invitation>, StoreError> {
    let row = sqlx::query!(
        r#"select business_id as "business_id!", business_name as "business_name!", email as "email!",
               role as "role!", has_account as "has_account!"
           from lobby.invitation_peek($1, $2)"#,
        token_hash,
        now
    )
    .fetch_optional(db)
    .await?;
    row.map(|r| {
        Ok(Invitation {
            business: BusinessId(r.business_id),
            business_name: r.business_name,
            email: r.email,
            role: read("invitations.role", &r.role)?,
            has_account: r.has_account,
        })
    })
    .transpose()
}

/// Who joins, and as whom.
pub struct Joining<'a> {
    pub token_hash: &'a [u8],
    pub new_user: UserId,
    pub member: MemberId,
    pub name: &'a str,
    /// For a new account only.
    pub password_hash: &'a str,
}

/// Uses the invitation up and joins, in a transaction that goes on as the new member's.
///
/// # Errors
/// Taken when the person is a member already; the database cannot be reached.
#[expect(clippy::disallowed_methods, reason = "the person is no member yet: there is no Caller to open a TenantTx for")]
pub async fn invitation_accept(
    db: &PgPool,
    j: Joining<'_>,
    caller: impl FnOnce(Actor, BusinessId) -> Caller,
    now: At,
) -> Result<Option<(TenantTx, InvitationId, UserId)>, StoreError> {
    let mut tx = db.begin().await?;
    let row = sqlx::query!(
        r#"select business_id as "business_id!", invitation_id as "invitation_id!", user_id as "user_id!",
               role as "role!"
           from lobby.invitation_accept($1, $2, $3, $4, $5, $6)"#,
        j.token_hash,
        now,
        j.new_user.0,
        j.member.0,
        j.name,
        j.password_hash,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let user = UserId(row.user_id);
    let actor = Actor::Member { member: j.member, user, role: read("invitations.role", &row.role)? };
    let tx = TenantTx::adopt(tx, caller(actor, BusinessId(row.business_id)), now).await?;
    Ok(Some((tx, InvitationId(row.invitation_id), user)))
}

/// Where a webhook's path token leads.
pub struct WebhookTarget {
    pub business: BusinessId,
    pub connection: ConnectionId,
    pub provider: String,
    pub account: String,
    /// Sealed, each bound to its id.
    pub secrets: Vec<(SecretId, Vec<u8>)>,
}

/// # Errors
/// The database cannot be reached.
pub async fn webhook_target(db: &PgPool, token_hash: &[u8]) -> Result<Option<WebhookTarget>, StoreError> {
    let row = sqlx::query!(
        r#"select business_id as "business_id!", connection_id as "connection_id!", provider as "provider!",
               account as "account!", secret_ids as "secret_ids!", secrets as "secrets!"
           from lobby.webhook_target($1)"#,
        token_hash
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| WebhookTarget {
        business: BusinessId(r.business_id),
        connection: ConnectionId(r.connection_id),
        provider: r.provider,
        account: r.account,
        secrets: r.secret_ids.into_iter().map(SecretId).zip(r.secrets).collect(),
    }))
}

/// A business's data key, wrapped, and the master key that wrapped it.
///
/// # Errors
/// The database cannot be reached.
pub async fn data_key(
    db: &PgPool,
    business: BusinessId,
    key: DataKeyId,
) -> Result<Option<(Vec<u8>, String)>, StoreError> {
    let row = sqlx::query!(
        r#"select wrapped as "wrapped!", master_key as "master_key!" from lobby.data_key($1, $2)"#,
        business.0,
        key.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| (r.wrapped, r.master_key)))
}

/// A claimed job.
#[derive(Debug)]
pub struct ClaimedJob {
    pub business: BusinessId,
    pub id: JobId,
    pub kind: String,
    pub payload: serde_json::Value,
    pub attempts: i32,
}

impl ClaimedJob {
    /// The actor that the job's work is done as.
    #[must_use]
    pub fn caller(&self, trace: crate::model::id::TraceId) -> Caller {
        Caller {
            actor: Actor::Job(self.id),
            business: self.business,
            origin: Origin { door: "job", network: None },
            trace,
        }
    }
}

/// Takes up to `limit` due jobs for a minute, by the database's clock.
///
/// # Errors
/// The database cannot be reached.
pub async fn jobs_claim(db: &PgPool, limit: i32) -> Result<Vec<ClaimedJob>, StoreError> {
    let rows = sqlx::query!(
        r#"select business_id as "business_id!", id as "id!", kind as "kind!", payload as "payload!",
               attempts as "attempts!"
           from lobby.jobs_claim($1, interval '1 minute')"#,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| ClaimedJob {
            business: BusinessId(r.business_id),
            id: JobId(r.id),
            kind: r.kind,
            payload: r.payload,
            attempts: r.attempts,
        })
        .collect())
}

/// Queues a sealed mail.
///
/// # Errors
/// The database cannot be reached.
pub async fn mail_enqueue(db: &PgPool, id: Uuid, sealed: &[u8]) -> Result<(), StoreError> {
    sqlx::query!("select lobby.mail_enqueue($1, $2)", id, sealed).execute(db).await?;
    Ok(())
}

/// As [`mail_enqueue`], on the transaction that causes the mail.
///
/// # Errors
/// The database cannot be reached.
pub async fn mail_enqueue_in(tx: &mut TenantTx, id: Uuid, sealed: &[u8]) -> Result<(), StoreError> {
    sqlx::query!("select lobby.mail_enqueue($1, $2)", id, sealed).execute(tx.conn()).await?;
    Ok(())
}

/// A mail whose turn it is: id, sealed content, how often it was tried.
pub struct DueMail {
    pub id: Uuid,
    pub sealed: Vec<u8>,
    pub attempts: i32,
}

/// # Errors
/// The database cannot be reached.
pub async fn mails_claim(db: &PgPool, limit: i32) -> Result<Vec<DueMail>, StoreError> {
    let rows = sqlx::query_as!(
        DueMail,
        r#"select id as "id!", sealed as "sealed!", attempts as "attempts!" from lobby.mails_claim($1)"#,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// # Errors
/// The database cannot be reached.
pub async fn mail_done(db: &PgPool, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!("select lobby.mail_done($1)", id).execute(db).await?;
    Ok(())
}

/// POP-2: deletes every screen pop whose five minutes are over, in all businesses.
///
/// # Errors
/// The database cannot be reached.
pub async fn pops_expire(db: &PgPool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!("select lobby.pops_expire()").fetch_one(db).await?.unwrap_or(0))
}

/// # Errors
/// The database cannot be reached.
pub async fn businesses_active(db: &PgPool) -> Result<Vec<BusinessId>, StoreError> {
    let ids =
        sqlx::query_scalar!(r#"select business_id as "id!" from lobby.businesses_active()"#).fetch_all(db).await?;
    Ok(ids.into_iter().map(BusinessId).collect())
}

/// Makes the audit partitions of this month and the next three.
///
/// # Errors
/// The database cannot be reached.
pub async fn audit_partitions(db: &PgPool) -> Result<(), StoreError> {
    sqlx::query!(
        "select lobby.audit_partition((date_trunc('month', now()) + make_interval(months => n))::date) as part
         from generate_series(0, 3) as n"
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// What waits, for metrics.
#[derive(Debug)]
pub struct Backlog {
    pub jobs: i64,
    pub oldest_job_seconds: f64,
    pub dead_jobs: i64,
    pub mails: i64,
}

/// # Errors
/// The database cannot be reached.
pub async fn backlog(db: &PgPool) -> Result<Backlog, StoreError> {
    Ok(sqlx::query_as!(
        Backlog,
        r#"select jobs as "jobs!", oldest_job_seconds as "oldest_job_seconds!", dead_jobs as "dead_jobs!",
               mails as "mails!"
           from lobby.backlog()"#
    )
    .fetch_one(db)
    .await?)
}
