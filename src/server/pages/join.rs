//! Joining a business by a mailed invitation (ACC-6).

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    mailed::{self, Over},
    oidc,
};
use crate::{
    model::{password::hint, permission::Need},
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        services,
        store::lobby::Invitation,
    },
    ui::{
        actions::account::Join,
        parts::{ErrorSummary, Facts, Form, PageHead, SecretField, Submit, TextField},
    },
};

/// Who may open it. The invitation's token is in a cookie that opening the mailed link has set.
pub const NEED: Need = Need::Public;

const OVER: Over = Over {
    title: "This invitation is over",
    text: "An invitation works once, for seven days, and can be withdrawn. Nothing was changed. Open the link in \
           your mail again; if that leads back here, ask the person who invited you for a new one.",
    next: [("/sign-in", "Sign in"), ("/sign-up", "Sign up your own business")],
};

/// `GET /join`
///
/// # Errors
/// The database cannot be reached. An invitation that is over is a page of its own.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let found = match cx.visitor.link.as_deref() {
        Some(token) => services::invitation::peek(&cx, token).await,
        None => Err(AppError::Missing),
    };
    match found {
        Ok(invitation) => {
            let policy = services::invitation::password_policy(&cx, &invitation).await?;
            let form = cx.form::<Join>();
            Ok(Page::new("Join").show(&cx, || view(&cx, invitation, &hint(&[policy]), form)))
        }
        Err(AppError::Missing) => Ok(mailed::over(&cx, &OVER)),
        Err(error) => Err(error),
    }
}

fn view(cx: &Cx, invitation: Invitation, hint: &str, form: FormState) -> AnyView {
    // Who has an account already proves that one, and may link it later.
    let elsewhere = (!invitation.has_account).then(|| oidc::join_button(cx)).flatten();
    let title = format!("Join {}", invitation.business_name);
    let password = password(invitation.has_account, hint, &form);
    let facts = vec![
        ("Business".to_owned(), invitation.business_name.into_any()),
        ("Your role".to_owned(), invitation.role.label().to_owned().into_any()),
        ("Your address".to_owned(), invitation.email.into_any()),
    ];
    view! {
        <PageHead title=title lede="You are invited." />
        <div class="stack">
            <ErrorSummary problems=form.problems() />
            <Facts items=facts />
            <Form action=Join::PATH.to_owned()>
                <TextField
                    name="name"
                    label="Your name"
                    hint="As your colleagues here know you."
                    autocomplete="name"
                    maxlength=80
                    value=form.value("name", "")
                    problem=form.problem("name")
                />
                {password}
                <Submit label="Join" />
            </Form>
            {elsewhere}
        </div>
    }
    .into_any()
}

/// The password of the account that the address has already, or one for the account that it gets now.
fn password(has_account: bool, hint: &str, form: &FormState) -> AnyView {
    let problem = form.problem("password");
    if has_account {
        view! {
            <SecretField
                name="password"
                label="Your password"
                autocomplete="current-password"
                hint="This address has an account here already: the password of that one."
                problem=problem
            />
        }
        .into_any()
    } else {
        view! {
            <SecretField
                name="password"
                label="Choose a password"
                autocomplete="new-password"
                hint=hint
                problem=problem
            />
        }
        .into_any()
    }
}
