//! Mails with checkpoints of the audit log (AUD-3).

use super::{Letter, Mail};
use crate::{
    model::{personal::Email, seal::Seal},
    server::kit::At,
};

impl Mail {
    /// A checkpoint, to be kept where this installation does not reach it. `business` is its name, for its own people.
    #[must_use]
    pub fn checkpoint(to: &Email, business: Option<&str>, seal: &Seal, line: &str) -> Self {
        let whose = business.map_or_else(|| seal.business.to_string(), |name| format!("«{name}»"));
        let letter = Letter::hello()
            .say(format!(
                "this is a checkpoint of the audit log of {whose}: until {} it had {} entries. Keep this mail. If the log is \
                 ever changed, cut off or brought back to an older state, the line below shows it.",
                At::from_micros(seal.at).0,
                seal.total
            ))
            .code(line)
            .say(
                "To hold it against the log, put the line into a file and run: ringfort audit verify --checkpoints FILE. \
                 There is nothing to do otherwise.",
            );
        Self::new(to, "A checkpoint of your audit log", &letter)
    }
}
