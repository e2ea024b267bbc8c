//! Signing in by a mailed link (ACC-2), in three pages: asking for it, waiting for it (where a code can be typed), and
//! opening it.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use super::mailed::{self, Ask, Over};
use crate::{
    model::permission::Need,
    server::{
        http::{
            AppError, Cx,
            action::{local, see_other},
            flash::FormState,
            render::Page,
        },
        services::{self, link::Offer},
    },
    ui::{
        actions::link::{AskLink, EnterLink, EnterLinkCode},
        parts::{ErrorSummary, Form, PageHead, Submit, TextField},
    },
};

/// Who may open these pages. The token of an opened link is in a cookie.
pub const NEED: Need = Need::Public;

/// Where to go on after signing in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    next: String,
}

/// `GET /sign-in/link`
///
/// # Errors
/// A query that cannot be read.
pub async fn ask(cx: Cx) -> Result<Response, AppError> {
    let query: Query = cx.query()?;
    if cx.visitor.signed_in.is_some() {
        return Ok(see_other("/home"));
    }
    let next = local(&query.next).unwrap_or_default().to_owned();
    let form = cx.form::<AskLink>();
    let page = Ask {
        title: "Sign in by mail",
        lede: "We mail you a link that signs you in, without a password.",
        action: AskLink::PATH,
        next: Some(next),
        instead: ("You have your password at hand?", "/sign-in", "Sign in with it"),
    };
    Ok(Page::new(page.title).show(&cx, || mailed::ask(page, &form)))
}

/// `GET /sign-in/link/sent`: the same whether or not a mail was sent.
///
/// # Errors
/// None of its own.
pub async fn sent(cx: Cx) -> Result<Response, AppError> {
    if cx.visitor.signed_in.is_some() {
        return Ok(see_other("/home"));
    }
    let (demo, form) = (cx.app.config().demo, cx.form::<EnterLinkCode>());
    let view = move || mailed::sent(code_form(&form), demo, ("/sign-in/link", "ask again"));
    Ok(Page::new("Check your mail").show(&cx, view))
}

fn code_form(form: &FormState) -> AnyView {
    let (problems, problem) = (form.problems(), form.problem("code"));
    let minutes = services::link::SECONDS / 60;
    view! {
        <p>
            {format!("If the address has an account here, a mail is on its way. Its link is good for {minutes} minutes.")}
        </p>
        <p>"Open it in this browser. Opened anywhere else, it shows a code: type that here."</p>
        <ErrorSummary problems=problems />
        <Form action=EnterLinkCode::PATH.to_owned()>
            <TextField
                name="code"
                label="Code"
                hint="Eight letters and digits."
                autocomplete="one-time-code"
                maxlength=20
                problem=problem
            />
            <Submit label="Sign in" />
        </Form>
    }
    .into_any()
}

const OVER: Over = Over {
    title: "This link is over",
    text: "A link works once, for a few minutes, until a newer one is asked for. Nothing was changed; a new link is \
           a minute away.",
    next: [("/sign-in/link", "Mail me a new link"), ("/sign-in", "Sign in with a password")],
};

/// `GET /sign-in/link/open`: needs the cookie that opening the mailed link has set. Consumes nothing.
///
/// # Errors
/// The database cannot be reached. A link that is over is a page of its own.
pub async fn open(cx: Cx) -> Result<Response, AppError> {
    let found = match cx.visitor.link.as_deref() {
        Some(token) => services::link::peek(&cx, token).await,
        None => Err(AppError::Missing),
    };
    match found {
        Ok(offer) => {
            let form = cx.form::<EnterLink>();
            Ok(Page::new("Sign in by mail").show(&cx, || open_view(offer, &form)))
        }
        Err(AppError::Missing) => Ok(mailed::over(&cx, &OVER)),
        Err(error) => Err(error),
    }
}

fn open_view(offer: Offer, form: &FormState) -> AnyView {
    let (lede, content) = match offer {
        Offer::SignIn => ("You asked for this link here. One press, and you are in.", press("Sign in", form)),
        Offer::ShowCode => (
            "You asked for this link in another browser, so it signs you in there: with a code that you see here.",
            press("Show me the code", form),
        ),
        Offer::Code(code) => ("Type this code in the browser where you asked for the link.", shown(code)),
    };
    view! {
        <PageHead title="Sign in by mail".to_owned() lede=lede />
        <div class="stack">{content}</div>
    }
    .into_any()
}

fn press(label: &'static str, form: &FormState) -> AnyView {
    let problems = form.problems();
    view! {
        <ErrorSummary problems=problems />
        <Form action=EnterLink::PATH.to_owned()>
            <Submit label=label />
        </Form>
    }
    .into_any()
}

fn shown(code: String) -> AnyView {
    view! {
        <p class="secret">{code}</p>
        <p>
            "You have not asked for it? Then somebody else has: close this page, and tell the code to nobody. No one \
             at Ringfort will ever ask you for it."
        </p>
    }
    .into_any()
}
