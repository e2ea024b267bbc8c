//! The live board: what agents say of themselves, what it measures by, and links to the wallboard.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Says whether one takes calls.
#[server(endpoint = "agent/state")]
pub async fn say_state(says: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::agent};

    using(async |cx| {
        let said = agent::say(cx, cx.signed_in()?.member, &says, "says").await?;
        Ok(Done::back().saying(format!("You are shown as: {}.", said.label().to_lowercase())))
    })
    .await
}

/// Says for somebody else whether they take calls.
#[server(endpoint = "agent/state/set")]
pub async fn set_agent_state(member: String, their_state: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::agent,
    };

    using(async |cx| {
        let said = agent::say(cx, id_of(&member)?, &their_state, "their_state").await?;
        Ok(Done::at("/board").saying(format!("They are shown as: {}.", said.label().to_lowercase())))
    })
    .await
}

/// Changes what the board measures by.
#[server(endpoint = "board/save")]
pub async fn save_board(
    warn_seconds: String,
    bad_seconds: String,
    answer_seconds: String,
    target_percent: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::using,
        services::board::{self, Draft},
    };

    using(async |cx| {
        let draft = Draft {
            warn_seconds: &warn_seconds,
            bad_seconds: &bad_seconds,
            answer_seconds: &answer_seconds,
            target_percent: &target_percent,
        };
        board::change(cx, draft).await?;
        Ok(Done::at("/settings/board").saying("Saved. Boards that are open show it when they are loaded again."))
    })
    .await
}

/// Names a number as a queue.
#[server(endpoint = "board/queue/add")]
pub async fn add_queue(name: String, number: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::board};

    using(async |cx| {
        board::add_queue(cx, &name, &number).await?;
        Ok(Done::at("/settings/board").saying("The queue is named. The board counts its calls."))
    })
    .await
}

/// Removes a queue.
#[server(endpoint = "board/queue/remove")]
pub async fn remove_queue(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::board,
    };

    using(async |cx| {
        board::remove_queue(cx, id_of(&id)?).await?;
        Ok(Done::at("/settings/board").saying("The queue is removed. Its number rings as before."))
    })
    .await
}

/// Adds a reason why agents take no calls.
#[server(endpoint = "board/reason/add")]
pub async fn add_reason(state: String, label: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::agent};

    using(async |cx| {
        agent::add_reason(cx, &state, &label).await?;
        Ok(Done::at("/settings/board").saying("Agents can choose it now."))
    })
    .await
}

/// Removes a reason.
#[server(endpoint = "board/reason/remove")]
pub async fn remove_reason(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::agent,
    };

    using(async |cx| {
        agent::remove_reason(cx, id_of(&id)?).await?;
        Ok(Done::at("/settings/board").saying("The reason is removed. Who gave it stays in their state."))
    })
    .await
}

/// Makes a link to the wallboard.
#[server(endpoint = "wallboard/share")]
pub async fn share_wallboard(label: String, days: String) -> Result<Done, Fault> {
    use crate::server::{
        http::{action::using, reveal},
        services::wallboard,
    };

    using(async |cx| {
        let link = wallboard::share(cx, &label, &days).await?;
        reveal::at(cx, "/wallboards", &[link])
    })
    .await
}

/// Ends a link to the wallboard.
#[server(endpoint = "wallboard/revoke")]
pub async fn revoke_wallboard(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::wallboard,
    };

    using(async |cx| {
        wallboard::revoke(cx, id_of(&id)?).await?;
        Ok(Done::at("/wallboards").saying("The link is revoked. Screens that showed it show nothing more."))
    })
    .await
}
