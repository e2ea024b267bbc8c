//! People: inviting, one or many, withdrawing an invitation, changing a role, handing over, resetting second factors,
//! removing.

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

/// Ends what failed tries to sign in have locked for somebody.
#[server(endpoint = "team/unlock")]
pub async fn unlock_member(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::lockout,
    };

    using(async |cx| {
        lockout::unlock(cx, id_of(&id)?).await?;
        Ok(Done::at(format!("/team/{id}")).saying("Nothing is locked any more. They can sign in."))
    })
    .await
}

/// Takes all second factors of somebody away.
#[server(endpoint = "team/reset-factors")]
pub async fn reset_factors(id: String, #[server(default)] reset: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::factor,
    };

    using(async |cx| {
        factor::reset(cx, id_of(&id)?, &reset).await?;
        Ok(Done::at(format!("/team/{id}")).saying("Their second step is reset, and they are signed out everywhere."))
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

/// Makes somebody an owner.
#[server(endpoint = "team/hand-over")]
pub async fn hand_over(id: String, #[server(default)] word: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::member,
    };

    using(async |cx| {
        member::hand_over(cx, id_of(&id)?, &word).await?;
        Ok(Done::at(format!("/team/{id}")).saying("They are an owner now, as you are. You may leave, or stay."))
    })
    .await
}

/// Sends an invitation again, with a new link.
#[server(endpoint = "team/invitation/resend")]
pub async fn resend_invitation(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::invitation,
    };

    using(async |cx| {
        invitation::resend(cx, id_of(&id)?).await?;
        Ok(Done::at("/team").saying("A new invitation is on its way. The link of the old one is dead."))
    })
    .await
}

/// Invites the people of a list.
#[server(endpoint = "team/import")]
pub async fn import_people(#[server(default)] list: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::invitation_batch};

    using(async |cx| {
        let id = invitation_batch::import(cx, &list).await?;
        Ok(Done::at(format!("/team/import/{id}")))
    })
    .await
}
