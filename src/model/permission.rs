//! Who may do what: one table, from which built-in roles are made, by which doors and queries decide, and which the matrix
//! page is drawn from (PER-1 to PER-4). Everything that is not in it is denied. Decisions ask [`Grants`], never a role:
//! a business may have roles of its own (`super::role`).
//!
//! To add a permission: a row in `permissions!`, in its group; the snapshot test shows the change. A permission reaches the
//! whole business or nothing; `either` lets it reach one's own too, `own` lets it reach one's own only.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::field::Bad;
pub use super::grants::Grants;

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

impl Reach {
    pub const ALL: [Self; 3] = [Self::None, Self::Own, Self::All];

    /// The stored form. What is denied is not stored.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Own => "own",
            Self::All => "all",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "Denied",
            Self::Own => "Own only",
            Self::All => "Allowed",
        }
    }
}

impl FromStr for Reach {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|r| r.code() == text).ok_or(Bad::Choice)
    }
}

macro_rules! permissions {
    ($($group:ident { $($name:ident $code:literal $label:literal $($knows:ident)? [$($cell:tt)+];)+ })+) => {
        /// One thing that a role may be allowed to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Permission { $($($name,)+)+ }

        /// Every permission, grouped and in page order, with its reach per role in the order of [`Role::ALL`].
        pub const TABLE: &[Row] = &[$($(Row {
            permission: Permission::$name,
            group: Group::$group,
            code: $code,
            label: $label,
            knows: permissions!(@knows $($knows)?),
            reach: [$(permissions!(@cell $cell)),+],
        },)+)+];
    };
    (@cell A) => { Reach::All };
    (@cell o) => { Reach::Own };
    (@cell _) => { Reach::None };
    (@knows) => { &[Reach::None, Reach::All] };
    (@knows own) => { &[Reach::None, Reach::Own] };
    (@knows either) => { &[Reach::None, Reach::Own, Reach::All] };
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
    /// The reaches that it has a meaning for, narrowest first.
    pub knows: &'static [Reach],
    reach: [Reach; Role::ALL.len()],
}

permissions! {
    //                                                                                   own adm man dis age tec vie aud
    Calls {
        LiveBoard          "live_board"          "Watch the live board"              either [A   A   A   A   o   _   _   _];
        ScreenPop          "screen_pop"          "Get screen pops"                   own    [o   o   o   o   o   _   _   _];
        CallsOwn           "calls.own"           "See their own calls"                      [A   A   A   A   A   A   _   _];
        CallsAll           "calls.all"           "See the full call log"                    [A   A   A   A   _   _   _   _];
        CallNumbers        "calls.numbers"       "See numbers in clear"                     [A   A   _   _   _   _   _   _];
        CallsSupervise     "calls.supervise"     "Transfer, mute and end calls"             [A   A   A   A   _   _   _   _];
        Wallboard          "wallboard"           "Share the wallboard"                      [A   A   A   _   _   _   _   _];
        RecordingsPlay     "recordings.play"     "Play recordings"                   either [A   A   A   _   o   _   _   _];
        RecordingsDownload "recordings.download" "Download recordings"                      [A   A   _   _   _   _   _   _];
        Transcripts        "transcripts"         "Read transcripts"                  either [A   A   A   _   o   _   _   _];
    }
    Work {
        Map                "map"                 "See technicians on the map"        either [A   A   A   A   _   o   _   _];
        PositionsSend      "positions.send"      "Send their own position"           own    [_   _   _   _   _   o   _   _];
        WorkOrders         "work_orders"         "Work on jobs"                      either [A   A   A   A   _   o   _   _];
        Messages           "messages"            "Read and send texts"               either [A   A   A   A   o   o   _   _];
        Leads              "leads"               "Work with leads"                   either [A   A   A   _   o   _   _   _];
        Campaigns          "campaigns"           "Run campaigns"                            [A   A   A   _   _   _   _   _];
    }
    Insight {
        Leaderboard        "leaderboard"         "See the leaderboard"                      [A   A   A   A   A   _   A   _];
        Analytics          "analytics"           "See analytics"                            [A   A   A   _   _   _   A   _];
    }
    Team {
        TeamRead           "team.read"           "See the team"                             [A   A   A   A   _   _   _   A];
        TeamManage         "team.manage"         "Change and remove people"                 [A   A   _   _   _   _   _   _];
        TeamInvite         "team.invite"         "Invite people"                            [A   A   A   _   _   _   _   _];
        RolesRead          "roles.read"          "See what each role may do"                [A   A   A   _   _   _   _   A];
        RolesManage        "roles.manage"        "Change roles"                             [A   _   _   _   _   _   _   _];
    }
    Setup {
        Settings           "settings"            "Change settings"                          [A   A   _   _   _   _   _   _];
        Retention          "retention"           "Change how long data is kept"             [A   _   _   _   _   _   _   _];
        RetentionRead      "retention.read"      "See how long data is kept"                [A   A   _   _   _   _   _   A];
        Credentials        "credentials"         "Manage provider credentials"              [A   A   _   _   _   _   _   _];
        Extensions         "extensions"          "Manage trunks and extensions"             [A   A   A   _   _   _   _   _];
        AgentConfiguration "agents.configure"    "Configure voice agents"                   [A   A   A   _   _   _   _   _];
        Billing            "billing"             "See and change billing"                   [A   _   _   _   _   _   _   _];
    }
    Evidence {
        AuditRead          "audit.read"          "Read the audit log"                       [A   _   _   _   _   _   _   A];
        AuditExport        "audit.export"        "Export the audit log"                     [A   _   _   _   _   _   _   A];
        AuditStream        "audit.stream"        "Stream the audit log to a collector"      [A   _   _   _   _   _   _   _];
        PrivacyRequests    "privacy"             "Handle privacy requests"                  [A   A   _   _   _   _   _   _];
        Incidents          "incidents"           "Handle incidents"                         [A   A   _   _   _   _   _   A];
        Operators          "operators"           "End the operator's access"                [A   _   _   _   _   _   _   _];
    }
}

impl Row {
    /// How far it reaches for a built-in role: for [`Grants::of`], which is asked instead.
    pub(super) const fn of(&self, role: Role) -> Reach {
        self.reach[role as usize]
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

    /// What this role may do, by the table.
    #[must_use]
    pub const fn grants(self) -> Grants {
        Grants::of(self)
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

impl FromStr for Permission {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        TABLE.iter().find(|row| row.code == text).map(|row| row.permission).ok_or(Bad::Choice)
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
    /// A member who reaches at least their own.
    Holds(Permission),
    /// A member who reaches the whole business: for what one's own is not enough for.
    HoldsAll(Permission),
    /// A member who reaches at least their own in one of these.
    HoldsAny(&'static [Permission]),
}

impl Need {
    /// Whether somebody who holds `grants` (nobody: `None`) passes.
    #[must_use]
    pub fn admits(self, grants: Option<Grants>) -> bool {
        match (self, grants) {
            (Self::Public, _) | (Self::SignedIn, Some(_)) => true,
            (_, None) => false,
            (Self::Holds(permission), Some(grants)) => grants.holds(permission),
            (Self::HoldsAll(permission), Some(grants)) => grants.reach(permission) == Reach::All,
            (Self::HoldsAny(any), Some(grants)) => any.iter().any(|p| grants.holds(*p)),
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
    fn no_role_reaches_further_than_a_permission_knows() {
        for row in TABLE {
            assert!(row.knows.is_sorted() && row.knows.first() == Some(&Reach::None), "{}", row.code);
            for role in Role::ALL {
                assert!(row.knows.contains(&row.of(role)), "{} for {}", row.code, role.code());
            }
        }
    }

    #[test]
    fn words_survive_being_stored() {
        assert!(TABLE.iter().all(|row| row.code.parse() == Ok(row.permission)));
        assert!(Reach::ALL.into_iter().all(|reach| reach.code().parse() == Ok(reach)));
        assert_eq!("everything".parse::<Permission>(), Err(Bad::Choice));
    }

    #[test]
    fn nobody_passes_only_a_public_door() {
        assert!(Need::Public.admits(None));
        for need in [Need::SignedIn, Need::Holds(Permission::LiveBoard), Need::HoldsAny(&[Permission::LiveBoard])] {
            assert!(!need.admits(None));
        }
        assert!(!Need::Holds(Permission::LiveBoard).admits(Some(Role::Viewer.grants())));
        let technician = Some(Role::Technician.grants());
        assert!(Need::Holds(Permission::WorkOrders).admits(technician));
        assert!(!Need::HoldsAll(Permission::WorkOrders).admits(technician), "their own is not enough");
    }
}
