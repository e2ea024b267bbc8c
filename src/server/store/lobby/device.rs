//! Sessions as people see them (ACC-5): where one is signed in, how past sessions ended, and every way to end one.
//! Whatever ends a session moves its row to the past ones, with the cause, in one statement (migration 0012).
//!
//! Functions that end sessions return what the database knew them by: the caller ends their streams
//! (`services::device`). To add an end: a cause in `model::session`, and one of these functions with it.

use sqlx::{PgExecutor, PgPool};

use crate::{
    model::{
        id::{MemberId, SessionId, UserId},
        permission::Permission,
        session::EndCause,
    },
    server::{
        caller::SessionHash,
        kit::At,
        store::{StoreError, TenantTx, session::idle, types::read},
    },
};

/// How long past sessions are told.
pub const PAST_DAYS: i64 = 90;

/// A session that opens doors.
#[derive(Debug, Clone)]
pub struct LiveSession {
    pub id: SessionId,
    pub hash: SessionHash,
    pub business_name: String,
    /// The kind of device; empty where it was not noted.
    pub agent: String,
    /// The coarse network of its last use; empty where it was not noted.
    pub network: String,
    pub created_at: At,
    pub last_seen_at: At,
    /// The codes of the proofs that it rests on, joined by `+`.
    pub means: String,
}

/// The sessions of a person that open doors, in every business, the one used last first.
///
/// # Errors
/// The database cannot be reached.
pub async fn sessions_list(db: &PgPool, user: UserId, now: At) -> Result<Vec<LiveSession>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id!", id_hash as "id_hash!", business_name as "business_name!", agent as "agent!",
               network as "network!", created_at as "created_at!", last_seen_at as "last_seen_at!", means as "means!"
           from lobby.sessions_list($1, $2, $3)"#,
        user.0,
        now,
        idle(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| LiveSession {
            id: SessionId(r.id),
            hash: r.id_hash,
            business_name: r.business_name,
            agent: r.agent,
            network: r.network,
            created_at: r.created_at,
            last_seen_at: r.last_seen_at,
            means: r.means,
        })
        .collect())
}

/// A session that is over.
#[derive(Debug, Clone)]
pub struct PastSession {
    /// Absent when the business is gone.
    pub business_name: Option<String>,
    pub agent: String,
    pub network: String,
    pub started_at: At,
    pub last_seen_at: At,
    pub ended_at: At,
    pub cause: EndCause,
}

/// The sessions of a person that ended, the latest end first.
///
/// # Errors
/// The database cannot be reached.
pub async fn past_sessions_list(db: &PgPool, user: UserId, limit: i32) -> Result<Vec<PastSession>, StoreError> {
    let rows = sqlx::query!(
        r#"select business_name as "business_name?", agent as "agent!", network as "network!",
               started_at as "started_at!", last_seen_at as "last_seen_at!", ended_at as "ended_at!",
               cause as "cause!"
           from lobby.past_sessions_list($1, $2)"#,
        user.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(PastSession {
                business_name: r.business_name,
                agent: r.agent,
                network: r.network,
                started_at: r.started_at,
                last_seen_at: r.last_seen_at,
                ended_at: r.ended_at,
                cause: read("past_sessions.cause", &r.cause)?,
            })
        })
        .collect()
}

/// Ends one session. False when it was over already.
///
/// # Errors
/// The database cannot be reached.
pub async fn session_end(db: &PgPool, session: &SessionHash, cause: EndCause, now: At) -> Result<bool, StoreError> {
    let ended =
        sqlx::query_scalar!("select lobby.session_end($1, $2, $3)", session, cause.code(), now).fetch_one(db).await?;
    Ok(ended.unwrap_or(false))
}

/// Takes a session away without telling of an end: it goes on under a new id (step-up), which the caller saves. False
/// when it was ended meanwhile: then it must not go on.
///
/// # Errors
/// The database cannot be reached.
pub async fn session_forget(db: &PgPool, session: &SessionHash) -> Result<bool, StoreError> {
    let taken = sqlx::query_scalar!("select lobby.session_forget($1)", session).fetch_one(db).await?;
    Ok(taken.unwrap_or(false))
}

/// Ends one session of a person, by its name, in the transaction that writes it down. `None` when they have no such
/// session.
///
/// # Errors
/// The database cannot be reached.
pub async fn session_end_by_id(
    tx: &mut TenantTx,
    user: UserId,
    id: SessionId,
    cause: EndCause,
) -> Result<Option<SessionHash>, StoreError> {
    let now = tx.now();
    let ended = sqlx::query_scalar!("select lobby.session_end_by_id($1, $2, $3, $4)", user.0, id.0, cause.code(), now)
        .fetch_one(tx.conn())
        .await?;
    Ok(ended)
}

/// Ends all sessions of a person, in every business, but `keep`.
///
/// # Errors
/// The database cannot be reached.
pub async fn sessions_end_others(
    db: &PgPool,
    user: UserId,
    keep: Option<&SessionHash>,
    cause: EndCause,
    now: At,
) -> Result<Vec<SessionHash>, StoreError> {
    end_of(db, user, keep, cause, now).await
}

/// As [`sessions_end_others`], in the transaction that writes it down.
///
/// # Errors
/// The database cannot be reached.
pub async fn sessions_end_others_in(
    tx: &mut TenantTx,
    user: UserId,
    keep: Option<&SessionHash>,
    cause: EndCause,
) -> Result<Vec<SessionHash>, StoreError> {
    let now = tx.now();
    end_of(tx.conn(), user, keep, cause, now).await
}

async fn end_of(
    db: impl PgExecutor<'_>,
    user: UserId,
    keep: Option<&SessionHash>,
    cause: EndCause,
    now: At,
) -> Result<Vec<SessionHash>, StoreError> {
    let ended = sqlx::query_scalar!(
        r#"select id_hash as "id_hash!" from lobby.sessions_end_of($1, $2, $3, $4) as ended (id_hash)"#,
        user.0,
        keep.map(Vec::as_slice),
        cause.code(),
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(ended)
}

/// Ends the sessions of a member in this business; those of the same person elsewhere live on.
///
/// # Errors
/// Refused without `team.manage`.
pub async fn sessions_end_member(
    tx: &mut TenantTx,
    member: MemberId,
    cause: EndCause,
) -> Result<Vec<SessionHash>, StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let (business, now) = (tx.business(), tx.now());
    // The person comes from this business's own row, so that nobody of another one can be named.
    let ended = sqlx::query_scalar!(
        r#"select ended.id_hash as "id_hash!"
           from members m, lobby.sessions_end_member(m.business_id, m.user_id, $3, $4) as ended (id_hash)
           where m.business_id = $1 and m.id = $2"#,
        business.0,
        member.0,
        cause.code(),
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ended)
}

/// Forgets the past sessions that ended more than [`PAST_DAYS`] before `now`.
///
/// # Errors
/// The database cannot be reached.
pub async fn past_sessions_trim(db: &PgPool, now: At) -> Result<i64, StoreError> {
    let before = now.plus(-PAST_DAYS * 24 * 3600);
    let gone = sqlx::query_scalar!("select lobby.past_sessions_trim($1)", before).fetch_one(db).await?;
    Ok(gone.unwrap_or(0))
}
