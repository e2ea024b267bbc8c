//! Mails about the operator's access to a business (TEN-6).

use super::{Letter, Mail, texts::utc};
use crate::{
    model::personal::Email,
    server::{boot::App, kit::At},
};

impl Mail {
    /// That the operator may look into the business from now on. The business's name is its own people's text, so it is not in
    /// the subject.
    #[must_use]
    pub fn operator_granted(app: &App, to: &Email, business: &str, reason: &str, ticket: &str, until: At) -> Self {
        let until = utc(until);
        let letter = Letter::hello()
            .say(format!(
                "the operator of this installation has opened access to «{business}», until {until}. They see the \
                 states of connections, events, jobs and deletion: no numbers, no names, no recordings. Each look stands \
                 in your audit log."
            ))
            .say(format!("Their reason: {reason}"))
            .say(format!("Their ticket: {ticket}"))
            .button("See or end the access", format!("{}/security/operators", app.config().public_url))
            .say("If you belong to several businesses, switch to that one first. There is nothing that you have to do.");
        Self::new(to, "The operator has access to your business", &letter)
    }
}
