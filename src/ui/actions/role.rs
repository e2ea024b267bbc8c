//! Roles of the business: copying one, changing it, deleting it; and viewing the product as a role.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Makes a role of the business from another.
#[server(endpoint = "roles/copy")]
pub async fn copy_role(of: String, #[server(default)] name: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::role as roles};

    using(async |cx| {
        let id = roles::copy(cx, &of, &name).await?;
        Ok(Done::at(format!("/roles/{id}"))
            .saying("The role is there. Nobody has it yet: change it, then give it out."))
    })
    .await
}

/// Saves a role's name and what it may do.
#[server(endpoint = "roles/save")]
pub async fn save_role(
    id: String,
    version: String,
    #[server(default)] name: String,
    #[server(default)] grants: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::role as roles,
    };

    using(async |cx| {
        roles::save(cx, id_of(&id)?, &version, &name, &grants).await?;
        Ok(Done::at(format!("/roles/{id}")).saying("The role is changed. It counts from now on, on open pages too."))
    })
    .await
}

/// Deletes a role that nobody has.
#[server(endpoint = "roles/delete")]
pub async fn delete_role(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::role as roles,
    };

    using(async |cx| {
        roles::delete(cx, id_of(&id)?).await?;
        Ok(Done::at("/roles").saying("The role is deleted."))
    })
    .await
}

/// Begins to view the product as a role.
#[server(endpoint = "roles/view")]
pub async fn view_as_role(role: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{session, using},
        services::role::view,
    };

    using(async |cx| {
        view::start(cx, &session()?, &role).await?;
        Ok(Done::at("/home"))
    })
    .await
}

/// Stops viewing the product as a role.
#[server(endpoint = "roles/view/stop")]
pub async fn stop_viewing() -> Result<Done, Fault> {
    use crate::server::{
        http::action::{session, using},
        services::role::view,
    };

    using(async |cx| {
        view::stop(cx, &session()?).await?;
        Ok(Done::at("/home").saying("You see what you may do yourself again."))
    })
    .await
}
