//! What one person may do, and why (PER-6): every permission with how far it reaches for them, and the role that it comes from.

use axum::{extract::Path, response::Response};
use leptos::prelude::*;

use super::roles::{in_words, mark};
use crate::{
    model::{
        id::MemberId,
        permission::{Need, Permission, Row, TABLE},
        role::HeldRole,
    },
    server::{
        http::{AppError, Cx, action::id_of, render::Page},
        store::{self, member::Member},
    },
    ui::parts::{DataTable, Notice, PageHead, Tone},
};

/// Who may see it: what somebody may do follows from their role.
pub const NEED: Need = Need::Holds(Permission::RolesRead);

struct Model {
    member: Member,
    is_me: bool,
    /// Whether who looks views the product as another role, and so has less than this.
    is_view: bool,
}

async fn load(cx: &Cx, id: MemberId) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let mut tx = cx.tx().await?;
    let member = store::member::get(&mut tx, id).await?;
    tx.commit().await?;
    let is_me = person.member == id;
    Ok(Model { member, is_me, is_view: is_me && person.view.is_some() })
}

/// `GET /team/{id}/rights`
///
/// # Errors
/// Missing when it is nobody of this business; refused without `roles.read` and `team.read`.
pub async fn page(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, id_of(&id)?).await?;
    let title = format!("What {} may do", model.member.name.reveal());
    Ok(Page::new(title).under("Team", "/team").show(&cx, || view(&model)))
}

fn view(m: &Model) -> AnyView {
    let name = m.member.name.reveal().to_owned();
    let role = &m.member.role;
    let title = format!("What {name} may do");
    let lede = format!(
        "{name} has the role {}. What a person may do comes from their role and from nothing else.",
        role.label()
    );
    let me = m.is_me.then(|| view! { <Notice tone=Tone::Info>"This is you."</Notice> });
    let seen_as = m.is_view.then(|| {
        view! { <Notice tone=Tone::Warn>"You view the product as another role now, so you have less than this."</Notice> }
    });
    let rows = TABLE.iter().map(|row| line(row, role)).collect_view();
    let href = format!("/roles?role={}", role.code());
    let caption = format!("Permissions of {name}");
    view! {
        <PageHead title=title lede=lede>
            <a class="btn btn-quiet" href=href>"See the role"</a>
        </PageHead>
        <div class="stack">
            {me}
            {seen_as}
            <DataTable caption=caption head=vec![("May, and why", "wide"), ("Reach", "")]>
                {rows}
            </DataTable>
        </div>
    }
    .into_any()
}

fn line(row: &'static Row, role: &HeldRole) -> AnyView {
    let (mark, why) = (mark(role.grants.reach(row.permission)), why(row, role));
    view! {
        <tr>
            <td class="wide">
                <span class="cell-main">{row.label}</span>
                <span class="cell-note">{why}</span>
            </td>
            <td>{mark}</td>
        </tr>
    }
    .into_any()
}

/// Where it comes from, in a sentence.
fn why(row: &Row, role: &HeldRole) -> String {
    let reach = role.grants.reach(row.permission);
    let kind = if role.role.custom().is_some() { "which this business made" } else { "which is built in" };
    if role.grants.holds(row.permission) {
        format!("The role {}, {kind}, holds it {}.", role.label(), in_words(reach))
    } else {
        format!("The role {}, {kind}, does not hold it. What a role does not hold is denied.", role.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::permission::Role;

    #[test]
    fn every_answer_names_the_role() {
        let agent = HeldRole::built_in(Role::Agent);
        assert_eq!(
            why(Permission::LiveBoard.row(), &agent),
            "The role Agent, which is built in, holds it for what is their own."
        );
        assert!(why(Permission::Settings.row(), &agent).ends_with("is denied."));
    }
}
