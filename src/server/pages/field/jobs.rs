//! The jobs of one technician's day: for each the customer, the address, the window, what they may do with it next, and how to
//! call the customer without either seeing the other's number. What else there is to a job stands on its own page.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::work_order::WorkOrderState,
    server::{pages::work_orders::parts, services::field::Job, store::work_order::WorkOrder},
    ui::{
        actions::{masked_call::MaskedCallOpen, work_order::WorkOrderMove},
        parts::Empty,
    },
};

/// The jobs, or that there are none.
#[must_use]
pub fn list(jobs: &[Job], zone: &str) -> AnyView {
    let content = if jobs.is_empty() {
        view! {
            <Empty
                icon="job"
                title="No job for you today".to_owned()
                text="What a dispatcher gives you stands here when you load the page again.".to_owned()
            >
                <a class="btn btn-quiet" href="/field">"Load it again"</a>
            </Empty>
        }
        .into_any()
    } else {
        let jobs = jobs.iter().map(|job| one(job, zone)).collect_view();
        view! { <ul class="stack-tight">{jobs}</ul> }.into_any()
    };
    view! {
        <section class="stack-tight">
            <h2 class="section-title">"Your jobs today"</h2>
            {content}
            <p class="hint">
                "Customers reach you at the number that you gave as "
                <a class="link" href="/account/phone">"your phone for masked calls"</a>
                ", and do not see it."
            </p>
        </section>
    }
    .into_any()
}

fn one(job: &Job, zone: &str) -> AnyView {
    let order = &job.order;
    let note = order.note.as_ref().map(|note| view! { <p class="subtle">{note.reveal().to_owned()}</p> });
    let steps = order.state.moves().iter().enumerate();
    let steps = steps.map(|(place, to)| step(order, *to, place == 0)).collect_view();
    view! {
        <li class="card" data-job=order.number.to_string()>
            <div class="stack-tight">
                <div class="toolbar">
                    <h3 class="section-title">
                        <a class="link" href=format!("/work-orders/{}", order.id)>{format!("Job #{}", order.number)}</a>
                    </h3>
                    {parts::state(order.state)}
                </div>
                <div>
                    <p>{parts::window(order.window_from, order.window_to, zone)}</p>
                    <p class="cell-main">{order.customer.reveal().to_owned()}</p>
                    <p>{order.address.reveal().to_owned()}</p>
                </div>
                {note}
                <div class="row">
                    {steps}
                    {call(job)}
                </div>
                {through(job)}
            </div>
        </li>
    }
    .into_any()
}

/// One move: the usual one stands out.
fn step(order: &WorkOrder, to: WorkOrderState, is_usual: bool) -> AnyView {
    let class = if is_usual { "btn btn-primary" } else { "btn btn-quiet" };
    view! {
        <form method="post" action=WorkOrderMove::PATH>
            <input type="hidden" name="id" value=order.id.to_string() />
            <input type="hidden" name="version" value=order.version.to_string() />
            <input type="hidden" name="to" value=to.code() />
            <button class=class type="submit">
                {to.verb()}
                <span class="sr-only">{format!(": job #{}", order.number)}</span>
            </button>
        </form>
    }
    .into_any()
}

/// The customer's phone, by a number of the business: asked for first, and dialled when it is there.
fn call(job: &Job) -> Option<AnyView> {
    let order = &job.order;
    let whose = format!(" of job #{}", order.number);
    let label = move || view! { "Call the customer" <span class="sr-only">{whose}</span> };
    if order.state.is_end() || order.phone.is_none() {
        return None;
    }
    let way = match &job.proxy {
        Some(proxy) => view! {
            <a class="btn btn-quiet" href=format!("tel:{}", proxy.reveal())>{label()}</a>
        }
        .into_any(),
        None => view! {
            <form method="post" action=MaskedCallOpen::PATH>
                <input type="hidden" name="work_order" value=order.id.to_string() />
                <button class="btn btn-quiet" type="submit">{label()}</button>
            </form>
        }
        .into_any(),
    };
    Some(way)
}

/// Through which number the call goes, while it does.
fn through(job: &Job) -> Option<AnyView> {
    let proxy = job.proxy.as_ref().filter(|_| !job.order.state.is_end())?;
    let text = view! {
        <p class="hint">
            "By " <span class="mono">{proxy.reveal().to_owned()}</span>
            ", which leads to the customer from your own phone only. They see that number too, and not yours."
        </p>
    };
    Some(text.into_any())
}
