//! Calling a job's customer (TEL-7): the proxy number that joins them with their technician, until when it does, and the calls
//! that went through it. No number of either of the two stands here.

use axum::{extract::Path, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{cells, text};
use crate::{
    model::{
        call::Direction,
        id::WorkOrderId,
        masked_call::Side,
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, action::id_of, flash::FormState, render::Page},
        store::{
            self,
            masked_call::{MaskedCall, Session},
        },
    },
    ui::{
        actions::masked_call::MaskedCallOpen,
        parts::{Card, DataTable, ErrorSummary, Facts, Form, Notice, PageHead, Submit, Tone},
    },
};

/// Who may open it: who works on jobs, technicians on their own.
pub const NEED: Need = Need::Holds(Permission::WorkOrders);

struct Model {
    id: WorkOrderId,
    session: Option<Session>,
    /// Whether who looks is the technician.
    is_mine: bool,
    /// Whether who looks must say first where they are reached.
    lacks_phone: bool,
    calls: Vec<MaskedCall>,
    form: FormState,
    zone: String,
}

async fn load(cx: &Cx, id: &str) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let id: WorkOrderId = id_of(id)?;
    let mut tx = cx.tx().await?;
    let job = store::masked_call::job(&mut tx, id).await?;
    let session = store::masked_call::of(&mut tx, id).await?;
    let calls = store::masked_call::calls_of(&mut tx, id).await?;
    tx.commit().await?;
    let is_mine = job.member == Some(person.member);
    Ok(Model {
        id,
        session,
        is_mine,
        lacks_phone: is_mine && job.technician.is_none(),
        calls,
        form: cx.form::<MaskedCallOpen>(),
        zone: person.zone.clone(),
    })
}

/// `GET /work-orders/{id}/call`
///
/// # Errors
/// Missing when it is no job of this business, or not one's own; refused without `work_orders`.
pub async fn page(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, &id).await?;
    let job = format!("/work-orders/{}", model.id);
    Ok(Page::new("Call the customer").under("Jobs", "/work-orders").under("Job", &job).show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let phone = m.lacks_phone.then(|| {
        view! {
            <Notice tone=Tone::Warn title="Say first where you are reached">
                <a class="link" href="/account/phone">"Add your phone"</a>
                ": calls come in there, and go out from there. The customer does not see its number."
            </Notice>
        }
    });
    let now = m.session.map_or_else(|| ask(m.id, &m.form), |session| open(&session, m.is_mine, &m.zone));
    let calls = (!m.calls.is_empty()).then(|| table(&m.calls, &m.zone));
    view! {
        <PageHead
            title="Call the customer".to_owned()
            lede="Through a number of your business. Customer and technician do not see each other's own number."
        />
        <div class="stack">
            {phone}
            {now}
            {calls}
        </div>
    }
}

/// No number yet: the button that asks for one.
fn ask(id: WorkOrderId, form: &FormState) -> AnyView {
    let problems = form.problems();
    view! {
        <Card title="Get the number">
            <div class="stack">
                <ErrorSummary problems=problems />
                <p>
                    "The number joins the technician of this job with its customer: from two hours before the job's window \
                     until two hours after it, or until the job is closed. At other times calls to it ring at the desks."
                </p>
                <Form action=MaskedCallOpen::PATH.to_owned()>
                    <input type="hidden" name="work_order" value=id.to_string() />
                    <Submit label="Get the number to call" />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}

/// The number, to be called.
fn open(session: &Session, is_mine: bool, zone: &str) -> AnyView {
    // A number of the business itself, made to be called.
    let number = session.proxy.reveal().to_owned();
    let (href, label) = (format!("tel:{number}"), format!("Call {number}"));
    let says = if is_mine {
        "Call it from the phone that you gave in your account. It rings at the customer, who sees this number. When the customer \
         calls it, it rings at you."
    } else {
        "It joins the technician of this job with its customer, whichever of them calls it. Who else calls it reaches the desks."
    };
    let facts = vec![
        cells::fact("Number", cells::mono(number)),
        cells::fact("Goes through until", text::when(session.expires_at, zone)),
    ];
    let button = is_mine.then(|| view! { <p><a class="btn btn-primary" href=href>{label}</a></p> });
    view! {
        <Card title="The number to call">
            <div class="stack">
                {button}
                <p>{says}</p>
                <Facts items=facts />
            </div>
        </Card>
    }
    .into_any()
}

fn table(calls: &[MaskedCall], zone: &str) -> AnyView {
    let rows: Vec<AnyView> = calls.iter().map(|call| row(call, zone)).collect();
    view! {
        <Card title="Calls about this job">
            <DataTable
                caption="Masked calls of this job, newest first".to_owned()
                head=vec![("When", ""), ("Who called", ""), ("What became of it", "")]
            >
                {rows}
            </DataTable>
        </Card>
    }
    .into_any()
}

fn row(call: &MaskedCall, zone: &str) -> AnyView {
    let who = match call.side {
        Side::Customer => "Customer",
        Side::Technician => "Technician",
    };
    let became = call.state.heard(call.answered_at.is_some()).label_on(Some(Direction::Inbound));
    view! {
        <tr>
            <td>{text::when(call.started_at, zone)}</td>
            <td>{who}</td>
            <td>{became}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        model::id::{MemberId, ProxySessionId},
        server::{http::render::to_html, kit::At},
    };

    #[test]
    fn only_the_technician_is_asked_to_call() {
        let session = Session {
            id: ProxySessionId(Uuid::nil()),
            proxy: "+15005550006".parse().expect("a number"),
            member: MemberId(Uuid::nil()),
            starts_at: At::from_second(0),
            expires_at: At::from_second(3_600),
        };
        let technician = to_html(|| open(&session, true, "UTC"));
        assert!(technician.contains("href=\"tel:+15005550006\""), "{technician}");
        let dispatcher = to_html(|| open(&session, false, "UTC"));
        assert!(dispatcher.contains("+15005550006") && !dispatcher.contains("tel:"), "{dispatcher}");
    }
}
