//! Asking again who somebody is, before what is sensitive opens (ACC-8).

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use crate::{
    model::permission::Need,
    server::{
        http::{AppError, Cx, action::local, flash::FormState, render::Page},
        store,
    },
    ui::{
        actions::account::Confirm,
        parts::{Card, ErrorSummary, Form, PageHead, SecretField, Submit, TextField},
    },
};

/// Who may open it.
pub const NEED: Need = Need::SignedIn;

/// Where that was asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    next: String,
}

/// `GET /confirm`
///
/// # Errors
/// A query that cannot be read; the database cannot be reached.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let query: Query = cx.query()?;
    let next = local(&query.next).unwrap_or("/home").to_owned();
    let factors = store::lobby::factors_of(cx.app.db(), cx.signed_in()?.user).await?;
    let form = cx.form::<Confirm>();
    let has_totp = factors.totp;
    Ok(Page::new("Please show that it is you").show(&cx, || view(form, next, has_totp)))
}

fn view(form: FormState, next: String, has_totp: bool) -> AnyView {
    let field = if has_totp {
        view! {
            <TextField
                name="code"
                label="Code"
                hint="Six digits from your authenticator app, or a recovery code."
                autocomplete="one-time-code"
                maxlength=40
                problem=form.problem("code")
            />
        }
        .into_any()
    } else {
        view! {
            <SecretField
                name="password"
                label="Your password"
                autocomplete="current-password"
                problem=form.problem("password")
            />
        }
        .into_any()
    };
    view! {
        <PageHead
            title="Please show that it is you".to_owned()
            lede="What comes next is sensitive, and your last proof is older than ten minutes."
        />
        <Card>
            <div class="stack">
                <ErrorSummary problems=form.problems() />
                <Form action=Confirm::PATH.to_owned()>
                    <input type="hidden" name="next" value=next />
                    {field}
                    <Submit label="Go on" />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}
