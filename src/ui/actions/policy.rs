//! What a business asks of its people: a second factor by role, the networks that they come from.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Says whether a role needs a second factor.
#[server(endpoint = "security/factor")]
pub async fn save_factor_rule(
    role: String,
    required: String,
    #[server(default)] grace_days: String,
) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::policy};

    using(async |cx| {
        policy::change(cx, &role, &required, &grace_days).await?;
        Ok(Done::at("/settings/security").saying("Saved. It counts from now on."))
    })
    .await
}

/// Allows a network.
#[server(endpoint = "network/add")]
pub async fn add_network(range: String, note: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::network};

    using(async |cx| {
        network::add(cx, &range, &note).await?;
        Ok(Done::at("/settings/networks").saying("The network is allowed. Everybody elsewhere is kept out."))
    })
    .await
}

/// Takes a network off the list.
#[server(endpoint = "network/remove")]
pub async fn remove_network(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::network,
    };

    using(async |cx| {
        network::remove(cx, id_of(&id)?).await?;
        Ok(Done::at("/settings/networks").saying("The network is off the list. It counts at once."))
    })
    .await
}
