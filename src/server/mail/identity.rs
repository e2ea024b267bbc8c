//! What mails say about accounts of another provider that are linked to sign in with (ACC-6). To add one: a function
//! here that fills a [`Letter`].

use super::{Letter, Mail};
use crate::{model::personal::Email, server::boot::App};

impl Mail {
    /// Somebody signs in with an account of the provider's from now on. `name` is the provider's.
    #[must_use]
    pub fn identity_linked(app: &App, to: &Email, name: &str) -> Self {
        let letter = Letter::hello()
            .say(format!("a {name} account was linked with your Ringfort account just now. It signs you in from now."))
            .say("All other sessions of yours were ended.");
        told(app, to, &format!("A {name} account was linked with your Ringfort account"), letter)
    }

    /// It does not any more.
    #[must_use]
    pub fn identity_unlinked(app: &App, to: &Email, name: &str) -> Self {
        let letter = Letter::hello()
            .say(format!(
                "the {name} account was unlinked from your Ringfort account just now. It signs you in no more."
            ))
            .say("All other sessions of yours were ended.");
        told(app, to, &format!("A {name} account was unlinked from your Ringfort account"), letter)
    }
}

fn told(app: &App, to: &Email, subject: &str, letter: Letter) -> Mail {
    let letter = letter
        .say("If it was you, there is nothing to do. If it was not, please look at your account at once:")
        .button("Linked account", format!("{}/account/linked", app.config().public_url))
        .say("Then change your password and tell an owner of your business.");
    Mail::new(to, subject, &letter)
}
