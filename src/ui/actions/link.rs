//! Getting in by mail, and new passwords: asking for a link, using it, changing a password.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Asks for a link to sign in with; the rest is in the mail.
#[server(endpoint = "link/ask")]
pub async fn ask_link(email: String, #[server(default)] next: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::link};

    using(async |cx| {
        link::ask(cx, &email, &next).await?;
        Ok(Done::at("/sign-in/link/sent"))
    })
    .await
}

/// Presses the button of a mailed link: signs in, or shows a code for the browser that asked.
#[server(endpoint = "link/enter")]
pub async fn enter_link() -> Result<Done, Fault> {
    use crate::server::{
        http::{
            AppError,
            action::{link_token, session, using},
        },
        services::link,
    };

    using(async |cx| match link::enter(cx, &session()?, &link_token(cx)?).await {
        Ok(to) => Ok(Done::at(to)),
        // The page says what is over.
        Err(AppError::Missing) => Ok(Done::at(link::OPEN_PATH)),
        Err(other) => Err(other),
    })
    .await
}

/// Types the code that another browser shows for the link.
#[server(endpoint = "link/code")]
pub async fn enter_link_code(code: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{session, using},
        services::link,
    };

    using(async |cx| Ok(Done::at(link::enter_code(cx, &session()?, &code).await?))).await
}

/// Asks for a link that leads to a new password.
#[server(endpoint = "password/forgot")]
pub async fn ask_reset(email: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::password};

    using(async |cx| {
        password::ask_reset(cx, &email).await?;
        Ok(Done::at("/forgot/sent"))
    })
    .await
}

/// Chooses a new password by a mailed link.
#[server(endpoint = "password/reset")]
pub async fn reset_password(password: String) -> Result<Done, Fault> {
    use crate::server::{
        http::{
            AppError,
            action::{link_token, using},
        },
        services,
        vault::Secret,
    };

    using(async |cx| match services::password::reset(cx, &link_token(cx)?, Secret::new(password)).await {
        Ok(()) => {
            let says = "Your password is changed, and all your sessions are ended. Please sign in.";
            Ok(Done::at("/sign-in").saying(says))
        }
        // The page says what is over.
        Err(AppError::Missing) => Ok(Done::at("/reset")),
        Err(other) => Err(other),
    })
    .await
}

/// Changes one's password by the old one.
#[server(endpoint = "password/change")]
pub async fn change_password(password: String, new_password: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{session, using},
        services,
        vault::Secret,
    };

    using(async |cx| {
        services::password::change(cx, &session()?, Secret::new(password), Secret::new(new_password)).await?;
        Ok(Done::at("/account").saying("Your password is changed. All your other sessions are ended."))
    })
    .await
}
