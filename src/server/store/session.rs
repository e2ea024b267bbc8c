//! Sessions (ACC-5): the store behind tower-sessions, and the one query that says who is asking.
//!
//! Only a hash of the id is kept. Creating inserts; saving only updates, so a request in flight cannot revive a
//! session that was signed out meanwhile.

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use sqlx::{PgPool, postgres::types::PgInterval};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result as SessionResult},
};

use super::{StoreError, types::read};
use crate::{
    model::{
        id::{BusinessId, MemberId, SessionId, TraceId, UserId},
        session::EndCause,
    },
    server::{
        caller::{Actor, Caller, Origin, SessionHash, SignedIn},
        kit::{At, clock::SharedClock},
    },
};

/// The key in a session's data under which the person stands.
pub const USER: &str = "user";
/// The key under which the business they work in stands.
pub const BUSINESS: &str = "business";
/// The key under which the kind of device stands.
pub const AGENT: &str = "agent";
/// The key under which the coarse network stands.
pub const NETWORK: &str = "network";
/// The key under which the instant of the last proof stands, in seconds since 1970.
pub const PROVED: &str = "proved";
/// The key under which the means of the proofs stand.
pub const MEANS: &str = "means";
/// The key under which the end stands that no use moves, in seconds since 1970. It goes along when the session gets a new id.
pub const ENDS: &str = "ends";
/// A session ends this long after it began, whatever happens.
pub const ABSOLUTE_SECONDS: i64 = 12 * 3600;
/// A session ends when nobody asked for this long.
pub const IDLE_SECONDS: i64 = 30 * 60;

/// The hash by which the database knows a session.
#[must_use]
pub fn hash(id: Id) -> SessionHash {
    Sha256::digest(id.0.to_be_bytes()).to_vec()
}

/// [`IDLE_SECONDS`], as the database counts.
pub(in crate::server::store) fn idle() -> PgInterval {
    PgInterval { months: 0, days: 0, microseconds: IDLE_SECONDS * 1_000_000 }
}

/// tower-sessions' store over the lobby.
#[derive(Clone)]
pub struct PgSessions {
    db: PgPool,
    clock: SharedClock,
}

impl std::fmt::Debug for PgSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PgSessions")
    }
}

impl PgSessions {
    #[must_use]
    pub fn new(db: PgPool, clock: SharedClock) -> Self {
        Self { db, clock }
    }
}

fn backend(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

/// Person and business of a record. A session without both is never stored: there is no anonymous session.
fn parties(record: &Record) -> SessionResult<(UserId, BusinessId)> {
    let read = |key: &str| record.data.get(key).and_then(|v| v.as_str());
    let user = read(USER).and_then(|text| text.parse().ok());
    let business = read(BUSINESS).and_then(|text| text.parse().ok());
    user.zip(business).ok_or_else(|| Error::Backend("a session needs a person and a business".into()))
}

/// The absolute end: twelve hours from now, or sooner for a session that goes on under a new id.
fn ends(record: &Record, now: At) -> At {
    let latest = now.plus(ABSOLUTE_SECONDS);
    let kept = record.data.get(ENDS).and_then(serde_json::Value::as_i64);
    kept.map_or(latest, |seconds| At::from_second(seconds).min(latest))
}

#[async_trait]
impl SessionStore for PgSessions {
    async fn create(&self, record: &mut Record) -> SessionResult<()> {
        let (user, business) = parties(record)?;
        let data = serde_json::to_value(&record.data).map_err(|e| Error::Encode(e.to_string()))?;
        let now = self.clock.now();
        let created = sqlx::query_scalar!(
            "select lobby.session_create($1, $2, $3, $4, $5, $6)",
            hash(record.id),
            user.0,
            business.0,
            now,
            ends(record, now),
            data,
        )
        .fetch_one(&self.db)
        .await
        .map_err(backend)?;
        created.map(|_| ()).ok_or_else(|| Error::Backend("session id drawn twice".into()))
    }

    async fn save(&self, record: &Record) -> SessionResult<()> {
        let (_, business) = parties(record)?;
        let data = serde_json::to_value(&record.data).map_err(|e| Error::Encode(e.to_string()))?;
        sqlx::query_scalar!("select lobby.session_save($1, $2, $3)", hash(record.id), business.0, data)
            .fetch_one(&self.db)
            .await
            .map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> SessionResult<Option<Record>> {
        let row = sqlx::query!(
            r#"select data as "data!", expires_at as "expires_at!" from lobby.session_load($1, $2, $3)"#,
            hash(*id),
            self.clock.now(),
            idle(),
        )
        .fetch_optional(&self.db)
        .await
        .map_err(backend)?;
        row.map(|r| {
            let expiry_date = time::OffsetDateTime::from_unix_timestamp(r.expires_at.as_second()).map_err(backend)?;
            let data = serde_json::from_value(r.data).map_err(|e| Error::Decode(e.to_string()))?;
            Ok(Record { id: *id, data, expiry_date })
        })
        .transpose()
    }

    /// Whoever knows of another cause than signing out has ended the session before
    /// (`store::lobby::session_end`): then nothing is left to do here.
    async fn delete(&self, id: &Id) -> SessionResult<()> {
        let (cause, now) = (EndCause::SignedOut.code(), self.clock.now());
        sqlx::query_scalar!("select lobby.session_end($1, $2, $3)", hash(*id), cause, now)
            .fetch_one(&self.db)
            .await
            .map_err(backend)?;
        Ok(())
    }
}

/// Who stands behind each of these sessions now. Sessions that ended, people who were removed and businesses that
/// closed are absent. One query, whether for one request or for all open streams.
///
/// # Errors
/// The database cannot be reached.
pub async fn callers(
    db: &PgPool,
    hashes: &[SessionHash],
    now: At,
    origin: &Origin,
    trace: TraceId,
) -> Result<Vec<SignedIn>, StoreError> {
    let rows = sqlx::query!(
        r#"select id_hash as "id_hash!", session_id as "session_id!", user_id as "user_id!", member_id as "member_id!",
               member_name as "member_name!", email as "email!", role as "role!", business_id as "business_id!",
               business_name as "business_name!", profile as "profile!", zone as "zone!",
               last_seen_at as "last_seen_at!", open_pops as "open_pops!", proved as "proved!", means as "means!",
               factor_due, restricted as "restricted!"
           from lobby.session_standing($1, $2, $3)"#,
        hashes,
        now,
        idle(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|r| {
            let (user, member) = (UserId(r.user_id), MemberId(r.member_id));
            let role = read("members.role", &r.role)?;
            Ok(SignedIn {
                caller: Caller {
                    actor: Actor::Member { member, user, role },
                    business: BusinessId(r.business_id),
                    origin: origin.clone(),
                    trace,
                },
                member,
                user,
                role,
                name: read("members.name", &r.member_name)?,
                email: read("members.email", &r.email)?,
                business_name: r.business_name,
                profile: read("businesses.profile", &r.profile)?,
                zone: r.zone,
                session: r.id_hash,
                session_id: SessionId(r.session_id),
                proved: At::from_second(r.proved),
                means: r.means,
                factor_due: r.factor_due,
                restricted: r.restricted,
                last_seen: r.last_seen_at,
                open_pops: r.open_pops,
            })
        })
        .collect()
}

/// Notes that the person did something, and in which network. At most one write a minute.
///
/// # Errors
/// The database cannot be reached.
pub async fn touch(db: &PgPool, session: &SessionHash, network: &str, now: At) -> Result<(), StoreError> {
    sqlx::query!("select lobby.session_seen($1, $2, $3)", session, network, now).execute(db).await?;
    Ok(())
}

/// Moves sessions whose time is over to the past ones: idle, or at their longest time.
///
/// # Errors
/// The database cannot be reached.
pub async fn trim(db: &PgPool, now: At) -> Result<i64, StoreError> {
    let over = sqlx::query_scalar!("select lobby.sessions_end_over($1, $2)", now, idle()).fetch_one(db).await?;
    Ok(over.unwrap_or(0))
}
