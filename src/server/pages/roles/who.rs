//! Who has a permission: the roles that hold it, and the people who have those.

use leptos::prelude::*;

use super::{in_words, mark};
use crate::{
    model::{permission::Row, role::HeldRole},
    server::{pages::cells::dash, store::member::Member},
    ui::parts::{DataTable, Empty},
};

/// The roles that hold a permission. People are named to who may see the team.
pub(super) fn table(row: &Row, roles: &[HeldRole], people: Option<&[Member]>, caption: String) -> AnyView {
    let holding: Vec<&HeldRole> = roles.iter().filter(|role| role.grants.holds(row.permission)).collect();
    if holding.is_empty() {
        return view! {
            <Empty icon="matrix" title="Nobody".to_owned() text="No role holds this.".to_owned()>
                <a class="btn btn-quiet" href="/roles">"Show all roles"</a>
            </Empty>
        }
        .into_any();
    }
    let rows = holding.into_iter().map(|role| line(row, role, people)).collect_view();
    view! {
        <DataTable caption=caption head=vec![("Role", ""), ("Reach", ""), ("People", "wide")]>
            {rows}
        </DataTable>
    }
    .into_any()
}

fn line(row: &Row, role: &HeldRole, people: Option<&[Member]>) -> AnyView {
    let reach = role.grants.reach(row.permission);
    let href = format!("/roles?role={}", role.code());
    let names = people.map(|people| {
        let have = people.iter().filter(|member| member.role.role == role.role);
        have.map(|member| member.name.reveal()).collect::<Vec<_>>().join(", ")
    });
    let names = match names {
        None => view! { <span class="subtle">"You may not see the team"</span> }.into_any(),
        Some(names) if names.is_empty() => dash(),
        Some(names) => names.into_any(),
    };
    view! {
        <tr>
            <td><a class="link" href=href>{role.label().to_owned()}</a></td>
            <td>{mark(reach)}<span class="cell-note">{in_words(reach)}</span></td>
            <td class="wide">{names}</td>
        </tr>
    }
    .into_any()
}
