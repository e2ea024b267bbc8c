//! A new password by mail (ACC-1), in three pages: asking for the link, waiting for it, and choosing.

use axum::{http::StatusCode, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};

use super::sign_up::demo_mails;
use crate::{
    model::{password::hint, permission::Need},
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        services,
    },
    ui::{
        actions::link::{AskReset, ResetPassword},
        parts::{ErrorSummary, Form, PageHead, SecretField, Submit, TextField},
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
    Ok(Page::new("Forgot your password").show(&cx, || ask_view(form)))
}

fn ask_view(form: FormState) -> AnyView {
    view! {
        <PageHead
            title="Forgot your password".to_owned()
            lede="We mail you a link that leads to a new one. The old one works until you have chosen it."
        />
        <div class="stack">
            <ErrorSummary problems=form.problems() />
            <Form action=AskReset::PATH.to_owned()>
                <TextField
                    name="email"
                    label="Email address"
                    kind="email"
                    autocomplete="username"
                    maxlength=254
                    value=form.value("email", "")
                    problem=form.problem("email")
                />
                <Submit label="Mail me the link" />
            </Form>
        </div>
        <p class="plain-foot">
            "You remember it? "
            <a class="link" href="/sign-in">"Sign in"</a>
        </p>
    }
    .into_any()
}

/// `GET /forgot/sent`: the same whether or not a mail was sent.
///
/// # Errors
/// None of its own.
pub async fn sent(cx: Cx) -> Result<Response, AppError> {
    let demo = cx.app.config().demo;
    Ok(Page::new("Check your mail").show(&cx, || sent_view(demo)))
}

fn sent_view(demo: bool) -> AnyView {
    let minutes = services::link::SECONDS / 60;
    view! {
        <PageHead title="Check your mail".to_owned() />
        <div class="stack">
            <p>
                {format!(
                    "If the address has an account here, a mail is on its way. Its link is good for {minutes} minutes, \
                     in any browser.",
                )}
            </p>
            {demo_mails(demo)}
        </div>
        <p class="plain-foot">
            "No mail after a few minutes? Look into the spam folder, or "
            <a class="link" href="/forgot">"ask again"</a>
            "."
        </p>
    }
    .into_any()
}

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
        Err(AppError::Missing) => {
            let page = Page { status: StatusCode::NOT_FOUND, ..Page::new("This link is over") };
            Ok(page.show(&cx, over_view))
        }
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

fn over_view() -> AnyView {
    view! {
        <PageHead title="This link is over".to_owned() />
        <div class="stack">
            <p>
                "A link works once, for a few minutes, until a newer one is asked for. Nothing was changed; a new link \
                 is a minute away."
            </p>
            <div class="row">
                <a class="btn btn-primary" href="/forgot">"Mail me a new link"</a>
                <a class="btn btn-quiet" href="/sign-in">"Sign in"</a>
            </div>
        </div>
    }
    .into_any()
}
