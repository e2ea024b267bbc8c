//! Who may do what: one table, from which doors decide, queries decide, and the matrix page is drawn
//! (PER-1 to PER-4). Everything that is not in it is denied.
//!
//! To add a permission: a variant and its row in `TABLE`, in the same order; the snapshot test shows the change.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::field::Bad;

/// The built-in roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Owner,
    Admin,
    Manager,
    Dispatcher,
    Agent,
    Technician,
    Viewer,
    Auditor,
}

/// How far a permission reaches for a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Denied.
    None,
    /// Only what is one's own: own calls, own screen pop.
    Own,
    /// The whole business.
    All,
}

macro_rules! permissions {
    ($($group:ident { $($name:ident $code:literal $label:literal [$($cell:tt)+];)+ })+) => {
        /// One thing that a role may be allowed to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Permission { $($($name,)+)+ }

        /// Every permission, grouped and in page order, with its reach per role in the order of [`Role::ALL`].
        pub const TABLE: &[Row] = &[$($(Row {
            permission: Permission::$name,
            group: Group::$group,
            code: $code,
            label: $label,
            reach: [$(permissions!(@cell $cell)),+],
        },)+)+];
    };
    (@cell A) => { Reach::All };
    (@cell o) => { Reach::Own };
    (@cell _) => { Reach::None };
}

/// Where the matrix page puts a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Calls,
    Work,
    Insight,
    Team,
    Setup,
    Evidence,
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    pub permission: Permission,
    pub group: Group,
    pub code: &'static str,
    pub label: &'static str,
    reach: [Reach; Role::ALL.len()],
}

permissions! {
    //                                                                            own adm man dis age tec vie aud
    Calls {
        LiveBoard          "live_board"          "Watch the live board"              [A   A   A   A   o   _   _   _];
        ScreenPop          "screen_pop"          "Get screen pops"                   [o   o   o   o   o   _   _   _];
        CallsOwn           "calls.own"           "See their own calls"               [A   A   A   A   A   A   _   _];
        CallsAll           "calls.all"           "See the full call log"             [A   A   A   A   _   _   _   _];
        CallNumbers        "calls.numbers"       "See numbers in clear"              [A   A   _   _   _   _   _   _];
        RecordingsPlay     "recordings.play"     "Play recordings"                   [A   A   A   _   o   _   _   _];
        RecordingsDownload "recordings.download" "Download recordings"               [A   A   _   _   _   _   _   _];
        Transcripts        "transcripts"         "Read transcripts"                  [A   A   A   _   o   _   _   _];
    }
    Work {
        Map                "map"                 "See technicians on the map"        [A   A   A   A   _   o   _   _];
        Messages           "messages"            "Read and send texts"               [A   A   A   A   o   o   _   _];
        Leads              "leads"               "Work with leads"                   [A   A   A   _   o   _   _   _];
        Campaigns          "campaigns"           "Run campaigns"                     [A   A   A   _   _   _   _   _];
    }
    Insight {
        Leaderboard        "leaderboard"         "See the leaderboard"               [A   A   A   A   A   _   A   _];
        Analytics          "analytics"           "See analytics"                     [A   A   A   _   _   _   A   _];
    }
    Team {
        TeamRead           "team.read"           "See the team"                      [A   A   A   A   _   _   _   A];
        TeamManage         "team.manage"         "Change and remove people"          [A   A   _   _   _   _   _   _];
        TeamInvite         "team.invite"         "Invite people"                     [A   A   A   _   _   _   _   _];
        RolesRead          "roles.read"          "See what each role may do"         [A   A   A   _   _   _   _   A];
        RolesManage        "roles.manage"        "Change roles"                      [A   _   _   _   _   _   _   _];
    }
    Setup {
        Settings           "settings"            "Change settings"                   [A   A   _   _   _   _   _   _];
        Retention          "retention"           "Change how long data is kept"      [A   _   _   _   _   _   _   _];
        RetentionRead      "retention.read"      "See how long data is kept"         [A   A   _   _   _   _   _   A];
        Credentials        "credentials"         "Manage provider credentials"       [A   A   _   _   _   _   _   _];
        Extensions         "extensions"          "Manage trunks and extensions"      [A   A   A   _   _   _   _   _];
        AgentConfiguration "agents.configure"    "Configure voice agents"            [A   A   A   _   _   _   _   _];
        Billing            "billing"             "See and change billing"            [A   _   _   _   _   _   _   _];
    }
    Evidence {
        AuditRead          "audit.read"          "Read the audit log"                [A   _   _   _   _   _   _   A];
        AuditExport        "audit.export"        "Export the audit log"              [A   _   _   _   _   _   _   A];
        PrivacyRequests    "privacy"             "Handle privacy requests"           [A   A   _   _   _   _   _   _];
        Incidents          "incidents"           "Handle incidents"                  [A   A   _   _   _   _   _   A];
    }
}

impl Permission {
    #[must_use]
    pub const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().code
    }
}

impl Group {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Calls => "Calls",
            Self::Work => "Work",
            Self::Insight => "Insight",
            Self::Team => "Team",
            Self::Setup => "Setup",
            Self::Evidence => "Evidence",
        }
    }
}

impl Role {
    pub const ALL: [Self; 8] = [
        Self::Owner,
        Self::Admin,
        Self::Manager,
        Self::Dispatcher,
        Self::Agent,
        Self::Technician,
        Self::Viewer,
        Self::Auditor,
    ];

    /// The only decision there is: how far `permission` reaches for this role.
    #[must_use]
    pub const fn reach(self, permission: Permission) -> Reach {
        permission.row().reach[self as usize]
    }

    /// True when this role holds everything that `other` holds, so that nobody hands out what they lack (PER-5).
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        TABLE.iter().all(|row| self.reach(row.permission) >= other.reach(row.permission))
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Dispatcher => "dispatcher",
            Self::Agent => "agent",
            Self::Technician => "technician",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::Manager => "Manager",
            Self::Dispatcher => "Dispatcher",
            Self::Agent => "Agent",
            Self::Technician => "Technician",
            Self::Viewer => "Viewer",
            Self::Auditor => "Auditor",
        }
    }
}

impl FromStr for Role {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|r| r.code() == text).ok_or(Bad::Choice)
    }
}

/// What a door asks for before anything else happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Anybody, signed in or not. Its handler proves what else it needs (a mailed token, a signature).
    Public,
    /// Any member of the business.
    SignedIn,
    /// A member whose role reaches at least their own.
    Holds(Permission),
    /// A member whose role reaches at least their own in one of these.
    HoldsAny(&'static [Permission]),
}

impl Need {
    /// Whether `role` (nobody: `None`) passes.
    #[must_use]
    pub fn admits(self, role: Option<Role>) -> bool {
        match (self, role) {
            (Self::Public, _) | (Self::SignedIn, Some(_)) => true,
            (_, None) => false,
            (Self::Holds(permission), Some(role)) => role.reach(permission) > Reach::None,
            (Self::HoldsAny(any), Some(role)) => any.iter().any(|p| role.reach(*p) > Reach::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_enum() {
        for (i, row) in TABLE.iter().enumerate() {
            assert_eq!(row.permission as usize, i, "{}", row.code);
            assert_eq!(row.permission.row().code, row.code);
        }
    }

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = TABLE.iter().map(|r| r.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), TABLE.len());
    }

    #[test]
    fn the_owner_covers_everybody_and_an_agent_nobody_else() {
        assert!(Role::ALL.into_iter().all(|r| Role::Owner.covers(r)));
        assert!(!Role::Admin.covers(Role::Owner));
        assert!(!Role::Admin.covers(Role::Auditor), "an admin does not read the audit log and cannot hand it out");
        assert!(!Role::Agent.covers(Role::Viewer));
    }

    #[test]
    fn nobody_passes_only_a_public_door() {
        assert!(Need::Public.admits(None));
        for need in [Need::SignedIn, Need::Holds(Permission::LiveBoard), Need::HoldsAny(&[Permission::LiveBoard])] {
            assert!(!need.admits(None));
        }
        assert!(!Need::Holds(Permission::LiveBoard).admits(Some(Role::Viewer)));
    }
}
