//! Setting a business up: connections, extensions, settings, retention.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Connects a provider.
#[server(endpoint = "connections/create")]
pub async fn create_connection(
    provider: String,
    label: String,
    account: String,
    secret: String,
    #[server(default)] number: String,
    #[server(default)] base_url: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::using,
        services::connection::{self, Draft},
        vault::Secret,
    };

    using(async |cx| {
        let draft = Draft {
            provider: &provider,
            label: &label,
            account: &account,
            number: &number,
            base_url: &base_url,
            secret: Secret::new(secret),
        };
        let id = connection::create(cx, draft).await?;
        Ok(Done::at(format!("/connections/{id}")).saying("Connected. The secret is sealed and not shown again."))
    })
    .await
}

/// Tries a connection against its provider.
#[server(endpoint = "connections/test")]
pub async fn test_connection(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        providers::TestOutcome,
        services::connection,
    };

    using(async |cx| {
        let says = match connection::test(cx, id_of(&id)?).await? {
            TestOutcome::Ok => "The provider accepts account and secret.",
            TestOutcome::Refused => "The provider refuses this account or secret. Check both, then rotate the secret.",
            TestOutcome::Unreachable => {
                "The provider did not answer. Nothing is wrong with the secret as far as we know."
            }
        };
        Ok(Done::at(format!("/connections/{id}")).saying(says))
    })
    .await
}

/// Replaces a connection's secret.
#[server(endpoint = "connections/rotate")]
pub async fn rotate_connection(id: String, secret: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::connection,
        vault::Secret,
    };

    using(async |cx| {
        connection::rotate(cx, id_of(&id)?, Secret::new(secret)).await?;
        Ok(Done::at(format!("/connections/{id}")).saying("The new secret counts. The old one ends in a minute."))
    })
    .await
}

/// Ends a connection.
#[server(endpoint = "connections/revoke")]
pub async fn revoke_connection(id: String, #[server(default)] confirm: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::connection,
    };

    using(async |cx| {
        connection::revoke(cx, id_of(&id)?, &confirm).await?;
        Ok(Done::at("/connections").saying("Revoked. Its webhooks are refused from now on."))
    })
    .await
}

/// Adds an extension.
#[server(endpoint = "extensions/create")]
pub async fn create_extension(
    extension: String,
    member: String,
    target: String,
    #[server(default)] number: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::using,
        services::extension::{self, Draft},
    };

    using(async |cx| {
        let draft = Draft { extension: &extension, member: &member, target: &target, number: &number };
        extension::create(cx, draft).await?;
        Ok(Done::at("/extensions").saying("The extension rings from the next call on."))
    })
    .await
}

/// Removes an extension.
#[server(endpoint = "extensions/delete")]
pub async fn delete_extension(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::extension,
    };

    using(async |cx| {
        extension::delete(cx, id_of(&id)?).await?;
        Ok(Done::at("/extensions").saying("The extension is removed."))
    })
    .await
}

/// Changes name and zone of the business.
#[server(endpoint = "settings/save")]
pub async fn save_settings(name: String, zone: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::business};

    using(async |cx| {
        business::update(cx, &name, &zone).await?;
        Ok(Done::at("/settings").saying("Saved."))
    })
    .await
}

/// Changes what the business asks of its people's passwords.
#[server(endpoint = "setup/save-password-policy")]
pub async fn save_password_policy(policy: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::password};

    using(async |cx| {
        password::save_policy(cx, &policy).await?;
        Ok(Done::at("/settings").saying("Saved. It counts for the next password that somebody chooses."))
    })
    .await
}

/// Changes how long a kind of data lives.
#[server(endpoint = "retention/save")]
pub async fn save_retention(
    kind: String,
    days: String,
    #[server(default)] reason: String,
    #[server(default)] confirm: String,
) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::retention};

    using(async |cx| {
        retention::change(cx, &kind, &days, &reason, &confirm).await?;
        Ok(Done::at("/settings/retention").saying("Saved. The next run follows it."))
    })
    .await
}
