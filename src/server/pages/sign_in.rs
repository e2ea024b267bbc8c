//! Signing in (ACC-1).

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use crate::{
    model::permission::Need,
    server::http::{
        AppError, Cx,
        action::{local, see_other},
        flash::FormState,
        render::Page,
    },
    ui::{
        actions::account::SignIn,
        parts::{ErrorSummary, Form, PageHead, SecretField, Submit, TextField},
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
    Ok(Page::new("Sign in").show(&cx, || view(form, next)))
}

/// The other way in, which goes on at the same place.
fn by_mail(next: &str) -> String {
    if next.is_empty() {
        return "/sign-in/link".to_owned();
    }
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/sign-in/link?next={next}")
}

fn view(form: FormState, next: String) -> AnyView {
    let by_mail = by_mail(&next);
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
