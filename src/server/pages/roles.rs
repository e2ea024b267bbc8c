//! The permission matrix (PER-1, PER-2): what each role may do, drawn from the table that doors and queries decide by, and from the
//! roles that the business made. Compares two roles, and says who has a permission. A role of the business has a page of its
//! own, on which it is changed: [`super::role`]. `matrix` is the table, `who` the list of who has a permission, `make` the
//! forms.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use crate::{
    model::{
        permission::{Grants, Group, Need, Permission, Reach, Role, Row, TABLE},
        role::{HeldRole, RoleRef},
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        store::{self, member::Member, role::CustomRole},
    },
    ui::{
        actions::role::{CopyRole, ViewAsRole},
        parts::{Empty, ErrorSummary, FilterBar, Notice, PageHead, SelectField, Tone},
    },
};

mod make;
mod matrix;
mod who;

pub use matrix::mark;

/// Who may see what each role may do.
pub const NEED: Need = Need::Holds(Permission::RolesRead);

/// The page's address: one role to read, and another to compare it with; or a permission, to see who has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    role: String,
    compare: String,
    permission: String,
}

/// What of the matrix is shown.
#[derive(Debug, Clone)]
enum Shown {
    All,
    /// What this role may do.
    One(HeldRole),
    /// Where these two differ.
    Two(HeldRole, HeldRole),
    /// Who has this permission.
    Who(&'static Row),
}

struct Model {
    shown: Shown,
    /// All roles, the built-in ones first.
    roles: Vec<HeldRole>,
    own: RoleRef,
    mine: Grants,
    /// The team, where it is asked who has a permission, for who may see the team.
    people: Option<Vec<Member>>,
    may_make: bool,
    may_view: bool,
    copy: FormState,
    view: FormState,
}

/// A role that the address names.
fn named(text: &str, roles: &[HeldRole]) -> Result<Option<HeldRole>, AppError> {
    if text.is_empty() {
        return Ok(None);
    }
    let role = text.parse::<RoleRef>().map_err(|_| AppError::BadRequest)?;
    roles.iter().find(|one| one.role == role).cloned().map(Some).ok_or(AppError::Missing)
}

fn shown(query: &Query, roles: &[HeldRole]) -> Result<Shown, AppError> {
    if !query.permission.is_empty() {
        let permission = query.permission.parse::<Permission>().map_err(|_| AppError::BadRequest)?;
        return Ok(Shown::Who(permission.row()));
    }
    Ok(match (named(&query.role, roles)?, named(&query.compare, roles)?) {
        (None, None) => Shown::All,
        (Some(one), Some(two)) if one.role != two.role => Shown::Two(one, two),
        (Some(one), _) | (None, Some(one)) => Shown::One(one),
    })
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let query: Query = cx.query()?;
    let mut tx = cx.tx().await?;
    let own = store::role::list(&mut tx).await?;
    let built_in = Role::ALL.into_iter().map(HeldRole::built_in);
    let roles: Vec<HeldRole> = built_in.chain(own.iter().map(CustomRole::held)).collect();
    let shown = shown(&query, &roles)?;
    let sees_people = matches!(shown, Shown::Who(_)) && person.grants.holds(Permission::TeamRead);
    let people = if sees_people { Some(store::member::list(&mut tx).await?) } else { None };
    tx.commit().await?;
    Ok(Model {
        shown,
        roles,
        own: person.held.role,
        mine: person.grants,
        people,
        may_make: person.passes(super::role::NEED),
        may_view: person.view.is_none(),
        copy: cx.form::<CopyRole>(),
        view: cx.form::<ViewAsRole>(),
    })
}

/// `GET /roles`
///
/// # Errors
/// A role or a permission that does not exist; refused without `roles.read`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Roles").show(&cx, || view(&model)))
}

impl Shown {
    fn columns(&self, roles: &[HeldRole]) -> Vec<HeldRole> {
        match self {
            Self::All | Self::Who(_) => roles.to_vec(),
            Self::One(role) => vec![role.clone()],
            Self::Two(one, two) => vec![one.clone(), two.clone()],
        }
    }

    fn has(&self, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::One(role) => role.grants.holds(row.permission),
            Self::Two(one, two) => one.grants.reach(row.permission) != two.grants.reach(row.permission),
            Self::Who(only) => only.permission == row.permission,
        }
    }

    /// The permissions under their groups, in the table's order.
    fn groups(&self) -> Vec<(Group, Vec<&'static Row>)> {
        let mut groups: Vec<(Group, Vec<&'static Row>)> = Vec::new();
        for row in TABLE.iter().filter(|row| self.has(row)) {
            match groups.last_mut() {
                Some((group, rows)) if *group == row.group => rows.push(row),
                _ => groups.push((row.group, vec![row])),
            }
        }
        groups
    }

    fn caption(&self, count: usize) -> String {
        match self {
            Self::All => "What each role may do".to_owned(),
            Self::One(role) => format!("What the role {} may do: {count} of {}", role.label(), TABLE.len()),
            Self::Two(one, two) => {
                format!("Where {} and {} differ: {count} of {}", one.label(), two.label(), TABLE.len())
            }
            Self::Who(row) => format!("Who has this: {}", row.label),
        }
    }
}

fn view(m: &Model) -> AnyView {
    let groups = m.shown.groups();
    let count: usize = groups.iter().map(|(_, rows)| rows.len()).sum();
    let caption = m.shown.caption(count);
    let filters = filters(&m.shown, &m.roles);
    let problems: Vec<_> = m.copy.problems().into_iter().chain(m.view.problems()).collect();
    let table = match &m.shown {
        Shown::Who(row) => who::table(row, &m.roles, m.people.as_deref(), caption.clone()),
        _ if groups.is_empty() => empty(&m.shown),
        _ => matrix::table(groups, &m.shown.columns(&m.roles), m.own, caption.clone()),
    };
    let forms = make::forms(m);
    view! {
        <PageHead title="Roles".to_owned() lede=caption />
        <ErrorSummary problems=problems />
        {filters}
        <div class="stack">
            {table}
            {matrix::legend()}
            {forms}
            <Notice tone=Tone::Neutral title="Built-in roles are read-only">
                "Copy one to have a role that you can change. Everything that is not in this table is denied. "
                "The same table decides at every door and in every query."
            </Notice>
        </div>
    }
    .into_any()
}

fn filters(shown: &Shown, roles: &[HeldRole]) -> AnyView {
    let (one, two, which) = match shown {
        Shown::All => (String::new(), String::new(), ""),
        Shown::One(one) => (one.code(), String::new(), ""),
        Shown::Two(one, two) => (one.code(), two.code(), ""),
        Shown::Who(row) => (String::new(), String::new(), row.code),
    };
    let options = |none: &str| {
        let mut options = vec![(String::new(), none.to_owned())];
        options.extend(roles.iter().map(|role| (role.code(), role.label().to_owned())));
        options
    };
    let mut permissions = vec![(String::new(), "Any".to_owned())];
    permissions.extend(TABLE.iter().map(|row| (row.code.to_owned(), row.label.to_owned())));
    let (firsts, seconds) = (options("All roles"), options("Nobody"));
    view! {
        <FilterBar clear="/roles">
            <SelectField name="role" label="What may this role do" options=firsts value=one />
            <SelectField name="compare" label="Compare with" options=seconds value=two />
            <SelectField name="permission" label="Or: who may do this" options=permissions value=which />
        </FilterBar>
    }
    .into_any()
}

fn empty(shown: &Shown) -> AnyView {
    let (title, text) = match shown {
        Shown::Two(..) => ("No difference", "Both may do exactly the same."),
        _ => ("Nothing", "This role may do nothing at all."),
    };
    view! {
        <Empty icon="matrix" title=title.to_owned() text=text.to_owned()>
            <a class="btn btn-quiet" href="/roles">"Show all roles"</a>
        </Empty>
    }
    .into_any()
}

/// What a reach says in a sentence.
pub(super) const fn in_words(reach: Reach) -> &'static str {
    match reach {
        Reach::All => "for the whole business",
        Reach::Own => "for what is their own",
        Reach::None => "not at all",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_shows_only_what_differs() {
        let built_in = HeldRole::built_in;
        let shown = Shown::Two(built_in(Role::Owner), built_in(Role::Admin));
        assert!(shown.has(Permission::Retention.row()));
        assert!(!shown.has(Permission::Settings.row()));
        let groups = Shown::All.groups();
        assert_eq!(groups.iter().map(|(_, rows)| rows.len()).sum::<usize>(), TABLE.len());
    }

    #[test]
    fn an_address_names_roles_and_permissions_that_there_are() {
        let roles: Vec<_> = Role::ALL.into_iter().map(HeldRole::built_in).collect();
        let query = |role: &str, permission: &str| Query {
            role: role.to_owned(),
            permission: permission.to_owned(),
            ..Query::default()
        };
        assert!(matches!(shown(&query("agent", ""), &roles), Ok(Shown::One(_))));
        assert!(matches!(shown(&query("", "audit.export"), &roles), Ok(Shown::Who(_))));
        assert!(matches!(shown(&query("boss", ""), &roles), Err(AppError::BadRequest)));
        assert!(matches!(shown(&query("", "teleport"), &roles), Err(AppError::BadRequest)));
        let nobodys = "rol_00000000000000000000000000000007";
        assert!(matches!(shown(&query(nobodys, ""), &roles), Err(AppError::Missing)));
    }
}
