//! What somebody asks the audit log for, as words: `actor:mem_… action:call.viewed at:7d role`. The query bar, the chips,
//! the addresses of pages and saved filters are all this one text, so they cannot say different things.
//!
//! [`AuditQuery`] is what was written: `at:7d` stays what it is. [`AuditQuery::resolve`] turns it into an [`AuditFilter`],
//! which names instants, so that it means the same tomorrow: an export is asked for with one. An `AuditFilter` is written
//! as words too (`Display`, `FromStr`), with instants in UTC, and can be pasted into the bar.
//!
//! To add a key: a variant of [`Key`] with its words, a field here and in `AuditFilter`, and its arm in `parse`. What the
//! store does with it stands in `store/audit.rs`.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

use super::{
    audit::{Action, Outcome},
    id::TraceId,
    network::Cidr,
};

mod parse;
mod span;
#[cfg(test)]
mod tests;

pub use parse::{BadWord, LONGEST, Problem, words_of};
pub use span::{Edge, Span, Unit};

/// What can be asked by, in the order in which it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Actor,
    Action,
    Target,
    Result,
    Ip,
    Trace,
    At,
    /// Words without a key.
    Text,
}

impl Key {
    pub const ALL: [Self; 8] =
        [Self::Actor, Self::Action, Self::Target, Self::Result, Self::Ip, Self::Trace, Self::At, Self::Text];

    /// What stands before the colon.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Action => "action",
            Self::Target => "target",
            Self::Result => "result",
            Self::Ip => "ip",
            Self::Trace => "trace",
            Self::At => "at",
            Self::Text => "text",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Actor => "Actor",
            Self::Action => "Act",
            Self::Target => "Target",
            Self::Result => "Result",
            Self::Ip => "Network",
            Self::Trace => "Trace",
            Self::At => "Time",
            Self::Text => "Words",
        }
    }
}

/// An actor or a target: one, by its id, or all of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// `mem_0199…`: the prefix is for people, the id decides. The prefix of a bare id is empty.
    Id { prefix: String, id: Uuid },
    /// `job`, `call`: the noun that entries name.
    Kind(String),
}

impl Subject {
    /// The id, where one was asked for.
    #[must_use]
    pub const fn id(&self) -> Option<Uuid> {
        match self {
            Self::Id { id, .. } => Some(*id),
            Self::Kind(_) => None,
        }
    }

    /// The noun, where all of a kind were asked for.
    #[must_use]
    pub const fn kind(&self) -> Option<&str> {
        match self {
            Self::Id { .. } => None,
            Self::Kind(kind) => Some(kind.as_str()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id { prefix, id } if prefix.is_empty() => write!(f, "{}", id.simple()),
            Self::Id { prefix, id } => write!(f, "{prefix}_{}", id.simple()),
            Self::Kind(kind) => f.write_str(kind),
        }
    }
}

/// What was asked for; every part narrows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    pub actor: Option<Subject>,
    pub action: Option<Action>,
    pub target: Option<Subject>,
    pub result: Option<Outcome>,
    /// The network that an address lies in, as entries keep it: /24 or /48.
    pub ip: Option<Cidr>,
    pub trace: Option<TraceId>,
    pub at: Option<Span>,
    /// Words of `a` to `z` and digits, in small letters, with one space between them.
    pub text: Option<String>,
}

/// As [`AuditQuery`], with instants: the same entries whenever it is asked, but for those that are still to come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor: Option<Subject>,
    pub action: Option<Action>,
    pub target: Option<Subject>,
    pub result: Option<Outcome>,
    pub ip: Option<Cidr>,
    pub trace: Option<TraceId>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before: the instant itself is outside.
    pub to: Option<Timestamp>,
    pub text: Option<String>,
}

impl AuditQuery {
    /// Seven days where no time was asked for. A trace says itself when it was.
    #[must_use]
    pub fn or_recent(mut self) -> Self {
        if self.at.is_none() && self.trace.is_none() {
            self.at = Some(Span::Last(7, Unit::Days));
        }
        self
    }

    /// Without one of its parts. Without its time it is about all times.
    #[must_use]
    pub fn without(mut self, key: Key) -> Self {
        match key {
            Key::Actor => self.actor = None,
            Key::Action => self.action = None,
            Key::Target => self.target = None,
            Key::Result => self.result = None,
            Key::Ip => self.ip = None,
            Key::Trace => self.trace = None,
            Key::At => self.at = Some(Span::ALL),
            Key::Text => self.text = None,
        }
        self
    }

    /// What stands behind a key; absent where it was not asked by.
    #[must_use]
    pub fn value(&self, key: Key) -> Option<String> {
        match key {
            Key::Actor => self.actor.as_ref().map(ToString::to_string),
            Key::Action => self.action.map(|action| action.code().to_owned()),
            Key::Target => self.target.as_ref().map(ToString::to_string),
            Key::Result => self.result.map(|result| result.code().to_owned()),
            Key::Ip => self.ip.map(|ip| ip.to_string()),
            Key::Trace => self.trace.map(|trace| trace.to_string()),
            Key::At => self.at.map(|at| at.to_string()),
            Key::Text => self.text.clone(),
        }
    }

    /// Every part that was asked by, with its value: a chip each.
    #[must_use]
    pub fn parts(&self) -> Vec<(Key, String)> {
        Key::ALL.into_iter().filter_map(|key| Some((key, self.value(key)?))).collect()
    }

    /// What it means at `now`, with days as they are in `zone`.
    #[must_use]
    pub fn resolve(&self, now: Timestamp, zone: &TimeZone) -> AuditFilter {
        let (from, to) = self.at.map_or((None, None), |at| at.resolve(now, zone));
        AuditFilter {
            actor: self.actor.clone(),
            action: self.action,
            target: self.target.clone(),
            result: self.result,
            ip: self.ip,
            trace: self.trace,
            from,
            to,
            text: self.text.clone(),
        }
    }
}

/// The words, in one order, so that equal queries are equal texts.
impl fmt::Display for AuditQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (key, value)) in self.parts().into_iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            match key {
                Key::Text => f.write_str(&value)?,
                _ => write!(f, "{}:{value}", key.code())?,
            }
        }
        Ok(())
    }
}

impl FromStr for AuditQuery {
    type Err = Vec<BadWord>;

    /// Everything that cannot be read, word by word.
    fn from_str(text: &str) -> Result<Self, Vec<BadWord>> {
        parse::parse(text)
    }
}

impl AuditFilter {
    /// The query that means this, whenever it is asked.
    #[must_use]
    pub fn query(&self) -> AuditQuery {
        AuditQuery {
            actor: self.actor.clone(),
            action: self.action,
            target: self.target.clone(),
            result: self.result,
            ip: self.ip,
            trace: self.trace,
            at: Some(Span::Between { from: self.from.map(Edge::Instant), to: self.to.map(Edge::Instant) }),
            text: self.text.clone(),
        }
    }
}

impl fmt::Display for AuditFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.query(), f)
    }
}

impl FromStr for AuditFilter {
    type Err = Vec<BadWord>;

    /// What [`Display`](fmt::Display) has written. Times that mean something else tomorrow, or in another zone, are no filter.
    fn from_str(text: &str) -> Result<Self, Vec<BadWord>> {
        let query: AuditQuery = text.parse()?;
        if query.at.is_some_and(|at| !at.is_fixed()) {
            let word = query.value(Key::At).unwrap_or_default();
            return Err(vec![BadWord { word: format!("at:{word}"), problem: Problem::At }]);
        }
        // Nothing in it depends on either.
        Ok(query.resolve(Timestamp::UNIX_EPOCH, &TimeZone::UTC))
    }
}
