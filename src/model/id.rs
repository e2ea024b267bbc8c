//! Ids: one type per noun, so that the wrong kind does not compile, and a prefix in text, so that the wrong
//! kind does not parse. Values are UUIDv7 (RFC 9562), made by `server::kit::entropy`.
//!
//! To add one: a line in the macro call at the end.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0} id")]
pub struct BadId(pub &'static str);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|rest| rest.len() == 32)
                    .and_then(|rest| Uuid::try_parse(rest).ok())
                    .map(Self)
                    .ok_or(BadId($prefix))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl From<Uuid> for $name {
            fn from(value: Uuid) -> Self {
                Self(value)
            }
        }
    )+};
}

ids! {
    /// A tenant.
    BusinessId = "biz";
    /// A person, across businesses.
    UserId = "usr";
    /// A person in one business.
    MemberId = "mem";
    /// A signed-in browser or program, as people see it named.
    SessionId = "ses";
    /// A browser that an account has signed in with.
    DeviceId = "dev";
    /// A passkey of a person.
    PasskeyId = "psk";
    /// An invitation to join.
    InvitationId = "inv";
    /// A provider or agency system that a business connected.
    ConnectionId = "con";
    /// One live secret of a connection.
    SecretId = "sec";
    /// A data key of the vault.
    DataKeyId = "key";
    /// An extension that can ring.
    ExtensionId = "ext";
    /// A customer's call.
    CallId = "call";
    /// A number of ours that customers call, and what people call it.
    QueueId = "que";
    /// Why an agent is busy or on a break.
    ReasonId = "rsn";
    /// A link to the wallboard.
    WallboardId = "wall";
    /// One leg of a call towards one of our people.
    LegId = "leg";
    /// One entry of a call's timeline.
    CallEventId = "cev";
    /// A stored provider event.
    ReceiptId = "rcp";
    /// A screen pop.
    PopId = "pop";
    /// A job of the queue.
    JobId = "job";
    /// An audit entry.
    AuditId = "aud";
    /// A saved filter of the audit log.
    FilterId = "flt";
    /// An export of the audit log.
    ExportId = "exp";
    /// A stream of the audit log to a collector.
    StreamId = "str";
    /// A retention run.
    RunId = "run";
    /// A technician's shift.
    ShiftId = "shf";
    /// That somebody looked at where technicians are.
    LookId = "look";
    /// A network that people may come from.
    NetworkId = "net";
    /// A review of who has access.
    ReviewId = "rev";
    /// A role that a business made.
    RoleId = "rol";
    /// The operator's access to a business, while it lasts.
    OperatorGrantId = "grt";
    /// Invitations that were sent together.
    BatchId = "bat";
    /// A number through which masked calls go.
    ProxyNumberId = "pxn";
    /// A customer and their technician, joined by a proxy number.
    ProxySessionId = "pxs";
    /// A customer's job in the field.
    WorkOrderId = "wo";
    /// One entry of a work order's timeline.
    WorkOrderEventId = "woe";
    /// A customer's link to follow their technician.
    TrackingLinkId = "trk";
    /// One request or job, as logs and audit entries name it.
    TraceId = "trc";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrong_kind_does_not_parse() {
        let call = CallId(Uuid::from_u128(7));
        assert_eq!(call.to_string().parse(), Ok(call));
        assert_eq!(call.to_string().parse::<MemberId>(), Err(BadId("mem")));
        assert_eq!("call_7".parse::<CallId>(), Err(BadId("call")));
    }
}
