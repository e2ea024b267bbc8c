//! Signing in with a provider of identities (ACC-6): to it, and what is done by the button after the way back.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Goes to the provider, to sign in.
#[server(endpoint = "oidc/start")]
pub async fn start_oidc(#[server(default)] next: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{leave, using},
        services::identity,
    };

    using(async |cx| leave(cx, &identity::start(cx, &next).await?)).await
}

/// Signs in as whom the provider has named.
#[server(endpoint = "oidc/enter")]
pub async fn enter_oidc() -> Result<Done, Fault> {
    use crate::server::{
        http::action::{session, using},
        services::identity,
    };

    using(async |cx| Ok(Done::at(identity::enter(cx, &session()?).await?))).await
}

/// Goes to the provider, to join by the invitation that this browser has opened.
#[server(endpoint = "oidc/join")]
pub async fn start_oidc_join() -> Result<Done, Fault> {
    use crate::server::{
        http::action::{leave, link_token, using},
        services::identity,
    };

    using(async |cx| leave(cx, &identity::start_join(cx, &link_token(cx)?).await?)).await
}

/// Joins as whom the provider has named.
#[server(endpoint = "oidc/join/finish")]
pub async fn finish_oidc_join(name: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{link_token, session, using},
        services::identity,
    };

    using(async |cx| {
        let to = identity::join(cx, &session()?, &link_token(cx)?, &name).await?;
        Ok(if to == "/home" { Done::at(to).saying("Welcome. You have joined.") } else { Done::at(to) })
    })
    .await
}

/// Goes to the provider, to link an account there.
#[server(endpoint = "oidc/link")]
pub async fn start_oidc_link() -> Result<Done, Fault> {
    use crate::server::{
        http::action::{leave, using},
        services::identity,
    };

    using(async |cx| leave(cx, &identity::start_link(cx).await?)).await
}

/// Links the account that the provider has named.
#[server(endpoint = "oidc/link/finish")]
pub async fn finish_oidc_link() -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::identity};

    using(async |cx| {
        let to = identity::link(cx).await?;
        let is_linked = to == identity::PATH;
        let done = Done::at(to);
        Ok(if is_linked { done.saying("The account is linked. Your other sessions were ended.") } else { done })
    })
    .await
}

/// Takes the link away.
#[server(endpoint = "oidc/unlink")]
pub async fn unlink_oidc() -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::identity};

    using(async |cx| {
        identity::unlink(cx).await?;
        Ok(Done::at(identity::PATH).saying("The account is unlinked. Your other sessions were ended."))
    })
    .await
}
