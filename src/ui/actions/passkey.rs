//! Passkeys (ACC-3). A script of the page fills the field `credential` with the authenticator's answer
//! (`public/static/passkey.js`); without one it is empty, and refused like any other that is no answer.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Signs in with a passkey and nothing else.
#[server(endpoint = "sign-in/passkey")]
pub async fn sign_in_passkey(
    #[server(default)] credential: String,
    #[server(default)] next: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{session, using},
        services::passkey,
    };

    using(async |cx| Ok(Done::at(passkey::sign_in(cx, &session()?, &credential, &next).await?))).await
}

/// Answers the second factor's question with a passkey.
#[server(endpoint = "sign-in/factor/passkey")]
pub async fn answer_passkey(#[server(default)] credential: String) -> Result<Done, Fault> {
    use crate::server::{
        http::{
            AppError,
            action::{session, using},
        },
        services::challenge,
    };

    using(async |cx| match challenge::answer_by_passkey(cx, &session()?, &credential).await {
        Ok(to) => Ok(Done::at(to)),
        Err(AppError::Missing) => Ok(Done::at("/sign-in").saying("That took too long. Please sign in again.")),
        Err(other) => Err(other),
    })
    .await
}

/// Shows again who one is, with a passkey, and goes on to where that was asked.
#[server(endpoint = "confirm/passkey")]
pub async fn confirm_passkey(
    #[server(default)] credential: String,
    #[server(default)] next: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{local, session, using},
        services::passkey,
    };

    using(async |cx| {
        passkey::confirm(cx, &session()?, &credential).await?;
        Ok(Done::at(local(&next).unwrap_or("/home")))
    })
    .await
}

/// Keeps the passkey that an authenticator has just made: from now on it signs in.
#[server(endpoint = "two-factor/passkey/add")]
pub async fn add_passkey(
    #[server(default)] name: String,
    #[server(default)] credential: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::{action::using, reveal},
        services::factor::passkey,
    };

    using(async |cx| {
        let codes = passkey::add(cx, &name, &credential).await?;
        let done = if codes.is_empty() {
            Done::at("/account/two-factor")
        } else {
            reveal::at(cx, "/account/two-factor/codes", &codes)?
        };
        Ok(done.saying("The passkey is added: it signs you in from now on. Your other sessions were ended."))
    })
    .await
}

/// Takes a passkey away.
#[server(endpoint = "two-factor/passkey/remove")]
pub async fn remove_passkey(#[server(default)] id: String, #[server(default)] word: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::factor::passkey,
    };

    using(async |cx| {
        passkey::remove(cx, id_of(&id)?, &word).await?;
        Ok(Done::at("/account/two-factor").saying("The passkey is removed. Your other sessions were ended."))
    })
    .await
}
