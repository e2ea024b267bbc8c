//! What a form post leaves for the next page: a notice, or what was wrong and what was typed, except secrets. It
//! travels sealed in a short cookie, so that it works on every node and before sign-in.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    model::field::{BadField, name_of},
    server::{
        kit::At,
        vault::{Purpose, Vault},
    },
    ui::wire::Fault,
};

/// The cookie's name.
pub const COOKIE: &str = "__Host-flash";
/// A flash that nobody read is worth nothing after this.
const SECONDS: i64 = 600;
/// Browsers drop cookies over 4,096 bytes: then the typed values go first, and the message stays.
const MAX_COOKIE: usize = 3_800;

/// A message to the next page.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Flash {
    pub notice: Option<String>,
    pub fault: Option<Fault>,
    /// The action whose form this is about.
    pub action: String,
    /// What was typed, by field name, without secrets.
    pub values: HashMap<String, String>,
    /// A form that waits behind this one, while its person shows again who they are.
    #[serde(default)]
    pub waiting: Option<Box<Self>>,
    until: i64,
}

impl Flash {
    /// A notice of success.
    #[must_use]
    pub fn notice(text: String) -> Self {
        Self { notice: Some(text), ..Self::default() }
    }

    /// A form that waits while its person shows again who they are: what was typed stays, except secrets.
    #[must_use]
    pub fn kept(action: &str, body: &[u8]) -> Self {
        let notice = Some("Thank you. Nothing was saved yet: please look at the form and send it again.".to_owned());
        Self { notice, action: action.to_owned(), values: typed(body), ..Self::default() }
    }

    /// A refused form. Fields whose name says that they are secret are left out.
    #[must_use]
    pub fn refused(action: &str, fault: Fault, body: &[u8]) -> Self {
        Self { fault: Some(fault), action: action.to_owned(), values: typed(body), ..Self::default() }
    }

    /// Keeps the form that waited already when this one was sent.
    #[must_use]
    pub fn keeping(mut self, before: Option<&Self>) -> Self {
        self.waiting = before.and_then(|flash| match &flash.waiting {
            Some(waiting) => Some(waiting.clone()),
            None => (flash.action != self.action).then(|| Box::new(flash.clone())),
        });
        self
    }

    /// The `Set-Cookie` value, or `None` when not even the message fits.
    #[must_use]
    pub fn cookie(mut self, vault: &Vault, now: At) -> Option<String> {
        self.until = now.plus(SECONDS).as_second();
        let seal = |flash: &Self| {
            let plain = serde_json::to_vec(flash).ok()?;
            vault.seal_own(Purpose::Flash, Uuid::nil(), &plain).ok().map(|s| URL_SAFE_NO_PAD.encode(s))
        };
        let mut value = seal(&self)?;
        if value.len() > MAX_COOKIE {
            self.values.clear();
            self.waiting = None;
            value = seal(&self)?;
        }
        (value.len() <= MAX_COOKIE)
            .then(|| format!("{COOKIE}={value}; Path=/; Max-Age={SECONDS}; HttpOnly; Secure; SameSite=Lax"))
    }

    /// The `Set-Cookie` value that takes it away.
    #[must_use]
    pub fn clear() -> String {
        format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax")
    }

    /// Reads the cookie's value. Anything forged, foreign or old is nothing.
    #[must_use]
    pub fn read(vault: &Vault, now: At, value: &str) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        let plain = vault.open_own(Purpose::Flash, Uuid::nil(), &sealed).ok()?;
        serde_json::from_slice::<Self>(&plain).ok().filter(|flash| flash.until >= now.as_second())
    }
}

fn typed(body: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(body)
        .filter(|(name, _)| !is_secret(name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// The convention that every secret input follows; a test holds the forms to it.
fn is_secret(field: &str) -> bool {
    ["password", "secret", "token", "code", "credential"].iter().any(|word| field.contains(word))
}

/// A form as a page draws it: what was typed before, and what was wrong with it.
#[derive(Debug, Clone, Default)]
pub struct FormState {
    values: HashMap<String, String>,
    problems: Vec<Problem>,
}

/// What is wrong with a field, or with the form as a whole.
#[derive(Debug, Clone)]
struct Problem {
    /// Empty for the form as a whole.
    field: String,
    /// For below the field.
    text: String,
    /// For above the form, where nothing else says which field is meant.
    named: String,
}

impl From<&BadField> for Problem {
    fn from(bad: &BadField) -> Self {
        let text = bad.problem.to_string();
        let named = match name_of(&bad.field).filter(|_| !bad.problem.names_itself()) {
            Some(name) => format!("{name}: {text}"),
            None => text.clone(),
        };
        Self { field: bad.field.clone(), text, named }
    }
}

impl FormState {
    /// The state of `action`'s form, from the flash if it is about that form.
    #[must_use]
    pub fn of(flash: Option<&Flash>, action: &str) -> Self {
        let Some(flash) = flash.filter(|f| f.action == action) else { return Self::default() };
        let fields = flash.fault.iter().flat_map(|fault| &fault.fields);
        let mut problems: Vec<Problem> = fields.map(Problem::from).collect();
        if let Some(fault) = flash.fault.as_ref().filter(|_| problems.is_empty()) {
            let text = format!("{}. {}", fault.kind.title(), fault.kind.advice());
            problems.push(Problem { field: String::new(), named: text.clone(), text });
        }
        Self { values: flash.values.clone(), problems }
    }

    /// What was typed, or `default` when the form is fresh.
    #[must_use]
    pub fn value(&self, field: &str, default: &str) -> String {
        self.values.get(field).cloned().unwrap_or_else(|| default.to_owned())
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn problem(&self, field: &str) -> Option<String> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.text.clone())
    }

    /// Everything that is wrong, for the summary: the field, and a text that says which one it is.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        self.problems.iter().map(|problem| (problem.field.clone(), problem.named.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::field::Bad, ui::wire::FaultKind};

    #[test]
    fn the_summary_names_the_field() {
        let bad = |field: &str, problem| BadField { field: field.to_owned(), problem };
        let fields = vec![bad("email", Bad::Email), bad("confirm", Bad::Confirm("remove".to_owned()))];
        let fault = Fault { fields, ..FaultKind::Invalid.into() };
        let form = FormState::of(Some(&Flash::refused("/api/x", fault, b"email=a&password=b")), "/api/x");
        let said: Vec<String> = form.problems().into_iter().map(|(_, text)| text).collect();
        assert_eq!(said, ["Email address: write an address like name@example.com", "type remove to confirm"]);
        assert_eq!(form.problem("email").as_deref(), Some("write an address like name@example.com"), "below the field");
        assert_eq!((form.value("email", ""), form.value("password", "")), ("a".to_owned(), String::new()));
    }
}
