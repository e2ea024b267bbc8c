//! How an action ended, as a browser sees it. Closed words only: nothing here forwards an error's text.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

use crate::model::field::BadField;

/// What went wrong, by the status it answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    BadRequest,
    SignedOut,
    Refused,
    Unproved,
    FactorDue,
    Outside,
    Missing,
    WrongMethod,
    Conflict,
    NoNumber,
    TooLarge,
    WrongType,
    Invalid,
    Limited,
    Internal,
    Unavailable,
}

/// A failed action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", .kind.title())]
pub struct Fault {
    pub kind: FaultKind,
    /// What is wrong with which field, for `Invalid`.
    #[serde(default)]
    pub fields: Vec<BadField>,
    /// What a log line of ours carries too, for `Internal` and `Unavailable`.
    #[serde(default)]
    pub incident: Option<String>,
    /// Seconds to wait, for `Limited`.
    #[serde(default)]
    pub retry_after: Option<u32>,
}

/// A finished action: where to go on, and what to say there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// A path of ours. `None`: back to where the form was.
    pub to: Option<String>,
    pub notice: Option<String>,
}

impl Done {
    #[must_use]
    pub fn at(to: impl Into<String>) -> Self {
        Self { to: Some(to.into()), notice: None }
    }

    #[must_use]
    pub fn back() -> Self {
        Self { to: None, notice: None }
    }

    #[must_use]
    pub fn saying(mut self, notice: impl Into<String>) -> Self {
        self.notice = Some(notice.into());
        self
    }
}

impl FaultKind {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::SignedOut => 401,
            Self::Refused | Self::Unproved | Self::FactorDue | Self::Outside => 403,
            Self::Missing => 404,
            Self::WrongMethod => 405,
            Self::Conflict | Self::NoNumber => 409,
            Self::TooLarge => 413,
            Self::WrongType => 415,
            Self::Invalid => 422,
            Self::Limited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "This request could not be read",
            Self::SignedOut => "Please sign in",
            Self::Refused => "Your role does not allow this",
            Self::Unproved => "Please show again that it is you",
            Self::FactorDue => "Please set up your second factor first",
            Self::Outside => "You are not in a network of this business",
            Self::Missing => "There is nothing here",
            Self::WrongMethod => "This address is not asked in this way",
            Self::Conflict => "Somebody else changed this meanwhile",
            Self::NoNumber => "No number for masked calls is free",
            Self::TooLarge => "This is too large",
            Self::WrongType => "This kind of content is not accepted here",
            Self::Invalid => "Please check the form",
            Self::Limited => "Too many tries in a short time",
            Self::Internal => "Something broke on our side",
            Self::Unavailable => "Ringfort cannot reach its database",
        }
    }

    /// What happened to the person's work, and what to do.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::BadRequest => "The address or a filter in it is not valid. Nothing was changed.",
            Self::SignedOut => "You are not signed in, or your session is over. Nothing was changed.",
            Self::Refused => {
                "Nothing was changed. If you need this for your work, ask the owner of your business to change your \
                 role."
            }
            Self::Unproved => {
                "Nothing was changed. This asks again who you are when your last proof is older than ten minutes: load the \
                 page again."
            }
            Self::FactorDue => {
                "Nothing was changed. Your business asks everybody in your role for a second factor: set one up in your \
                 account, and everything opens again."
            }
            Self::Outside => {
                "Nothing was changed. Your business lets its people in from its own networks only, and this address is not \
                 in one of them. Go on from there, or ask who changes its settings to add yours."
            }
            Self::Missing => "The address may be mistyped, or what was here is gone. Nothing was changed.",
            Self::WrongMethod => {
                "It answers a form of one of our pages, or a program, and shows nothing by itself. Nothing was changed."
            }
            Self::Conflict => "Nothing of yours was saved. Load the page again, look at the change, and try once more.",
            Self::NoNumber => {
                "Nothing was opened. Every number of the pool joins one of these two with somebody else already. Close a job \
                 of theirs that is done, or ask who manages extensions to add a number; until then the desks can call."
            }
            Self::TooLarge => "Nothing was saved. Send less at once.",
            Self::WrongType => "Nothing was saved.",
            Self::Invalid => "Nothing was saved yet. What you typed is kept, except secrets.",
            Self::Limited => "Nothing was changed. Wait a moment, then try again.",
            Self::Internal => {
                "Nothing was changed. Try again; if it happens again, tell your operator the incident below."
            }
            Self::Unavailable => {
                "Nothing was lost: provider events wait and are delivered again. Try again in a few seconds."
            }
        }
    }
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self { kind, fields: Vec::new(), incident: None, retry_after: None }
    }
}

impl FromServerFnError for Fault {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                FaultKind::BadRequest.into()
            }
            ServerFnErrorErr::Request(_) => FaultKind::Unavailable.into(),
            _ => FaultKind::Internal.into(),
        }
    }
}
