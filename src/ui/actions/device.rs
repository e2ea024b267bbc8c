//! Sessions and devices: ending one, all others, or those of a member.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Ends one of one's own sessions.
#[server(endpoint = "device/revoke")]
pub async fn revoke_session(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::device,
    };

    using(async |cx| {
        device::revoke(cx, id_of(&id)?).await?;
        Ok(Done::at("/account/sessions").saying("That session is over."))
    })
    .await
}

/// Ends all of one's own sessions but this one.
#[server(endpoint = "device/revoke-others")]
pub async fn revoke_other_sessions() -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::device};

    using(async |cx| {
        let says = match device::revoke_others(cx).await? {
            0 => "There was no other session.".to_owned(),
            1 => "One other session is over. You are signed in here only.".to_owned(),
            many => format!("{many} other sessions are over. You are signed in here only."),
        };
        Ok(Done::at("/account/sessions").saying(says))
    })
    .await
}

/// Ends the sessions of a member in this business.
#[server(endpoint = "device/end-member")]
pub async fn end_member_sessions(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::device,
    };

    using(async |cx| {
        let says = match device::end_member(cx, id_of(&id)?).await? {
            0 => "They were not signed in here.".to_owned(),
            1 => "Their session here is over.".to_owned(),
            many => format!("Their {many} sessions here are over."),
        };
        Ok(Done::at("/team").saying(says))
    })
    .await
}
