//! The second step of signing in (ACC-3): a passkey, a code of the authenticator app, a recovery code, or one that was
//! mailed or texted.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::permission::Need,
    server::{
        http::{AppError, Cx, action::see_other, flash::FormState, passkey::ANSWER, render::Page},
        pages::two_factor::no_name,
        services::challenge,
        store::lobby::Factors,
    },
    ui::{
        actions::{
            account::{AnswerFactor, MailFactorCode, TextFactorCode},
            passkey::AnswerPasskey,
        },
        parts::{Asks, ErrorSummary, Form, PageHead, PasskeyForm, Submit, TextField, Tone},
    },
};

/// Who may open it: a browser that has shown a first proof; everybody else is sent to the sign-in.
pub const NEED: Need = Need::Public;

struct Model {
    factors: Factors,
    form: FormState,
    mail: FormState,
    text: FormState,
    passkey: FormState,
    /// Whether this installation has a name that passkeys can belong to.
    has_name: bool,
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
    let model = Model {
        factors,
        form: cx.form::<AnswerFactor>(),
        mail: cx.form::<MailFactorCode>(),
        text: cx.form::<TextFactorCode>(),
        passkey: cx.form::<AnswerPasskey>(),
        has_name: cx.app.passkeys().is_some(),
    };
    let page = Page::new("Second step").with_passkeys(model.factors.passkeys > 0 && model.has_name);
    Ok(page.show(&cx, || view(model)))
}

/// For who has a passkey.
fn by_passkey(m: &Model) -> AnyView {
    if !m.has_name {
        return no_name();
    }
    view! {
        <ErrorSummary problems=m.passkey.problems() />
        <PasskeyForm action=AnswerPasskey::PATH.to_owned() asks=Asks::Get start=ANSWER label="Use your passkey" />
    }
    .into_any()
}

fn view(m: Model) -> AnyView {
    let hint = hint(m.factors);
    // One main button: the passkey's, where it can be used.
    let tone = if m.factors.passkeys > 0 && m.has_name { Tone::Neutral } else { Tone::Accent };
    let by_passkey = (m.factors.passkeys > 0).then(|| by_passkey(&m));
    let texted = m.factors.text_codes.then(|| {
        view! {
            <ErrorSummary problems=m.text.problems() />
            <Form action=TextFactorCode::PATH.to_owned()>
                <Submit label="Text me a code" tone=Tone::Neutral />
            </Form>
        }
    });
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
            {by_passkey}
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
                <Submit label="Sign in" tone=tone />
            </Form>
            {mailed}
            {texted}
        </div>
        <p class="plain-foot">
            "Lost your phone? One of your recovery codes opens the door. "
            <a class="link" href="/sign-in">"Start again"</a>
        </p>
    }
    .into_any()
}

/// Which codes answer, as a sentence.
fn hint(factors: Factors) -> String {
    let ways = [
        (factors.totp, "six digits from your authenticator app"),
        (factors.email_codes, "the code from your mail"),
        (factors.text_codes, "the code from your phone"),
    ];
    let ways: Vec<&str> = ways.into_iter().filter_map(|(has, way)| has.then_some(way)).collect();
    if ways.is_empty() && factors.passkeys > 0 {
        return "A recovery code.".to_owned();
    }
    if ways.is_empty() {
        return "A recovery code. A code by mail would prove your mailbox twice: or start again, with your password."
            .to_owned();
    }
    let list = ways.join(", ");
    let (first, rest) = list.split_at(1);
    format!("{}{rest}, or a recovery code.", first.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_names_what_answers() {
        let none = Factors { totp: false, email_codes: false, text_codes: false, passkeys: 0, recovery_left: 9 };
        assert!(hint(none).contains("start again, with your password"));
        assert_eq!(hint(Factors { passkeys: 1, ..none }), "A recovery code.");
        assert_eq!(hint(Factors { text_codes: true, ..none }), "The code from your phone, or a recovery code.");
        let two = Factors { totp: true, email_codes: true, ..none };
        assert_eq!(hint(two), "Six digits from your authenticator app, the code from your mail, or a recovery code.");
    }
}
