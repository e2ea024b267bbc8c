//! The business's own settings: what it is called, which zone its days are counted in, and what its profile means.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{board_settings, cells::fact, connections, extensions, networks, retention, security};
use crate::{
    model::{
        password::{self, Policy},
        permission::{Need, Permission},
        profile::Profile,
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        services,
    },
    ui::{
        actions::setup::{SavePasswordPolicy, SaveSettings},
        parts::{Card, ErrorSummary, Facts, Form, Icon, PageHead, SelectField, Submit, TextField, Tone},
    },
};

/// Who may change settings.
pub const NEED: Need = Need::Holds(Permission::Settings);

/// Address, icon, label and explanation of a page nearby.
type Near = (&'static str, &'static str, &'static str, &'static str);

struct Model {
    name: String,
    zone: String,
    profile: Profile,
    near: Vec<Near>,
    form: FormState,
    passwords: Policy,
    passwords_form: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let all: [(Need, Near); 6] = [
        (security::NEED, ("/settings/security", "shield", "Sign-in security", "Who needs a second factor.")),
        (networks::NEED, ("/settings/networks", "filter", "Networks", "Where your people may come from.")),
        (retention::NEED, ("/settings/retention", "retention", "Retention", "How long each kind of data is kept.")),
        (connections::NEED, ("/connections", "plug", "Connections", "Your phone provider and your agency system.")),
        (
            board_settings::NEED,
            ("/settings/board", "board", "Live board", "What it measures by, queues, and why agents take no calls."),
        ),
        (extensions::NEED, ("/extensions", "extension", "Extensions", "Whose phone rings, and where.")),
    ];
    Ok(Model {
        name: person.business_name.clone(),
        zone: person.zone.clone(),
        profile: person.profile,
        near: all.into_iter().filter(|(need, _)| person.passes(*need)).map(|(_, near)| near).collect(),
        form: cx.form::<SaveSettings>(),
        passwords: services::password::policy(cx).await?,
        passwords_form: cx.form::<SavePasswordPolicy>(),
    })
}

/// `GET /settings`
///
/// # Errors
/// Nobody is signed in; the database cannot be reached.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Settings").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let form = form(&m.name, &m.zone, m.form);
    let items = vec![fact("Profile", m.profile.label()), fact("What it means", m.profile.explains())];
    let near: Vec<AnyView> = m.near.into_iter().map(link).collect();
    let passwords = passwords(m.passwords, m.passwords_form);
    view! {
        <PageHead title="Settings".to_owned() lede="What counts for everybody in this business." />
        <div class="grid-2">
            <Card title="The business">{form}</Card>
            <div class="stack">
                <Card title="Data handling">
                    <Facts items=items />
                    <p class="hint">
                        "The profile was chosen when the business was founded and cannot be changed: what is kept, and "
                        "for how long, hangs on it."
                    </p>
                </Card>
                <Card title="Passwords">{passwords}</Card>
                <Card title="More settings">
                    <div class="stack-tight">{near}</div>
                </Card>
            </div>
        </div>
    }
}

fn form(name: &str, zone: &str, form: FormState) -> AnyView {
    let (name, zone) = (form.value("name", name), form.value("zone", zone));
    view! {
        <Form action=SaveSettings::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <TextField
                name="name"
                label="Name"
                value=name
                problem=form.problem("name")
                autocomplete="organization"
                maxlength=80
            />
            <TextField
                name="zone"
                label="Time zone"
                value=zone
                problem=form.problem("zone")
                hint="Like America/Chicago. Times are shown in it, and days begin and end in it."
                autocomplete="off"
                maxlength=64
            />
            <Submit label="Save" />
        </Form>
    }
    .into_any()
}

fn passwords(policy: Policy, form: FormState) -> AnyView {
    let options = Policy::ALL.into_iter().map(|p| (p.code().to_owned(), p.label().to_owned())).collect::<Vec<_>>();
    let now = password::hint(&[policy]);
    view! {
        <Form action=SavePasswordPolicy::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <SelectField
                name="policy"
                label="What a password must have"
                options=options
                hint="It counts for the next password that somebody chooses."
                value=form.value("policy", policy.code())
                problem=form.problem("policy")
            />
            <p class="hint">{now}</p>
            <Submit label="Change the rule" tone=Tone::Neutral />
        </Form>
    }
    .into_any()
}

fn link((href, icon, label, explains): Near) -> AnyView {
    view! {
        <div>
            <span class="row">
                <Icon name=icon />
                <a class="link" href=href>{label}</a>
            </span>
            <p class="hint">{explains}</p>
        </div>
    }
    .into_any()
}
