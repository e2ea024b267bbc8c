//! Who asks. A `Caller` is made by a door (a session, a verified webhook, a claimed job) and by nothing else; with
//! it `TenantTx` opens.

use uuid::Uuid;

use crate::model::{
    id::{BusinessId, ConnectionId, JobId, MemberId, SessionId, TraceId, UserId},
    permission::{Need, Role},
    profile::Profile,
};
use crate::server::kit::At;

/// Who acts, in which business, from where.
#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
    pub business: BusinessId,
    pub origin: Origin,
    pub trace: TraceId,
}

/// An actor. Machines are actors of their own, with few rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Member { member: MemberId, user: UserId, role: Role },
    Webhook(ConnectionId),
    Job(JobId),
}

/// The kind of door, and a coarse network for people. Coarse, because an address is personal data (AUD-7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub door: &'static str,
    pub network: Option<String>,
}

impl Origin {
    /// `web 192.0.2.0/24`, as audit entries store it.
    #[must_use]
    pub fn text(&self) -> String {
        self.network.as_ref().map_or_else(|| self.door.to_owned(), |n| format!("{} {n}", self.door))
    }
}

impl Actor {
    /// The id that audit entries store.
    #[must_use]
    pub fn uuid(self) -> Option<Uuid> {
        match self {
            Self::Member { member, .. } => Some(member.0),
            Self::Webhook(connection) => Some(connection.0),
            Self::Job(job) => Some(job.0),
        }
    }

    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Member { .. } => "member",
            Self::Webhook(_) => "webhook",
            Self::Job(_) => "job",
        }
    }

    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Member { role, .. } => Some(role),
            Self::Webhook(_) | Self::Job(_) => None,
        }
    }
}

/// A signed-in person as the session names them: the caller, and what the shell shows of them and their business.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub caller: Caller,
    pub member: MemberId,
    pub user: UserId,
    pub role: Role,
    pub name: crate::model::personal::PersonName,
    pub email: crate::model::personal::Email,
    pub business_name: String,
    pub profile: Profile,
    pub zone: String,
    pub session: SessionHash,
    /// The session's name for people.
    pub session_id: SessionId,
    /// When they last proved who they are.
    pub proved: At,
    /// By what, as audit entries say it: `password`, `link+totp`.
    pub means: String,
    /// When they must have a second factor here; absent when they have one or need none.
    pub factor_due: Option<At>,
    /// Whether the business lets people in from some networks only.
    pub restricted: bool,
    pub last_seen: At,
    /// Screen pops that wait for this person, for pages without scripts.
    pub open_pops: i64,
}

impl SignedIn {
    #[must_use]
    pub fn passes(&self, need: Need) -> bool {
        need.admits(Some(self.role))
    }

    /// Whether the time is over in which they had to set up a second factor (ACC-3).
    #[must_use]
    pub fn owes_factor(&self, now: At) -> bool {
        self.factor_due.is_some_and(|due| due <= now)
    }

    /// Whether their last proof is fresh enough for what asks again (ACC-8).
    #[must_use]
    pub fn is_fresh(&self, now: At) -> bool {
        now.since(self.proved) <= FRESH_SECONDS
    }
}

/// A proof counts this long for what asks again who one is (ACC-8).
pub const FRESH_SECONDS: i64 = 600;

/// SHA-256 of a session's id: what the database knows a session by.
pub type SessionHash = Vec<u8>;
