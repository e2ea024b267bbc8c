//! Changing what a work order says.

use axum::{extract::Path, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::id::WorkOrderId,
    server::{
        http::{AppError, Cx, action::id_of, flash::FormState, render::Page},
        pages::work_orders::parts::{self, Known},
        services::{self, work_order::Whole},
    },
    ui::{
        actions::work_order::WorkOrderChange,
        parts::{ErrorSummary, Form, PageHead, Submit},
    },
};

struct Model {
    whole: Whole,
    known: Known,
    form: FormState,
}

async fn load(cx: &Cx, id: WorkOrderId) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let whole = services::work_order::for_change(cx, id).await?;
    let known = Known::of(&whole.order, &person.zone);
    Ok(Model { known, whole, form: cx.form::<WorkOrderChange>() })
}

/// `GET /work-orders/{id}/edit`
///
/// # Errors
/// Missing when it is not this business's; conflict when it is over; refused without `work_orders` for all.
pub async fn page(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, id_of(&id)?).await?;
    let (title, back) =
        (format!("Job #{}", model.whole.order.number), format!("/work-orders/{}", model.whole.order.id));
    let page = Page::new("Change the job").under("Jobs", "/work-orders").under(&title, &back);
    Ok(page.show(&cx, || view(model, back)))
}

fn view(m: Model, back: String) -> impl IntoView {
    let order = &m.whole.order;
    // Who was told that somebody was faster sees the change now: what they send next is about it.
    let (id, now) = (order.id.to_string(), order.version.to_string());
    let version = if m.form.problem("").is_some() { now } else { m.form.value("version", &now) };
    let fields = parts::fields(&m.form, &m.known, &m.whole.technicians);
    let forget = order.phone.is_some().then(|| {
        view! {
            <label class="check">
                <input type="checkbox" name="forget_phone" value="on" />
                <span>"Forget the customer's number"</span>
            </label>
        }
    });
    view! {
        <PageHead title="Change the job".to_owned() lede="The technician sees the change at once." />
        <Form action=WorkOrderChange::PATH.to_owned()>
            <ErrorSummary problems=m.form.problems() />
            <input type="hidden" name="id" value=id />
            <input type="hidden" name="version" value=version />
            {fields}
            {forget}
            <div class="form-actions">
                <Submit label="Save" />
                <a class="btn btn-ghost" href=back>"Cancel"</a>
            </div>
        </Form>
    }
}
