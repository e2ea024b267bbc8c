//! What somebody may do: a reach for every permission. Every decision asks this, whatever role it came from (PER-1, PER-3).
//!
//! A permission that needs another one to be of use has a line in `NEEDS`, so that nobody makes a role whose pages refuse.

use super::permission::{Permission, Reach, Role, Row, TABLE};

/// A reach for every permission, in the order of [`TABLE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grants([Reach; TABLE.len()]);

/// What opens nothing to who holds it, but lets them be seen. Who lacks it hands it out all the same: owners hire technicians.
const POWERLESS: [Permission; 1] = [Permission::PositionsSend];

/// A permission, and the one without which it leads nowhere.
const NEEDS: [(Permission, Permission); 8] = [
    (Permission::TeamManage, Permission::TeamRead),
    (Permission::TeamInvite, Permission::TeamRead),
    (Permission::RolesManage, Permission::RolesRead),
    (Permission::Retention, Permission::RetentionRead),
    (Permission::CallNumbers, Permission::CallsAll),
    // The buttons stand on the call's page.
    (Permission::CallsSupervise, Permission::CallsAll),
    (Permission::AuditExport, Permission::AuditRead),
    // Whoever may send the log somewhere may read it there.
    (Permission::AuditStream, Permission::AuditRead),
];

/// A permission that reaches further or less far than before.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    pub row: &'static Row,
    pub from: Reach,
    pub to: Reach,
}

impl Change {
    #[must_use]
    pub fn is_gain(&self) -> bool {
        self.to > self.from
    }
}

impl Grants {
    /// Nothing at all: for who only appears in the log.
    pub const NONE: Self = Self([Reach::None; TABLE.len()]);

    /// What a built-in role may do, by the table.
    #[must_use]
    pub const fn of(role: Role) -> Self {
        let mut reaches = [Reach::None; TABLE.len()];
        let mut at = 0;
        while at < TABLE.len() {
            reaches[at] = TABLE[at].of(role);
            at += 1;
        }
        Self(reaches)
    }

    /// Grants as the database stores them: `calls.all all`. What is not there, what the table does not know, and a reach that
    /// has no meaning for its permission are denied: an older program never reads more into a role than it understands.
    #[must_use]
    pub fn read<S: AsRef<str>>(stored: &[S]) -> Self {
        let mut grants = Self::NONE;
        for line in stored {
            let Some((permission, reach)) = line.as_ref().split_once(' ') else { continue };
            let (Ok(permission), Ok(reach)) = (permission.parse::<Permission>(), reach.parse::<Reach>()) else {
                continue;
            };
            if let Some(more) = grants.with(permission, reach) {
                grants = more;
            }
        }
        grants
    }

    /// As [`Self::read`] takes them; what is denied is not in it.
    #[must_use]
    pub fn stored(self) -> Vec<String> {
        self.held().map(|(row, reach)| format!("{} {}", row.code, reach.code())).collect()
    }

    /// These, but for one permission; nothing when that does not know the reach.
    #[must_use]
    pub fn with(mut self, permission: Permission, reach: Reach) -> Option<Self> {
        if !permission.row().knows.contains(&reach) {
            return None;
        }
        self.0[permission as usize] = reach;
        Some(self)
    }

    /// The only decision there is: how far `permission` reaches.
    #[must_use]
    pub const fn reach(self, permission: Permission) -> Reach {
        self.0[permission as usize]
    }

    /// Whether `permission` reaches at least one's own.
    #[must_use]
    pub fn holds(self, permission: Permission) -> bool {
        self.reach(permission) > Reach::None
    }

    /// True when these hold everything that `other` holds, so that nobody hands out what they lack (PER-5), but for what is no
    /// power at all.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        let is_power = |permission: Permission| !POWERLESS.contains(&permission);
        TABLE
            .iter()
            .filter(|row| is_power(row.permission))
            .all(|row| self.reach(row.permission) >= other.reach(row.permission))
    }

    /// The narrower of both, permission by permission (PER-6).
    #[must_use]
    pub fn narrowed(self, other: Self) -> Self {
        let mut narrower = self;
        for row in TABLE {
            let at = row.permission as usize;
            narrower.0[at] = self.0[at].min(other.0[at]);
        }
        narrower
    }

    /// What is held, in the order of the table.
    pub fn held(self) -> impl Iterator<Item = (&'static Row, Reach)> {
        TABLE.iter().map(move |row| (row, self.reach(row.permission))).filter(|(_, reach)| *reach > Reach::None)
    }

    /// Where `to` differs, in the order of the table.
    #[must_use]
    pub fn changes(self, to: Self) -> Vec<Change> {
        let change = |row: &'static Row| Change { row, from: self.reach(row.permission), to: to.reach(row.permission) };
        TABLE.iter().map(change).filter(|change| change.from != change.to).collect()
    }

    /// The first permission that leads nowhere, with the one that it lacks.
    #[must_use]
    pub fn lacks(self) -> Option<(&'static Row, &'static Row)> {
        NEEDS
            .into_iter()
            .find(|(has, needs)| self.holds(*has) && !self.holds(*needs))
            .map(|(has, needs)| (has.row(), needs.row()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_covers_everything_that_there_is() {
        let most = TABLE.iter().fold(Grants::NONE, |all, row| {
            let most = row.knows.last().copied().expect("a permission knows a reach");
            all.with(row.permission, most).expect("it knows this one")
        });
        let owner = Role::Owner.grants();
        assert!(owner.covers(most) && most.covers(owner));
        assert!(Role::ALL.into_iter().all(|role| owner.covers(role.grants())));
        // An owner hires technicians, and sends no position of their own.
        assert!(!owner.holds(Permission::PositionsSend) && Role::Technician.grants().holds(Permission::PositionsSend));
        assert!(!Role::Admin.grants().covers(owner));
        assert!(!Role::Admin.grants().covers(Role::Auditor.grants()), "an admin does not read the log or hand it out");
        assert!(!Role::Agent.grants().covers(Role::Viewer.grants()));
    }

    #[test]
    fn what_is_not_understood_is_denied() {
        let stored = ["calls.all all", "settings own", "screen_pop all", "teleport all", "leads", "map some", ""];
        let wanted = Grants::NONE.with(Permission::CallsAll, Reach::All);
        assert_eq!(Some(Grants::read(&stored)), wanted);
    }

    #[test]
    fn roles_survive_being_stored() {
        for role in Role::ALL {
            assert_eq!(Grants::read(&role.grants().stored()), role.grants(), "{}", role.code());
            assert!(role.grants().lacks().is_none(), "{}", role.code());
        }
    }

    #[test]
    fn narrowing_never_gives() {
        for one in Role::ALL {
            for other in Role::ALL {
                let both = one.grants().narrowed(other.grants());
                assert!(one.grants().covers(both) && other.grants().covers(both));
                assert_eq!(both, other.grants().narrowed(one.grants()));
            }
        }
    }

    #[test]
    fn a_permission_that_leads_nowhere_is_named() {
        let grants = Grants::NONE.with(Permission::TeamManage, Reach::All).expect("a reach it knows");
        let (has, needs) = grants.lacks().expect("it lacks something");
        assert_eq!((has.code, needs.code), ("team.manage", "team.read"));
    }

    #[test]
    fn changes_name_gains_and_losses() {
        let from = Role::Agent.grants();
        let to = from.with(Permission::LiveBoard, Reach::All).and_then(|g| g.with(Permission::Leads, Reach::None));
        let changes = from.changes(to.expect("reaches they know"));
        let told: Vec<_> = changes.iter().map(|change| (change.row.code, change.is_gain())).collect();
        assert_eq!(told, [("live_board", true), ("leads", false)]);
    }
}
