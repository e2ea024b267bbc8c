//! Asking for an export: what it would hold, in which form, and how many entries that are. What is shown here is what is
//! exported: the form carries the filter with its instants.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use super::super::{
    audit::of_words,
    cells::{fact, mono},
};
use crate::{
    model::audit_export::{Format, KEPT_DAYS, grouped},
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        services::audit_export::{self, Preview},
    },
    ui::{
        actions::audit::AskAuditExport,
        parts::{Card, ErrorSummary, Facts, Form, Notice, PageHead, RadioCards, SelectField, Tone},
    },
};

/// The page's address: the words of the query bar.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    q: String,
}

struct Model {
    zone: String,
    preview: Preview,
    form: FormState,
}

/// `GET /audit/exports/new`
///
/// # Errors
/// Bad request for what is no query; refused without `audit.export`.
pub async fn ask(cx: Cx) -> Result<Response, AppError> {
    let query: Query = cx.query()?;
    let model = Model {
        zone: cx.signed_in()?.zone.clone(),
        preview: audit_export::preview(&cx, &query.q).await?,
        form: cx.form::<AskAuditExport>(),
    };
    let page = Page::new("New export").under("Audit log", "/audit").under("Exports", "/audit/exports");
    Ok(page.show(&cx, || view(&model)))
}

fn view(m: &Model) -> AnyView {
    let lede = format!(
        "Exactly what the filter names, and a signed manifest that says so. It is kept for {KEPT_DAYS} days. Asking for it and \
         getting it are entries too."
    );
    let facts = facts(&m.preview);
    let text = m.preview.filter.to_string();
    let back = of_words(&text);
    let next = match m.preview.problem() {
        Some(bad) => refusal(bad.to_string(), back),
        None => form(text, &m.zone, &m.preview, &m.form, back),
    };
    view! {
        <PageHead title="New export".to_owned() lede=lede>
            <a class="btn btn-quiet" href="/audit/exports">"All exports"</a>
        </PageHead>
        <div class="stack">
            <Card title="What it will hold">
                <Facts items=facts />
            </Card>
            {next}
        </div>
    }
    .into_any()
}

fn facts(preview: &Preview) -> Vec<(String, AnyView)> {
    // Without a time, all times are meant, and that is said.
    let parts = preview.filter.query().parts().into_iter();
    let mut items: Vec<_> = parts.map(|(key, value)| fact(key.label(), mono(value))).collect();
    let count = preview.count.map_or_else(|| "Not counted: that would take too long".to_owned(), grouped);
    items.push(fact("Entries", count));
    items.push(fact("At most", grouped(preview.most)));
    items
}

fn refusal(text: String, back: String) -> AnyView {
    view! {
        <Notice tone=Tone::Warn title="This is more than one export holds">
            <p>{text}"."</p>
            <p>
                <a class="link" href=back>"Narrow the filter"</a>
            </p>
        </Notice>
    }
    .into_any()
}

fn form(filter: String, zone: &str, preview: &Preview, form: &FormState, back: String) -> AnyView {
    let formats: Vec<_> = Format::ALL
        .map(|format| (format.code().to_owned(), format.label().to_owned(), format.explains().to_owned()))
        .into();
    let zones = vec![("business".to_owned(), format!("{zone}, your business's")), ("utc".to_owned(), "UTC".to_owned())];
    let label = match preview.count {
        Some(1) => "Export 1 entry".to_owned(),
        Some(count) => format!("Export {} entries", grouped(count)),
        None => "Export".to_owned(),
    };
    let (problems, chosen) = (form.problems(), form.value("format", Format::Csv.code()));
    let (format_problem, zone_problem) = (form.problem("format"), form.problem("zone"));
    let chosen_zone = form.value("zone", "business");
    view! {
        <Card title="In which form">
            <Form action=AskAuditExport::PATH.to_owned()>
                <ErrorSummary problems=problems />
                <input type="hidden" name="filter" value=filter />
                <RadioCards name="format" legend="Format" options=formats value=chosen problem=format_problem />
                <SelectField
                    name="zone"
                    label="Times in a CSV"
                    options=zones
                    value=chosen_zone
                    problem=zone_problem
                    hint="Each time carries its offset."
                />
                <div class="form-actions">
                    <button class="btn btn-primary" type="submit">{label}</button>
                    <a class="btn btn-ghost" href=back>"Cancel"</a>
                </div>
            </Form>
        </Card>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::audit_query::AuditFilter, server::http::render::to_html};

    fn page(count: Option<i64>) -> String {
        let filter: AuditFilter = "result:refused at:all".parse().expect("a filter");
        let preview = Preview { filter, count, most: 1_000 };
        let model = Model { zone: "UTC".to_owned(), preview, form: FormState::default() };
        to_html(|| view(&model))
    }

    #[test]
    fn the_button_names_the_count_and_the_form_carries_the_filter() {
        let html = page(Some(999));
        for word in ["Export 999 entries", "value=\"result:refused at:all\"", "refused", "JSON Lines"] {
            assert!(html.contains(word), "{word}: {html}");
        }
        assert!(page(Some(1)).contains("Export 1 entry"));
        assert!(page(None).contains("Not counted"));
    }

    #[test]
    fn what_is_too_much_has_no_button() {
        let html = page(Some(1_001));
        assert!(html.contains("1,001 entries match, and an export holds 1,000 at most"), "{html}");
        assert!(!html.contains(AskAuditExport::PATH), "{html}");
    }
}
