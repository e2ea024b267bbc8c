//! Adapters to outside systems: each speaks one provider's dialect and nothing else. No SQL, no permissions, no
//! state: what comes in is translated to [`CallEvent`]s, what goes out is asked of [`Outbound`].
//!
//! To add a telephony provider: a folder beside [`twilio`] that implements [`Telephony`], a line in [`telephony`],
//! its code in the `connections` table's check, and a test for every vector its vendor's library produces. To add
//! an agency system: see [`agency`]. Who people are is asked of [`oidc`]; collectors of the audit log are [`siem`]'s.

pub mod agency;
pub mod oidc;
pub mod request;
pub mod siem;
pub mod twilio;

use std::fmt;

use async_trait::async_trait;

pub use request::{Door, Malformed, RawRequest, Rejected, Verified};

use crate::{
    model::{
        call::{CallState, Direction},
        extension::Target,
        field::Bad,
        phone::Phone,
    },
    server::{
        kit::{
            At,
            outbound::{Outbound, OutboundError},
        },
        vault::Secret,
    },
};

/// What a provider told about one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEvent {
    /// The same for every delivery of this event, different for every other event of the connection.
    pub key: String,
    /// The provider's id of the customer's call: of the parent when this is about a leg.
    pub call: String,
    pub leg: Option<LegRef>,
    pub direction: Direction,
    /// The customer's number. None when withheld, not a number, or when this is about a leg.
    pub party: Option<Phone>,
    /// Our number. None when it is not a number, or when this is about a leg.
    pub own: Option<Phone>,
    pub state: CallState,
    /// The provider's order of events within this call or leg, -1 when it gives none.
    pub seq: i32,
    /// The provider's time.
    pub at: Option<At>,
}

/// A leg of a call towards one of our people.
#[derive(Clone, PartialEq, Eq)]
pub struct LegRef {
    /// The provider's id.
    pub id: String,
    /// What rings: `client:ana`, `sip:…` or a number in clear, which is why `Debug` leaves it out.
    pub target: String,
}

impl fmt::Debug for LegRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LegRef({})", self.id)
    }
}

/// How long desks ring.
pub const RING_SECONDS: u16 = 20;

/// What shall ring for a call. Its addresses hold the connection's token, so there is no `Debug`.
pub struct RingPlan {
    /// Shown to who is called. None leaves the caller's own number.
    pub caller_id: Option<Phone>,
    /// All ring at once; the first to answer gets the call.
    pub targets: Vec<Target>,
    /// Where the provider reports each leg.
    pub status_url: String,
    /// Where the provider asks what comes after the ringing.
    pub action_url: String,
    pub timeout_seconds: u16,
}

/// What shall happen with a call now.
pub enum Next {
    /// It rings; where the plan has nothing to ring, the caller hears that nobody can take the call.
    Ring(RingPlan),
    /// The caller hears that the customer whom they call does not answer.
    NotReached,
    /// What was said before.
    Nothing,
}

/// The body that a provider gets for its webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub content_type: &'static str,
    pub body: String,
}

/// How a try of a connection's account and secret went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestOutcome {
    Ok,
    /// The provider does not know this account, or not with this secret.
    Refused,
    /// No answer, or none that says something about the account.
    Unreachable,
}

/// A text message that a provider shall send. Its words may be a code, so there is no `Debug`.
pub struct TextMessage<'a> {
    /// The connection's own number.
    pub from: &'a Phone,
    pub to: &'a Phone,
    pub body: &'a Secret,
    /// An earlier try may have got through without our hearing of it: the provider is asked first.
    pub again: bool,
}

/// Why a text message was not sent. `RateLimited` and `Transient` are worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("the provider sends no text messages")]
    CannotText,
    #[error("the provider does not accept this account")]
    Auth,
    #[error("the provider sends nothing to this number")]
    Number,
    #[error("the provider asks for patience")]
    RateLimited { retry_after_seconds: Option<u32> },
    #[error("the provider could not be reached")]
    Transient,
    #[error("the provider answered something unexpected")]
    Permanent,
}

impl TextError {
    /// The closed word for the audit log.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CannotText => "cannot_text",
            Self::Auth => "account",
            Self::Number => "number",
            Self::RateLimited { .. } | Self::Transient => "unreachable",
            Self::Permanent => "answer",
        }
    }
}

impl From<OutboundError> for TextError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Unreachable | OutboundError::Untrusted => Self::Transient,
            OutboundError::Forbidden | OutboundError::TooLarge => Self::Permanent,
        }
    }
}

/// What a supervisor may want of a running call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    Transfer,
    HangUp,
    Mute,
}

/// The same, with what it needs. A plan's addresses hold the connection's token, so there is no `Debug`.
pub enum Order {
    /// Away from whoever has it, to what the plan rings.
    Transfer(RingPlan),
    /// The end of it, for everybody.
    HangUp,
    /// Nobody hears our side any more.
    Mute,
}

/// Why a running call did not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    #[error("the provider cannot do this")]
    Cannot,
    #[error("the provider does not accept this account")]
    Account,
    #[error("the call has ended, or the provider does not know it")]
    Gone,
    #[error("the provider could not be reached, or answered something unexpected")]
    Unreachable,
}

impl ControlError {
    /// The closed word for the audit log.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cannot => "cannot",
            Self::Account => "account",
            Self::Gone => "gone",
            Self::Unreachable => "unreachable",
        }
    }
}

impl From<OutboundError> for ControlError {
    fn from(_: OutboundError) -> Self {
        Self::Unreachable
    }
}

/// A provider of telephone calls. Every method is required: a default would be a check that passes by accident.
#[async_trait]
pub trait Telephony: Send + Sync {
    /// The name in the database and in the webhook's address.
    fn code(&self) -> &'static str;

    /// Checks that the provider signed exactly this request with one of the live `secrets`, for `account`.
    ///
    /// # Errors
    /// Rejected, which to the outside must look the same whatever the reason.
    fn verify(&self, request: &RawRequest<'_>, account: &str, secrets: &[Secret]) -> Result<Verified, Rejected>;

    /// Translates a request. The same request always gives the same event.
    ///
    /// # Errors
    /// Malformed when the provider signed something that this adapter cannot read.
    fn event(&self, verified: &Verified) -> Result<CallEvent, Malformed>;

    /// Whether this tells that the ringing ended unanswered, and the caller is still there.
    fn missed(&self, verified: &Verified) -> bool;

    /// What the provider shall do with the call.
    fn answer(&self, next: &Next) -> Answer;

    /// Tries account and secret against the provider, changing nothing there.
    async fn test(&self, outbound: &Outbound, account: &str, secret: &Secret) -> TestOutcome;

    /// Whether it sends text messages at all. Who says no answers [`Self::send_text`] with [`TextError::CannotText`].
    fn can_text(&self) -> bool;

    /// Sends a text message. Once it is accepted, it is the provider's to deliver.
    ///
    /// # Errors
    /// [`TextError`]; it was not accepted, or nobody knows.
    async fn send_text(
        &self,
        outbound: &Outbound,
        account: &str,
        secret: &Secret,
        text: &TextMessage<'_>,
    ) -> Result<(), TextError>;

    /// Whether it can do this with a running call.
    ///
    /// # Errors
    /// Why not, in a sentence for people. Then [`Self::control`] answers [`ControlError::Cannot`].
    fn can(&self, control: Control) -> Result<(), &'static str>;

    /// Changes a running call, by the provider's own id of it. Once it is accepted, the webhook tells what became of it.
    ///
    /// # Errors
    /// [`ControlError`]; nothing changed, or nobody knows.
    async fn control(
        &self,
        outbound: &Outbound,
        account: &str,
        secret: &Secret,
        call: &str,
        order: &Order,
    ) -> Result<(), ControlError>;

    /// The account as it will be stored.
    ///
    /// # Errors
    /// When the provider has no accounts of this shape.
    fn check_account(&self, account: &str) -> Result<String, Bad>;

    /// # Errors
    /// When the provider has no secrets of this shape.
    fn check_secret(&self, secret: &str) -> Result<(), Bad>;
}

const ALL: [&dyn Telephony; 1] = [&twilio::Twilio];

/// The telephony provider with this code.
#[must_use]
pub fn telephony(code: &str) -> Option<&'static dyn Telephony> {
    ALL.into_iter().find(|provider| provider.code() == code)
}

/// The codes of those that send text messages.
#[must_use]
pub fn texting() -> Vec<String> {
    ALL.into_iter().filter(|provider| provider.can_text()).map(|provider| provider.code().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_found_by_its_code() {
        assert_eq!(telephony("twilio").map(Telephony::code), Some("twilio"));
        assert!(telephony("nowcerts").is_none());
        assert_eq!(agency::agency("nowcerts").map(agency::AgencySystem::code), Some("nowcerts"));
        assert!(agency::agency("twilio").is_none());
        assert_eq!(texting(), ["twilio"]);
    }

    #[test]
    fn a_leg_does_not_show_a_number() {
        let leg = LegRef { id: "CA1".into(), target: "+14155550100".into() };
        assert_eq!(format!("{leg:?}"), "LegRef(CA1)");
    }
}
