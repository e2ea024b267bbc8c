//! Making a work order: by hand, or from a call, whose number it takes over without showing it.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use super::parts::{self, Known};
use crate::{
    model::{id::CallId, phone::Phone},
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        pages::text,
        store::{self, work_order::Technician},
    },
    ui::{
        actions::work_order::WorkOrderCreate,
        parts::{ErrorSummary, Form, Notice, PageHead, SelectField, Submit, Tone},
    },
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    call: String,
}

struct Model {
    form: FormState,
    known: Known,
    call: Option<CallId>,
    technicians: Vec<Technician>,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let query: Query = cx.query()?;
    let mut tx = cx.tx().await?;
    let technicians = store::work_order::technicians(&mut tx).await?;
    let call = match query.call.as_str() {
        "" => None,
        text => Some(text.parse::<CallId>().map_err(|_| AppError::Missing)?),
    };
    let party = match call {
        Some(call) => store::call_log::get(&mut tx, call).await?.party,
        None => None,
    };
    tx.commit().await?;
    let today = cx.visitor.now.0.to_zoned(text::zone(&person.zone)).date().to_string();
    let known = Known {
        phone: party.as_ref().map(Phone::to_string),
        day: today,
        from: "08:00".to_owned(),
        to: "10:00".to_owned(),
        ..Known::default()
    };
    Ok(Model { form: cx.form::<WorkOrderCreate>(), known, call, technicians })
}

/// `GET /work-orders/new`
///
/// # Errors
/// Refused without `work_orders` for all; missing for a call that the person may not see.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("New job").under("Jobs", "/work-orders").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let mut people = vec![(String::new(), "Nobody yet".to_owned())];
    people.extend(m.technicians.iter().map(|t| (t.member.to_string(), t.name.reveal().to_owned())));
    let (member, problem) = (m.form.value("member", ""), m.form.problem("member"));
    let fields = parts::fields(&m.form, &m.known, &m.technicians);
    let from_call = m.call.map(|call| {
        view! {
            <Notice tone=Tone::Info title="From a call">
                "The number is that of "
                <a href=format!("/calls/{call}")>"the call"</a>
                ", unless you type another one."
            </Notice>
            <input type="hidden" name="call" value=call.to_string() />
        }
    });
    view! {
        <PageHead title="New job".to_owned() lede="Who needs somebody, where, and when." />
        <Form action=WorkOrderCreate::PATH.to_owned()>
            <ErrorSummary problems=m.form.problems() />
            {from_call}
            {fields}
            <SelectField name="member" label="Technician" options=people value=member problem=problem />
            <div class="form-actions">
                <Submit label="Make the job" />
                <a class="btn btn-ghost" href="/work-orders">"Cancel"</a>
            </div>
        </Form>
    }
}
