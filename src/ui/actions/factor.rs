//! Second factors (ACC-3): the authenticator app, codes by mail, recovery codes. Codes by text message stand in
//! [`super::texting`].

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Begins to set up an authenticator app.
#[server(endpoint = "two-factor/start")]
pub async fn start_totp() -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::factor};

    using(async |cx| {
        factor::start(cx).await?;
        Ok(Done::at("/account/two-factor/app"))
    })
    .await
}

/// Shows that the app is set up: from now on signing in asks for its codes.
#[server(endpoint = "two-factor/confirm")]
pub async fn confirm_totp(code: String) -> Result<Done, Fault> {
    use crate::server::{
        http::{AppError, action::using, reveal},
        services::factor,
    };

    using(async |cx| match factor::confirm(cx, &code).await {
        Ok(codes) => Ok(reveal::at(cx, "/account/two-factor/codes", &codes)?
            .saying("Your authenticator app is set up. Your other sessions were ended.")),
        Err(AppError::Missing) => {
            Ok(Done::at("/account/two-factor")
                .saying("That took too long, and nothing was changed. Please start again."))
        }
        Err(other) => Err(other),
    })
    .await
}

/// Takes the authenticator app away.
#[server(endpoint = "two-factor/remove")]
pub async fn remove_totp(#[server(default)] confirm: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::factor};

    using(async |cx| {
        factor::remove_totp(cx, &confirm).await?;
        Ok(Done::at("/account/two-factor").saying("The authenticator app is removed. Your other sessions were ended."))
    })
    .await
}

/// Lets codes be mailed from now on.
#[server(endpoint = "two-factor/email/on")]
pub async fn switch_email_on() -> Result<Done, Fault> {
    use crate::server::{
        http::{action::using, reveal},
        services::factor,
    };

    using(async |cx| {
        let codes = factor::switch_email_on(cx).await?;
        let done = if codes.is_empty() {
            Done::at("/account/two-factor")
        } else {
            reveal::at(cx, "/account/two-factor/codes", &codes)?
        };
        Ok(done.saying("Codes by email are on. Your other sessions were ended."))
    })
    .await
}

/// Lets no codes be mailed any more.
#[server(endpoint = "two-factor/email/off")]
pub async fn switch_email_off() -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::factor};

    using(async |cx| {
        factor::switch_email_off(cx).await?;
        Ok(Done::at("/account/two-factor").saying("Codes by email are off. Your other sessions were ended."))
    })
    .await
}

/// Draws new recovery codes; the old ones die.
#[server(endpoint = "two-factor/recovery")]
pub async fn draw_recovery() -> Result<Done, Fault> {
    use crate::server::{
        http::{action::using, reveal},
        services::factor,
    };

    using(async |cx| {
        let codes = factor::draw_recovery(cx).await?;
        let done = reveal::at(cx, "/account/two-factor/codes", &codes)?;
        Ok(done.saying("New recovery codes are drawn. The old ones do not work any more."))
    })
    .await
}
