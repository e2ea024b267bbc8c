//! Who asks. A `Caller` is made by a door (a session, a verified webhook, a claimed job) and by nothing else; with
//! it `TenantTx` opens.

use uuid::Uuid;

use crate::model::{
    id::{BusinessId, ConnectionId, JobId, MemberId, OperatorGrantId, SessionId, TraceId, TrackingLinkId, UserId},
    permission::{Grants, Need, Role},
    profile::Profile,
    role::HeldRole,
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
    Member {
        member: MemberId,
        user: UserId,
        grants: Grants,
    },
    Webhook(ConnectionId),
    Job(JobId),
    /// Who runs the installation, by a command of theirs, under a grant (TEN-6).
    Operator(OperatorGrantId),
    /// A customer who follows their technician by a link, and sees what it shows.
    Link(TrackingLinkId),
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
    /// Somebody whom an entry is about or who signs in with it, and who does nothing else with it: they hold nothing.
    #[must_use]
    pub const fn named(member: MemberId, user: UserId) -> Self {
        Self::Member { member, user, grants: Grants::NONE }
    }

    /// The id that audit entries store.
    #[must_use]
    pub fn uuid(self) -> Option<Uuid> {
        match self {
            Self::Member { member, .. } => Some(member.0),
            Self::Webhook(connection) => Some(connection.0),
            Self::Job(job) => Some(job.0),
            Self::Operator(grant) => Some(grant.0),
            Self::Link(link) => Some(link.0),
        }
    }

    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Member { .. } => "member",
            Self::Webhook(_) => "webhook",
            Self::Job(_) => "job",
            Self::Operator(_) => "operator",
            Self::Link(_) => "tracking_link",
        }
    }
}

/// A signed-in person as the session names them: the caller, and what the shell shows of them and their business.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub caller: Caller,
    pub member: MemberId,
    pub user: UserId,
    /// The role that they have.
    pub held: HeldRole,
    /// The role as which they view the product; it takes from them what it does not hold (PER-6).
    pub view: Option<View>,
    /// What they may do now: every decision about them asks this. The actor of their caller holds the same.
    pub grants: Grants,
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

/// A role as which somebody views the product.
#[derive(Debug, Clone)]
pub struct View {
    /// What it is called; absent when there is none of that name any more: then it holds nothing.
    pub label: Option<String>,
    /// The built-in role behind it.
    pub base: Role,
}

impl SignedIn {
    #[must_use]
    pub fn passes(&self, need: Need) -> bool {
        need.admits(Some(self.grants))
    }

    /// The built-in role behind theirs, for programs that know no others. What they may do is another matter: [`Self::grants`].
    #[must_use]
    pub fn base(&self) -> Role {
        self.view.as_ref().map_or(self.held.base, |view| view.base)
    }

    /// Whether they are an owner, and act as one: who views the product as another role does not.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.held.is(Role::Owner) && self.view.is_none()
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
