//! One's second factors (ACC-3): which there are, and how to set one up or take it away. Setting up the app is a page
//! of its own (`app.rs`), and so are the recovery codes when they are drawn (`codes.rs`) and the code that shows whose
//! a number is (`texting.rs`).

mod app;
mod codes;
mod passkeys;
mod qr;
mod texting;

pub use app::page as app;
use axum::response::Response;
pub use codes::page as codes;
use leptos::{prelude::*, server_fn::ServerFn};
pub use passkeys::no_name;
pub use texting::page as text_codes;

use super::{cells::fact, text};
use crate::{
    model::{
        factor::{FEW_LEFT, Factor, RECOVERY_CODES},
        permission::Need,
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        kit::At,
        services::factor,
        store::lobby::{FactorDates, Factors},
    },
    ui::{
        actions::{
            factor::{DrawRecovery, RemoveTotp, StartTotp, SwitchEmailOff, SwitchEmailOn},
            texting::SwitchTextOff,
        },
        parts::{Badge, Card, ConfirmField, ErrorSummary, Facts, Form, Notice, PageHead, Submit, Tone},
    },
};

/// Who may open these pages: everybody has an account.
pub const NEED: Need = Need::SignedIn;

struct Model {
    zone: String,
    email: String,
    dates: FactorDates,
    remove: FormState,
    texting: texting::Model,
    passkeys: passkeys::Model,
    /// What is wrong with the forms that are one button each.
    problems: Vec<(String, String)>,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let forms = [
        cx.form::<StartTotp>(),
        cx.form::<SwitchEmailOn>(),
        cx.form::<SwitchEmailOff>(),
        cx.form::<SwitchTextOff>(),
        cx.form::<DrawRecovery>(),
    ];
    Ok(Model {
        zone: person.zone.clone(),
        email: person.email.masked(),
        dates: factor::dates(cx).await?,
        remove: cx.form::<RemoveTotp>(),
        texting: texting::load_card(cx).await?,
        passkeys: passkeys::load_card(cx).await?,
        problems: forms.iter().flat_map(FormState::problems).collect(),
    })
}

/// `GET /account/two-factor`
///
/// # Errors
/// Nobody is signed in; the database cannot be reached.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    let page = Page::new("Two-factor sign-in").under("Your account", "/account");
    Ok(page.with_passkeys(cx.app.passkeys().is_some()).show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    let factors = Factors::from(m.dates);
    let ways = if m.passkeys.has_name { "Add a passkey or set" } else { "Set" };
    let advice =
        format!("{ways} up an authenticator app: then somebody who learns your password still cannot sign in.");
    let none = (!factors.any()).then(|| {
        view! {
            <Notice tone=Tone::Warn title="Your password is all that protects your account">
                {advice}
            </Notice>
        }
    });
    let authenticator = authenticator(m.dates.totp, &m.zone, &m.remove);
    let recovery = factors.any().then(|| recovery(&m.dates, &m.zone));
    // The best choice stands first, and what cannot be used here last.
    let by_passkey = Some(passkeys::card(&m.passkeys));
    let (first, last) = if m.passkeys.has_name { (by_passkey, None) } else { (None, by_passkey) };
    let by_email = by_email(m.dates.email_codes, &m.zone, &m.email);
    let by_text = texting::card(&m.texting, m.dates.text_codes, &m.zone);
    view! {
        <PageHead
            title="Two-factor sign-in".to_owned()
            lede="Besides your password, signing in asks for something that only you have."
        />
        <div class="stack">
            <ErrorSummary problems=m.problems />
            {none}
            {first}
            {authenticator}
            {recovery}
            {by_email}
            {by_text}
            {last}
        </div>
    }
    .into_any()
}

/// Whether a factor is there, and since when.
fn standing(added: Option<At>, zone: &str) -> AnyView {
    let (tone, icon, word) = match added {
        Some(_) => (Tone::Good, "check", "On"),
        None => (Tone::Neutral, "minus", "Off"),
    };
    let mut items = vec![fact("State", view! { <Badge tone=tone icon=icon text=word.to_owned() /> })];
    if let Some(at) = added {
        items.push(fact("Added", text::when(at, zone)));
    }
    view! { <Facts items=items /> }.into_any()
}

fn authenticator(added: Option<At>, zone: &str, form: &FormState) -> AnyView {
    let standing = standing(added, zone);
    let act = if added.is_some() { remove_form(form) } else { start_form() };
    view! {
        <Card title=Factor::Totp.label()>
            <div class="stack">
                <p>
                    "An app on your phone shows six digits that change every 30 seconds. It works without a network, \
                     and nothing is sent to anybody."
                </p>
                {standing}
                {act}
            </div>
        </Card>
    }
    .into_any()
}

fn start_form() -> AnyView {
    view! {
        <Form action=StartTotp::PATH.to_owned()>
            <Submit label="Set up an authenticator app" />
        </Form>
    }
    .into_any()
}

fn remove_form(form: &FormState) -> AnyView {
    let (problems, value, problem) = (form.problems(), form.value("confirm", ""), form.problem("confirm"));
    view! {
        <ErrorSummary problems=problems />
        <Form action=RemoveTotp::PATH.to_owned()>
            <p>"To move to another phone, remove the app here and set it up again. Your other sessions end."</p>
            <ConfirmField word="remove" value=value problem=problem />
            <Submit label="Remove the authenticator app" tone=Tone::Bad />
        </Form>
    }
    .into_any()
}

fn recovery(dates: &FactorDates, zone: &str) -> AnyView {
    let few = (dates.recovery_left < FEW_LEFT).then(|| {
        view! {
            <Notice tone=Tone::Warn title="Few recovery codes are left">
                "Draw new ones now: without your second factor and without a code you cannot sign in."
            </Notice>
        }
        .into_any()
    });
    let left = format!("{} of {RECOVERY_CODES}", dates.recovery_left);
    let items = vec![fact("Left", left), fact("Drawn", text::when_or_dash(dates.recovery_drawn, zone))];
    view! {
        <Card title="Recovery codes">
            <div class="stack">
                <p>"Each signs you in once in place of the second factor, when your phone or your mailbox is gone."</p>
                {few}
                <Facts items=items />
                <Form action=DrawRecovery::PATH.to_owned()>
                    <Submit label="Draw new recovery codes" tone=Tone::Neutral />
                    <p class="hint">"The old ones stop working at once. The new ones are shown once."</p>
                </Form>
            </div>
        </Card>
    }
    .into_any()
}

fn by_email(added: Option<At>, zone: &str, email: &str) -> AnyView {
    let (action, label, tone) = match added {
        None => (SwitchEmailOn::PATH, "Switch codes by email on", Tone::Neutral),
        Some(_) => (SwitchEmailOff::PATH, "Switch codes by email off", Tone::Bad),
    };
    let explains = format!("We mail eight digits to {email} when you sign in and ask for them.");
    let standing = standing(added, zone);
    view! {
        <Card title=Factor::Email.label()>
            <div class="stack">
                <p>{explains}</p>
                <Notice tone=Tone::Info title="Weaker than an app">
                    "Whoever reads your mail can read the code, and may be able to choose a new password by mail too. \
                     Better than nothing; an authenticator app is better."
                </Notice>
                {standing}
                <Form action=action.to_owned()>
                    <Submit label=label tone=tone />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}
