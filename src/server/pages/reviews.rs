//! Access reviews (ACC-10): the open one and all before it.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::text;
use crate::{
    model::permission::{Need, Permission},
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        kit::At,
        store::{self, review::Review},
    },
    ui::{
        actions::review::OpenReview,
        parts::{Badge, DataTable, Empty, ErrorSummary, Form, PageHead, Submit, Tone},
    },
};

/// Who may see them: who decides, and who keeps the evidence.
pub const NEED: Need = Need::HoldsAny(&[Permission::TeamManage, Permission::AuditRead]);

/// Who may open one, decide and close.
pub const DECIDE_NEED: Need = Need::Holds(Permission::TeamManage);

struct Model {
    zone: String,
    now: At,
    reviews: Vec<Review>,
    /// Whether who looks may open one now.
    may_open: bool,
    form: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let mut tx = cx.tx().await?;
    let reviews = store::review::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Model {
        zone: person.zone.clone(),
        now: cx.visitor.now,
        may_open: person.passes(DECIDE_NEED) && reviews.iter().all(|review| review.closed_at.is_some()),
        reviews,
        form: cx.form::<OpenReview>(),
    })
}

/// `GET /reviews`
///
/// # Errors
/// Refused without `team.manage` or `audit.read`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Access reviews").show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    // Where there is none yet, the button stands where it is looked for.
    let open = (m.may_open && !m.reviews.is_empty()).then(|| open_form(Tone::Neutral));
    let rows: Vec<AnyView> = m.reviews.into_iter().map(|review| row(review, m.now, &m.zone)).collect();
    let list = if rows.is_empty() {
        none(m.may_open)
    } else {
        view! {
            <DataTable
                caption="Access reviews, newest first".to_owned()
                head=vec![("Opened", ""), ("State", ""), ("Decided", "num"), ("Due", ""), ("By", "")]
            >
                {rows}
            </DataTable>
        }
        .into_any()
    };
    view! {
        <PageHead
            title="Access reviews".to_owned()
            lede="Every quarter: who has access, and who keeps it. A closed review is evidence that cannot be changed."
        >
            {open}
        </PageHead>
        <div class="stack">
            <ErrorSummary problems=m.form.problems() />
            {list}
        </div>
    }
    .into_any()
}

fn open_form(tone: Tone) -> AnyView {
    view! {
        <Form action=OpenReview::PATH.to_owned()>
            <Submit label="Open one now" tone=tone />
        </Form>
    }
    .into_any()
}

fn none(may_open: bool) -> AnyView {
    let next = if may_open {
        open_form(Tone::Accent)
    } else {
        view! { <a class="btn btn-primary" href="/audit">"Look at the audit log"</a> }.into_any()
    };
    view! {
        <Empty
            icon="shield"
            title="No review yet".to_owned()
            text="The first one opens by itself with the next quarter. Then somebody says of each person whether they keep their access."
                .to_owned()
        >
            {next}
        </Empty>
    }
    .into_any()
}

fn row(r: Review, now: At, zone: &str) -> AnyView {
    let href = format!("/reviews/{}", r.id);
    let state = state(&r, now);
    view! {
        <tr>
            <td class="nowrap"><a class="link" href=href>{text::when(r.opened_at, zone)}</a></td>
            <td>{state}</td>
            <td class="num">{format!("{} of {}", r.decided, r.people)}</td>
            <td class="nowrap">{text::when(r.due_at, zone)}</td>
            <td>{r.opened_by.unwrap_or_else(|| "The clock".to_owned())}</td>
        </tr>
    }
    .into_any()
}

/// Where a review stands, as word, shape and colour.
#[must_use]
pub fn state(r: &Review, now: At) -> AnyView {
    let (tone, icon, word) = match r.closed_at {
        Some(_) => (Tone::Good, "check", "Closed"),
        None if r.due_at <= now => (Tone::Bad, "warn", "Overdue"),
        None => (Tone::Info, "clock", "Open"),
    };
    view! { <Badge tone=tone icon=icon text=word.to_owned() /> }.into_any()
}
