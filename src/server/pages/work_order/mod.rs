//! One work order: what it says, what happened, who could take it, and the links by which its customer follows. Changing what it
//! says stands in [`edit`], the cards of the page in [`cards`].

mod cards;
pub mod edit;

use axum::{extract::Path, http::HeaderMap, response::Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    cells::{dash, fact, mono},
    text, work_orders,
    work_orders::parts,
};
use crate::{
    model::{
        id::WorkOrderId,
        permission::{Need, Permission, Reach},
        phone::Phone,
        work_order::typed,
    },
    server::{
        http::{AppError, Cx, action::id_of, flash::FormState, render::Page, reveal},
        kit::At,
        services::{self, work_order::Whole},
        store::{position::Near, work_order::WorkOrder},
        vault::Secret,
    },
    ui::{
        actions::work_order::{TrackingCreate, TrackingRevoke, WorkOrderAssign, WorkOrderCancel, WorkOrderMove},
        parts::{Card, ErrorSummary, Facts, PageHead},
    },
};

/// Who may open one.
pub const NEED: Need = work_orders::NEED;

/// How many are suggested.
const NEAREST: usize = 5;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    /// `1` asks who is nearest: that is a look at locations.
    nearest: String,
}

struct Model {
    whole: Whole,
    near: Option<Vec<Near>>,
    may_look: bool,
    may_call: bool,
    sees_all: bool,
    zone: String,
    now: At,
    forms: Forms,
    /// The address of a link that was just made: shown once.
    link: Option<Secret>,
}

/// Its forms, fresh or with what was wrong.
struct Forms {
    assign: FormState,
    go: FormState,
    cancel: FormState,
    link: FormState,
    revoke: FormState,
}

impl Forms {
    fn of(cx: &Cx) -> Self {
        Self {
            assign: cx.form::<WorkOrderAssign>(),
            go: cx.form::<WorkOrderMove>(),
            cancel: cx.form::<WorkOrderCancel>(),
            link: cx.form::<TrackingCreate>(),
            revoke: cx.form::<TrackingRevoke>(),
        }
    }

    fn problems(&self) -> Vec<(String, String)> {
        [&self.assign, &self.go, &self.cancel, &self.link, &self.revoke]
            .into_iter()
            .flat_map(FormState::problems)
            .collect()
    }
}

async fn load(cx: &Cx, id: WorkOrderId, link: Option<Secret>) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let query: Query = cx.query()?;
    let whole = services::work_order::view(cx, id).await?;
    let sees_all = person.grants.reach(Permission::WorkOrders) == Reach::All;
    let may_look = sees_all && person.grants.reach(Permission::Map) == Reach::All;
    let near = match (query.nearest.as_str(), whole.order.place) {
        ("", _) => None,
        ("1", Some(place)) if may_look => Some(services::work_order::nearest(cx, place, NEAREST).await?),
        _ => return Err(AppError::BadRequest),
    };
    let may_call = whole.order.phone.is_some() && whole.order.member.is_some() && !whole.order.state.is_end();
    let (zone, now) = (person.zone.clone(), cx.visitor.now);
    Ok(Model { whole, near, may_look, may_call, sees_all, zone, now, forms: Forms::of(cx), link })
}

/// `GET /work-orders/{id}`
///
/// # Errors
/// Missing when it is not one that the person may see.
pub async fn page(cx: Cx, headers: HeaderMap, Path(id): Path<String>) -> Result<Response, AppError> {
    let revealed = reveal::take(&cx, &headers).and_then(|texts| texts.into_iter().next());
    let is_shown = revealed.is_some();
    let model = load(&cx, id_of(&id)?, revealed).await?;
    let title = format!("Job #{}", model.whole.order.number);
    let answer = Page::new(title).under("Jobs", "/work-orders").show(&cx, || view(&model));
    Ok(if is_shown { reveal::shown(answer) } else { answer })
}

fn view(m: &Model) -> impl IntoView + use<> {
    let order = &m.whole.order;
    let is_open = !order.state.is_end();
    let title = format!("Job #{}", order.number);
    let (edit, call) = (format!("/work-orders/{}/edit", order.id), format!("/work-orders/{}/call", order.id));
    let actions = view! {
        {m.may_call.then(|| view! { <a class="btn btn-quiet" href=call>"Call the customer"</a> })}
        {(m.sees_all && is_open).then(|| view! { <a class="btn btn-quiet" href=edit>"Change"</a> })}
    };
    let says = facts(order, m.sees_all, &m.zone);
    let go = cards::go(order);
    let assign = (m.sees_all && order.state.may_assign()).then(|| cards::assign(m));
    let shared = m.sees_all.then(|| cards::links(m));
    let cancel = (m.sees_all && is_open).then(|| cards::cancel(order, &m.forms.cancel));
    let timeline = cards::timeline(&m.whole.steps, &m.zone);
    view! {
        <PageHead title=title lede="Who needs somebody, who goes, and what happened.">
            {actions}
        </PageHead>
        <ErrorSummary problems=m.forms.problems() />
        {m.link.as_ref().map(cards::once)}
        <div class="grid-2">
            <div class="stack">
                <Card title="The job">
                    <Facts items=says />
                </Card>
                {go}
                {cancel}
            </div>
            <div class="stack">
                {assign}
                {shared}
                <Card title="Timeline">{timeline}</Card>
            </div>
        </div>
    }
}

fn facts(order: &WorkOrder, sees_all: bool, zone: &str) -> Vec<(String, AnyView)> {
    let who = order.member_name.as_ref().map_or_else(|| "Nobody yet".to_owned(), |name| name.reveal().to_owned());
    let phone = order.phone.as_ref().map_or_else(dash, |phone: &Phone| mono(phone.to_string()));
    let place = order.place.as_ref().map_or_else(dash, |place| mono(typed(place)));
    let call = order
        .call
        .filter(|_| sees_all)
        .map(|call| fact("From a call", view! { <a class="link" href=format!("/calls/{call}")>"See the call"</a> }));
    let note = order.note.as_ref().map_or_else(dash, |note| note.reveal().to_owned().into_any());
    let mut facts = vec![
        fact("State", parts::state(order.state)),
        fact("Window", parts::window(order.window_from, order.window_to, zone)),
        fact("Customer", order.customer.reveal().to_owned()),
        fact("Number", phone),
        fact("Address", order.address.reveal().to_owned()),
        fact("Place on the map", place),
        fact("Technician", who),
        fact("Note", note),
        fact("Made", text::when(order.created_at, zone)),
        fact("Over", text::when_or_dash(order.closed_at, zone)),
    ];
    facts.extend(call);
    facts
}
