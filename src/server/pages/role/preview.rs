//! What a change of a role would mean, for whom, and the button that makes it so.

use leptos::{prelude::*, server_fn::ServerFn};

use super::Model;
use crate::{
    model::{grants::Change, id::MemberId},
    server::pages::roles::mark,
    ui::{
        actions::role::SaveRole,
        parts::{Card, DataTable, Form, Notice, Submit, Tone},
    },
};

/// So many people are named in a sentence; the rest are counted.
const NAMED: usize = 5;

/// The second step.
pub(super) fn answer(m: &Model) -> AnyView {
    let (role, to) = (&m.preview.role, m.preview.to);
    let changes = role.grants.changes(to);
    if changes.is_empty() && m.name.trim() == role.name {
        return view! { <Notice tone=Tone::Info>"This is what the role is today: there is nothing to save."</Notice> }
            .into_any();
    }
    if !m.problems.is_empty() {
        return view! { <Notice tone=Tone::Warn>"This cannot be saved as it is: see above."</Notice> }.into_any();
    }
    if !m.may_save {
        return view! {
            <Notice tone=Tone::Warn title="You cannot save this">
                "It gives or takes what you do not have yourself, or widens your own role. Somebody who holds it can."
            </Notice>
        }
        .into_any();
    }
    let sentences: Vec<String> = changes.iter().map(|change| sentence(change, &m.preview.people)).collect();
    let sentences = sentences.into_iter().chain(withdrawn(m.preview.withdrawn()));
    let sentences = sentences.map(|text| view! { <li>{text}</li> }).collect_view();
    let table = (!changes.is_empty()).then(|| table(&changes));
    let save = save(m);
    view! {
        <Card title="2. See what it means, and save">
            <div class="stack">
                <ul class="stack-tight">{sentences}</ul>
                {table}
                {save}
            </div>
        </Card>
    }
    .into_any()
}

/// «3 people lose Export the audit log: Ada, Bo, Cy».
fn sentence(change: &Change, people: &[(MemberId, String)]) -> String {
    let who = match people.len() {
        0 => "Nobody yet".to_owned(),
        1 => "1 person".to_owned(),
        many => format!("{many} people"),
    };
    let verb = match (change.is_gain(), people.len()) {
        (true, 0 | 1) => "gains",
        (true, _) => "gain",
        (false, 0 | 1) => "loses",
        (false, _) => "lose",
    };
    let first: Vec<&str> = people.iter().take(NAMED).map(|(_, name)| name.as_str()).collect();
    let names = match people.len().checked_sub(NAMED) {
        _ if people.is_empty() => String::new(),
        None | Some(0) => format!(": {}", first.join(", ")),
        Some(more) => format!(": {} and {more} more", first.join(", ")),
    };
    format!("{who} {verb} {}{names}", change.row.label)
}

/// «2 open invitations are withdrawn: send them again».
fn withdrawn(open: i64) -> Option<String> {
    match open {
        0 => None,
        1 => Some("1 open invitation is withdrawn: send it again".to_owned()),
        many => Some(format!("{many} open invitations are withdrawn: send them again")),
    }
}

fn table(changes: &[Change]) -> AnyView {
    let rows = changes
        .iter()
        .map(|change| {
            view! {
                <tr>
                    <td><span class="cell-main">{change.row.label}</span></td>
                    <td>{mark(change.from)}</td>
                    <td>{mark(change.to)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <DataTable caption="What changes".to_owned() head=vec![("Permission", ""), ("Today", ""), ("Then", "")]>
            {rows}
        </DataTable>
    }
    .into_any()
}

fn save(m: &Model) -> AnyView {
    let (id, version) = (m.preview.role.id.to_string(), m.preview.role.version.to_string());
    let (name, grants) = (m.name.clone(), m.preview.to.stored().join(", "));
    let renamed = (m.name.trim() != m.preview.role.name).then(|| {
        let text = format!("It is called «{}» from then on.", m.name.trim());
        view! { <p>{text}</p> }
    });
    view! {
        <Form action=SaveRole::PATH.to_owned()>
            {renamed}
            <input type="hidden" name="id" value=id />
            <input type="hidden" name="version" value=version />
            <input type="hidden" name="name" value=name />
            <input type="hidden" name="grants" value=grants />
            <Submit label="Save the role" />
        </Form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::permission::{Grants, Permission, Reach};

    #[test]
    fn a_preview_says_who_and_what() {
        let all = Grants::NONE.with(Permission::AuditExport, Reach::All).expect("a reach it knows");
        let loss = all.changes(Grants::NONE);
        let people: Vec<(MemberId, String)> =
            ["Ada", "Bo", "Cy", "Di", "Ed", "Flo"].map(|name| (MemberId(Uuid::nil()), name.to_owned())).to_vec();
        assert_eq!(sentence(&loss[0], &people[..3]), "3 people lose Export the audit log: Ada, Bo, Cy");
        assert_eq!(sentence(&loss[0], &people), "6 people lose Export the audit log: Ada, Bo, Cy, Di, Ed and 1 more");
        assert_eq!(sentence(&loss[0], &[]), "Nobody yet loses Export the audit log");
        assert_eq!(withdrawn(0), None);
        assert_eq!(withdrawn(2).as_deref(), Some("2 open invitations are withdrawn: send them again"));
        let gain = Grants::NONE.changes(all);
        assert_eq!(sentence(&gain[0], &people[..1]), "1 person gains Export the audit log: Ada");
    }
}
