//! A new password by mail (ACC-1), in three pages: asking for the link, waiting for it, and choosing.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::mailed::{self, Ask, Over};
use crate::{
    model::{password::hint, permission::Need},
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        services,
    },
    ui::{
        actions::link::{AskReset, ResetPassword},
        parts::{ErrorSummary, Form, PageHead, SecretField, Submit},
    },
};

/// Who may open these pages. The token of an opened link is in a cookie.
pub const NEED: Need = Need::Public;

/// `GET /forgot`
///
/// # Errors
/// None of its own.
pub async fn ask(cx: Cx) -> Result<Response, AppError> {
    let form = cx.form::<AskReset>();
    let page = Ask {
        title: "Forgot your password",
        lede: "We mail you a link that leads to a new one. The old one works until you have chosen it.",
        action: AskReset::PATH,
        next: None,
        instead: ("You remember it?", "/sign-in", "Sign in"),
    };
    Ok(Page::new(page.title).show(&cx, || mailed::ask(page, &form)))
}

/// `GET /forgot/sent`: the same whether or not a mail was sent.
///
/// # Errors
/// None of its own.
pub async fn sent(cx: Cx) -> Result<Response, AppError> {
    let (demo, minutes) = (cx.app.config().demo, services::link::SECONDS / 60);
    let says = format!(
        "If the address has an account here, a mail is on its way. Its link is good for {minutes} minutes, in any \
         browser."
    );
    let view = move || mailed::sent(view! { <p>{says}</p> }.into_any(), demo, ("/forgot", "ask again"));
    Ok(Page::new("Check your mail").show(&cx, view))
}

const OVER: Over = Over {
    title: "This link is over",
    text: "A link works once, for a few minutes, until a newer one is asked for. Nothing was changed; a new link is \
           a minute away.",
    next: [("/forgot", "Mail me a new link"), ("/sign-in", "Sign in")],
};

/// `GET /reset`: needs the cookie that opening the mailed link has set. Consumes nothing.
///
/// # Errors
/// The database cannot be reached. A link that is over is a page of its own.
pub async fn reset(cx: Cx) -> Result<Response, AppError> {
    let found = match cx.visitor.link.as_deref() {
        Some(token) => services::password::peek_reset(&cx, token).await,
        None => Err(AppError::Missing),
    };
    match found {
        Ok(policies) => {
            let form = cx.form::<ResetPassword>();
            Ok(Page::new("New password").show(&cx, || reset_view(form, hint(&policies))))
        }
        Err(AppError::Missing) => Ok(mailed::over(&cx, &OVER)),
        Err(error) => Err(error),
    }
}

fn reset_view(form: FormState, hint: String) -> AnyView {
    view! {
        <PageHead
            title="New password".to_owned()
            lede="It ends all your sessions. Then you sign in with it, and with your second factor if you have one."
        />
        <div class="stack">
            <ErrorSummary problems=form.problems() />
            <Form action=ResetPassword::PATH.to_owned()>
                <SecretField
                    name="password"
                    label="New password"
                    autocomplete="new-password"
                    hint=hint
                    problem=form.problem("password")
                />
                <Submit label="Change the password" />
            </Form>
        </div>
    }
    .into_any()
}
