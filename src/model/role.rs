//! Roles as people have them: a built-in one, or one that the business made by copying another (PER-1, PER-2).
//!
//! A role of the business has a built-in one as its base, whose rule for a second factor its people follow, and which says nothing
//! about what they may do. No role is based on the owner's: who is no owner never counts as one.

use std::{fmt, str::FromStr};

use super::{
    field::Bad,
    id::RoleId,
    permission::{Grants, Role},
};

/// A role's name in words has at most so many characters.
pub const NAME_MOST: u32 = 40;
/// So many roles of its own a business may have.
pub const MOST_ROLES: u32 = 50;

/// Which role: as forms, entries and reviews name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoleRef {
    BuiltIn(Role),
    Custom(RoleId),
}

impl RoleRef {
    /// The id of a role of the business.
    #[must_use]
    pub const fn custom(self) -> Option<RoleId> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Custom(id) => Some(id),
        }
    }
}

impl fmt::Display for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(role) => f.write_str(role.code()),
            Self::Custom(id) => id.fmt(f),
        }
    }
}

impl FromStr for RoleRef {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        text.parse().map(Self::BuiltIn).or_else(|_| text.parse().map(Self::Custom)).map_err(|_| Bad::Choice)
    }
}

/// A role that somebody has or may get, and what it lets them do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRole {
    pub role: RoleRef,
    /// The built-in role whose rule for a second factor holds.
    pub base: Role,
    /// What the business calls it; empty for a built-in one.
    name: String,
    pub grants: Grants,
}

impl HeldRole {
    #[must_use]
    pub fn built_in(role: Role) -> Self {
        Self { role: RoleRef::BuiltIn(role), base: role, name: String::new(), grants: role.grants() }
    }

    #[must_use]
    pub fn custom(id: RoleId, base: Role, name: String, grants: Grants) -> Self {
        Self { role: RoleRef::Custom(id), base, name, grants }
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self) -> &str {
        match self.role {
            RoleRef::BuiltIn(role) => role.label(),
            RoleRef::Custom(_) => &self.name,
        }
    }

    /// How forms and audit entries name it.
    #[must_use]
    pub fn code(&self) -> String {
        self.role.to_string()
    }

    /// As audit entries tell it: which one, and for a role of the business what it held, as that may change later.
    #[must_use]
    pub fn told(&self) -> serde_json::Value {
        match self.role {
            RoleRef::BuiltIn(role) => serde_json::json!({ "role": role.code() }),
            RoleRef::Custom(id) => serde_json::json!({ "role": id, "grants": self.grants.stored().join(", ") }),
        }
    }

    /// Whether it is this built-in role, and not one that was copied from it.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.role == RoleRef::BuiltIn(role)
    }
}

/// The base of a copy: the role that was copied, or that of the role that was copied, but never the owner's.
#[must_use]
pub const fn base_of_copy(of: Role) -> Role {
    match of {
        Role::Owner => Role::Admin,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn both_kinds_survive_a_form() {
        let custom = RoleRef::Custom(RoleId(Uuid::from_u128(7)));
        for role in [RoleRef::BuiltIn(Role::Auditor), custom] {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        for bad in ["", "boss", "rol_7", "mem_00000000000000000000000000000007"] {
            assert_eq!(bad.parse::<RoleRef>(), Err(Bad::Choice), "{bad}");
        }
    }

    #[test]
    fn a_copy_of_the_owners_role_is_no_owner() {
        let copy =
            HeldRole::custom(RoleId(Uuid::nil()), base_of_copy(Role::Owner), "Boss".into(), Role::Owner.grants());
        assert!(!copy.is(Role::Owner) && copy.base != Role::Owner);
        assert_eq!(copy.label(), "Boss");
    }
}
