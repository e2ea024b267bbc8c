//! The audit log's address, read and written: what is in it is what is shown.

use std::fmt::Write;

use jiff::{Span, civil::Date, tz::TimeZone};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    model::{
        audit::{Action, Outcome},
        id::AuditId,
    },
    server::{http::AppError, kit::At, store::audit::Filter},
};

/// The filters. `actor` and `target` are ids as pages show them, or bare UUIDs; days are the business's.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    pub actor: String,
    pub action: String,
    pub target: String,
    pub result: String,
    pub from: String,
    pub until: String,
    pub before: String,
}

impl Query {
    /// The last seven days where no day was asked for.
    #[must_use]
    pub fn or_last_week(mut self, now: At, zone: &TimeZone) -> Self {
        if self.from.is_empty() && self.until.is_empty() {
            let today = now.0.to_zoned(zone.clone()).date();
            self.from = today.saturating_add(Span::new().days(-6)).to_string();
        }
        self
    }

    /// What the store filters by.
    ///
    /// # Errors
    /// Bad request for anything that is no id, no word of the vocabulary or no day.
    pub fn filter(&self, zone: &TimeZone) -> Result<Filter, AppError> {
        let action = optional(&self.action).map(str::parse::<Action>).transpose();
        let outcome = optional(&self.result).map(str::parse::<Outcome>).transpose();
        let before = optional(&self.before).map(str::parse::<AuditId>).transpose();
        Ok(Filter {
            actor: optional(&self.actor).map(any_id).transpose()?,
            action: action.map_err(|_| AppError::BadRequest)?,
            target: optional(&self.target).map(any_id).transpose()?,
            outcome: outcome.map_err(|_| AppError::BadRequest)?,
            from: optional(&self.from).map(|day| start(day, 0, zone)).transpose()?,
            until: optional(&self.until).map(|day| start(day, 1, zone)).transpose()?,
            before: before.map_err(|_| AppError::BadRequest)?,
        })
    }

    /// This address at another place of the list.
    #[must_use]
    pub fn href(&self, before: &str) -> String {
        let mut href = String::from("/audit?");
        let pairs = [
            ("actor", self.actor.as_str()),
            ("action", &self.action),
            ("target", &self.target),
            ("result", &self.result),
            ("from", &self.from),
            ("until", &self.until),
            ("before", before),
        ];
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            write!(href, "{name}={value}&").expect("writing to a string");
        }
        href.pop();
        href
    }

    /// Whether anything was asked for.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.href("") != "/audit"
    }
}

/// The address of everything that an actor did on a day.
#[must_use]
pub fn of_actor_on(actor: &str, day: Date) -> String {
    let day = day.to_string();
    Query { actor: actor.to_owned(), from: day.clone(), until: day, ..Query::default() }.href("")
}

fn optional(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

/// `call_…`, `mem_…` or any other id of ours, or a bare UUID.
fn any_id(text: &str) -> Result<Uuid, AppError> {
    let bare = text.rsplit_once('_').map_or(text, |(_, bare)| bare);
    Uuid::try_parse(bare).map_err(|_| AppError::BadRequest)
}

/// When a day, or the day `plus` days after it, begins in the business's zone.
fn start(day: &str, plus: i64, zone: &TimeZone) -> Result<At, AppError> {
    let date: Date = day.parse().map_err(|_| AppError::BadRequest)?;
    let date = date.saturating_add(Span::new().days(plus));
    date.to_zoned(zone.clone()).map(|z| At(z.timestamp())).map_err(|_| AppError::BadRequest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_with_and_without_their_kind() {
        let id = Uuid::from_u128(7);
        assert_eq!(any_id(&format!("call_{}", id.simple())).ok(), Some(id));
        assert_eq!(any_id(&id.to_string()).ok(), Some(id));
        assert!(any_id("call_7").is_err());
    }

    #[test]
    fn the_address_says_what_is_shown() {
        let query = Query { action: "call.viewed".to_owned(), ..Query::default() };
        assert_eq!(query.href("aud_1"), "/audit?action=call.viewed&before=aud_1");
        assert!(!Query::default().is_filtered());
        let now = At("2026-01-08T03:00:00Z".parse().expect("an instant"));
        assert_eq!(Query::default().or_last_week(now, &TimeZone::UTC).from, "2026-01-02");
    }
}
