//! Codes by text message (ACC-3): setting a number up, and taking it away.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Texts a code to a number that is being set up.
#[server(endpoint = "two-factor/text/start")]
pub async fn start_text(number: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::factor};

    using(async |cx| {
        factor::start_text(cx, &number).await?;
        Ok(Done::at("/account/two-factor/text"))
    })
    .await
}

/// Texts another code to the number that is being set up.
#[server(endpoint = "two-factor/text/again")]
pub async fn text_again() -> Result<Done, Fault> {
    use crate::server::{
        http::{AppError, action::using},
        services::factor,
    };

    using(async |cx| match factor::text_again(cx).await {
        Ok(()) => Ok(Done::at("/account/two-factor/text").saying("Another code is on its way to your phone.")),
        Err(AppError::Missing) => {
            Ok(Done::at("/account/two-factor")
                .saying("That took too long, and nothing was changed. Please start again."))
        }
        Err(other) => Err(other),
    })
    .await
}

/// Shows that the number is one's own: from now on its codes answer.
#[server(endpoint = "two-factor/text/confirm")]
pub async fn confirm_text(code: String) -> Result<Done, Fault> {
    use crate::server::{
        http::{AppError, action::using, reveal},
        services::factor,
    };

    using(async |cx| match factor::confirm_text(cx, &code).await {
        Ok(codes) => {
            let done = if codes.is_empty() {
                Done::at("/account/two-factor")
            } else {
                reveal::at(cx, "/account/two-factor/codes", &codes)?
            };
            Ok(done.saying("Codes by text message are on. Your other sessions were ended."))
        }
        Err(AppError::Missing) => {
            Ok(Done::at("/account/two-factor")
                .saying("That took too long, and nothing was changed. Please start again."))
        }
        Err(other) => Err(other),
    })
    .await
}

/// Lets no codes be texted any more, and forgets the number.
#[server(endpoint = "two-factor/text/off")]
pub async fn switch_text_off() -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::factor};

    using(async |cx| {
        factor::switch_text_off(cx).await?;
        Ok(Done::at("/account/two-factor").saying("Codes by text message are off. Your other sessions were ended."))
    })
    .await
}
