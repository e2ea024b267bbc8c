//! What people do with calls: acknowledge a screen pop; and as supervisors, transfer, mute and end a running one.

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

/// Transfers a running call to a desk.
#[server(endpoint = "calls/transfer")]
pub async fn transfer_call(id: String, target: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::call_control,
    };

    using(async |cx| {
        let says = match call_control::transfer(cx, id_of(&id)?, id_of(&target)?).await? {
            Ok(()) => "The provider took the transfer. The timeline shows when the desk rings.".to_owned(),
            Err(problem) => format!("Nothing was transferred: {problem}."),
        };
        Ok(Done::at(format!("/calls/{id}")).saying(says))
    })
    .await
}

/// Ends a running call.
#[server(endpoint = "calls/hang-up")]
pub async fn hang_up_call(id: String, #[server(default)] confirm: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::call_control,
    };

    using(async |cx| {
        let says = match call_control::hang_up(cx, id_of(&id)?, &confirm).await? {
            Ok(()) => "The provider ends the call. It is over here when the provider says so.".to_owned(),
            Err(problem) => format!("The call was not ended: {problem}."),
        };
        Ok(Done::at(format!("/calls/{id}")).saying(says))
    })
    .await
}

/// Mutes our side of a running call.
#[server(endpoint = "calls/mute")]
pub async fn mute_call(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::call_control,
    };

    using(async |cx| {
        let says = match call_control::mute(cx, id_of(&id)?).await? {
            Ok(()) => "The provider muted our side.".to_owned(),
            Err(problem) => format!("Nobody was muted: {problem}."),
        };
        Ok(Done::at(format!("/calls/{id}")).saying(says))
    })
    .await
}
