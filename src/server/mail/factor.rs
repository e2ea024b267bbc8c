//! What mails say about second factors (ACC-3): each change and each use of a recovery code is told to the mailbox, so
//! that its owner learns of it whoever did it. To add one: a function here that fills a [`Letter`].

use super::{Letter, Mail};
use crate::{
    model::{
        factor::{FEW_LEFT, Factor},
        personal::Email,
    },
    server::{boot::App, vault::Secret},
};

/// The page of one's second factors.
fn page(app: &App) -> String {
    format!("{}/account/two-factor", app.config().public_url)
}

/// What it is called in the middle of a sentence.
const fn named(factor: Factor) -> &'static str {
    match factor {
        Factor::Totp => "an authenticator app",
        Factor::Passkey => "a passkey",
        Factor::Sms => "codes by text message",
        Factor::Email => "codes by email",
    }
}

impl Mail {
    /// A second factor counts from now on.
    #[must_use]
    pub fn factor_added(app: &App, to: &Email, factor: Factor) -> Self {
        let letter = Letter::hello()
            .say(format!("a second factor was added to your account just now: {}.", named(factor)))
            .say("Signing in asks for it from now on. All other sessions of yours were ended.");
        told(app, to, "A second factor was added to your Ringfort account", letter)
    }

    /// A second factor does not count any more.
    #[must_use]
    pub fn factor_removed(app: &App, to: &Email, factor: Factor) -> Self {
        let letter = Letter::hello()
            .say(format!("a second factor was removed from your account just now: {}.", named(factor)))
            .say("All other sessions of yours were ended.");
        told(app, to, "A second factor was removed from your Ringfort account", letter)
    }

    /// Somebody who manages the team has taken all second factors away.
    #[must_use]
    pub fn factors_reset(app: &App, to: &Email) -> Self {
        let letter = Letter::hello()
            .say(
                "the second step of your sign-in was reset just now by somebody who manages the team of your business: \
                 everything that it knew of you is gone, your recovery codes too.",
            )
            .say("All your sessions were ended. Your password alone signs you in until you set a new second step up.");
        told(app, to, "The second step of your Ringfort sign-in was reset", letter)
    }

    /// New recovery codes were drawn.
    #[must_use]
    pub fn recovery_drawn(app: &App, to: &Email) -> Self {
        let letter = Letter::hello()
            .say("new recovery codes were drawn for your account just now. The old ones do not work any more.");
        told(app, to, "New recovery codes for your Ringfort account", letter)
    }

    /// A recovery code was used up.
    #[must_use]
    pub fn recovery_used(app: &App, to: &Email, left: i64) -> Self {
        let rest = match left {
            0 => "None is left: draw new ones now.".to_owned(),
            1 => "One is left: draw new ones soon.".to_owned(),
            few if few < FEW_LEFT => format!("{few} are left: draw new ones soon."),
            many => format!("{many} are left."),
        };
        let letter = Letter::hello().say(format!("a recovery code of your account was used just now. {rest}"));
        told(app, to, "A recovery code of your Ringfort account was used", letter)
    }

    /// A passkey was refused because its counter went back.
    #[must_use]
    pub fn passkey_suspect(app: &App, to: &Email) -> Self {
        let letter = Letter::hello()
            .say(
                "somebody tried to use a passkey of your account just now, and it was refused: it has counted fewer uses \
                 than we have, so there may be a copy of it. Nobody was let in.",
            )
            .say("Please remove that passkey, and add a new one.");
        told(app, to, "A passkey of your Ringfort account was refused", letter)
    }

    /// A code that answers the second factor's question. It is in no subject: phones show those while they are locked.
    #[must_use]
    pub fn email_code(to: &Email, code: &Secret) -> Self {
        let letter = Letter::hello()
            .say("this code is good for 10 minutes, once, where you have asked for it:")
            .code(code.expose())
            .say(
                "Give it to nobody: nobody of ours ever asks for it. If you have not asked for it, somebody knows your \
                 password: please change it.",
            );
        Self::new(to, "Your Ringfort code", &letter)
    }
}

/// The same end for all of them: what to do if it was somebody else.
fn told(app: &App, to: &Email, subject: &str, letter: Letter) -> Mail {
    let letter = letter
        .say("If it was you, there is nothing to do. If it was not, please look at your account at once:")
        .button("Two-factor sign-in", page(app))
        .say("Then change your password and tell an owner of your business.");
    Mail::new(to, subject, &letter)
}
