//! What our mails say. A mail holds no text that a stranger wrote, so that nobody can use us to send theirs: the one
//! exception is the name of a business in an invitation, which its own people wrote.
//!
//! To add a mail: a function here that fills a [`Letter`].

use super::{Letter, Mail};
use crate::{
    model::{
        lockout::{FAILURES, LINK_AFTER},
        personal::Email,
        role::{HeldRole, RoleRef},
    },
    server::{
        boot::App,
        kit::{At, entropy::Token},
    },
};

/// What a link to `/open/…` looks like. The page behind it takes the token out of the address.
fn opening(app: &App, purpose: &str, token: &Token) -> String {
    format!("{}/open/{purpose}/{}", app.config().public_url, token.reveal())
}

/// A time in a mail. Which zone its reader lives in is not known here.
pub(super) fn utc(at: At) -> String {
    at.0.strftime("%-d %b %Y at %H:%M UTC").to_string()
}

impl Mail {
    /// The link that founds a business.
    #[must_use]
    pub fn sign_up(app: &App, to: &Email, token: &Token) -> Self {
        let letter = Letter::hello()
            .say("please open this link within 10 minutes to finish signing up:")
            .button("Finish signing up", opening(app, "sign-up", token))
            .say("If it was not you, there is nothing to do: without the link nothing happens.");
        Self::new(to, "Your Ringfort sign-up", &letter)
    }

    /// Somebody tried to sign up with an address that has an account.
    #[must_use]
    pub fn already_here(app: &App, to: &Email) -> Self {
        let letter = Letter::hello()
            .say("somebody, probably you, tried to sign up with this address. It has an account already; sign in here:")
            .button("Sign in", format!("{}/sign-in", app.config().public_url))
            .say("If it was not you, there is nothing to do.");
        Self::new(to, "Your Ringfort sign-up", &letter)
    }

    /// An invitation. The business's name is the inviter's text, so it is not in the subject.
    #[must_use]
    pub fn invitation(app: &App, to: &Email, business: &str, role: &HeldRole, token: &Token) -> Self {
        // What a business calls a role of its own is its people's text, and one such text in a mail is enough.
        let role = match role.role {
            RoleRef::BuiltIn(role) => format!(" as {}", role.label().to_lowercase()),
            RoleRef::Custom(_) => String::new(),
        };
        let letter = Letter::hello()
            .say(format!("you are invited to join «{business}»{role}. Please open this link within 7 days:"))
            .button("See the invitation", opening(app, "join", token))
            .say("If you did not expect this, there is nothing to do.");
        Self::new(to, "You are invited to Ringfort", &letter)
    }

    /// The link that signs in (ACC-2).
    #[must_use]
    pub fn sign_in_link(app: &App, to: &Email, token: &Token) -> Self {
        let letter = Letter::hello()
            .say("please open this link within 15 minutes to sign in. It works once:")
            .button("Sign in", opening(app, "link", token))
            .say(
                "It signs you in where you have asked for it. Anywhere else it shows a code for that browser; give the \
                 code to nobody.",
            )
            .say("If you have not asked for it, there is nothing to do: without the link nothing happens.");
        Self::new(to, "Your Ringfort sign-in link", &letter)
    }

    /// The link that leads to a new password (ACC-1).
    #[must_use]
    pub fn password_reset(app: &App, to: &Email, token: &Token) -> Self {
        let letter = Letter::hello()
            .say("please open this link within 15 minutes to choose a new password. It works once:")
            .button("Choose a new password", opening(app, "reset", token))
            .say("If you have not asked for it, there is nothing to do: your password stays as it is.");
        Self::new(to, "Your Ringfort password", &letter)
    }

    /// That the password was changed, so that its owner learns of it whoever did it.
    #[must_use]
    pub fn password_changed(app: &App, to: &Email) -> Self {
        let letter = Letter::hello()
            .say("the password of your account was changed just now, and its other sessions were ended.")
            .say("If it was you, there is nothing to do. If it was not, please choose a new one at once:")
            .button("Choose a new password", format!("{}/forgot", app.config().public_url))
            .say("Then tell an owner of your business.");
        Self::new(to, "Your Ringfort password was changed", &letter)
    }

    /// That signing in is locked after failures in a row (ACC-4): once per lock, however long it grows.
    #[must_use]
    pub fn locked(app: &App, to: &Email, at: At, in_a_known_browser: bool) -> Self {
        let where_from = if in_a_known_browser {
            "in a browser that you have signed in with before"
        } else {
            "in a browser that you have not signed in with before"
        };
        let letter = Letter::hello()
            .say(format!(
                "on {} somebody tried to sign in to your account {where_from}, and failed for the {FAILURES}th time in \
                 a row. From there a password does not open it now: for a minute, and with each further failure twice \
                 as long, up to an hour.",
                utc(at)
            ))
            .say("Nobody got in, and other browsers that you have signed in with still open your account.")
            .say("If it was you, wait a little, or sign in by a mailed link, which is never locked:")
            .button("Get a link", format!("{}/sign-in/link", app.config().public_url))
            .say("If it was not you, there is nothing to do.");
        Self::new(to, "Your Ringfort sign-in is locked for a while", &letter)
    }

    /// That the password alone does not open the account any more (ACC-4): once a day at most.
    #[must_use]
    pub fn needs_link(app: &App, to: &Email, at: At) -> Self {
        let letter = Letter::hello()
            .say(format!(
                "somebody tries your password. {LINK_AFTER} tries in a row have failed, and on {} there was one more. \
                 So that guessing leads nowhere, the password alone does not open your account any more.",
                utc(at)
            ))
            .say("Please sign in by a mailed link once; after that your password counts again:")
            .button("Get a link", format!("{}/sign-in/link", app.config().public_url))
            .say("If these tries were not yours, nobody got in. A password that you use nowhere else keeps it so.");
        Self::new(to, "Somebody tries your Ringfort password", &letter)
    }

    /// That a program's token was used by two, and that the program is signed out (ACC-7).
    #[must_use]
    pub fn token_reused(app: &App, to: &Email, at: At) -> Self {
        let letter = Letter::hello()
            .say(format!(
                "on {} a program that is signed in with your account showed a key that had been used before. Either it \
                 was restored from a backup, or somebody has copied its keys. We cannot tell, so it is signed out.",
                utc(at)
            ))
            .say("If you know why, sign in there again. If you do not, look at where you are signed in:")
            .button("See my sessions", format!("{}/account/sessions", app.config().public_url))
            .say("And choose a new password there, if the device may be in other hands.");
        Self::new(to, "A program was signed out of your Ringfort account", &letter)
    }
}
