//! Shifts: a technician's own, and ending another's.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Begins one's own shift: from now on the device's positions are taken.
#[server(endpoint = "shift/begin")]
pub async fn shift_begin() -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::position};

    using(async |cx| {
        position::begin_shift(cx).await?;
        Ok(Done::back().saying("Your shift is on. Your position is shown to dispatchers until it ends."))
    })
    .await
}

/// Ends one's own shift; with a member, theirs.
#[server(endpoint = "shift/end")]
pub async fn shift_end(#[server(default)] member: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::position,
    };

    using(async |cx| {
        let member = if member.is_empty() { None } else { Some(id_of(&member)?) };
        position::end_shift(cx, member).await?;
        Ok(Done::back().saying("The shift has ended. No position is taken or shown any more."))
    })
    .await
}
