//! Asking again who somebody is, before what is sensitive opens (ACC-8).

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use crate::{
    model::permission::Need,
    server::{
        http::{AppError, Cx, action::local, flash::FormState, passkey::CONFIRM, render::Page},
        pages::two_factor::no_name,
        store::{self, lobby::Factors},
    },
    ui::{
        actions::{account::Confirm, passkey::ConfirmPasskey},
        parts::{Asks, Card, ErrorSummary, Form, PageHead, PasskeyForm, SecretField, Submit, TextField, Tone},
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
    let model = Model {
        form: cx.form::<Confirm>(),
        passkey: cx.form::<ConfirmPasskey>(),
        next,
        factors,
        has_name: cx.app.passkeys().is_some(),
    };
    let has_form = model.factors.passkeys > 0 && model.has_name;
    Ok(Page::new("Please show that it is you").with_passkeys(has_form).show(&cx, || view(model)))
}

struct Model {
    form: FormState,
    passkey: FormState,
    next: String,
    factors: Factors,
    /// Whether this installation has a name that passkeys can belong to.
    has_name: bool,
}

/// For who has a passkey.
fn by_passkey(m: &Model) -> AnyView {
    if !m.has_name {
        return no_name();
    }
    let next = m.next.clone();
    view! {
        <ErrorSummary problems=m.passkey.problems() />
        <PasskeyForm action=ConfirmPasskey::PATH.to_owned() asks=Asks::Get start=CONFIRM label="Use your passkey">
            <input type="hidden" name="next" value=next />
        </PasskeyForm>
    }
    .into_any()
}

/// What is asked for: a code, or the password of who has nothing stronger.
fn field(factors: Factors, form: &FormState) -> AnyView {
    if factors.beyond_password() {
        let hint = if factors.totp {
            "Six digits from your authenticator app, or a recovery code."
        } else {
            "Without your passkey: a recovery code."
        };
        view! {
            <TextField
                name="code"
                label="Code"
                hint=hint
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
            <p class="hint">
                "You have none, or do not remember it? "
                <a class="link" href="/forgot">"Choose one by mail"</a>
                "."
            </p>
        }
        .into_any()
    }
}

fn view(m: Model) -> AnyView {
    // One main button: the passkey's, where it can be used.
    let tone = if m.factors.passkeys > 0 && m.has_name { Tone::Neutral } else { Tone::Accent };
    let by_passkey = (m.factors.passkeys > 0).then(|| by_passkey(&m));
    let Model { form, next, factors, .. } = m;
    let field = field(factors, &form);
    view! {
        <PageHead
            title="Please show that it is you".to_owned()
            lede="What comes next is sensitive, and your last proof is older than ten minutes."
        />
        <Card>
            <div class="stack">
                {by_passkey}
                <ErrorSummary problems=form.problems() />
                <Form action=Confirm::PATH.to_owned()>
                    <input type="hidden" name="next" value=next />
                    {field}
                    <Submit label="Go on" tone=tone />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}
