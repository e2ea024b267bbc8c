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
use uuid::Uuid;

use super::{StoreError, role::held, types::read};
use crate::{
    model::{
        id::{BusinessId, MemberId, SessionId, TraceId, UserId},
        permission::{Grants, Role},
        role::RoleRef,
        session::EndCause,
    },
    server::{
        caller::{Actor, Caller, Origin, SessionHash, SignedIn, View},
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
/// The key under which the role stands as which the product is viewed, by its code in forms.
pub const VIEW: &str = "view";
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

/// A session with its person, their role, and the role as which they view the product.
struct Row {
    id_hash: Vec<u8>,
    session_id: Uuid,
    user_id: Uuid,
    member_id: Uuid,
    member_name: String,
    email: String,
    role: String,
    role_id: Option<Uuid>,
    role_name: Option<String>,
    grants: Option<Vec<String>>,
    business_id: Uuid,
    business_name: String,
    profile: String,
    zone: String,
    last_seen_at: At,
    open_pops: i64,
    proved: i64,
    means: String,
    factor_due: Option<At>,
    restricted: bool,
    view_role: Option<String>,
    view_name: Option<String>,
    view_base: Option<String>,
    view_grants: Option<Vec<String>>,
}

impl Row {
    fn person(self, origin: &Origin, trace: TraceId) -> Result<SignedIn, StoreError> {
        let (user, member) = (UserId(self.user_id), MemberId(self.member_id));
        let held = held(&self.role, self.role_id, self.role_name, self.grants)?;
        let stored = self.view_grants.unwrap_or_default();
        let viewed = self.view_role.map(|role| viewed(&role, self.view_name, self.view_base, &stored));
        let grants = viewed.as_ref().map_or(held.grants, |(_, grants)| held.grants.narrowed(*grants));
        Ok(SignedIn {
            caller: Caller {
                actor: Actor::Member { member, user, grants },
                business: BusinessId(self.business_id),
                origin: origin.clone(),
                trace,
            },
            member,
            user,
            held,
            view: viewed.map(|(view, _)| view),
            grants,
            name: read("members.name", &self.member_name)?,
            email: read("members.email", &self.email)?,
            business_name: self.business_name,
            profile: read("businesses.profile", &self.profile)?,
            zone: self.zone,
            session: self.id_hash,
            session_id: SessionId(self.session_id),
            proved: At::from_second(self.proved),
            means: self.means,
            factor_due: self.factor_due,
            restricted: self.restricted,
            last_seen: self.last_seen_at,
            open_pops: self.open_pops,
        })
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
    each_caller(db, hashes, now, origin, trace).await?.into_iter().collect()
}

/// As [`callers`], each for itself: one that cannot be read is a fault of its own.
///
/// # Errors
/// The database cannot be reached.
pub async fn each_caller(
    db: &PgPool,
    hashes: &[SessionHash],
    now: At,
    origin: &Origin,
    trace: TraceId,
) -> Result<Vec<Result<SignedIn, StoreError>>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id_hash as "id_hash!", s.session_id as "session_id!", s.user_id as "user_id!",
               s.member_id as "member_id!", s.member_name as "member_name!", s.email as "email!",
               coalesce(r.base, s.role) as "role!",
               s.business_id as "business_id!", s.business_name as "business_name!", s.profile as "profile!",
               s.zone as "zone!", s.last_seen_at as "last_seen_at!", s.open_pops as "open_pops!",
               s.proved as "proved!", s.means as "means!", s.factor_due as "factor_due?",
               s.restricted as "restricted!", r.role_id as "role_id?", r.role_name as "role_name?",
               r.grants as "grants?", v.view_role as "view_role?", v.role_name as "view_name?", v.base as "view_base?",
               v.grants as "view_grants?"
           from lobby.session_standing($1, $2, $3) s
           left join lateral lobby.role_of(s.business_id, s.member_id) r on true
           left join lateral lobby.session_view(s.id_hash) v on true"#,
        hashes,
        now,
        idle(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.person(origin, trace)).collect())
}

/// The role as which a session views the product, and what it holds. One that is gone holds nothing: who viewed the product as it
/// does not see more because of that.
fn viewed(role: &str, name: Option<String>, base: Option<String>, stored: &[String]) -> (View, Grants) {
    match (role.parse(), name, base.and_then(|base| base.parse().ok())) {
        (Ok(RoleRef::BuiltIn(role)), ..) => (View { label: Some(role.label().to_owned()), base: role }, role.grants()),
        (Ok(RoleRef::Custom(_)), Some(name), Some(base)) => (View { label: Some(name), base }, Grants::read(stored)),
        _ => (View { label: None, base: Role::Viewer }, Grants::NONE),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::permission::{Permission, Reach};

    #[test]
    fn a_view_of_a_role_that_is_gone_shows_nothing() {
        let id = "rol_00000000000000000000000000000007";
        for role in [id, "boss", ""] {
            let (view, grants) = viewed(role, None, None, &[]);
            assert!(view.label.is_none() && grants == Grants::NONE, "{role}");
        }
        let (view, grants) = viewed(id, Some("Desk".into()), Some("agent".into()), &["calls.own all".into()]);
        assert_eq!((view.label.as_deref(), view.base), (Some("Desk"), Role::Agent));
        assert_eq!(Some(grants), Grants::NONE.with(Permission::CallsOwn, Reach::All));
        assert_eq!(viewed("viewer", None, None, &[]).1, Role::Viewer.grants());
    }
}
