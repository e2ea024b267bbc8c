//! Exports of the audit log (AUD-5): those that there are, how far they are, and getting them. Asking for one is `ask`, the
//! files themselves `file`.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{audit::of_words, cells, text};
use crate::{
    model::{
        audit_export::{KEPT_DAYS, State, grouped},
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        services::audit_export,
        store::audit_export::Export,
    },
    ui::{
        actions::audit::CancelAuditExport,
        parts::{Badge, DataTable, Empty, ErrorSummary, PageHead, Tone},
    },
};

mod ask;
mod file;

pub use ask::ask;
pub use file::{file, manifest};

/// Who may export, and see what was exported.
pub const NEED: Need = Need::Holds(Permission::AuditExport);

/// The address where an export of what `words` name is asked for.
#[must_use]
pub fn href(words: &str) -> String {
    let words: String = form_urlencoded::byte_serialize(words.as_bytes()).collect();
    format!("/audit/exports/new?q={words}")
}

struct Model {
    zone: String,
    exports: Vec<Export>,
    form: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let zone = cx.signed_in()?.zone.clone();
    Ok(Model { zone, exports: audit_export::overview(cx).await?, form: cx.form::<CancelAuditExport>() })
}

/// `GET /audit/exports`
///
/// # Errors
/// Refused without `audit.export`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    let mut page = Page::new("Exports").under("Audit log", "/audit");
    if model.exports.iter().any(|export| export.state.is_under_way()) {
        page = page.live();
    }
    Ok(page.show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    let lede = format!(
        "What was exported of the audit log. Each file comes with a signed manifest, and is kept for {KEPT_DAYS} days. Times \
         are those of {}.",
        m.zone
    );
    // The button stands in a row, many times over: a problem leads to none of them.
    let problems: Vec<_> = m.form.problems().into_iter().map(|(_, text)| (String::new(), text)).collect();
    let list = if m.exports.is_empty() { none() } else { table(m.exports, &m.zone) };
    view! {
        <PageHead title="Exports".to_owned() lede=lede>
            <a class="btn btn-quiet" href="/audit/exports">"Refresh"</a>
            <a class="btn btn-quiet" href="/audit">"Choose entries"</a>
        </PageHead>
        <div class="stack">
            <ErrorSummary problems=problems />
            {list}
        </div>
    }
    .into_any()
}

fn none() -> AnyView {
    view! {
        <Empty
            icon="audit"
            title="Nothing was exported yet".to_owned()
            text="Filter the audit log until it shows what you want, then press Export there.".to_owned()
        >
            <a class="btn btn-primary" href="/audit">"Open the audit log"</a>
        </Empty>
    }
    .into_any()
}

fn table(exports: Vec<Export>, zone: &str) -> AnyView {
    let rows: Vec<AnyView> = exports.into_iter().map(|export| row(export, zone)).collect();
    view! {
        <DataTable
            caption="Exports, newest first".to_owned()
            head=vec![("Asked for", ""), ("State", ""), ("Entries", "num"), ("What", ""), ("", "actions")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn row(e: Export, zone: &str) -> AnyView {
    let asked = text::when(e.asked_at, zone);
    let (state, entries, buttons) = (state(&e, zone), entries(&e), buttons(&e));
    let href = of_words(&e.filter);
    let times = format!("{}, times of {}", e.format.label(), e.zone);
    view! {
        <tr>
            <td class="nowrap">
                <span class="cell-main">{asked}</span>
                <span class="cell-note">{e.asked_by_name}</span>
            </td>
            <td>{state}</td>
            <td class="num">{entries}</td>
            <td class="wide">
                <a class="link mono" href=href>{e.filter}</a>
                <span class="cell-note">{times}</span>
            </td>
            <td class="actions">{buttons}</td>
        </tr>
    }
    .into_any()
}

/// How far it is, as word, shape and colour, and what follows from that.
fn state(e: &Export, zone: &str) -> AnyView {
    let (tone, icon) = match e.state {
        State::Waiting => (Tone::Neutral, "clock"),
        State::Running => (Tone::Info, "refresh"),
        State::Ready => (Tone::Good, "check"),
        State::Cancelled | State::Expired => (Tone::Neutral, "minus"),
        State::Refused => (Tone::Warn, "warn"),
        State::Failed => (Tone::Bad, "cross"),
    };
    let bar = e.total.filter(|_| e.state == State::Running).map(|total| bar(e.done, total));
    let until = e.expires_at.filter(|_| e.state == State::Ready).map(|at| text::when(at, zone));
    let until = until.map(|at| view! { <span class="cell-note">"until " {at}</span> });
    view! {
        <Badge tone=tone icon=icon text=e.state.label().to_owned() />
        {bar}
        {until}
    }
    .into_any()
}

fn bar(done: i64, total: i64) -> AnyView {
    let (done, total) = (done.to_string(), total.to_string());
    view! { <progress class="progress" max=total value=done aria-label="Entries written"></progress> }.into_any()
}

fn entries(e: &Export) -> AnyView {
    let shown = match (e.state, e.total) {
        (State::Ready | State::Expired, _) | (State::Running, None) => grouped(e.done),
        (State::Running, Some(total)) => format!("{} of {}", grouped(e.done), grouped(total)),
        (State::Refused, Some(total)) => format!("{} or more", grouped(total)),
        _ => return cells::dash(),
    };
    shown.into_any()
}

/// What can be done with it now.
fn buttons(e: &Export) -> AnyView {
    let id = e.id.to_string();
    let which = format!(" the export {}", cells::tail(&id));
    if e.state.is_under_way() {
        return view! {
            <form method="post" action=CancelAuditExport::PATH>
                <input type="hidden" name="id" value=id />
                <button class="btn btn-quiet btn-small" type="submit">
                    "Cancel"
                    <span class="sr-only">{which}</span>
                </button>
            </form>
        }
        .into_any();
    }
    let link = |path: &str, label: &'static str| {
        let (href, which) = (format!("/audit/exports/{id}/{path}"), which.clone());
        view! {
            <a class="btn btn-quiet btn-small" href=href>
                {label}
                <span class="sr-only">{which}</span>
            </a>
        }
        .into_any()
    };
    let file = (e.state == State::Ready).then(|| link("file", "Download"));
    let manifest = e.manifest.is_some().then(|| link("manifest", "Manifest"));
    view! { <div class="row">{file} {manifest}</div> }.into_any()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        model::{
            audit_export::Format,
            id::{ExportId, MemberId},
        },
        server::{http::render::to_html, kit::At},
    };

    fn export(state: State) -> Export {
        Export {
            id: ExportId(Uuid::from_u128(7)),
            asked_by: MemberId(Uuid::from_u128(8)),
            asked_by_name: "The Auditor".to_owned(),
            asked_at: At::from_second(1_767_323_045),
            format: Format::Csv,
            filter: "result:refused at:all".to_owned(),
            zone: "UTC".to_owned(),
            state,
            total: Some(12_000),
            done: 5_000,
            first: None,
            last: None,
            parts: 1,
            bytes: 1,
            manifest: matches!(state, State::Ready | State::Expired).then(|| "{}".to_owned()),
            finished_at: None,
            expires_at: None,
        }
    }

    #[test]
    fn a_row_offers_what_can_be_done() {
        for (state, shows, hides) in [
            (State::Waiting, vec!["Waits", "Cancel"], vec!["Download", "Manifest", "<progress"]),
            (State::Running, vec!["5,000 of 12,000", "<progress", "Cancel"], vec!["Download", "Manifest"]),
            (State::Ready, vec!["Download", "Manifest", "5,000"], vec!["Cancel", "12,000", "<progress"]),
            (State::Refused, vec!["Too many entries", "12,000 or more"], vec!["Download", "Cancel", "Manifest"]),
            (State::Expired, vec!["Manifest"], vec!["Download", "Cancel"]),
        ] {
            let html = to_html(|| row(export(state), "UTC"));
            assert!(shows.iter().all(|word| html.contains(*word)), "{state:?}: {html}");
            assert!(hides.iter().all(|word| !html.contains(*word)), "{state:?}: {html}");
        }
    }
}
