//! The dispatch board: a day's work orders, unassigned ones first, then a column per technician. A card is given to somebody by its
//! own form (a list and a button: by keyboard, and without scripts), or dragged with the mouse (`public/static/dispatch.js`, which
//! sends the same form). What changes elsewhere is told above the board, and nothing moves by itself.

use axum::response::Response;
use jiff::{Span, civil::Date};
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use super::{
    live_link, text, work_orders,
    work_orders::{date_of, day_of, parts},
};
use crate::{
    model::{id::MemberId, permission::Need, personal::PersonName},
    server::{
        http::{AppError, Cx, render::Page},
        services,
        store::{
            self,
            work_order::{Technician, WorkOrder},
        },
    },
    ui::{
        actions::work_order::WorkOrderAssign,
        parts::{ErrorSummary, FilterBar, Icon, PageHead, TextField},
    },
};

/// Who may open it.
pub const NEED: Need = work_orders::ALL_NEED;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    day: String,
}

struct Model {
    date: Date,
    columns: Vec<Column>,
    technicians: Vec<Technician>,
    zone: String,
    /// Where the stream of changes goes on from.
    cursor: String,
    /// Why somebody was not given a job.
    problems: Vec<(String, String)>,
}

/// Whose jobs, and which; nobody's come first.
struct Column {
    member: Option<MemberId>,
    title: String,
    orders: Vec<WorkOrder>,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let query: Query = cx.query()?;
    let zone = text::zone(&person.zone);
    let date = date_of(&query.day, cx.visitor.now, &zone)?;
    let (from, until) = day_of(date, &zone)?;
    // Before the board is read: what is told twice only says so twice.
    let cursor = store::outbox::head(cx.app.db(), cx.visitor.now).await?.to_string();
    let (orders, technicians) = services::work_order::day(cx, from, until).await?;
    let columns = columns(orders, &technicians);
    let problems = cx.form::<WorkOrderAssign>().problems();
    // Every card has these fields: no link leads to one of them.
    let problems = problems.into_iter().map(|(_, text)| (String::new(), text)).collect();
    Ok(Model { date, columns, technicians, zone: person.zone.clone(), cursor, problems })
}

fn columns(orders: Vec<WorkOrder>, technicians: &[Technician]) -> Vec<Column> {
    let mut columns = vec![Column { member: None, title: "Not assigned".to_owned(), orders: Vec::new() }];
    let named = technicians.iter().map(|t| (t.member, t.name.reveal().to_owned()));
    // Somebody may have jobs who is no technician any more: theirs are not lost.
    let others = orders.iter().filter_map(|o| Some((o.member?, o.member_name.as_ref()?.reveal().to_owned())));
    for (member, title) in named.chain(others) {
        if !columns.iter().any(|column| column.member == Some(member)) {
            columns.push(Column { member: Some(member), title, orders: Vec::new() });
        }
    }
    for order in orders {
        if let Some(column) = columns.iter_mut().find(|column| column.member == order.member) {
            column.orders.push(order);
        }
    }
    columns
}

/// `GET /dispatch`
///
/// # Errors
/// A day that cannot be read; refused without the right.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    let page = Page::new("Dispatch").under("Jobs", "/work-orders").with_script("/static/dispatch.js");
    Ok(page.show(&cx, || view(&model)))
}

fn view(m: &Model) -> impl IntoView + use<> {
    let day = |plus: i64| {
        let date = m.date.checked_add(Span::new().days(plus)).unwrap_or(m.date);
        format!("/dispatch?day={date}")
    };
    let (before, after) = (day(-1), day(1));
    let title = format!("Dispatch, {}", m.date.strftime("%a %-d %b %Y"));
    let value = m.date.to_string();
    let columns = m.columns.iter().map(|one| column(one, m)).collect_view();
    let is_empty = m.columns.iter().all(|column| column.orders.is_empty());
    let none = is_empty.then(|| view! { <p class="subtle py-2">"No jobs on this day."</p> });
    let lede = "Who goes where. Give a job to somebody with its list and button, or drag its card into their column.";
    view! {
        <PageHead title=title lede=lede>
            {live_link::badge()}
            <a class="btn btn-primary" href="/work-orders/new">"New job"</a>
        </PageHead>
        <ErrorSummary problems=m.problems.clone() />
        <div class="stack-tight">
            <nav class="row" aria-label="Days">
                <a class="btn btn-quiet" rel="prev" href=before>"Day before"</a>
                <a class="btn btn-quiet" href="/dispatch">"Today"</a>
                <a class="btn btn-quiet" rel="next" href=after>"Day after"</a>
            </nav>
            <FilterBar clear="/dispatch">
                <TextField name="day" label="Day" kind="date" value=value required=false />
            </FilterBar>
        </div>
        <div class="row" role="status" data-live=m.cursor.clone()>
            {again("news", "Jobs have changed: show them")}
            {again("lost", "Changes are not told any more: load again")}
        </div>
        {none}
        <div class="lanes" role="region" tabindex="0" aria-label="Jobs by technician">{columns}</div>
    }
}

/// A link that loads the page again, which the script shows when there is reason to.
fn again(name: &'static str, label: &'static str) -> impl IntoView {
    view! {
        <a class="btn btn-quiet" href="" data-dispatch=name hidden=true>
            <Icon name="refresh" />
            <span>{label}</span>
        </a>
    }
}

fn column(c: &Column, m: &Model) -> impl IntoView + use<> {
    let (id, member) = match c.member {
        Some(member) => (format!("lane-{member}"), member.to_string()),
        None => ("lane-nobody".to_owned(), String::new()),
    };
    let title = format!("{} ({})", c.title, c.orders.len());
    let cards = c.orders.iter().map(|order| card(order, m)).collect_view();
    let heading = format!("{id}-title");
    let labelled = heading.clone();
    view! {
        <section class="lane" id=id data-lane=member aria-labelledby=labelled>
            <h2 class="lane-title" id=heading>{title}</h2>
            <ul class="lane-list">{cards}</ul>
        </section>
    }
}

fn card(order: &WorkOrder, m: &Model) -> impl IntoView + use<> {
    let (id, href) = (order.id.to_string(), format!("/work-orders/{}", order.id));
    let name = format!("#{} {}", order.number, order.customer.reveal());
    let may_assign = order.state.may_assign();
    let form = may_assign.then(|| form(order, &m.technicians));
    let anchor = format!("job-{id}");
    view! {
        <li class="job" id=anchor data-job=id draggable=may_assign.then_some("true")>
            <p class="job-head">
                <a class="link" href=href>{name}</a>
                {parts::state(order.state)}
            </p>
            <p class="num">{parts::times(order.window_from, order.window_to, &m.zone)}</p>
            <p class="subtle">{order.address.reveal().to_owned()}</p>
            {form}
        </li>
    }
}

fn form(order: &WorkOrder, technicians: &[Technician]) -> impl IntoView + use<> {
    let option = |value: String, text: String, chosen: bool| {
        view! { <option value=value selected=chosen>{text}</option> }
    };
    let nobody = option(String::new(), "Nobody".to_owned(), order.member.is_none());
    let people = technicians
        .iter()
        .map(|t| option(t.member.to_string(), t.name.reveal().to_owned(), order.member == Some(t.member)))
        .collect_view();
    // Somebody who is no technician any more still has it: another choice takes it away from them, and none does not.
    let former = order.member.filter(|member| !technicians.iter().any(|t| t.member == *member)).map(|member| {
        let name = order.member_name.as_ref().map_or("Somebody", PersonName::reveal);
        option(member.to_string(), format!("{name} (no technician any more)"), true)
    });
    let (select, label) = (format!("f-{}", order.id), format!("Technician for job #{}", order.number));
    let button = format!("Assign job #{}", order.number);
    view! {
        <form class="job-form" method="post" action=WorkOrderAssign::PATH>
            <input type="hidden" name="id" value=order.id.to_string() />
            <input type="hidden" name="version" value=order.version.to_string() />
            <label class="sr-only" for=select.clone()>{label}</label>
            <select class="input select" id=select name="member">
                {nobody}
                {people}
                {former}
            </select>
            <button class="btn btn-quiet btn-small" type="submit" aria-label=button>"Assign"</button>
        </form>
    }
}
