//! The table of the permission matrix: roles across, permissions down, grouped.

use leptos::prelude::*;

use crate::{
    model::{
        permission::{Group, Reach, Row},
        role::{HeldRole, RoleRef},
    },
    ui::parts::Icon,
};

/// Permissions under their groups, a column for each role.
pub(super) fn table(
    groups: Vec<(Group, Vec<&'static Row>)>,
    columns: &[HeldRole],
    own: RoleRef,
    caption: String,
) -> AnyView {
    let head: Vec<AnyView> = columns.iter().map(|role| head(role, own)).collect();
    let bodies: Vec<AnyView> = groups.into_iter().map(|(group, rows)| body(group, rows, columns)).collect();
    let label = caption.clone();
    view! {
        <div class="table-wrap" role="region" tabindex="0" aria-label=label>
            <table class="table matrix">
                <caption class="sr-only">{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">"May"</th>
                        {head}
                    </tr>
                </thead>
                {bodies}
            </table>
        </div>
    }
    .into_any()
}

fn head(role: &HeldRole, own: RoleRef) -> AnyView {
    let href = format!("/roles?role={}", role.code());
    let yours = (role.role == own).then(|| view! { <span class="cell-note">"your role"</span> });
    let kind = role.role.custom().map(|_| view! { <span class="cell-note">"custom"</span> });
    view! { <th scope="col"><a class="link" href=href>{role.label().to_owned()}</a>{kind}{yours}</th> }.into_any()
}

fn body(group: Group, rows: Vec<&'static Row>, columns: &[HeldRole]) -> AnyView {
    let span = (columns.len() + 1).to_string();
    let rows: Vec<AnyView> = rows.into_iter().map(|row| line(row, columns)).collect();
    view! {
        <tbody>
            <tr class="group">
                <th scope="rowgroup" colspan=span>{group.label()}</th>
            </tr>
            {rows}
        </tbody>
    }
    .into_any()
}

fn line(row: &'static Row, columns: &[HeldRole]) -> AnyView {
    let cells: Vec<AnyView> = columns
        .iter()
        .map(|role| {
            let mark = mark(role.grants.reach(row.permission));
            view! { <td>{mark}</td> }.into_any()
        })
        .collect();
    let href = format!("/roles?permission={}", row.code);
    view! {
        <tr>
            <th scope="row" title=row.code><a class="link" href=href>{row.label}</a></th>
            {cells}
        </tr>
    }
    .into_any()
}

/// How far something reaches, as word, shape and colour.
#[must_use]
pub fn mark(reach: Reach) -> AnyView {
    let (class, icon) = match reach {
        Reach::All => ("mark mark-yes", "check"),
        Reach::Own => ("mark mark-own", "half"),
        Reach::None => ("mark mark-no", "minus"),
    };
    view! { <span class=class><Icon name=icon />{reach.label()}</span> }.into_any()
}

/// What the marks mean.
pub(super) fn legend() -> AnyView {
    view! {
        <p class="row hint gap-x-6">
            <span class="row">{mark(Reach::All)}"for the whole business"</span>
            <span class="row flex-nowrap">{mark(Reach::Own)}"for what is one's own: own calls, own screen pop"</span>
            <span class="row">{mark(Reach::None)}"not shown, and refused when tried"</span>
        </p>
    }
    .into_any()
}
