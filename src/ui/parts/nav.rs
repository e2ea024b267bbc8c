//! The navigation of the frame. To add a page: a [`NavItem`] where the frame is built; its group heads the list, in
//! the order in which groups first appear.

use leptos::prelude::*;

use super::icon::Icon;

/// One page in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NavItem {
    /// Where it leads.
    pub href: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// Its icon, by name.
    pub icon: &'static str,
    /// The heading it stands under; an empty one has no heading.
    pub group: &'static str,
}

/// The item that `path` belongs to: the longest address that is the path or a folder above it.
fn current(nav: &[NavItem], path: &str) -> Option<&'static str> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    nav.iter()
        .map(|item| item.href)
        .filter(|href| path == *href || path.strip_prefix(*href).is_some_and(|rest| rest.starts_with('/')))
        .max_by_key(|href| href.len())
}

/// The items under their headings.
fn groups(nav: &[NavItem]) -> Vec<(&'static str, Vec<NavItem>)> {
    let mut groups: Vec<(&'static str, Vec<NavItem>)> = Vec::new();
    for item in nav {
        match groups.iter_mut().find(|(name, _)| *name == item.group) {
            Some((_, items)) => items.push(*item),
            None => groups.push((item.group, vec![*item])),
        }
    }
    groups
}

/// The navigation itself, drawn twice: beside the page where there is room, in a menu where there is none.
#[component]
pub(super) fn Nav(nav: Vec<NavItem>, path: String) -> impl IntoView {
    let here = current(&nav, &path);
    let groups = groups(&nav)
        .into_iter()
        .map(|(name, items)| {
            let items = items
                .into_iter()
                .map(|item| {
                    let current = (here == Some(item.href)).then_some("page");
                    view! {
                        <li>
                            <a class="nav-link" href=item.href aria-current=current>
                                <Icon name=item.icon/>
                                <span>{item.label}</span>
                            </a>
                        </li>
                    }
                })
                .collect_view();
            view! {
                <div class="nav-group">
                    {(!name.is_empty()).then(|| view! { <p class="nav-heading">{name}</p> })}
                    <ul>{items}</ul>
                </div>
            }
        })
        .collect_view();
    view! {
        <nav class="nav" aria-label="Main">
            {groups}
        </nav>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn item(href: &'static str, group: &'static str) -> NavItem {
        NavItem { href, label: "Page", icon: "home", group }
    }

    #[test]
    fn the_longest_address_is_the_current_one() {
        let nav = [item("/", ""), item("/settings", "Setup"), item("/settings/retention", "Setup")];
        assert_eq!(current(&nav, "/"), Some("/"));
        assert_eq!(current(&nav, "/settings/retention?x=1"), Some("/settings/retention"));
        assert_eq!(current(&nav, "/settings/team"), Some("/settings"));
        assert_eq!(current(&nav, "/settingsx"), None);
    }
}
