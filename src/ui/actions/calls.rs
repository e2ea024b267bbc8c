//! What people do with calls: acknowledge a screen pop.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Closes a screen pop in every tab of its person.
#[server(endpoint = "pops/acknowledge")]
pub async fn acknowledge_pop(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::pop,
    };

    using(async |cx| {
        pop::acknowledge(&cx.app, cx.signed_in()?, id_of(&id)?).await?;
        Ok(Done::back())
    })
    .await
}
