//! The businesses of one person: which one they work in now, and the way to the others.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::{id::BusinessId, permission::Need},
    server::{
        http::{AppError, Cx, render::Page},
        store::{self, lobby::Membership},
    },
    ui::{
        actions::account::Switch,
        parts::{Badge, DataTable, PageHead, Tone},
    },
};

/// Who may open it.
pub const NEED: Need = Need::SignedIn;

/// `GET /switch`
///
/// # Errors
/// The database cannot be reached.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let person = cx.signed_in()?;
    let current = person.caller.business;
    let memberships = store::lobby::memberships_of(cx.app.db(), person.user).await?;
    Ok(Page::new("Switch business").show(&cx, || view(memberships, current)))
}

fn view(memberships: Vec<Membership>, current: BusinessId) -> AnyView {
    let lede = match memberships.len() {
        1 => "You belong to one business. An invitation by mail brings you into another.",
        _ => "You work in one business at a time.",
    };
    let rows = memberships.into_iter().map(|m| row(m, current)).collect_view();
    view! {
        <PageHead title="Your businesses".to_owned() lede=lede />
        <DataTable caption="Your businesses".to_owned() head=vec![("Business", ""), ("Your role", ""), ("", "actions")]>
            {rows}
        </DataTable>
    }
    .into_any()
}

fn row(m: Membership, current: BusinessId) -> AnyView {
    let action = if m.business == current {
        view! { <Badge tone=Tone::Good icon="check" text="You are here".to_owned() /> }.into_any()
    } else {
        view! {
            <form method="post" action=Switch::PATH>
                <input type="hidden" name="business" value=m.business.to_string() />
                <button class="btn btn-quiet btn-small" type="submit">
                    "Switch"
                    <span class="sr-only">{format!(" to {}", m.business_name)}</span>
                </button>
            </form>
        }
        .into_any()
    };
    view! {
        <tr>
            <td><span class="cell-main">{m.business_name}</span></td>
            <td>{m.role.label().to_owned()}</td>
            <td class="actions">{action}</td>
        </tr>
    }
    .into_any()
}
