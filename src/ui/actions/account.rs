//! Getting in and out: sign-in, sign-up, joining, switching, theme.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Signs in.
#[server(endpoint = "sign-in")]
pub async fn sign_in(email: String, password: String, #[server(default)] next: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{session, using},
        services,
        vault::Secret,
    };

    using(async |cx| {
        Ok(Done::at(services::session::sign_in(cx, &session()?, &email, Secret::new(password), &next).await?))
    })
    .await
}

/// Answers the second factor's question.
#[server(endpoint = "sign-in/factor")]
pub async fn answer_factor(code: String) -> Result<Done, Fault> {
    use crate::server::{
        http::{
            AppError,
            action::{session, using},
        },
        services::challenge,
    };

    using(async |cx| match challenge::answer(cx, &session()?, &code).await {
        Ok(to) => Ok(Done::at(to)),
        Err(AppError::Missing) => {
            Ok(Done::at("/sign-in").saying("That took too long, or too many tries. Please sign in again."))
        }
        Err(other) => Err(other),
    })
    .await
}

/// Mails a code to somebody who waits for their second factor's question.
#[server(endpoint = "sign-in/factor/mail")]
pub async fn mail_factor_code() -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::challenge};

    using(async |cx| {
        challenge::send_code(cx).await?;
        Ok(Done::at("/sign-in/factor").saying("A code is on its way to your mailbox. It is good for ten minutes."))
    })
    .await
}

/// Texts a code to somebody who waits for their second factor's question.
#[server(endpoint = "sign-in/factor/text")]
pub async fn text_factor_code() -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::challenge};

    using(async |cx| {
        let says = if challenge::text_code(cx).await? {
            "A code is on its way to your phone. It is good for ten minutes."
        } else {
            "No code can be texted now: the business that you set this up in has no provider for it any more, or you \
             are not in it any more. Please use another way."
        };
        Ok(Done::at("/sign-in/factor").saying(says))
    })
    .await
}

/// Shows again who one is, and goes on to where that was asked.
#[server(endpoint = "confirm")]
pub async fn confirm(
    #[server(default)] password: String,
    #[server(default)] code: String,
    #[server(default)] next: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{local, session, using},
        services,
        vault::Secret,
    };

    using(async |cx| {
        services::session::confirm(cx, &session()?, Secret::new(password), &code).await?;
        Ok(Done::at(local(&next).unwrap_or("/home")))
    })
    .await
}

/// Signs out.
#[server(endpoint = "sign-out")]
pub async fn sign_out() -> Result<Done, Fault> {
    use crate::server::{
        http::action::{forget_pages, session, using},
        services,
    };

    using(async |cx| {
        services::session::sign_out(cx, &session()?).await?;
        forget_pages();
        Ok(Done::at("/sign-in").saying("You are signed out."))
    })
    .await
}

/// Asks for a business of one's own; the rest is in the mail.
#[server(endpoint = "sign-up")]
pub async fn sign_up(
    email: String,
    business: String,
    #[server(default)] profile: String,
    zone: String,
) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::sign_up};

    using(async |cx| {
        sign_up::start(cx, &email, &business, &profile, &zone).await?;
        Ok(Done::at("/sign-up/sent"))
    })
    .await
}

/// Founds the business that the mailed link stands for.
#[server(endpoint = "sign-up/finish")]
pub async fn finish_sign_up(name: String, password: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{link_token, session, using},
        services::sign_up,
        vault::Secret,
    };

    using(async |cx| {
        sign_up::finish(cx, &session()?, &link_token(cx)?, &name, Secret::new(password)).await?;
        Ok(Done::at("/home").saying("Your business is ready. Connect your phone provider next."))
    })
    .await
}

/// Joins the business that the mailed invitation stands for.
#[server(endpoint = "join")]
pub async fn join(name: String, password: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{link_token, session, using},
        services::invitation,
        vault::Secret,
    };

    using(async |cx| {
        let to = invitation::accept(cx, &session()?, &link_token(cx)?, &name, Secret::new(password)).await?;
        Ok(Done::at(to).saying("Welcome. You have joined."))
    })
    .await
}

/// Goes on in another business of the same person.
#[server(endpoint = "switch")]
pub async fn switch(business: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, session, using},
        services,
    };

    using(async |cx| {
        services::session::switch(cx, &session()?, id_of(&business)?).await?;
        Ok(Done::at("/home"))
    })
    .await
}

/// Light or dark; kept in a cookie, so that the server draws the right one at once.
#[server(endpoint = "theme")]
pub async fn set_theme(theme: String, #[server(default)] back: String) -> Result<Done, Fault> {
    use crate::server::http::action::{local, set_theme_cookie, using};

    using(async |_| {
        set_theme_cookie(&theme)?;
        Ok(Done::at(local(&back).unwrap_or("/home")))
    })
    .await
}
