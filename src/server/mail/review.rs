//! Mails about access reviews (ACC-10).

use super::{Letter, Mail};
use crate::{
    model::{id::ReviewId, personal::Email, review::Reminder},
    server::boot::App,
};

impl Mail {
    /// That an access review waits for somebody who can decide. The business's name is its own people's text, so it is not in
    /// the subject.
    #[must_use]
    pub fn review(app: &App, to: &Email, business: &str, id: ReviewId, reminder: Reminder) -> Self {
        let (subject, says) = match reminder {
            Reminder::Opened => (
                "An access review is open",
                "please look at who has access, and say of each person whether they keep it. There are three weeks.",
            ),
            Reminder::LastWeek => (
                "An access review ends in a week",
                "the access review is not finished. Please decide about everybody who is left; a week remains.",
            ),
            Reminder::Overdue => (
                "An access review is overdue",
                "the time of the access review is over, and somebody is still undecided. Please finish it today.",
            ),
        };
        let letter = Letter::hello()
            .say(says)
            .button("Open the access review", format!("{}/reviews/{id}", app.config().public_url))
            .say(format!("It is about «{business}»: if you belong to several businesses, switch to that one first."));
        Self::new(to, subject, &letter)
    }
}
