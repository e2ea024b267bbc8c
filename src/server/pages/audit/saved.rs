//! Saved filters: one's own, and those that are shared with one's role. Each is a link; saving keeps what the page shows.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{Model, of_words};
use crate::{
    model::permission::Role,
    server::store::audit_filter::SavedFilter,
    ui::{
        actions::audit::{RemoveAuditFilter, SaveAuditFilter},
        parts::{ErrorSummary, Form, Submit, TextField, Tone},
    },
};

/// The list, and the form that adds to it.
pub fn view(m: &Model) -> AnyView {
    let title = match m.saved.len() {
        0 => "Saved filters".to_owned(),
        many => format!("Saved filters ({many})"),
    };
    let has_problem = !m.save.problems().is_empty();
    let rows: Vec<AnyView> = m.saved.iter().map(row).collect();
    // What cannot be read cannot be kept.
    let form = m.list.is_some().then(|| form(m));
    view! {
        <details class="audit-row" open=has_problem>
            <summary>
                <span class="link">{title}</span>
            </summary>
            <div class="grid-2">
                <ul class="stack-tight">{rows}</ul>
                {form}
            </div>
        </details>
    }
    .into_any()
}

fn row(filter: &SavedFilter) -> AnyView {
    let href = of_words(&filter.query);
    let (name, query) = (filter.name.clone(), filter.query.clone());
    let roles: Vec<&str> = filter.roles.iter().map(|role| role.label()).collect();
    let whose = if roles.is_empty() {
        "Yours alone".to_owned()
    } else {
        format!("{}, for {}", filter.owner_name, roles.join(", "))
    };
    let remove = filter.is_removable.then(|| {
        let which = format!(" the filter {}", filter.name);
        view! {
            <form method="post" action=RemoveAuditFilter::PATH>
                <input type="hidden" name="id" value=filter.id.to_string() />
                <button class="btn btn-quiet btn-small" type="submit">
                    "Remove"
                    <span class="sr-only">{which}</span>
                </button>
            </form>
        }
    });
    view! {
        <li class="toolbar">
            <div>
                <a class="link" href=href>{name}</a>
                <p class="hint">{query}</p>
                <p class="hint">{whose}</p>
            </div>
            {remove}
        </li>
    }
    .into_any()
}

fn form(m: &Model) -> AnyView {
    let (problems, name, problem) = (m.save.problems(), m.save.value("name", ""), m.save.problem("name"));
    let query = m.words.clone();
    let roles = Role::ALL
        .into_iter()
        .map(|role| {
            let (code, label) = (role.code(), role.label());
            view! {
                <label class="check">
                    <input type="checkbox" name="roles[]" value=code />
                    <span>{label}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <Form action=SaveAuditFilter::PATH.to_owned()>
            <ErrorSummary problems=problems />
            <input type="hidden" name="query" value=query />
            <TextField
                name="name"
                label="Name"
                value=name
                problem=problem
                hint="Keeps what this page shows now."
                autocomplete="off"
                maxlength=60
            />
            <fieldset class="field">
                <legend class="label">"Share it with"</legend>
                <div class="audit-roles">{roles}</div>
                <p class="hint">"Who has none of these roles, and who may not read the log, does not see it."</p>
            </fieldset>
            <Submit label="Save this filter" tone=Tone::Neutral />
        </Form>
    }
    .into_any()
}
