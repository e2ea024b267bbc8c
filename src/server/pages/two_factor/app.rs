//! Setting up an authenticator app: the seed as a picture and as text, and the field for the first code. The seed is
//! shown until it is confirmed, and never after.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::qr::Picture;
use crate::{
    model::factor::grouped,
    server::{
        http::{AppError, Cx, action::see_other, flash::FormState, render::Page},
        services::factor::{self, SET_UP_SECONDS},
    },
    ui::{
        actions::factor::{ConfirmTotp, StartTotp},
        parts::{Card, ErrorSummary, Form, PageHead, Submit, TextField, Tone},
    },
};

struct Model {
    picture: Picture,
    /// The seed in groups of four.
    secret: String,
    account: String,
    form: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let account = cx.signed_in()?.email.reveal().to_owned();
    let seed = factor::setting_up(cx).await?;
    Ok(Model {
        picture: Picture::of(seed.uri(&account).expose())?,
        secret: grouped(seed.text().expose(), ' '),
        account,
        form: cx.form::<ConfirmTotp>(),
    })
}

/// `GET /account/two-factor/app`
///
/// # Errors
/// Nobody is signed in; the database cannot be reached. Where nothing is being set up, it leads back to the overview.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = match load(&cx).await {
        Ok(model) => model,
        Err(AppError::Missing) => return Ok(see_other("/account/two-factor")),
        Err(other) => return Err(other),
    };
    let page = Page::new("Set up an authenticator app").under("Your account", "/account");
    Ok(page.under("Two-factor sign-in", "/account/two-factor").show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    let lede = format!("Three steps, within {} minutes. Nothing changes before the last one.", SET_UP_SECONDS / 60);
    let picture = m.picture.view("QR code with the secret below, for your authenticator app");
    let by_hand = by_hand(m.secret, m.account);
    let confirm = confirm(&m.form);
    view! {
        <PageHead title="Set up an authenticator app".to_owned() lede=lede />
        <div class="stack">
            <ErrorSummary problems=m.form.problems() />
            <Card title="1. Scan">
                <div class="stack">
                    <p>"Open the app on your phone, add an account, and point the camera at this picture."</p>
                    {picture}
                </div>
            </Card>
            {by_hand}
            {confirm}
        </div>
    }
    .into_any()
}

fn by_hand(secret: String, account: String) -> AnyView {
    view! {
        <Card title="2. Or type it">
            <div class="stack-tight">
                <p>"If you cannot scan, type this secret into the app. Its kind is time-based, with six digits."</p>
                <code class="secret">{secret}</code>
                <p class="hint">
                    "The account is "
                    {account}
                    ". Treat the secret like a password: it is shown on this page only."
                </p>
            </div>
        </Card>
    }
    .into_any()
}

fn confirm(form: &FormState) -> AnyView {
    let problem = form.problem("code");
    view! {
        <Card title="3. Show that it works">
            <div class="stack">
                <Form action=ConfirmTotp::PATH.to_owned()>
                    <TextField
                        name="code"
                        label="The code that the app shows now"
                        hint="Six digits; spaces make no difference. Your other sessions will end."
                        autocomplete="one-time-code"
                        inputmode="numeric"
                        maxlength=40
                        problem=problem
                    />
                    <div class="form-actions">
                        <Submit label="Switch it on" />
                        <a class="btn btn-ghost" href="/account/two-factor">"Cancel"</a>
                    </div>
                </Form>
                <Form action=StartTotp::PATH.to_owned()>
                    <Submit label="Start again with a new secret" tone=Tone::Neutral />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}
