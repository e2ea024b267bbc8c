//! The frame around every page: navigation, top bar, main; and the plain one for people who are not signed in.
//!
//! To add something to the top bar: a small component here, drawn in `topbar-end`. Menus are `<details>`, so that
//! everything works without scripts. The navigation is in `nav.rs`.

use leptos::prelude::*;

use super::brand::Wordmark;
use super::icon::Icon;
use super::nav::{Nav, NavItem};
use super::page::Crumbs;
use super::text::MaybeText;

/// Switches between light and dark. Without a choice so far, the style sheet shows the button that changes something.
#[component]
fn ThemeToggle(theme: &'static str, back: String) -> impl IntoView {
    let (dark, light) = match theme {
        "dark" => ("hidden", "btn btn-icon"),
        "light" => ("btn btn-icon", "hidden"),
        _ => ("btn btn-icon only-light", "btn btn-icon only-dark"),
    };
    view! {
        <form method="post" action="/api/theme">
            <input type="hidden" name="back" value=back/>
            <button class=dark type="submit" name="theme" value="dark" title="Dark theme">
                <Icon name="moon"/>
                <span class="sr-only">"Switch to the dark theme"</span>
            </button>
            <button class=light type="submit" name="theme" value="light" title="Light theme">
                <Icon name="sun"/>
                <span class="sr-only">"Switch to the light theme"</span>
            </button>
        </form>
    }
}

/// Who is signed in, with a way to switch business (where there is more than one) and to sign out.
#[component]
fn PersonMenu(person: String, role: String, switch_href: Option<String>) -> impl IntoView {
    view! {
        <details class="menu">
            <summary class="btn btn-icon person" title=person.clone()>
                <Icon name="user"/>
                <span class="person-name">{person.clone()}</span>
                <span class="sr-only">", your menu"</span>
            </summary>
            <div class="menu-panel menu-right">
                <p class="menu-head">
                    <span class="menu-name">{person}</span>
                    <span class="hint">{role}</span>
                </p>
                <a class="menu-item" href="/account">
                    <Icon name="shield"/>
                    "Your account"
                </a>
                {switch_href
                    .map(|href| {
                        view! {
                            <a class="menu-item" href=href>
                                <Icon name="refresh"/>
                                "Switch business"
                            </a>
                        }
                    })}
                <form method="post" action="/api/sign-out">
                    <button class="menu-item" type="submit">
                        <Icon name="sign_out"/>
                        "Sign out"
                    </button>
                </form>
            </div>
        </details>
    }
}

/// The frame of every page of a business. `theme` is what the person chose: `"light"`, `"dark"`, or anything else for
/// the device's own; `path` is the address of the page.
#[component]
pub fn Frame(
    nav: Vec<NavItem>,
    business: String,
    person: String,
    role: String,
    theme: &'static str,
    path: String,
    crumbs: Vec<(String, Option<String>)>,
    #[prop(optional, into)] switch_href: MaybeText,
    children: Children,
) -> impl IntoView {
    view! {
        <a class="skip-link" href="#main">"Skip to the page"</a>
        <div class="frame">
            <div class="sidebar">
                <a class="sidebar-brand" href="/"><Wordmark/></a>
                <p class="sidebar-business">{business.clone()}</p>
                <Nav nav=nav.clone() path=path.clone()/>
            </div>
            <div class="frame-body">
                <header class="topbar">
                    <details class="menu topbar-menu">
                        <summary class="btn btn-icon">
                            <Icon name="menu"/>
                            <span class="sr-only">"Menu"</span>
                        </summary>
                        <div class="menu-panel nav-panel">
                            <p class="sidebar-business">{business}</p>
                            <Nav nav=nav path=path.clone()/>
                        </div>
                    </details>
                    <Crumbs items=crumbs/>
                    <div class="topbar-end">
                        <ThemeToggle theme=theme back=path/>
                        <PersonMenu person=person role=role switch_href=switch_href.get()/>
                    </div>
                </header>
                <main class="main" id="main" tabindex="-1">
                    {children()}
                </main>
            </div>
        </div>
    }
}

/// The page of people who are not signed in: one centred card. `path` is where the theme switch comes back to.
#[component]
pub fn Plain(
    #[prop(optional)] theme: &'static str,
    #[prop(optional, into)] path: MaybeText,
    children: Children,
) -> impl IntoView {
    view! {
        <a class="skip-link" href="#main">"Skip to the page"</a>
        <div class="plain">
            <header class="plain-head">
                <a class="sidebar-brand" href="/"><Wordmark/></a>
                <ThemeToggle theme=theme back=path.get().unwrap_or_else(|| "/".to_owned())/>
            </header>
            <main class="plain-card" id="main" tabindex="-1">
                {children()}
            </main>
        </div>
    }
}
