//! Where signed checkpoints of the audit log are sent (AUD-3). Off, until one of the ways is set.

use std::path::PathBuf;

use url::Url;

use super::{ConfigError, Variables};
use crate::{model::personal::Email, server::vault::Secret};

/// The ways, and how often.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    /// `RINGFORT_CHECKPOINT_DIR` (none): a folder; each checkpoint becomes a line of `checkpoints.jsonl` in it. One that is
    /// mounted from elsewhere, or collected, is worth most.
    pub folder: Option<PathBuf>,
    /// `RINGFORT_CHECKPOINT_MAIL` (none): an address, or `owners` for the owners of each business.
    pub mail: Option<Recipients>,
    /// `RINGFORT_CHECKPOINT_URL` (none): a public https address that takes one line of JSON by POST.
    pub url: Option<String>,
    /// `RINGFORT_CHECKPOINT_TOKEN` (none): the bearer token for it.
    pub token: Option<Secret>,
    /// `RINGFORT_CHECKPOINT_SECONDS` (3600): how often, at most.
    pub seconds: i64,
}

/// Who gets checkpoints by mail.
#[derive(Debug, Clone)]
pub enum Recipients {
    /// The owners of each business get those of their business.
    Owners,
    /// One address gets those of all businesses.
    One(Email),
}

const SECONDS: i64 = 3600;

impl Default for Checkpoints {
    fn default() -> Self {
        Self { folder: None, mail: None, url: None, token: None, seconds: SECONDS }
    }
}

impl Checkpoints {
    /// Whether nothing is sent.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.folder.is_none() && self.mail.is_none() && self.url.is_none()
    }

    pub(super) fn read<F: Fn(&str) -> Option<String>>(vars: &Variables<F>) -> Result<Self, ConfigError> {
        Ok(Self {
            folder: vars.text("RINGFORT_CHECKPOINT_DIR").map(PathBuf::from),
            mail: vars.text("RINGFORT_CHECKPOINT_MAIL").map(|text| recipients(&text)).transpose()?,
            url: vars.text("RINGFORT_CHECKPOINT_URL").map(address).transpose()?,
            token: vars.secret("RINGFORT_CHECKPOINT_TOKEN"),
            seconds: seconds(&vars.text_or("RINGFORT_CHECKPOINT_SECONDS", &SECONDS.to_string()))?,
        })
    }
}

fn recipients(text: &str) -> Result<Recipients, ConfigError> {
    if text == "owners" {
        return Ok(Recipients::Owners);
    }
    text.parse().map(Recipients::One).map_err(|_| {
        ConfigError::new("RINGFORT_CHECKPOINT_MAIL", "is neither an address like name@example.com nor the word owners")
    })
}

/// The outbound client says no to anything but public https; here only what can be seen at once.
fn address(text: String) -> Result<String, ConfigError> {
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    match url {
        Some(url) if url.username().is_empty() && url.password().is_none() => Ok(text),
        _ => Err(ConfigError::new(
            "RINGFORT_CHECKPOINT_URL",
            "is no address: write it like https://log.example.com/ringfort, with what opens it in \
             RINGFORT_CHECKPOINT_TOKEN",
        )),
    }
}

fn seconds(text: &str) -> Result<i64, ConfigError> {
    text.parse().ok().filter(|seconds| (60..=86_400).contains(seconds)).ok_or_else(|| {
        ConfigError::new("RINGFORT_CHECKPOINT_SECONDS", "is no whole number of seconds from 60 to 86400")
    })
}
