//! Founding a business (ACC-6): apply, look into the mail, finish.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::mailed::{self, Over};
use crate::{
    model::{
        password::{self, Policy},
        permission::Need,
        profile::Profile,
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        services,
        store::lobby,
    },
    ui::{
        actions::account::{FinishSignUp, SignUp},
        parts::{ErrorSummary, Facts, Form, PageHead, RadioCards, SecretField, Submit, TextField},
    },
};

/// Who may open these pages.
pub const NEED: Need = Need::Public;

/// `GET /sign-up`
///
/// # Errors
/// None of its own.
pub async fn start(cx: Cx) -> Result<Response, AppError> {
    let form = cx.form::<SignUp>();
    Ok(Page::new("Sign up").show(&cx, || start_view(form)))
}

fn start_view(form: FormState) -> AnyView {
    let profiles = Profile::ALL
        .into_iter()
        .map(|p| (p.code().to_owned(), p.label().to_owned(), p.explains().to_owned()))
        .collect::<Vec<_>>();
    view! {
        <PageHead title="Sign up your business".to_owned() lede="You become its owner, and invite the others later." />
        <div class="stack">
            <ErrorSummary problems=form.problems() />
            <Form action=SignUp::PATH.to_owned()>
                <TextField
                    name="email"
                    label="Your email address"
                    kind="email"
                    autocomplete="email"
                    maxlength=254
                    value=form.value("email", "")
                    problem=form.problem("email")
                />
                <TextField
                    name="business"
                    label="Name of the business"
                    autocomplete="organization"
                    maxlength=80
                    value=form.value("business", "")
                    problem=form.problem("business")
                />
                <RadioCards
                    name="profile"
                    legend="What kind of business is it?"
                    options=profiles
                    value=form.value("profile", "")
                    problem=form.problem("profile")
                />
                <TextField
                    name="zone"
                    label="Time zone"
                    hint="Its days are counted here. A name like America/Chicago or Europe/Berlin."
                    maxlength=64
                    value=form.value("zone", "America/Chicago")
                    problem=form.problem("zone")
                />
                <Submit label="Send me the link" />
            </Form>
        </div>
        <p class="plain-foot">
            "You have an account? "
            <a class="link" href="/sign-in">"Sign in"</a>
        </p>
    }
    .into_any()
}

/// `GET /sign-up/sent`
///
/// # Errors
/// None of its own.
pub async fn sent(cx: Cx) -> Result<Response, AppError> {
    let demo = cx.app.config().demo;
    Ok(Page::new("Check your mail").show(&cx, move || mailed::sent(says(), demo, ("/sign-up", "start again"))))
}

fn says() -> AnyView {
    let minutes = services::sign_up::LINK_SECONDS / 60;
    view! {
        <p>{format!("We have sent you a mail. Its link is good for {minutes} minutes, in any browser.")}</p>
        <p>"The link leads to a page where you choose a name and a password. Then your business is ready."</p>
    }
    .into_any()
}

const OVER: Over = Over {
    title: "This link is over",
    text: "A sign-up link works once, and only for a few minutes. It may also have been opened in another browser. \
           Nothing was changed; a new link is a minute away.",
    next: [("/sign-up", "Sign up again"), ("/sign-in", "Sign in")],
};

/// `GET /sign-up/finish`: needs the cookie that opening the mailed link has set.
///
/// # Errors
/// The database cannot be reached. A link that is over is a page of its own.
pub async fn finish(cx: Cx) -> Result<Response, AppError> {
    let found = match cx.visitor.link.as_deref() {
        Some(token) => services::sign_up::peek(&cx, token).await,
        None => Err(AppError::Missing),
    };
    match found {
        Ok(sign_up) => {
            let form = cx.form::<FinishSignUp>();
            Ok(Page::new("Finish signing up").show(&cx, || finish_view(sign_up, form)))
        }
        Err(AppError::Missing) => Ok(mailed::over(&cx, &OVER)),
        Err(error) => Err(error),
    }
}

fn finish_view(sign_up: lobby::SignUp, form: FormState) -> AnyView {
    let facts = vec![
        ("Business".to_owned(), sign_up.business_name.into_any()),
        ("Kind".to_owned(), sign_up.profile.label().into_any()),
        ("Your address".to_owned(), sign_up.email.into_any()),
    ];
    view! {
        <PageHead title="Finish signing up".to_owned() />
        <div class="stack">
            <ErrorSummary problems=form.problems() />
            <Facts items=facts />
            <Form action=FinishSignUp::PATH.to_owned()>
                <TextField
                    name="name"
                    label="Your name"
                    hint="As your colleagues know you."
                    autocomplete="name"
                    maxlength=80
                    value=form.value("name", "")
                    problem=form.problem("name")
                />
                <SecretField
                    name="password"
                    label="Choose a password"
                    autocomplete="new-password"
                    hint=password::hint(&[Policy::default()])
                    problem=form.problem("password")
                />
                <Submit label="Open my business" />
            </Form>
        </div>
    }
    .into_any()
}
