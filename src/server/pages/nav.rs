//! What stands in the navigation. To add a page: a line in `ITEMS`, with the need of its door.

use super::{
    audit, audit_streams, board, calls, connections, dispatch, extensions, field, home, map, operators, proxy_numbers,
    retention, reviews, roles, settings, team, work_orders,
};
use crate::{model::permission::Need, server::caller::SignedIn, ui::parts::NavItem};

const fn item(href: &'static str, label: &'static str, icon: &'static str, group: &'static str) -> NavItem {
    NavItem { href, label, icon, group }
}

/// Every page of the navigation, in its order.
const ITEMS: &[(NavItem, Need)] = &[
    (item("/home", "Home", "home", ""), home::NEED),
    (item("/field", "My day", "clock", ""), field::NEED),
    (item("/board", "Live board", "board", "Calls"), board::NEED),
    (item("/calls", "Calls", "calls", "Calls"), calls::NEED),
    (item("/map", "Map", "map", "Field"), map::NEED),
    (item("/work-orders", "Jobs", "job", "Field"), work_orders::NEED),
    (item("/dispatch", "Dispatch", "matrix", "Field"), dispatch::NEED),
    (item("/team", "Team", "team", "Business"), team::NEED),
    (item("/roles", "Roles", "matrix", "Business"), roles::NEED),
    (item("/connections", "Connections", "plug", "Business"), connections::NEED),
    (item("/extensions", "Extensions", "extension", "Business"), extensions::NEED),
    (item("/proxy-numbers", "Proxy numbers", "phone", "Business"), proxy_numbers::NEED),
    (item("/settings/retention", "Retention", "retention", "Business"), retention::NEED),
    (item("/settings", "Settings", "settings", "Business"), settings::NEED),
    (item("/reviews", "Access reviews", "shield", "Evidence"), reviews::NEED),
    (item("/security/operators", "Operator access", "key", "Evidence"), operators::NEED),
    (item("/audit", "Audit", "audit", "Evidence"), audit::NEED),
    (item("/audit/streams", "Audit streams", "external", "Evidence"), audit_streams::NEED),
];

/// The pages that this person may open. Nothing is shown that a click would refuse.
#[must_use]
pub fn items(person: &SignedIn) -> Vec<NavItem> {
    ITEMS.iter().filter(|(_, need)| person.passes(*need)).map(|(item, _)| *item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::permission::Role;

    fn seen_by(role: Role) -> Vec<&'static str> {
        ITEMS.iter().filter(|(_, need)| need.admits(Some(role.grants()))).map(|(item, _)| item.href).collect()
    }

    #[test]
    fn people_see_what_they_may_open() {
        // All but a technician's own page: owners drive nowhere.
        assert_eq!(seen_by(Role::Owner).len(), ITEMS.len() - 1);
        assert!(seen_by(Role::Technician).starts_with(&["/home", "/field"]));
        assert_eq!(seen_by(Role::Viewer), ["/home"]);
        assert_eq!(seen_by(Role::Agent), ["/home", "/board", "/calls"]);
        assert_eq!(
            seen_by(Role::Auditor),
            ["/home", "/team", "/roles", "/settings/retention", "/reviews", "/security/operators", "/audit"]
        );
    }
}
