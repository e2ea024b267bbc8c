//! Sign-in security (ACC-3): which roles need a second factor, and who has none yet.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use super::{cells::dash, text};
use crate::{
    model::{
        permission::{Grants, Need, Permission, Role},
        profile::Profile,
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        kit::At,
        services::policy::{self, MOST_GRACE_DAYS},
        store::{lobby::WithoutFactor, policy::Rule},
    },
    ui::{
        actions::policy::SaveFactorRule,
        parts::{Badge, Card, DataTable, ErrorSummary, Form, PageHead, SelectField, Submit, TextField, Tone},
    },
};

/// Who may see and change it.
pub const NEED: Need = Need::Holds(Permission::Settings);

/// The days of grace that the form proposes.
const USUAL_GRACE: i32 = 14;

/// The page's address: the role that the form is about.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    role: String,
}

struct Model {
    zone: String,
    now: At,
    mine: Grants,
    profile: Profile,
    rules: Vec<Rule>,
    missing: Vec<WithoutFactor>,
    /// The roles for which who looks decides.
    decides: Vec<Role>,
    /// The role that the form is about, as far as one was chosen.
    chosen: String,
    form: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let query: Query = cx.query()?;
    let overview = policy::overview(cx).await?;
    Ok(Model {
        zone: person.zone.clone(),
        now: cx.visitor.now,
        mine: person.grants,
        profile: person.profile,
        rules: overview.rules,
        missing: overview.missing,
        decides: overview.decides,
        chosen: query.role,
        form: cx.form::<SaveFactorRule>(),
    })
}

/// `GET /settings/security`
///
/// # Errors
/// Refused without `settings`; a query that cannot be read.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Sign-in security").under("Settings", "/settings").show(&cx, || view(&model)))
}

fn view(m: &Model) -> AnyView {
    let rows: Vec<AnyView> = Role::ALL.into_iter().map(|role| row(m, role)).collect();
    let change = change(m);
    let missing = missing(m);
    view! {
        <PageHead
            title="Sign-in security".to_owned()
            lede="Who must show more than a password: a passkey, an authenticator app, or codes by mail or text."
        />
        <div class="stack">
            <div class="grid-side">
                <DataTable
                    caption="What each role needs".to_owned()
                    head=vec![
                        ("Role", ""),
                        ("Second factor", ""),
                        ("Days to set it up", "num"),
                        ("Since", ""),
                        ("Without one", "num"),
                        ("", "actions"),
                    ]
                >
                    {rows}
                </DataTable>
                <Card title="Change what a role needs">{change}</Card>
            </div>
            <section class="stack-tight">
                <h2 class="section-title">"People without a second factor"</h2>
                {missing}
            </section>
        </div>
    }
    .into_any()
}

fn row(m: &Model, role: Role) -> AnyView {
    let need = m.rules.iter().find(|n| n.role == role);
    let (tone, icon, word) = match need {
        Some(_) => (Tone::Good, "shield", "Required"),
        None => (Tone::Neutral, "minus", "Not required"),
    };
    let grace = need.map_or_else(dash, |n| n.grace_days.to_string().into_any());
    let since = text::when_or_dash(need.map(|n| n.required_from), &m.zone);
    let without = m.missing.iter().filter(|person| person.role == role).count();
    let href = format!("/settings/security?role={}", role.code());
    let change = m.decides.contains(&role).then(|| {
        view! {
            <a class="btn btn-quiet btn-small" href=href>
                "Change"
                <span class="sr-only">" what this role needs: "{role.label()}</span>
            </a>
        }
    });
    view! {
        <tr>
            <td><span class="cell-main">{role.label()}</span></td>
            <td><Badge tone=tone icon=icon text=word.to_owned() /></td>
            <td class="num">{grace}</td>
            <td class="nowrap">{since}</td>
            <td class="num">{without.to_string()}</td>
            <td class="actions">{change}</td>
        </tr>
    }
    .into_any()
}

fn change(m: &Model) -> AnyView {
    let roles = super::team::role_choices(m.mine, m.profile, &[]);
    let form = m.form.clone();
    let role = m.form.value("role", &m.chosen);
    let need = m.rules.iter().find(|n| n.role.code() == role);
    let required = m.form.value("required", if need.is_some() { "yes" } else { "no" });
    let grace = m.form.value("grace_days", &need.map_or(USUAL_GRACE, |n| n.grace_days).to_string());
    let choices = [("yes", "Required"), ("no", "Not required")];
    let choices = choices.map(|(code, label)| (code.to_owned(), label.to_owned())).to_vec();
    let hint = format!("0 to {MOST_GRACE_DAYS}, from today, or from the day somebody joins. Then nothing else opens.");
    view! {
        <Form action=SaveFactorRule::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <SelectField name="role" label="Role" options=roles value=role problem=form.problem("role") />
            <SelectField
                name="required"
                label="Second factor"
                options=choices
                value=required
                problem=form.problem("required")
            />
            <TextField
                name="grace_days"
                label="Days to set it up"
                kind="number"
                value=grace
                problem=form.problem("grace_days")
                hint=hint
                autocomplete="off"
            />
            <Submit label="Save" />
        </Form>
    }
    .into_any()
}

fn missing(m: &Model) -> AnyView {
    if m.missing.is_empty() {
        return view! { <p class="subtle">"Everybody here has one."</p> }.into_any();
    }
    let rows: Vec<AnyView> = m.missing.iter().map(|person| missing_row(person, m.now, &m.zone)).collect();
    view! {
        <DataTable
            caption="People without a second factor".to_owned()
            head=vec![("Name", ""), ("State", ""), ("Role", ""), ("Needed from", "")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn missing_row(person: &WithoutFactor, now: At, zone: &str) -> AnyView {
    let (tone, icon, word) = match person.due {
        None => (Tone::Neutral, "minus", "Not required"),
        Some(due) if due > now => (Tone::Warn, "clock", "Has time left"),
        Some(_) => (Tone::Bad, "warn", "Kept out until then"),
    };
    let name = person.name.clone();
    let name = view! { <a class="link" href=format!("/team/{}", person.member)>{name}</a> };
    view! {
        <tr>
            <td>{name}</td>
            <td><Badge tone=tone icon=icon text=word.to_owned() /></td>
            <td>{person.role.label()}</td>
            <td class="nowrap">{text::when_or_dash(person.due, zone)}</td>
        </tr>
    }
    .into_any()
}
