//! A webhook before and after its signature was checked.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use axum::http::{HeaderMap, Method};

use crate::model::{field::Bad, masked_call::Side};

/// What a provider wants to know or to tell. The last part of the webhook's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A call came in: what shall happen?
    Voice,
    /// A call or a leg changed its state.
    Status,
    /// The ringing ended: what comes next?
    Dial,
    /// The same for a masked call, by who of the two made it: it rang at the other.
    Masked(Side),
}

impl Door {
    pub const ALL: [Self; 5] =
        [Self::Voice, Self::Status, Self::Dial, Self::Masked(Side::Customer), Self::Masked(Side::Technician)];

    /// The segment of the path.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Status => "status",
            Self::Dial => "dial",
            Self::Masked(Side::Customer) => "masked-customer",
            Self::Masked(Side::Technician) => "masked-technician",
        }
    }
}

impl FromStr for Door {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|door| door.code() == text).ok_or(Bad::Choice)
    }
}

/// A request as it arrived. Nothing in it may be believed.
pub struct RawRequest<'a> {
    pub method: &'a Method,
    /// The public base address from the configuration (never from `Host`), then path and query exactly as received.
    pub url: &'a str,
    pub door: Door,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// A request that its provider has signed. Only an adapter can build one: the constructor ends at `providers`.
pub struct Verified {
    door: Door,
    parameters: Parameters,
}

/// Decoded parameters: every distinct value of every key.
pub(super) type Parameters = BTreeMap<String, BTreeSet<String>>;

impl Verified {
    pub(super) fn new(door: Door, parameters: Parameters) -> Self {
        Self { door, parameters }
    }

    /// The door it came through.
    #[must_use]
    pub fn door(&self) -> Door {
        self.door
    }

    /// A parameter's value; None when it is missing or empty.
    ///
    /// # Errors
    /// Malformed when it has several values, because then it depends on the reader which one counts.
    pub(super) fn optional(&self, field: &'static str) -> Result<Option<&str>, Malformed> {
        let Some(values) = self.parameters.get(field) else { return Ok(None) };
        match (values.first(), values.len()) {
            (Some(value), 1) => Ok(Some(value.as_str()).filter(|value| !value.is_empty())),
            _ => Err(Malformed { field, problem: "given more than once" }),
        }
    }

    /// A parameter's value.
    ///
    /// # Errors
    /// Malformed when it is missing, empty, or has several values.
    pub(super) fn required(&self, field: &'static str) -> Result<&str, Malformed> {
        self.optional(field)?.ok_or(Malformed { field, problem: "missing" })
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values are people's numbers.
        write!(f, "Verified({}, {} parameters)", self.door.code(), self.parameters.len())
    }
}

/// Why a request is not believed. For counting only: all look alike to the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("the signature does not fit")]
    Signature,
    #[error("signed, but for another account")]
    Account,
}

/// The provider signed it, and still it cannot be read. Names the field, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Malformed {
    pub field: &'static str,
    pub problem: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_are_read_as_they_are_written() {
        for door in Door::ALL {
            assert_eq!(door.code().parse(), Ok(door));
        }
        assert_eq!("Voice".parse::<Door>(), Err(Bad::Choice));
    }

    #[test]
    fn a_parameter_has_one_value() {
        let set = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<BTreeSet<_>>();
        let parameters =
            [("One", set(&["1"])), ("Two", set(&["1", "2"])), ("None", set(&[""]))].map(|(k, v)| (k.to_owned(), v));
        let verified = Verified::new(Door::Voice, Parameters::from(parameters));
        assert_eq!(verified.required("One"), Ok("1"));
        assert_eq!(verified.optional("None"), Ok(None));
        assert_eq!(verified.required("Missing"), Err(Malformed { field: "Missing", problem: "missing" }));
        assert_eq!(verified.optional("Two"), Err(Malformed { field: "Two", problem: "given more than once" }));
        assert_eq!(format!("{verified:?}"), "Verified(voice, 3 parameters)");
    }
}
