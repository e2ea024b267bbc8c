//! What pages are laid out with: head, card, tile, facts, notice, empty state, breadcrumbs.
//!
//! To add one: a component here (or a new file beside it when this one grows past 200 lines) and its class in
//! `style/app.css`. A page has one [`PageHead`]; cards head with `h2`.

use leptos::prelude::*;

use super::icon::Icon;
use super::text::MaybeText;
use super::tone::Tone;

/// The head of a page: its `h1`, what it is for, and its actions (the children) at the right.
#[component]
pub fn PageHead(
    title: String,
    #[prop(optional, into)] lede: MaybeText,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <header class="page-head">
            <div class="page-head-text">
                <h1 class="page-title">{title}</h1>
                {lede.get().map(|lede| view! { <p class="page-lede">{lede}</p> })}
            </div>
            {children.map(|children| view! { <div class="page-actions">{children()}</div> })}
        </header>
    }
}

/// A raised block, with a heading if it has a title.
#[component]
pub fn Card(#[prop(optional, into)] title: MaybeText, children: Children) -> impl IntoView {
    view! {
        <section class="card">
            {title.get().map(|title| view! { <h2 class="card-title">{title}</h2> })}
            {children()}
        </section>
    }
}

/// Nothing here yet: says so, says why, and offers one next act (the children).
#[component]
pub fn Empty(
    icon: &'static str,
    title: String,
    text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <span class="empty-icon">
                <Icon name=icon/>
            </span>
            <h2 class="empty-title">{title}</h2>
            <p class="empty-text">{text}</p>
            {children.map(|children| view! { <div class="empty-actions">{children()}</div> })}
        </div>
    }
}

/// Names and values, one pair per row.
#[component]
pub fn Facts(items: Vec<(String, AnyView)>) -> impl IntoView {
    let items = items
        .into_iter()
        .map(|(name, value)| {
            view! {
                <div class="fact">
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            }
        })
        .collect_view();
    view! { <dl class="facts">{items}</dl> }
}

/// One figure: what it is, how much, and what to compare it with. Put several into a `<div class="tiles">`.
#[component]
pub fn Tile(
    label: String,
    value: String,
    #[prop(optional, into)] note: MaybeText,
    #[prop(optional)] tone: Tone,
) -> impl IntoView {
    let icon = (tone != Tone::Neutral && tone != Tone::Accent).then(|| tone.icon());
    view! {
        <div class=tone.tile()>
            <p class="tile-label">{label}</p>
            <p class="tile-value">{value}</p>
            {note
                .get()
                .map(|note| {
                    view! {
                        <p class="tile-note">
                            {icon.map(|icon| view! { <Icon name=icon/> })}
                            <span>{note}</span>
                        </p>
                    }
                })}
        </div>
    }
}

/// A message on the page. Problems are announced at once, the rest when the reader is free.
#[component]
pub fn Notice(tone: Tone, #[prop(optional, into)] title: MaybeText, children: Children) -> impl IntoView {
    view! {
        <div class=tone.notice() role=tone.role()>
            <Icon name=tone.icon()/>
            <div class="notice-body">
                {title.get().map(|title| view! { <p class="notice-title">{title}</p> })}
                <div>{children()}</div>
            </div>
        </div>
    }
}

/// Where the page stands: text and link of every level; the last one, without a link, is the page itself.
#[component]
pub fn Crumbs(items: Vec<(String, Option<String>)>) -> impl IntoView {
    let items = items
        .into_iter()
        .map(|(text, href)| {
            let item = match href {
                Some(href) => view! { <a href=href>{text}</a> }.into_any(),
                None => view! { <span aria-current="page">{text}</span> }.into_any(),
            };
            view! { <li>{item}</li> }
        })
        .collect_view();
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <ol>{items}</ol>
        </nav>
    }
}
