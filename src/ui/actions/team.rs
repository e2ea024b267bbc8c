//! People: inviting, withdrawing an invitation, changing a role, removing.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Invites somebody by mail.
#[server(endpoint = "team/invite")]
pub async fn invite(email: String, role: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::invitation};

    using(async |cx| {
        invitation::invite(cx, &email, &role).await?;
        Ok(Done::at("/team").saying("The invitation is on its way."))
    })
    .await
}

/// Withdraws an invitation.
#[server(endpoint = "team/invitation/revoke")]
pub async fn revoke_invitation(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::invitation,
    };

    using(async |cx| {
        invitation::revoke(cx, id_of(&id)?).await?;
        Ok(Done::at("/team").saying("The invitation is withdrawn."))
    })
    .await
}

/// Gives somebody another role.
#[server(endpoint = "team/role")]
pub async fn set_role(id: String, role: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::member,
    };

    using(async |cx| {
        member::set_role(cx, id_of(&id)?, &role).await?;
        Ok(Done::at("/team").saying("The role is changed. It counts from now on."))
    })
    .await
}

/// Removes somebody from the business.
#[server(endpoint = "team/remove")]
pub async fn remove_member(id: String, #[server(default)] confirm: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::member,
    };

    using(async |cx| {
        member::remove(cx, id_of(&id)?, &confirm).await?;
        Ok(Done::at("/team").saying("They are removed, and signed out everywhere."))
    })
    .await
}
