//! Changing one's password, by the old one (ACC-1).

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::{password::hint, permission::Need},
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        services,
    },
    ui::{
        actions::link::ChangePassword,
        parts::{Card, ErrorSummary, Form, PageHead, SecretField, Submit},
    },
};

/// Who may open it.
pub const NEED: Need = Need::SignedIn;

struct Model {
    hint: String,
    form: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    Ok(Model { hint: hint(&services::password::policies(cx).await?), form: cx.form::<ChangePassword>() })
}

/// `GET /account/password`
///
/// # Errors
/// Nobody is signed in; the database cannot be reached.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Password").under("Your account", "/account").show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    view! {
        <PageHead
            title="Your password".to_owned()
            lede="One for all businesses that you belong to. A new one ends your sessions everywhere but here."
        />
        <Card>
            <div class="stack">
                <ErrorSummary problems=m.form.problems() />
                <Form action=ChangePassword::PATH.to_owned()>
                    <SecretField
                        name="password"
                        label="Your password now"
                        autocomplete="current-password"
                        problem=m.form.problem("password")
                    />
                    <SecretField
                        name="new_password"
                        label="New password"
                        autocomplete="new-password"
                        hint=m.hint
                        problem=m.form.problem("new_password")
                    />
                    <Submit label="Change the password" />
                </Form>
                <p class="subtle">
                    "You do not remember it? "
                    <a class="link" href="/forgot">"Get a link by mail"</a>
                </p>
            </div>
        </Card>
    }
    .into_any()
}
