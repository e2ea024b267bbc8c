//! The audit log's address, read and written: what is in it is what is shown. The query bar sends `q`, the filters send a field
//! each; both are the same words in the end (`model/audit_query.rs`), and every link on the page carries them as `q`.

use std::fmt::Write;

use jiff::civil::Date;
use serde::Deserialize;

use crate::{
    model::{
        audit_query::{AuditQuery, Key, Span},
        id::AuditId,
    },
    server::{
        http::{AppError, action::id_of},
        store::audit::Place,
    },
};

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// Words of the query bar.
    pub q: String,
    actor: String,
    action: String,
    target: String,
    result: String,
    ip: String,
    trace: String,
    text: String,
    /// A span in words. Days count before it.
    at: String,
    from: String,
    until: String,
    /// `utc`, or empty for the business's.
    zone: String,
    before: String,
    after: String,
    /// The entry that is shown beside the list.
    entry: String,
}

impl Asked {
    /// Everything that was asked for, as words.
    #[must_use]
    pub fn words(&self) -> String {
        let (mut words, span) = (self.q.trim().to_owned(), self.span());
        let fields = [
            (Key::Actor, &self.actor),
            (Key::Action, &self.action),
            (Key::Target, &self.target),
            (Key::Result, &self.result),
            (Key::Ip, &self.ip),
            (Key::Trace, &self.trace),
            (Key::At, &span),
        ];
        for (key, value) in fields {
            // A space inside would make two words of one field.
            let value: String = value.split_whitespace().collect();
            if !value.is_empty() {
                write!(words, " {}:{value}", key.code()).expect("writing to a string");
            }
        }
        let text = self.text.trim();
        if !text.is_empty() {
            write!(words, " {text}").expect("writing to a string");
        }
        words.trim_start().to_owned()
    }

    fn span(&self) -> String {
        let (from, until) = (self.from.trim(), self.until.trim());
        if from.is_empty() && until.is_empty() { self.at.clone() } else { format!("{from}..{until}") }
    }

    /// Whether times are shown in UTC.
    ///
    /// # Errors
    /// Bad request for any other zone: the business has one.
    pub fn is_utc(&self) -> Result<bool, AppError> {
        match self.zone.as_str() {
            "" => Ok(false),
            "utc" => Ok(true),
            _ => Err(AppError::BadRequest),
        }
    }

    /// Which page of the list.
    ///
    /// # Errors
    /// Bad request for what is no id, and for two places at once.
    pub fn place(&self) -> Result<Place, AppError> {
        let id = |text: &str| text.parse::<AuditId>().map_err(|_| AppError::BadRequest);
        match (self.before.as_str(), self.after.as_str()) {
            ("", "") => Ok(Place::Newest),
            (before, "") => id(before).map(Place::Before),
            ("", after) => id(after).map(Place::After),
            _ => Err(AppError::BadRequest),
        }
    }

    /// The entry beside the list.
    ///
    /// # Errors
    /// Missing for what is no id.
    pub fn entry(&self) -> Result<Option<AuditId>, AppError> {
        if self.entry.is_empty() { Ok(None) } else { id_of(&self.entry).map(Some) }
    }
}

/// A page of the log, as every link on it is made from.
#[derive(Debug, Clone, Default)]
pub struct Address {
    pub query: AuditQuery,
    pub is_utc: bool,
    pub place: Place,
    pub entry: Option<AuditId>,
}

impl Address {
    /// As text.
    #[must_use]
    pub fn href(&self) -> String {
        let id = |id: AuditId| id.to_string();
        let (before, after) = match self.place {
            Place::Newest => (None, None),
            Place::Before(entry) => (Some(id(entry)), None),
            Place::After(entry) => (None, Some(id(entry))),
        };
        let pairs = [
            ("q", Some(self.query.to_string())),
            ("zone", self.is_utc.then(|| "utc".to_owned())),
            ("before", before),
            ("after", after),
            ("entry", self.entry.map(id)),
        ];
        let mut href = String::from("/audit?");
        for (name, value) in pairs {
            let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            write!(href, "{name}={value}&").expect("writing to a string");
        }
        href.pop();
        href
    }

    /// From its newest entry on, with another query.
    #[must_use]
    pub fn asking(&self, query: AuditQuery) -> Self {
        Self { query, is_utc: self.is_utc, ..Self::default() }
    }

    /// Without one part of the query.
    #[must_use]
    pub fn without(&self, key: Key) -> Self {
        self.asking(self.query.clone().without(key))
    }

    /// About another time.
    #[must_use]
    pub fn within(&self, span: Span) -> Self {
        self.asking(AuditQuery { at: Some(span), ..self.query.clone() })
    }

    /// At another place of the list, with nothing beside it.
    #[must_use]
    pub fn at(&self, place: Place) -> Self {
        Self { place, entry: None, ..self.clone() }
    }

    /// With an entry beside the list, or with none.
    #[must_use]
    pub fn showing(&self, entry: Option<AuditId>) -> Self {
        Self { entry, ..self.clone() }
    }

    /// In the other zone.
    #[must_use]
    pub fn in_other_zone(&self) -> Self {
        Self { is_utc: !self.is_utc, ..self.clone() }
    }
}

/// The address of everything that an actor did on a day.
#[must_use]
pub fn of_actor_on(actor: &str, day: Date) -> String {
    of_words(&format!("actor:{actor} at:{day}"))
}

/// The address of everything that belongs to a trace.
#[must_use]
pub fn of_trace(trace: &str) -> String {
    of_words(&format!("trace:{trace}"))
}

/// The address of a query, as it is written.
#[must_use]
pub fn of_words(words: &str) -> String {
    let words: String = form_urlencoded::byte_serialize(words.as_bytes()).collect();
    format!("/audit?q={words}")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn asked(query: &str) -> Asked {
        serde_urlencoded::from_str(query).expect("an address")
    }

    #[test]
    fn bar_and_fields_say_the_same() {
        let fields = asked("actor=job&action=call.viewed&result=&from=2026-01-01&until=2026-01-31&text=owner&at=7d");
        assert_eq!(fields.words(), "actor:job action:call.viewed at:2026-01-01..2026-01-31 owner");
        let bar = asked("q=owner+at%3A2026-01-01..2026-01-31+action%3Acall.viewed+actor%3Ajob");
        let query = |asked: &Asked| asked.words().parse::<AuditQuery>().expect("a query");
        assert_eq!(query(&fields), query(&bar));
        assert_eq!(asked("target=call+7").words(), "target:call7", "one field stays one word");
        assert_eq!(asked("at=24h").words(), "at:24h");
        assert_eq!(asked("").words(), "");
    }

    #[test]
    fn the_address_says_what_is_shown() {
        let id = AuditId(Uuid::from_u128(1));
        let query: AuditQuery = "action:call.viewed at:7d".parse().expect("a query");
        let address = Address { query, is_utc: true, place: Place::Before(id), entry: Some(id) };
        let href = address.href();
        assert_eq!(href, format!("/audit?q=action%3Acall.viewed+at%3A7d&zone=utc&before={id}&entry={id}"));
        let again = asked(href.trim_start_matches("/audit?"));
        assert_eq!(again.words(), "action:call.viewed at:7d");
        assert_eq!((again.place().ok(), again.entry().ok()), (Some(Place::Before(id)), Some(Some(id))));
        assert_eq!(address.without(Key::Action).href(), "/audit?q=at%3A7d&zone=utc", "from the newest entry on");
        assert!(asked(&format!("before={id}&after={id}")).place().is_err());
        assert!(asked("zone=mars").is_utc().is_err());
    }
}
