//! One role of the business (PER-2, PER-5): every cell of its column in a form, in two steps: first see who gains and loses what,
//! then save. A change that was chosen stands in the address, so it can be gone back to. `cells` is the form, `preview`
//! what a change would mean.

use axum::{extract::Path, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{cells::fact, text};
use crate::{
    model::{
        field::Bad,
        id::RoleId,
        permission::{Grants, Need, Permission, Reach},
    },
    server::{
        http::{AppError, Cx, action::id_of, flash::FormState, render::Page},
        services::role::{self, Preview},
    },
    ui::{
        actions::role::{DeleteRole, SaveRole},
        parts::{Card, ErrorSummary, Facts, Form, PageHead, Submit, Tone},
    },
};

mod cells;
mod preview;

/// Who may change roles.
pub const NEED: Need = Need::Holds(Permission::RolesManage);

/// What a form has chosen, as the address says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Chosen {
    name: Option<String>,
    cells: Vec<(Permission, Reach)>,
}

impl Chosen {
    /// # Errors
    /// A permission that there is not, or a reach that it does not know.
    fn read(pairs: Vec<(String, String)>) -> Result<Self, AppError> {
        let mut chosen = Self::default();
        for (key, value) in pairs {
            if key == "name" {
                chosen.name = Some(value);
                continue;
            }
            let permission = key.parse::<Permission>().map_err(|_| AppError::BadRequest)?;
            let reach = value.parse::<Reach>().map_err(|_| AppError::BadRequest)?;
            chosen.cells.push((permission, reach));
        }
        Ok(chosen)
    }

    fn is_empty(&self) -> bool {
        self.name.is_none() && self.cells.is_empty()
    }

    /// What the role would hold.
    fn applied(&self, to: Grants) -> Result<Grants, AppError> {
        self.cells
            .iter()
            .try_fold(to, |to, (permission, reach)| to.with(*permission, *reach).ok_or(AppError::BadRequest))
    }
}

struct Model {
    zone: String,
    preview: Preview,
    /// The name that was chosen.
    name: String,
    /// Whether something was chosen at all.
    is_chosen: bool,
    /// Whether who looks may make it so.
    may_save: bool,
    mine: Grants,
    /// What is wrong with what was chosen.
    problems: Vec<(String, String)>,
    save: FormState,
    delete: FormState,
}

async fn load(cx: &Cx, id: RoleId) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let chosen = Chosen::read(cx.query()?)?;
    let mut preview = role::preview(cx, id, None).await?;
    preview.to = chosen.applied(preview.role.grants)?;
    let name = chosen.name.clone().unwrap_or_else(|| preview.role.name.clone());
    Ok(Model {
        zone: person.zone.clone(),
        is_chosen: !chosen.is_empty(),
        may_save: role::may_change(person, &preview.role, preview.to),
        mine: person.grants,
        problems: problems(&name, preview.to),
        save: cx.form::<SaveRole>(),
        delete: cx.form::<DeleteRole>(),
        preview,
        name,
    })
}

/// What saving would refuse.
fn problems(name: &str, to: Grants) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    if let Err(bad) = role::named(name) {
        problems.push(("name".to_owned(), format!("Name: {bad}")));
    }
    if let Some((has, needs)) = to.lacks() {
        problems.push((String::new(), Bad::Lacks(has.label.to_owned(), needs.label.to_owned()).to_string()));
    }
    problems
}

/// `GET /roles/{id}`
///
/// # Errors
/// Missing when it is not this business's, or deleted; refused without `roles.manage` and `roles.read`; a query that cannot be
/// read.
pub async fn page(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, id_of(&id)?).await?;
    let title = model.preview.role.name.clone();
    Ok(Page::new(title).under("Roles", "/roles").show(&cx, || view(&model)))
}

fn view(m: &Model) -> AnyView {
    let role = &m.preview.role;
    let facts = vec![
        fact("Second factor as", role.base.label()),
        fact("People", m.preview.people.len().to_string()),
        fact("Changed", text::when(role.changed_at, &m.zone)),
        fact("By", role.changed_by.clone()),
        fact("Version", role.version.to_string()),
    ];
    let title = role.name.clone();
    let problems: Vec<_> = m.problems.iter().cloned().chain(m.save.problems()).chain(m.delete.problems()).collect();
    let answer = m.is_chosen.then(|| preview::answer(m));
    let form = cells::form(m);
    let delete = m.preview.people.is_empty().then(|| delete(role.id));
    view! {
        <PageHead title=title lede="What this role may do. A change counts from the next click of its people, and on open pages." />
        <div class="stack">
            <ErrorSummary problems=problems />
            <Card>
                <Facts items=facts />
            </Card>
            {answer}
            {form}
            {delete}
        </div>
    }
    .into_any()
}

fn delete(id: RoleId) -> AnyView {
    view! {
        <Card title="Delete this role">
            <div class="stack">
                <p>"Nobody has it. Reviews and the audit log go on naming it."</p>
                <Form action=DeleteRole::PATH.to_owned()>
                    <input type="hidden" name="id" value=id.to_string() />
                    <Submit label="Delete the role" tone=Tone::Bad />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::permission::Role;

    fn read(query: &str) -> Result<Chosen, AppError> {
        Chosen::read(serde_urlencoded::from_str(query).expect("a query"))
    }

    #[test]
    fn an_address_says_what_was_chosen() {
        assert!(read("").expect("nothing").is_empty());
        let chosen = read("name=Front+desk&leads=none&live_board=all").expect("a choice");
        assert_eq!(chosen.name.as_deref(), Some("Front desk"));
        let to = chosen.applied(Role::Agent.grants()).expect("reaches they know");
        let changed: Vec<_> = Role::Agent.grants().changes(to).iter().map(|c| (c.row.code, c.to)).collect();
        assert_eq!(changed, [("live_board", Reach::All), ("leads", Reach::None)]);
        for bad in ["teleport=all", "leads=some", "id=rol_7"] {
            assert!(matches!(read(bad), Err(AppError::BadRequest)), "{bad}");
        }
        let own = read("settings=own").expect("words that there are");
        assert!(matches!(own.applied(Grants::NONE), Err(AppError::BadRequest)));
    }
}
