//! Inviting many people from a list (ACC-6): the form, and what became of each line.

use axum::{extract::Path, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{cells::dash, text};
use crate::{
    model::{
        id::BatchId,
        invitation::{LineResult, MOST_LINES},
        permission::{Need, Permission, Role},
    },
    server::{
        http::{AppError, Cx, action::id_of, flash::FormState, render::Page},
        store::{
            self,
            invitation_batch::{Batch, Row},
        },
    },
    ui::{
        actions::team::ImportPeople,
        parts::{Badge, Card, DataTable, ErrorSummary, Form, PageHead, Submit, Tone},
    },
};

/// Who may open it.
pub const NEED: Need = Need::Holds(Permission::TeamInvite);

/// `GET /team/import`
///
/// # Errors
/// Refused without `team.invite`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let person = cx.signed_in()?;
    let mut tx = cx.tx().await?;
    let own = store::role::list(&mut tx).await?;
    tx.commit().await?;
    let roles = super::team::role_choices(person.grants, person.profile, &own);
    let form = cx.form::<ImportPeople>();
    Ok(Page::new("Invite from a list").under("Team", "/team").show(&cx, || view(form, roles)))
}

fn view(form: FormState, roles: Vec<(String, String)>) -> AnyView {
    // A role of the business is written as people call it.
    let written = |(code, label): (String, String)| if code.parse::<Role>().is_ok() { code } else { label };
    let roles: Vec<String> = roles.into_iter().map(written).collect();
    let hint = format!(
        "One person per line: address,role. At most {MOST_LINES} lines. Roles that you can hand out: {}.",
        roles.join(", ")
    );
    let lede = "Everybody in the list gets a link that is good for seven days. You see what became of each line.";
    let list = text_area(&form.value("list", ""), form.problem("list"), hint);
    view! {
        <PageHead title="Invite from a list".to_owned() lede=lede />
        <Card>
            <div class="stack">
                <ErrorSummary problems=form.problems() />
                <Form action=ImportPeople::PATH.to_owned()>
                    {list}
                    <div class="form-actions">
                        <Submit label="Send the invitations" />
                        <a class="btn btn-ghost" href="/team">"Cancel"</a>
                    </div>
                </Form>
            </div>
        </Card>
    }
    .into_any()
}

/// A field of several lines. Leptos 0.8 writes what stands in a `textarea` as it is, so it is escaped here; a test holds it
/// to that. The line break at the beginning is the one that a browser takes away.
fn text_area(value: &str, problem: Option<String>, hint: String) -> AnyView {
    let escaped = format!("\n{}", html_escape::encode_text(value));
    let (described, invalid) = if problem.is_some() { ("h-list p-list", Some("true")) } else { ("h-list", None) };
    let problem = problem.map(|problem| view! { <p class="problem" id="p-list">{problem}</p> });
    view! {
        <div class="field">
            <label class="label" for="f-list">"The list"</label>
            <p class="hint" id="h-list">{hint}</p>
            <textarea
                class="input mono"
                id="f-list"
                name="list"
                rows="12"
                required=true
                autocomplete="off"
                aria-describedby=described
                aria-invalid=invalid
            >
                {escaped}
            </textarea>
            {problem}
        </div>
    }
    .into_any()
}

/// `GET /team/import/{id}`
///
/// # Errors
/// Missing when it is not this business's, or older than a week.
pub async fn result(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let id: BatchId = id_of(&id)?;
    let zone = cx.signed_in()?.zone.clone();
    let mut tx = cx.tx().await?;
    let batch = store::invitation_batch::get(&mut tx, id).await?;
    tx.commit().await?;
    let page = Page::new("Result").under("Team", "/team").under("Invite from a list", "/team/import");
    Ok(page.show(&cx, || result_view(batch, &zone)))
}

fn result_view(batch: Batch, zone: &str) -> AnyView {
    let invited = batch.rows.iter().filter(|row| row.result == LineResult::Invited).count();
    let title = format!("{invited} of {} invited", batch.rows.len());
    let rows: Vec<AnyView> = batch.rows.into_iter().map(row).collect();
    view! {
        <PageHead title=title lede="Lines that were not understood did nothing. Correct them and send them again.">
            <a class="btn btn-quiet" href="/team">"The team"</a>
            <a class="btn btn-quiet" href="/team/import">"Another list"</a>
        </PageHead>
        <div class="stack">
            <p class="subtle">
                "Sent by "{batch.created_by}", "{text::when(batch.created_at, zone)}". This page is kept for a week."
            </p>
            <DataTable
                caption="What became of each line".to_owned()
                head=vec![("Line", "num"), ("Result", ""), ("Address", ""), ("Role", "")]
            >
                {rows}
            </DataTable>
        </div>
    }
    .into_any()
}

fn row(row: Row) -> AnyView {
    let (tone, icon) = if row.result == LineResult::Invited { (Tone::Good, "check") } else { (Tone::Warn, "warn") };
    let role = if row.role.is_empty() { dash() } else { row.role.into_any() };
    view! {
        <tr>
            <td class="num">{row.line.to_string()}</td>
            <td><Badge tone=tone icon=icon text=row.result.label().to_owned() /></td>
            <td class="wide">{row.email}</td>
            <td>{role}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::http::render::to_html;

    #[test]
    fn what_stands_in_the_field_is_no_markup() {
        let html = to_html(|| text_area("</textarea><b>&amp;", None, String::new()));
        assert!(html.contains("\n&lt;/textarea&gt;&lt;b&gt;&amp;amp;"), "{html}");
        assert!(!html.contains("<b>"), "{html}");
    }
}
