//! Signing in (ACC-1).

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use super::oidc;
use crate::{
    model::permission::Need,
    server::http::{
        AppError, Cx,
        action::{local, see_other},
        flash::FormState,
        passkey::SIGN_IN,
        render::Page,
    },
    ui::{
        actions::{account::SignIn, passkey::SignInPasskey},
        parts::{Asks, ErrorSummary, Form, PageHead, PasskeyForm, SecretField, Submit, TextField, Tone},
    },
};

/// Who may open it.
pub const NEED: Need = Need::Public;

/// Where to go on after signing in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    next: String,
}

/// `GET /sign-in`
///
/// # Errors
/// A query that cannot be read.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let query: Query = cx.query()?;
    if cx.visitor.signed_in.is_some() {
        return Ok(see_other("/home"));
    }
    let next = local(&query.next).unwrap_or_default().to_owned();
    let form = cx.form::<SignIn>();
    let passkey = cx.app.passkeys().map(|_| cx.form::<SignInPasskey>());
    let page = Page::new("Sign in").with_passkeys(passkey.is_some());
    Ok(page.show(&cx, || view(&cx, form, next, passkey)))
}

/// The other way in, which goes on at the same place.
fn by_mail(next: &str) -> String {
    if next.is_empty() {
        return "/sign-in/link".to_owned();
    }
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/sign-in/link?next={next}")
}

/// The way in without a name and a password.
fn by_passkey(form: &FormState, next: &str) -> AnyView {
    let (problems, next) = (form.problems(), next.to_owned());
    view! {
        <ErrorSummary problems=problems />
        <PasskeyForm
            action=SignInPasskey::PATH.to_owned()
            asks=Asks::Get
            start=SIGN_IN
            label="Sign in with a passkey"
            tone=Tone::Neutral
        >
            <input type="hidden" name="next" value=next />
        </PasskeyForm>
    }
    .into_any()
}

fn view(cx: &Cx, form: FormState, next: String, passkey: Option<FormState>) -> AnyView {
    let elsewhere = oidc::sign_in_button(cx, &next);
    let by_mail = by_mail(&next);
    let by_passkey = passkey.map(|passkey| by_passkey(&passkey, &next));
    view! {
        <PageHead title="Sign in".to_owned() />
        <div class="stack">
            <ErrorSummary problems=form.problems() />
            <Form action=SignIn::PATH.to_owned()>
                <input type="hidden" name="next" value=next />
                <TextField
                    name="email"
                    label="Email address"
                    kind="email"
                    autocomplete="username"
                    maxlength=254
                    value=form.value("email", "")
                    problem=form.problem("email")
                />
                <SecretField
                    name="password"
                    label="Password"
                    autocomplete="current-password"
                    problem=form.problem("password")
                />
                <Submit label="Sign in" />
            </Form>
            {by_passkey}
            {elsewhere}
            <p class="row">
                <a class="link" href=by_mail>"Mail me a link instead"</a>
                <a class="link" href="/forgot">"Forgot your password?"</a>
            </p>
        </div>
        <p class="plain-foot">
            "New here? "
            <a class="link" href="/sign-up">"Sign up your business"</a>
        </p>
    }
    .into_any()
}
