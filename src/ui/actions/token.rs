//! Programs that are signed in with one's account: signing one out.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Signs one of one's own programs out.
#[server(endpoint = "token/revoke")]
pub async fn revoke_token(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::token,
    };

    using(async |cx| {
        token::revoke(cx, id_of(&id)?).await?;
        Ok(Done::at("/account/sessions").saying("That program is signed out."))
    })
    .await
}
