//! Roles that a business makes itself (PER-1, PER-2, PER-5). Nobody gives what they don't have, whether by copying, by
//! changing or by handing out; nobody touches a role that holds more than they do; nobody widens their own. Viewing the product as
//! another role stands in [`view`].

use serde_json::{Map, Value, json};

use super::{audit, member::lapse};
use crate::{
    model::{
        audit::Action,
        field::{Bad, Fields, text},
        id::{MemberId, RoleId},
        permission::{Grants, Reach, Role},
        role::{HeldRole, MOST_ROLES, NAME_MOST, RoleRef, base_of_copy},
    },
    server::{
        caller::SignedIn,
        http::{AppError, Cx},
        store::{self, TenantTx, role::CustomRole},
    },
};

pub mod view;

/// The role that a form names, for who may hand it out. It stays as it is until the transaction ends.
///
/// # Errors
/// Invalid when there is no such role; refused when it holds more than the person does.
pub(super) async fn give(tx: &mut TenantTx, person: &SignedIn, role: RoleRef) -> Result<HeldRole, AppError> {
    let role = chosen(tx, role).await?;
    if person.grants.covers(role.grants) { Ok(role) } else { Err(AppError::Refused) }
}

/// The role that a form names.
async fn chosen(tx: &mut TenantTx, role: RoleRef) -> Result<HeldRole, AppError> {
    match store::role::keep(tx, role).await {
        Ok(role) => Ok(role),
        Err(store::StoreError::Missing) => Err(AppError::field("role", Bad::Choice)),
        Err(other) => Err(other.into()),
    }
}

/// Makes a role of the business that holds what another holds, under a name of its own.
///
/// # Errors
/// Invalid fields; refused when the copied role holds more than the person does, and without `roles.manage`.
pub async fn copy(cx: &Cx, of: &str, name: &str) -> Result<RoleId, AppError> {
    let person = cx.signed_in()?;
    let mut fields = Fields::default();
    let of = fields.take("of", of.parse::<RoleRef>());
    let name = fields.take("name", named(name));
    let (Some(of), Some(name)) = (of, name) else { return Err(fields.into()) };
    let id: RoleId = cx.app.draw();
    audit::audited(&cx.app, &person.caller, Action::RoleCreated, async |act| {
        act.on("role", id.0);
        let copied = give(&mut act.tx, person, of).await?;
        let mut after = told(Grants::NONE, copied.grants, |change| change.to);
        after.insert("copy_of".to_owned(), json!(copied.code()));
        act.after(Value::Object(after));
        let made = store::role::insert(&mut act.tx, id, &name, base_of_copy(copied.base), copied.grants).await?;
        if made { Ok(()) } else { Err(AppError::field("name", Bad::Most(MOST_ROLES))) }
    })
    .await?;
    Ok(id)
}

/// What a change of a role would mean.
#[derive(Debug, Clone)]
pub struct Preview {
    pub role: CustomRole,
    pub to: Grants,
    pub people: Vec<(MemberId, String)>,
    /// Open invitations that give the role.
    pub invitations: i64,
}

impl Preview {
    /// Open invitations that saving withdraws.
    #[must_use]
    pub fn withdrawn(&self) -> i64 {
        if widens(&self.role, self.to) { self.invitations } else { 0 }
    }
}

/// Whether a change gives what the role did not hold. Its open invitations end then: who sent them may lack what they would
/// give from now on.
fn widens(role: &CustomRole, to: Grants) -> bool {
    !role.grants.covers(to)
}

/// A role with who has it, and with what a change would mean, where one is asked for.
///
/// # Errors
/// Refused without `roles.read`; missing when it is not this business's, or deleted.
pub async fn preview(cx: &Cx, id: RoleId, to: Option<Grants>) -> Result<Preview, AppError> {
    let mut tx = cx.tx().await?;
    let role = store::role::get(&mut tx, id).await?;
    let people = store::role::holders(&mut tx, id).await?;
    let invitations = store::invitation::open_of_role(&mut tx, id).await?;
    tx.commit().await?;
    let to = to.unwrap_or(role.grants);
    Ok(Preview { role, to, people, invitations })
}

/// Whether a person may change a role to this: they hold all that it held and will hold, and it is not wider for themselves.
#[must_use]
pub fn may_change(person: &SignedIn, role: &CustomRole, to: Grants) -> bool {
    let is_theirs = person.held.role == RoleRef::Custom(role.id);
    person.grants.covers(role.grants) && person.grants.covers(to) && (!is_theirs || role.grants.covers(to))
}

/// Changes what a role is called and what its people may do: from their next click, and on open streams within a second. `seen` is
/// the version that was shown. Its open invitations are withdrawn when it gives more than before; what its people have open and
/// may not have any more, like a shift, ends.
///
/// # Errors
/// Invalid fields; refused by the rules above and without `roles.manage`; conflict when it was changed meanwhile; missing
/// when it is deleted.
pub async fn save(cx: &Cx, id: RoleId, seen: &str, name: &str, grants: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let seen = seen.parse::<i32>().map_err(|_| AppError::BadRequest)?;
    let mut fields = Fields::default();
    let name = fields.take("name", named(name));
    let to = fields.take("grants", chosen_grants(grants));
    let (Some(name), Some(to)) = (name, to) else { return Err(fields.into()) };
    audit::audited(&cx.app, &person.caller, Action::RoleChanged, async |act| {
        act.on("role", id.0);
        let role = store::role::lock(&mut act.tx, id).await?;
        let people = store::role::holders(&mut act.tx, id).await?;
        let mut before = told(role.grants, to, |change| change.from);
        let mut after = told(role.grants, to, |change| change.to);
        if widens(&role, to) {
            // Whoever sends one meanwhile, or accepts one, waits for the lock on the role.
            let open = store::invitation::open_of_role(&mut act.tx, id).await?;
            after.insert("invitations_withdrawn".to_owned(), json!(open));
        }
        before.insert("version".to_owned(), json!(role.version));
        after.insert("version".to_owned(), json!(role.version + 1));
        after.insert("people".to_owned(), json!(people.len()));
        // What it is called is the business's own text, and stays out of the log.
        after.insert("renamed".to_owned(), json!(role.name != name));
        act.before(Value::Object(before));
        act.after(Value::Object(after));
        if !may_change(person, &role, to) {
            return Err(AppError::Refused);
        }
        store::role::save(&mut act.tx, id, seen, &name, to).await?;
        if widens(&role, to) {
            store::invitation::revoke_of_role(&mut act.tx, id).await?;
        }
        for (member, _) in people {
            lapse::end_without(&cx.app, &mut act.tx, member, to).await?;
        }
        Ok(())
    })
    .await
}

/// Deletes a role that nobody has.
///
/// # Errors
/// Invalid while somebody has it or is invited to it; refused when it holds more than the person does, and without
/// `roles.manage`; missing when it is deleted already.
pub async fn delete(cx: &Cx, id: RoleId) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    audit::audited(&cx.app, &person.caller, Action::RoleDeleted, async |act| {
        act.on("role", id.0);
        let role = store::role::lock(&mut act.tx, id).await?;
        act.before(Value::Object(told(role.grants, Grants::NONE, |change| change.from)));
        if !may_change(person, &role, Grants::NONE) {
            return Err(AppError::Refused);
        }
        if store::role::delete(&mut act.tx, id).await? { Ok(()) } else { Err(AppError::field("", Bad::InUse)) }
    })
    .await
}

/// A name that nobody takes for a role of ours.
///
/// # Errors
/// Empty, too long, or what a built-in role is called, in whatever case.
pub fn named(name: &str) -> Result<String, Bad> {
    let name = text(name, NAME_MOST)?;
    let lower = name.to_lowercase();
    let is_ours = Role::ALL.into_iter().any(|role| lower == role.code() || lower == role.label().to_lowercase());
    if is_ours { Err(Bad::Taken) } else { Ok(name) }
}

/// Grants as the form brings them (`calls.all all, map own`). Unlike the database's, they are all known.
fn chosen_grants(list: &str) -> Result<Grants, Bad> {
    let lines: Vec<&str> = list.split(',').map(str::trim).filter(|line| !line.is_empty()).collect();
    let grants = Grants::read(&lines);
    if grants.held().count() != lines.len() {
        return Err(Bad::Choice);
    }
    match grants.lacks() {
        Some((has, needs)) => Err(Bad::Lacks(has.label.to_owned(), needs.label.to_owned())),
        None => Ok(grants),
    }
}

/// What differs, by permission, for an entry.
fn told(from: Grants, to: Grants, which: impl Fn(&crate::model::grants::Change) -> Reach) -> Map<String, Value> {
    from.changes(to).iter().map(|change| (change.row.code.to_owned(), json!(which(change).code()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::permission::Permission;

    #[test]
    fn a_name_is_not_one_of_ours() {
        assert_eq!(named(" Front desk "), Ok("Front desk".to_owned()));
        for role in Role::ALL {
            for name in [role.code().to_owned(), role.label().to_uppercase(), format!(" {} ", role.label())] {
                assert_eq!(named(&name), Err(Bad::Taken), "{name}");
            }
        }
    }

    #[test]
    fn a_form_names_permissions_and_reaches_that_there_are() {
        let agent = Role::Agent.grants();
        assert_eq!(chosen_grants(&agent.stored().join(", ")), Ok(agent));
        assert_eq!(chosen_grants(""), Ok(Grants::NONE));
        for bad in ["teleport all", "settings own", "settings", "settings all, settings all"] {
            assert_eq!(chosen_grants(bad), Err(Bad::Choice), "{bad}");
        }
        assert!(matches!(chosen_grants("team.manage all"), Err(Bad::Lacks(..))));
    }

    #[test]
    fn an_entry_tells_what_differs() {
        let from = Role::Auditor.grants();
        let to = from.with(Permission::AuditExport, Reach::None).expect("a reach it knows");
        let before = told(from, to, |change| change.from);
        let after = told(from, to, |change| change.to);
        assert_eq!(Value::Object(before), json!({ "audit.export": "all" }));
        assert_eq!(Value::Object(after), json!({ "audit.export": "none" }));
    }
}
