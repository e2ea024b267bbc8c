//! The second step of signing in (ACC-3): a code of the authenticator app, a recovery code, or one that was mailed.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::permission::Need,
    server::{
        http::{AppError, Cx, action::see_other, flash::FormState, render::Page},
        services::challenge,
        store::lobby::Factors,
    },
    ui::{
        actions::account::{AnswerFactor, MailFactorCode},
        parts::{ErrorSummary, Form, PageHead, Submit, TextField, Tone},
    },
};

/// Who may open it: a browser that has shown a first proof; everybody else is sent to the sign-in.
pub const NEED: Need = Need::Public;

struct Model {
    factors: Factors,
    form: FormState,
    mail: FormState,
}

/// `GET /sign-in/factor`
///
/// # Errors
/// The database cannot be reached.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    if cx.visitor.signed_in.is_some() {
        return Ok(see_other("/home"));
    }
    let factors = match challenge::current(&cx).await {
        Ok((_, factors)) => factors,
        Err(AppError::Missing) => return Ok(see_other("/sign-in")),
        Err(other) => return Err(other),
    };
    let model = Model { factors, form: cx.form::<AnswerFactor>(), mail: cx.form::<MailFactorCode>() };
    Ok(Page::new("Second step").show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    let hint = match (m.factors.totp, m.factors.email_codes) {
        (true, true) => "Six digits from your authenticator app, a code from your mail, or a recovery code.",
        (true, false) => "Six digits from your authenticator app, or a recovery code.",
        (false, true) => "The code from your mail, or a recovery code.",
        (false, false) => {
            "A recovery code. A code by mail would prove your mailbox twice: or start again, with your password."
        }
    };
    let mailed = m.factors.email_codes.then(|| {
        view! {
            <ErrorSummary problems=m.mail.problems() />
            <Form action=MailFactorCode::PATH.to_owned()>
                <Submit label="Mail me a code" tone=Tone::Neutral />
            </Form>
        }
    });
    view! {
        <PageHead title="Second step".to_owned() lede="The first step went well. One more proof that it is you." />
        <div class="stack">
            <ErrorSummary problems=m.form.problems() />
            <Form action=AnswerFactor::PATH.to_owned()>
                <TextField
                    name="code"
                    label="Code"
                    hint=hint
                    autocomplete="one-time-code"
                    maxlength=40
                    problem=m.form.problem("code")
                />
                <Submit label="Sign in" />
            </Form>
            {mailed}
        </div>
        <p class="plain-foot">
            "Lost your phone? One of your recovery codes opens the door. "
            <a class="link" href="/sign-in">"Start again"</a>
        </p>
    }
    .into_any()
}
