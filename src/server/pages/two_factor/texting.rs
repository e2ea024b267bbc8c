//! Codes by text message: the card on the overview, with the number to set up, and the page for the code that shows
//! whose it is.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::standing;
use crate::{
    model::factor::Factor,
    server::{
        http::{AppError, Cx, action::see_other, flash::FormState, render::Page},
        kit::At,
        services::factor::{self, SET_UP_SECONDS, TEXT_SECONDS, Texting},
    },
    ui::{
        actions::texting::{ConfirmText, StartText, SwitchTextOff, TextAgain},
        parts::{Card, ErrorSummary, Form, Notice, PageHead, Submit, TextField, Tone},
    },
};

/// What the card is drawn from.
pub(super) struct Model {
    texting: Texting,
    /// With what numbers must begin.
    prefixes: String,
    form: FormState,
}

/// # Errors
/// Nobody is signed in; the database cannot be reached.
pub(super) async fn load_card(cx: &Cx) -> Result<Model, AppError> {
    Ok(Model {
        texting: factor::texting(cx).await?,
        prefixes: cx.app.config().text_prefixes.to_string(),
        form: cx.form::<StartText>(),
    })
}

/// The card on the overview.
pub(super) fn card(m: &Model, added: Option<At>, zone: &str) -> AnyView {
    let standing = standing(added, zone);
    let act = match &m.texting.number {
        Some(number) => on(number, m.texting.can_send),
        None if m.texting.can_send => off(m),
        None => nobody_sends(),
    };
    view! {
        <Card title=Factor::Sms.label()>
            <div class="stack">
                <p>"We text eight digits to your phone when you sign in and ask for them."</p>
                <Notice tone=Tone::Info title="The weakest choice">
                    "A number can be taken over at the phone company without your phone, and texts can be read on \
                     their way: NIST calls them restricted. They protect you better than a password alone; an \
                     authenticator app or a passkey is better."
                </Notice>
                {standing}
                {act}
            </div>
        </Card>
    }
    .into_any()
}

fn on(number: &str, can_send: bool) -> AnyView {
    let goes_to = format!("Codes go to {number}. For another number, switch them off and set that one up.");
    let silent = (!can_send).then(|| {
        view! {
            <Notice tone=Tone::Bad title="No code can be texted now">
                "The business that you set this up in has no provider for it any more, or you are not in it any more. \
                 Set up another second factor before you need one."
            </Notice>
        }
    });
    view! {
        <p>{goes_to}</p>
        {silent}
        <Form action=SwitchTextOff::PATH.to_owned()>
            <Submit label="Switch codes by text message off" tone=Tone::Bad />
        </Form>
    }
    .into_any()
}

fn off(m: &Model) -> AnyView {
    let (value, problem) = (m.form.value("number", ""), m.form.problem("number"));
    let hint = format!("With its country code, like +14155550100. It must begin with {}.", m.prefixes);
    view! {
        <ErrorSummary problems=m.form.problems() />
        <Form action=StartText::PATH.to_owned()>
            <TextField
                name="number"
                label="Your mobile number"
                hint=hint
                kind="tel"
                value=value
                autocomplete="tel"
                maxlength=40
                problem=problem
            />
            <Submit label="Text me a first code" tone=Tone::Neutral />
        </Form>
    }
    .into_any()
}

fn nobody_sends() -> AnyView {
    view! {
        <p class="subtle">
            "Your business has no phone provider that could send them. Who manages its credentials connects one with a \
             number (Twilio, under Connections); then you can set this up here."
        </p>
    }
    .into_any()
}

/// `GET /account/two-factor/text`
///
/// # Errors
/// Nobody is signed in; the database cannot be reached. Where no number is being set up, it leads back to the overview.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let number = match factor::text_setting_up(&cx).await {
        Ok(number) => number,
        Err(AppError::Missing) => return Ok(see_other("/account/two-factor")),
        Err(other) => return Err(other),
    };
    let (form, again) = (cx.form::<ConfirmText>(), cx.form::<TextAgain>());
    let page = Page::new("Set up codes by text message").under("Your account", "/account");
    Ok(page.under("Two-factor sign-in", "/account/two-factor").show(&cx, || view(&number, &form, &again)))
}

fn view(number: &str, form: &FormState, again: &FormState) -> AnyView {
    let lede = format!(
        "A code is on its way to {number}, and good for {} minutes. Nothing changes before you have typed it, within \
         {} minutes.",
        TEXT_SECONDS / 60,
        SET_UP_SECONDS / 60
    );
    let problems = [form.problems(), again.problems()].concat();
    let problem = form.problem("code");
    view! {
        <PageHead title="Set up codes by text message".to_owned() lede=lede />
        <div class="stack">
            <ErrorSummary problems=problems />
            <Card title="Show that the number is yours">
                <div class="stack">
                    <Form action=ConfirmText::PATH.to_owned()>
                        <TextField
                            name="code"
                            label="The code in the text"
                            hint="Eight digits; spaces make no difference. Your other sessions will end."
                            autocomplete="one-time-code"
                            inputmode="numeric"
                            maxlength=40
                            problem=problem
                        />
                        <div class="form-actions">
                            <Submit label="Switch it on" />
                            <a class="btn btn-ghost" href="/account/two-factor">"Cancel, or another number"</a>
                        </div>
                    </Form>
                    <Form action=TextAgain::PATH.to_owned()>
                        <Submit label="Text me another code" tone=Tone::Neutral />
                        <p class="hint">"At most one a minute. Texts may take a while; the newest code counts."</p>
                    </Form>
                </div>
            </Card>
        </div>
    }
    .into_any()
}
