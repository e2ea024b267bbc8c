//! The audit vocabulary (AUD-1): every event has a code and a sentence here, and is written nowhere else.
//!
//! To add one: a line in the macro call. Entries hold ids and closed words, never personal data (AUD-7).

use std::str::FromStr;

use super::field::Bad;

macro_rules! actions {
    ($($name:ident $code:literal $label:literal;)+) => {
        /// What somebody did or tried to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($name,)+ }

        impl Action {
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stored form: noun, dot, verb.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The sentence that the viewer shows.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }
        }
    };
}

impl Action {
    /// Whether streams that are open may have to end when it is done. One that is missing here counts a moment later: streams
    /// are checked every second besides.
    #[must_use]
    pub const fn ends_access(self) -> bool {
        matches!(
            self,
            Self::SessionEnded
                | Self::SessionSwitched
                | Self::SessionRevoked
                | Self::SessionsRevokedOthers
                | Self::PasswordReset
                | Self::PasswordChanged
                | Self::FactorReset
                | Self::FactorPolicyChanged
                | Self::MemberRoleChanged
                | Self::MemberRemoved
                | Self::MemberSessionsEnded
                | Self::MemberHandedOver
                | Self::RoleChanged
                | Self::RoleDeleted
                | Self::RoleViewStarted
                | Self::RoleViewEnded
                | Self::NetworkAdded
                | Self::NetworkRemoved
                | Self::NetworkCleared
                | Self::ReviewDecided
                | Self::ReviewClosed
        )
    }
}

actions! {
    BusinessCreated     "business.created"      "Created the business";
    BusinessChanged     "business.changed"      "Changed the business's settings";
    SessionStarted      "session.started"       "Signed in";
    SessionRefused      "session.refused"       "Failed to sign in";
    SessionEnded        "session.ended"         "Signed out";
    SessionSwitched     "session.switched"      "Switched to this business";
    SessionRevoked      "session.revoked"       "Ended one of their own sessions";
    SessionsRevokedOthers "sessions.revoked_others" "Ended all their other sessions";
    SessionProved       "session.proved"        "Confirmed who they are";
    TokenIssued         "token.issued"          "Signed a program in";
    TokenRevoked        "token.revoked"         "Signed a program out";
    TokenReused         "token.reused"          "A program's used key came back; it was signed out";
    AccountLocked       "account.locked"        "Was locked after failed tries to sign in";
    AccountUnlocked     "account.unlocked"      "Unlocked somebody's account";
    FactorAdded         "factor.added"          "Added a second factor";
    FactorRemoved       "factor.removed"        "Removed a second factor";
    FactorRecoveryDrawn "factor.recovery_drawn" "Drew new recovery codes";
    FactorRecoveryUsed  "factor.recovery_used"  "Used a recovery code";
    FactorSuspect       "factor.suspect"        "A passkey was refused: there may be a copy of it";
    FactorTextSent      "factor.text_sent"      "A code was sent by text message";
    FactorReset         "factor.reset"          "Reset somebody's second factors";
    IdentityLinked      "identity.linked"       "Linked an account of another provider to sign in with";
    IdentityUnlinked    "identity.unlinked"     "Unlinked an account of another provider";
    SessionLinkAsked    "session.link_asked"    "Asked for a sign-in link by mail";
    PasswordResetAsked  "password.reset_asked"  "Asked for a new password by mail";
    PasswordReset       "password.reset"        "Chose a new password by mail";
    PasswordChanged     "password.changed"      "Changed their password";
    PasswordPolicyChanged "password_policy.changed" "Changed what passwords must look like";
    MemberInvited       "member.invited"        "Invited somebody";
    InvitationRevoked   "invitation.revoked"    "Withdrew an invitation";
    MemberJoined        "member.joined"         "Joined the business";
    RoleCreated         "role.created"          "Made a role";
    RoleChanged         "role.changed"          "Changed what a role may do";
    RoleDeleted         "role.deleted"          "Deleted a role";
    RoleViewStarted     "role.view_started"     "Began to view the product as another role";
    RoleViewEnded       "role.view_ended"       "Stopped viewing the product as another role";
    MemberRoleChanged   "member.role_changed"   "Changed somebody's role";
    MemberRemoved       "member.removed"        "Removed somebody";
    MemberSessionsEnded "member.sessions_ended" "Ended somebody's sessions";
    MemberHandedOver    "member.handed_over"    "Made somebody an owner";
    InvitationResent    "invitation.resent"     "Sent an invitation again";
    InvitationsImported "invitation.imported"   "Invited people from a list";
    FactorPolicyChanged "factor_policy.changed" "Changed which roles need a second factor";
    NetworkAdded        "network.added"         "Allowed a network";
    NetworkRemoved      "network.removed"       "Took a network off the list";
    NetworkCleared      "network.cleared"       "Opened the business to all networks";
    ReviewOpened        "review.opened"         "Opened an access review";
    ReviewReminded      "review.reminded"       "Reminded of an access review";
    ReviewDecided       "review.decided"        "Decided about somebody's access";
    ReviewClosed        "review.closed"         "Closed an access review";
    ConnectionCreated   "connection.created"    "Connected a provider";
    ConnectionTested    "connection.tested"     "Tested a connection";
    ConnectionRotated   "connection.rotated"    "Rotated a connection's secret";
    ConnectionRevoked   "connection.revoked"    "Revoked a connection";
    ConnectionRevealed  "connection.address"    "Looked at a connection's webhook address";
    ExtensionCreated    "extension.created"     "Added an extension";
    ExtensionRemoved    "extension.removed"     "Removed an extension";
    ShiftBegun          "shift.begun"           "Began a shift";
    ShiftEnded          "shift.ended"           "Ended a shift";
    LocationsLooked     "locations.looked"      "Looked at where technicians are";
    ProxyNumberAdded    "proxy_number.added"    "Added a number for masked calls";
    ProxyNumberRemoved  "proxy_number.removed"  "Removed a number for masked calls";
    MemberPhoneSet      "member_phone.set"      "Said where masked calls reach them";
    MemberPhoneRemoved  "member_phone.removed"  "Removed the number on which masked calls reach them";
    MaskedCallOpened    "masked_call.opened"    "Opened masked calls for a job";
    MaskedCallRouted    "masked_call.routed"    "A masked call was put through";
    MaskedCallMissed    "masked_call.missed"    "A masked call was not answered";
    MaskedCallClosed    "masked_call.closed"    "Closed masked calls of somebody who works on no jobs any more";
    WebhookReceived     "webhook.received"      "A provider event was received";
    WebhookMalformed    "webhook.malformed"     "A signed provider event could not be read";
    WebhookReplayed     "webhook.replayed"      "Asked for a provider event to be applied again";
    PopLookedUp         "pop.looked_up"         "The agency system was asked about a caller";
    PopShown            "pop.shown"             "Was shown a screen pop";
    PopAcknowledged     "pop.acknowledged"      "Acknowledged a screen pop";
    CallsListed         "calls.listed"          "Looked at the call log";
    CallViewed          "call.viewed"           "Looked at a call";
    CallNumbersRevealed "call.numbers_revealed" "Looked at a call's numbers in clear";
    CallTransferred     "call.transferred"      "Asked the provider to transfer a running call";
    CallHungUp          "call.hung_up"          "Asked the provider to end a running call";
    CallMuted           "call.muted"            "Asked the provider to mute somebody on a running call";
    CallControlled      "call.controlled"       "The provider answered what was asked of a running call";
    AgentStateChanged   "agent.state_changed"   "Said whether somebody takes calls";
    AgentReasonAdded    "agent_reason.added"    "Added a reason why agents take no calls";
    AgentReasonRemoved  "agent_reason.removed"  "Removed a reason why agents take no calls";
    QueueAdded          "queue.added"           "Named a number as a queue";
    QueueRemoved        "queue.removed"         "Removed a queue";
    BoardChanged        "board.changed"         "Changed what the live board measures by";
    WallboardShared     "wallboard.shared"      "Made a link to the wallboard";
    WallboardRevoked    "wallboard.revoked"     "Revoked a link to the wallboard";
    WorkOrdersListed    "work_orders.listed"    "Looked at jobs";
    WorkOrderViewed     "work_order.viewed"     "Looked at a job";
    WorkOrderCreated    "work_order.created"    "Made a job";
    WorkOrderChanged    "work_order.changed"    "Changed what a job says";
    WorkOrderAssigned   "work_order.assigned"   "Gave a job to a technician, or took it back";
    WorkOrderMoved      "work_order.moved"      "Moved a job along";
    WorkOrderCanceled   "work_order.canceled"   "Canceled a job";
    TrackingCreated     "tracking_link.created" "Made a customer's tracking link";
    TrackingTexted      "tracking_link.texted"  "A tracking link was sent by text message";
    TrackingOpened      "tracking_link.opened"  "A customer opened a tracking link";
    TrackingRevoked     "tracking_link.revoked" "Ended a tracking link";
    RetentionChanged    "retention.changed"     "Changed how long data is kept";
    RetentionRan        "retention.ran"         "Deleted data whose time was over";
    AuditListed         "audit.listed"          "Read the audit log";
    AuditEntryViewed    "audit.entry_viewed"    "Looked at an audit entry";
    AuditSealsViewed    "audit.seals_viewed"    "Looked at the seals of the audit log";
    AuditFilterSaved    "audit.filter_saved"    "Saved a filter of the audit log";
    AuditFilterRemoved  "audit.filter_removed"  "Removed a saved filter of the audit log";
    AuditVerified       "audit.verified"        "Verified the audit log";
    AuditSealsExported  "audit.seals_exported"  "Exported sealed audit entries";
    AuditExportsViewed  "audit.exports_viewed"  "Looked at the exports of the audit log";
    AuditExportAsked    "audit.export_asked"    "Asked for an export of the audit log";
    AuditExported       "audit.exported"        "An export of the audit log was made";
    AuditExportCancelled "audit.export_cancelled" "Cancelled an export of the audit log";
    AuditExportDownloaded "audit.export_downloaded" "Downloaded an export of the audit log";
    AuditExportRemoved  "audit.export_removed"  "An export of the audit log was removed, its time being over";
    StreamCreated       "audit_stream.created"  "Made a stream of the audit log";
    StreamTested        "audit_stream.tested"   "Sent a test over a stream of the audit log";
    StreamPaused        "audit_stream.paused"   "Paused a stream of the audit log";
    StreamResumed       "audit_stream.resumed"  "Resumed a stream of the audit log";
    StreamReplayed      "audit_stream.replayed" "Had a stream of the audit log send again";
    StreamRotated       "audit_stream.rotated"  "Rotated the secret of a stream of the audit log";
    StreamDeleted       "audit_stream.deleted"  "Deleted a stream of the audit log";
    StreamStalled       "audit_stream.stalled"  "A stream of the audit log does not get through";
    StreamRecovered     "audit_stream.recovered" "A stream of the audit log gets through again";
    AuditChainBroken    "audit.chain_broken"    "The audit log is not what it was";
    OperatorGranted     "operator.granted"      "Opened the operator's access to this business";
    OperatorLooked      "operator.looked"       "Looked at what support needs, as the operator";
    OperatorEnded       "operator.ended"        "Ended the operator's access";
    OperatorExpired     "operator.expired"      "The operator's access ran out";
    DoorRefused         "door.refused"          "Was refused at a door";
}

impl FromStr for Action {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.iter().copied().find(|a| a.code() == text).ok_or(Bad::Choice)
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, and stands in the same transaction as its entry.
    Done,
    /// It was not allowed, or not valid, and nothing changed.
    Refused,
    /// It broke, and nothing changed.
    Failed,
}

impl Outcome {
    pub const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Failed];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::Refused => "Refused",
            Self::Failed => "Failed",
        }
    }
}

impl FromStr for Outcome {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|o| o.code() == text).ok_or(Bad::Choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse() {
        for action in Action::ALL {
            assert_eq!(action.code().parse(), Ok(*action));
        }
    }

    #[test]
    fn what_takes_rights_away_has_streams_checked_and_reading_does_not() {
        assert!(Action::MemberRemoved.ends_access() && Action::RoleChanged.ends_access());
        assert!(!Action::CallsListed.ends_access() && !Action::WebhookReceived.ends_access());
    }
}
