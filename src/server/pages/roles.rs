//! The permission matrix (PER-1): drawn from the table that doors and queries decide by, so it cannot be out of date.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use crate::{
    model::permission::{Group, Need, Permission, Reach, Role, Row, TABLE},
    server::http::{AppError, Cx, render::Page},
    ui::parts::{Empty, FilterBar, Icon, Notice, PageHead, SelectField, Tone},
};

/// Who may see what each role may do.
pub const NEED: Need = Need::Holds(Permission::RolesRead);

/// The page's address: one role to read, and another to compare it with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    role: String,
    compare: String,
}

/// What of the matrix is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    All,
    /// What this role may do.
    One(Role),
    /// Where these two differ.
    Two(Role, Role),
}

struct Model {
    shown: Shown,
    own: Role,
}

fn role(text: &str) -> Result<Option<Role>, AppError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| AppError::BadRequest)
}

fn load(cx: &Cx) -> Result<Model, AppError> {
    let query: Query = cx.query()?;
    let shown = match (role(&query.role)?, role(&query.compare)?) {
        (None, None) => Shown::All,
        (Some(one), Some(two)) if one != two => Shown::Two(one, two),
        (Some(one), _) | (None, Some(one)) => Shown::One(one),
    };
    Ok(Model { shown, own: cx.signed_in()?.role })
}

/// `GET /roles`
///
/// # Errors
/// A role that does not exist.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx)?;
    Ok(Page::new("Roles").show(&cx, || view(&model)))
}

impl Shown {
    fn columns(self) -> Vec<Role> {
        match self {
            Self::All => Role::ALL.to_vec(),
            Self::One(role) => vec![role],
            Self::Two(one, two) => vec![one, two],
        }
    }

    fn has(self, permission: Permission) -> bool {
        match self {
            Self::All => true,
            Self::One(role) => role.reach(permission) > Reach::None,
            Self::Two(one, two) => one.reach(permission) != two.reach(permission),
        }
    }

    /// The permissions under their groups, in the table's order.
    fn groups(self) -> Vec<(Group, Vec<&'static Row>)> {
        let mut groups: Vec<(Group, Vec<&'static Row>)> = Vec::new();
        for row in TABLE.iter().filter(|row| self.has(row.permission)) {
            match groups.last_mut() {
                Some((group, rows)) if *group == row.group => rows.push(row),
                _ => groups.push((row.group, vec![row])),
            }
        }
        groups
    }

    fn caption(self, count: usize) -> String {
        match self {
            Self::All => "What each role may do".to_owned(),
            Self::One(role) => format!("What the role {} may do: {count} of {}", role.label(), TABLE.len()),
            Self::Two(one, two) => {
                format!("Where {} and {} differ: {count} of {}", one.label(), two.label(), TABLE.len())
            }
        }
    }
}

fn view(m: &Model) -> impl IntoView + use<> {
    let groups = m.shown.groups();
    let count: usize = groups.iter().map(|(_, rows)| rows.len()).sum();
    let caption = m.shown.caption(count);
    let table = if groups.is_empty() { empty() } else { matrix(groups, &m.shown.columns(), m.own, caption.clone()) };
    view! {
        <PageHead title="Roles".to_owned() lede=caption />
        {filters(m.shown)}
        <div class="stack">
            {table}
            {legend()}
            <Notice tone=Tone::Neutral title="Built-in roles are read-only">
                "Everything that is not in this table is denied. "
                "The same table decides at every door and in every query."
            </Notice>
        </div>
    }
}

fn filters(shown: Shown) -> AnyView {
    let (one, two) = match shown {
        Shown::All => (None, None),
        Shown::One(one) => (Some(one), None),
        Shown::Two(one, two) => (Some(one), Some(two)),
    };
    let options = |none: &str| {
        let mut options = vec![(String::new(), none.to_owned())];
        options.extend(Role::ALL.into_iter().map(|r| (r.code().to_owned(), r.label().to_owned())));
        options
    };
    let (roles, others) = (options("All roles"), options("Nobody"));
    let (one, two) = (one.map_or("", Role::code), two.map_or("", Role::code));
    view! {
        <FilterBar clear="/roles">
            <SelectField name="role" label="What may this role do" options=roles value=one />
            <SelectField name="compare" label="Compare with" options=others value=two />
        </FilterBar>
    }
    .into_any()
}

fn matrix(groups: Vec<(Group, Vec<&'static Row>)>, columns: &[Role], own: Role, caption: String) -> AnyView {
    let head: Vec<AnyView> = columns.iter().map(|role| head(*role, own)).collect();
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

fn head(role: Role, own: Role) -> AnyView {
    let yours = (role == own).then(|| view! { <span class="cell-note">"your role"</span> });
    view! { <th scope="col">{role.label()}{yours}</th> }.into_any()
}

fn body(group: Group, rows: Vec<&'static Row>, columns: &[Role]) -> AnyView {
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

fn line(row: &'static Row, columns: &[Role]) -> AnyView {
    let cells: Vec<AnyView> = columns
        .iter()
        .map(|role| {
            let mark = mark(role.reach(row.permission));
            view! { <td>{mark}</td> }.into_any()
        })
        .collect();
    view! {
        <tr>
            <th scope="row" title=row.code>{row.label}</th>
            {cells}
        </tr>
    }
    .into_any()
}

fn mark(reach: Reach) -> AnyView {
    let (class, icon, word) = match reach {
        Reach::All => ("mark mark-yes", "check", "Allowed"),
        Reach::Own => ("mark mark-own", "half", "Own only"),
        Reach::None => ("mark mark-no", "minus", "Denied"),
    };
    view! { <span class=class><Icon name=icon />{word}</span> }.into_any()
}

fn legend() -> AnyView {
    view! {
        <p class="row hint gap-x-6">
            <span class="row">{mark(Reach::All)}"for the whole business"</span>
            <span class="row">{mark(Reach::Own)}"for what is one's own: own calls, own screen pop"</span>
            <span class="row">{mark(Reach::None)}"not shown, and refused when tried"</span>
        </p>
    }
    .into_any()
}

fn empty() -> AnyView {
    view! {
        <Empty icon="matrix" title="No difference".to_owned() text="Both may do exactly the same.".to_owned()>
            <a class="btn btn-primary" href="/roles">"Show all roles"</a>
        </Empty>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_shows_only_what_differs() {
        let shown = Shown::Two(Role::Owner, Role::Admin);
        assert!(shown.has(Permission::Retention));
        assert!(!shown.has(Permission::Settings));
        let groups = Shown::All.groups();
        assert_eq!(groups.iter().map(|(_, rows)| rows.len()).sum::<usize>(), TABLE.len());
    }
}
