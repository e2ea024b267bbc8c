//! Proxy numbers (TEL-7): the pool that masked calls go through, how much of it is in use, and whether it runs out.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::cells;
use crate::{
    model::{
        id::ConnectionId,
        masked_call::Room,
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        kit::At,
        services,
        store::{self, proxy_number::ProxyNumber},
    },
    ui::{
        actions::masked_call::{AddProxyNumber, RemoveProxyNumber},
        parts::{
            Badge, Card, DataTable, Empty, ErrorSummary, Form, Notice, PageHead, SelectField, Submit, TextField, Tone,
        },
    },
};

/// Who may see and change the pool.
pub const NEED: Need = Need::Holds(Permission::Extensions);

struct Model {
    numbers: Vec<ProxyNumber>,
    room: Room,
    busiest: i64,
    connections: Vec<(ConnectionId, String)>,
    form: FormState,
    now: At,
    zone: String,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let zone = cx.signed_in()?.zone.clone();
    let mut tx = cx.tx().await?;
    let numbers = store::proxy_number::list(&mut tx).await?;
    let busiest = store::proxy_number::busiest(&mut tx).await?;
    let connections = services::proxy_number::connections(&mut tx).await?;
    tx.commit().await?;
    let working = numbers.iter().filter(|number| number.is_connected).count();
    let room = Room::of(i64::try_from(working).unwrap_or(i64::MAX), busiest);
    Ok(Model { numbers, room, busiest, connections, form: cx.form::<AddProxyNumber>(), now: cx.visitor.now, zone })
}

/// `GET /proxy-numbers`
///
/// # Errors
/// Refused without `extensions`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Proxy numbers").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let room = room(m.room, m.busiest);
    let list = if m.numbers.is_empty() { empty() } else { table(m.numbers, m.now, &m.zone) };
    let add = add(m.connections, m.form);
    view! {
        <PageHead
            title="Proxy numbers".to_owned()
            lede="Technicians and customers call each other through these, and do not see each other's own number."
        />
        <div class="stack">
            {room}
            <div class="grid-side">
                <div>{list}</div>
                <Card title="Add a number">{add}</Card>
            </div>
        </div>
    }
}

/// How much room there is, where it is too little.
fn room(room: Room, busiest: i64) -> Option<AnyView> {
    let used = if busiest == 1 { "1 number".to_owned() } else { format!("{busiest} numbers") };
    let notice = match room {
        Room::Empty | Room::Enough => return None,
        Room::Scarce => view! {
            <Notice tone=Tone::Warn title="The pool is nearly exhausted">
                "Somebody uses "{used}" at once and has one left. Each job that a person has at the same time takes \
                 another number: add one before it is needed."
            </Notice>
        }
        .into_any(),
        Room::Exhausted => view! {
            <Notice tone=Tone::Bad title="The pool is exhausted">
                "Somebody uses "{used}" at once, and gets none for their next job. Add a number; until then the desks \
                 call for them."
            </Notice>
        }
        .into_any(),
    };
    Some(notice)
}

fn table(numbers: Vec<ProxyNumber>, now: At, zone: &str) -> AnyView {
    let rows: Vec<AnyView> = numbers.into_iter().map(|number| row(number, now, zone)).collect();
    view! {
        <DataTable
            caption="Proxy numbers of the pool".to_owned()
            head=vec![("Number", ""), ("Connection", ""), ("Jobs now", "num"), ("Last given out", ""), ("", "actions")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn row(n: ProxyNumber, now: At, zone: &str) -> AnyView {
    // A number of the business itself: who calls it is nobody's secret.
    let number = n.number.reveal().to_owned();
    let whose = format!(" {number}");
    let (id, used) = (n.id.to_string(), cells::ago_or_dash(n.last_used_at, now, zone));
    let revoked =
        (!n.is_connected).then(|| view! { <Badge tone=Tone::Bad icon="cross" text="Connection revoked".to_owned() /> });
    view! {
        <tr>
            <td>{cells::mono(number)}</td>
            <td>
                <span class="cell-main">{n.connection}</span>
                {revoked}
            </td>
            <td class="num">{n.sessions}</td>
            <td>{used}</td>
            <td class="actions">
                <form method="post" action=RemoveProxyNumber::PATH>
                    <input type="hidden" name="id" value=id />
                    <button class="btn btn-quiet btn-small" type="submit">
                        "Remove"
                        <span class="sr-only">{whose}</span>
                    </button>
                </form>
            </td>
        </tr>
    }
    .into_any()
}

fn add(connections: Vec<(ConnectionId, String)>, form: FormState) -> AnyView {
    let mut options = vec![(String::new(), "Choose a connection".to_owned())];
    options.extend(connections.into_iter().map(|(id, label)| (id.to_string(), label)));
    view! {
        <Form action=AddProxyNumber::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <TextField
                name="number"
                label="Number"
                kind="tel"
                value=form.value("number", "")
                problem=form.problem("number")
                hint="One of your provider's account, like +14155550100, whose voice webhook is the connection's."
                autocomplete="off"
                maxlength=24
            />
            <SelectField
                name="connection"
                label="Connection"
                options=options
                value=form.value("connection", "")
                problem=form.problem("connection")
            />
            <Submit label="Add" />
        </Form>
    }
    .into_any()
}

fn empty() -> AnyView {
    view! {
        <Empty
            icon="phone"
            title="There is no proxy number yet".to_owned()
            text="Without one, technicians cannot call customers from their own phone without showing it.".to_owned()
        >
            <a class="btn btn-primary" href="#f-number">"Add the first one"</a>
        </Empty>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::http::render::to_html;

    #[test]
    fn a_pool_that_runs_out_says_so() {
        assert!(room(Room::Empty, 0).is_none() && room(Room::Enough, 1).is_none());
        let shown = |state, busiest| to_html(|| room(state, busiest));
        assert!(shown(Room::Scarce, 1).contains("nearly exhausted"));
        assert!(shown(Room::Exhausted, 2).contains("2 numbers"));
    }
}
