//! Access reviews: opening one, deciding person by person, closing it.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Opens a review by hand.
#[server(endpoint = "review/open")]
pub async fn open_review() -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::review};

    using(async |cx| {
        let id = review::open(cx).await?;
        Ok(Done::at(format!("/reviews/{id}")).saying("The review is open. Everybody who can decide gets a mail."))
    })
    .await
}

/// Decides about one person of a review, and does what was decided.
#[server(endpoint = "review/decide")]
pub async fn decide_review(
    id: String,
    member: String,
    #[server(default)] decision: String,
    #[server(default)] role: String,
    #[server(default)] confirm: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::review::{self, Draft},
    };

    using(async |cx| {
        let draft = Draft { decision: &decision, role: &role, confirm: &confirm };
        review::decide(cx, id_of(&id)?, id_of(&member)?, draft).await?;
        Ok(Done::at(format!("/reviews/{id}")).saying("Decided."))
    })
    .await
}

/// Closes a review for good.
#[server(endpoint = "review/close")]
pub async fn close_review(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::review,
    };

    using(async |cx| {
        review::close(cx, id_of(&id)?).await?;
        Ok(Done::at(format!("/reviews/{id}")).saying("The review is closed. Its record cannot be changed any more."))
    })
    .await
}
