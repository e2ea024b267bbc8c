//! Networks (ACC-9): where the business's people may come from, where one is oneself, and the way back in.

use std::net::IpAddr;

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{cells, text};
use crate::{
    model::{
        id::BusinessId,
        network::{Cidr, MOST},
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        store::{self, network::Network},
    },
    ui::{
        actions::policy::{AddNetwork, RemoveNetwork},
        parts::{Card, DataTable, Empty, ErrorSummary, Form, Notice, PageHead, Submit, TextField, Tone},
    },
};

/// Who may see and change them.
pub const NEED: Need = Need::Holds(Permission::Settings);

struct Model {
    business: BusinessId,
    zone: String,
    networks: Vec<Network>,
    /// Where the reader is.
    here: IpAddr,
    add: FormState,
    remove: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let mut tx = cx.tx().await?;
    let networks = store::network::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Model {
        business: person.caller.business,
        zone: person.zone.clone(),
        networks,
        here: cx.visitor.address.to_canonical(),
        add: cx.form::<AddNetwork>(),
        remove: cx.form::<RemoveNetwork>(),
    })
}

/// `GET /settings/networks`
///
/// # Errors
/// Refused without `settings`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Networks").under("Settings", "/settings").show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    let lede = if m.networks.is_empty() {
        "Your people come in from everywhere. With the first network here, from these networks only."
    } else {
        "Your people come in from these networks only. A change counts from the next click."
    };
    let list = if m.networks.is_empty() { empty() } else { table(m.networks, &m.zone) };
    let add = add(m.here, m.add.clone());
    let problems = m.remove.problems();
    let back = back(m.business);
    view! {
        <PageHead title="Networks".to_owned() lede=lede />
        <div class="grid-side">
            <div class="stack">
                <ErrorSummary problems=problems />
                {list}
                {back}
            </div>
            <Card title="Allow a network">{add}</Card>
        </div>
    }
    .into_any()
}

fn table(networks: Vec<Network>, zone: &str) -> AnyView {
    let rows: Vec<AnyView> = networks.into_iter().map(|network| row(network, zone)).collect();
    view! {
        <DataTable
            caption="Networks that people may come from".to_owned()
            head=vec![("Range", ""), ("Note", ""), ("Allowed by", ""), ("Since", ""), ("", "actions")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn row(n: Network, zone: &str) -> AnyView {
    let range = n.range.to_string();
    let which = format!(" the network {range}");
    view! {
        <tr>
            <td>{cells::mono(range)}</td>
            <td class="wide">{n.note}</td>
            <td>{n.created_by}</td>
            <td class="nowrap">{text::when(n.created_at, zone)}</td>
            <td class="actions">
                <form method="post" action=RemoveNetwork::PATH>
                    <input type="hidden" name="id" value=n.id.to_string() />
                    <button class="btn btn-quiet btn-small" type="submit">
                        "Remove"
                        <span class="sr-only">{which}</span>
                    </button>
                </form>
            </td>
        </tr>
    }
    .into_any()
}

fn empty() -> AnyView {
    view! {
        <Empty
            icon="shield"
            title="No network is named".to_owned()
            text="Whoever has a password and a second factor of your people comes in from anywhere.".to_owned()
        >
            <a class="btn btn-primary" href="#f-range">"Allow the first one"</a>
        </Empty>
    }
    .into_any()
}

fn add(here: IpAddr, form: FormState) -> AnyView {
    let mine = Cidr::around(here).to_string();
    let hint = format!("Like 203.0.113.0/24 or 2001:db8::/32; at most {MOST}. You are at {here}, which is in {mine}.");
    view! {
        <Form action=AddNetwork::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <TextField
                name="range"
                label="Range"
                value=form.value("range", "")
                problem=form.problem("range")
                hint=hint
                autocomplete="off"
                maxlength=50
            />
            <TextField
                name="note"
                label="Note"
                value=form.value("note", "")
                problem=form.problem("note")
                hint="What it is, like «Main office»."
                autocomplete="off"
                maxlength=60
            />
            <Submit label="Allow" />
        </Form>
    }
    .into_any()
}

/// What helps when a provider changes everybody's address.
fn back(business: BusinessId) -> AnyView {
    let command = format!("ringfort networks clear --business {business} --reason '…'");
    view! {
        <Notice tone=Tone::Neutral title="The way back in">
            <p>
                "You cannot take away the network that you are in yourself. If all of you are shut out, because your "
                "addresses changed, whoever operates this installation opens the business to all networks again:"
            </p>
            <code class="secret">{command}</code>
        </Notice>
    }
    .into_any()
}
