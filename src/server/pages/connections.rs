//! Connections to providers and agency systems (KEY-1): the list, and the form that makes one.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::cells;
use crate::{
    model::permission::{Need, Permission},
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        kit::At,
        store::{self, connection::Connection},
    },
    ui::{
        actions::setup::CreateConnection,
        parts::{DataTable, Empty, ErrorSummary, Form, Icon, PageHead, RadioCards, SecretField, Submit, TextField},
    },
};

/// Who may see and make connections.
pub const NEED: Need = Need::Holds(Permission::Credentials);

struct Model {
    connections: Vec<Connection>,
    zone: String,
    now: At,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let zone = cx.signed_in()?.zone.clone();
    let mut tx = cx.tx().await?;
    let connections = store::connection::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Model { connections, zone, now: cx.visitor.now })
}

/// `GET /connections`
///
/// # Errors
/// Refused without `credentials`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Connections").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let list = if m.connections.is_empty() { empty() } else { table(m) };
    view! {
        <PageHead
            title="Connections".to_owned()
            lede="Your phone provider and your agency system. Secrets are sealed and never shown again."
        >
            <a class="btn btn-primary" href="/connections/new">
                <Icon name="plus" />
                "Connect a provider"
            </a>
        </PageHead>
        {list}
    }
}

fn table(m: Model) -> AnyView {
    let (zone, now) = (m.zone, m.now);
    let rows: Vec<AnyView> = m.connections.into_iter().map(|c| row(c, &zone, now)).collect();
    view! {
        <DataTable
            caption="Connections, the active ones first".to_owned()
            head=vec![
                ("Name", ""),
                ("State", ""),
                ("Provider", ""),
                ("Account", ""),
                ("Number", ""),
                ("Last event", ""),
                ("Last test", ""),
            ]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn row(c: Connection, zone: &str, now: At) -> AnyView {
    let href = format!("/connections/{}", c.id);
    let number = cells::masked(c.number.as_deref()).map_or_else(cells::dash, cells::mono);
    let last_event = cells::ago_or_dash(c.last_event_at, now, zone);
    let test = cells::test_result(c.test_result.as_deref());
    view! {
        <tr>
            <td><a class="link" href=href>{c.label}</a></td>
            <td>{cells::connection_state(&c.state)}</td>
            <td>{cells::provider(&c.provider)}</td>
            <td>{cells::mono(last_four(&c.account))}</td>
            <td>{number}</td>
            <td class="nowrap">{last_event}</td>
            <td>{test}</td>
        </tr>
    }
    .into_any()
}

/// An account as everybody who may see the connection may see it: its last four characters.
#[must_use]
pub fn last_four(account: &str) -> String {
    let skip = account.chars().count().saturating_sub(4);
    format!("…{}", account.chars().skip(skip).collect::<String>())
}

fn empty() -> AnyView {
    view! {
        <Empty
            icon="plug"
            title="Nothing is connected yet".to_owned()
            text="Connect your phone provider, and calls appear a moment after it reports them.".to_owned()
        >
            <a class="btn btn-primary" href="/connections/new">"Connect a provider"</a>
        </Empty>
    }
    .into_any()
}

/// `GET /connections/new`
///
/// # Errors
/// Nobody is signed in.
pub async fn create(cx: Cx) -> Result<Response, AppError> {
    let form = cx.form::<CreateConnection>();
    Ok(Page::new("Connect a provider").under("Connections", "/connections").show(&cx, || create_view(form)))
}

fn create_view(form: FormState) -> impl IntoView {
    let (account, number, advanced) = (account(&form), number(&form), advanced(&form));
    view! {
        <PageHead
            title="Connect a provider".to_owned()
            lede="What you enter is tried only when you ask for a test. The secret is sealed before it is stored."
        />
        <Form action=CreateConnection::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <RadioCards
                name="provider"
                legend="What do you connect?"
                options=providers()
                value=form.value("provider", "twilio")
                problem=form.problem("provider")
            />
            <TextField
                name="label"
                label="Name"
                value=form.value("label", "")
                problem=form.problem("label")
                hint="How your team will know it, like “Main line”."
                maxlength=80
            />
            {account}
            {number}
            {advanced}
            <div class="form-actions">
                <Submit label="Connect" />
                <a class="btn btn-ghost" href="/connections">"Cancel"</a>
            </div>
        </Form>
    }
}

fn account(form: &FormState) -> AnyView {
    let (account, problem, secret) = (form.value("account", ""), form.problem("account"), form.problem("secret"));
    view! {
        <TextField
            name="account"
            label="Account"
            value=account
            problem=problem
            hint="Twilio: the Account SID, which begins with AC. NowCerts: the user name."
            autocomplete="off"
            maxlength=120
        />
        <SecretField
            name="secret"
            label="Secret"
            problem=secret
            hint="Twilio: the Auth Token. NowCerts: the password. You will not see it here again."
            autocomplete="off"
            maxlength=256
        />
    }
    .into_any()
}

fn number(form: &FormState) -> AnyView {
    let (value, problem) = (form.value("number", ""), form.problem("number"));
    view! {
        <TextField
            name="number"
            label="Your number there"
            kind="tel"
            value=value
            problem=problem
            hint="With its country code, like +14155550100."
            required=false
            maxlength=24
        />
    }
    .into_any()
}

fn advanced(form: &FormState) -> AnyView {
    let (value, problem) = (form.value("base_url", ""), form.problem("base_url"));
    let is_open = !value.is_empty() || problem.is_some();
    view! {
        <details class="w-full" open=is_open>
            <summary><span class="link">"Advanced"</span></summary>
            <div class="stack-tight">
                <TextField
                    name="base_url"
                    label="Address of the system"
                    kind="url"
                    value=value
                    problem=problem
                    hint="Only if yours does not live at the provider's usual address, like https://agency.example.com."
                    required=false
                    maxlength=200
                />
            </div>
        </details>
    }
    .into_any()
}

fn providers() -> Vec<(String, String, String)> {
    [
        ("twilio", "Twilio (telephony)", "Calls: it tells Ringfort of each one and asks who shall ring."),
        ("nowcerts", "NowCerts (agency system)", "Callers: Ringfort asks it who calls and keeps that five minutes."),
    ]
    .map(|(code, label, explains)| (code.to_owned(), label.to_owned(), explains.to_owned()))
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::last_four;

    #[test]
    fn an_account_shows_its_end() {
        assert_eq!(last_four("AC00000000000000000000000000000001"), "…0001");
        assert_eq!(last_four("ab"), "…ab");
    }
}
