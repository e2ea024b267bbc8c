//! From the words of the query bar to an [`AuditQuery`]. Everything that cannot be read is told at once, each word with
//! what to do about it.

use std::{fmt, net::IpAddr, str::FromStr};

use uuid::Uuid;

use super::{AuditQuery, Key, Span, Subject};
use crate::model::{
    audit::{Action, Outcome},
    id::TraceId,
    network::Cidr,
};

/// How long a query may be, in characters. It stands in an address.
pub const LONGEST: usize = 1000;

/// How many words may be looked for.
const MOST_WORDS: usize = 8;

/// How long one of them may be: longer ones are cut in the index as well.
const LONGEST_WORD: usize = 64;

/// A word that cannot be read. Its text names the word and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadWord {
    pub word: String,
    pub problem: Problem,
}

/// What is wrong with a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    Key,
    Twice,
    Empty,
    Subject,
    Action,
    Result,
    Ip,
    Wide,
    Trace,
    At,
    Order,
    Text,
    Most,
    Long,
}

impl Problem {
    /// What to do.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Key => {
                "There is no such filter. Use actor:, action:, target:, result:, ip:, trace: or at:, or words without a \
                 colon."
            }
            Self::Twice => "Each filter counts once. Take one of them away.",
            Self::Empty => "Write what to look for right behind the colon.",
            Self::Subject => "Write an id as pages show it, like mem_ and 32 digits, or a kind, like member or job.",
            Self::Action => "There is no such act. Choose one of the list.",
            Self::Result => "Write done, refused or failed.",
            Self::Ip => "Write an address or a network, like 192.0.2.0/24.",
            Self::Wide => "The log keeps networks of /24 (IPv4) and /48 (IPv6). Write one of them.",
            Self::Trace => "Write a trace id as pages show it: trc_ and 32 digits.",
            Self::At => {
                "Write a span like 24h, 7d, today, yesterday, 2026-01-01, 2026-01-01..2026-01-31, \
                 2026-01-01T08:30..2026-01-01T17:00, or all."
            }
            Self::Order => "It ends before it begins. Turn it round.",
            Self::Text => "Words are looked for by letters from a to z and digits.",
            Self::Most => "Look for at most eight words.",
            Self::Long => "This is too long. Use fewer words.",
        }
    }
}

impl fmt::Display for BadWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.word.is_empty() {
            return f.write_str(self.problem.advice());
        }
        write!(f, "In “{}”: {}", self.word, self.problem.advice())
    }
}

/// Reads the words of a query.
///
/// # Errors
/// Every word that cannot be read.
pub(super) fn parse(text: &str) -> Result<AuditQuery, Vec<BadWord>> {
    let bad = |word: &str, problem| BadWord { word: word.to_owned(), problem };
    if text.chars().count() > LONGEST {
        return Err(vec![bad("", Problem::Long)]);
    }
    let mut query = AuditQuery::default();
    let mut words = Vec::new();
    let mut problems = Vec::new();
    for word in text.split_whitespace() {
        match word.split_once(':') {
            None => {
                let found = words_of(word);
                if found.is_empty() {
                    problems.push(bad(word, Problem::Text));
                }
                words.extend(found);
            }
            Some((key, value)) => {
                if let Err(problem) = take(&mut query, key, value) {
                    problems.push(bad(word, problem));
                }
            }
        }
    }
    if words.len() > MOST_WORDS {
        problems.push(bad("", Problem::Most));
    }
    query.text = (!words.is_empty()).then(|| words.join(" "));
    if problems.is_empty() { Ok(query) } else { Err(problems) }
}

/// The words that a text is looked for by: runs of `a` to `z` and digits, in small letters. The database cuts entries in
/// the same way (`audit_words`).
#[must_use]
pub fn words_of(text: &str) -> Vec<String> {
    text.to_ascii_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(LONGEST_WORD).collect())
        .collect()
}

/// Puts one filter into the query.
fn take(query: &mut AuditQuery, key: &str, value: &str) -> Result<(), Problem> {
    let key = key.to_ascii_lowercase();
    let key = Key::ALL.into_iter().find(|k| *k != Key::Text && k.code() == key).ok_or(Problem::Key)?;
    if value.is_empty() {
        return Err(Problem::Empty);
    }
    match key {
        Key::Actor => once(&mut query.actor, subject(value)?),
        Key::Action => once(&mut query.action, word::<Action>(value).ok_or(Problem::Action)?),
        Key::Target => once(&mut query.target, subject(value)?),
        Key::Result => once(&mut query.result, word::<Outcome>(value).ok_or(Problem::Result)?),
        Key::Ip => once(&mut query.ip, network(value)?),
        Key::Trace => once(&mut query.trace, trace(value)?),
        Key::At => once(&mut query.at, value.parse::<Span>()?),
        Key::Text => Err(Problem::Key),
    }
}

/// A word of a closed vocabulary.
fn word<T: FromStr>(value: &str) -> Option<T> {
    value.to_ascii_lowercase().parse().ok()
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Problem> {
    if place.is_some() {
        return Err(Problem::Twice);
    }
    *place = Some(value);
    Ok(())
}

/// `mem_0199…`, a bare UUID, or a noun.
fn subject(value: &str) -> Result<Subject, Problem> {
    let value = value.to_ascii_lowercase();
    let (prefix, bare) = value.rsplit_once('_').unwrap_or(("", value.as_str()));
    if let Ok(id) = Uuid::try_parse(bare)
        && prefix.len() <= 5
        && prefix.bytes().all(|b| b.is_ascii_lowercase())
    {
        return Ok(Subject::Id { prefix: prefix.to_owned(), id });
    }
    let is_noun = value.len() <= 30
        && value.starts_with(|c: char| c.is_ascii_lowercase())
        && value.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_noun { Ok(Subject::Kind(value)) } else { Err(Problem::Subject) }
}

/// The network of an address, as entries keep it.
fn network(value: &str) -> Result<Cidr, Problem> {
    let (address, prefix) = value.split_once('/').map_or((value, None), |(a, p)| (a, Some(p)));
    let address: IpAddr = address.parse().map_err(|_| Problem::Ip)?;
    let range = Cidr::coarse(address);
    match prefix.map(str::parse::<u8>) {
        Some(Err(_)) => Err(Problem::Ip),
        Some(Ok(bits)) if bits < range.prefix() => Err(Problem::Wide),
        _ => Ok(range),
    }
}

fn trace(value: &str) -> Result<TraceId, Problem> {
    let value = value.to_ascii_lowercase();
    value.parse().or_else(|_| Uuid::try_parse(&value).map(TraceId)).map_err(|_| Problem::Trace)
}
