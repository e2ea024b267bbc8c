//! Lists: the table, its pages and its filters. All of it works without scripts: links and a `get` form.
//!
//! To add a column style: a class beside `num` (right, tabular), `actions` (right, last) or `wide` in
//! `style/app.css`, named in the head and on the cells.

use leptos::prelude::*;

use super::icon::Icon;

/// A table that scrolls sideways on its own. `head` is text and class per column (`"num"`, `"actions"` or `""`;
/// a column without a text is read out as "Actions"); the children are its rows.
#[component]
pub fn DataTable(caption: String, head: Vec<(&'static str, &'static str)>, children: Children) -> impl IntoView {
    let head = head
        .into_iter()
        .map(|(text, class)| {
            let label = if text.is_empty() {
                view! { <span class="sr-only">"Actions"</span> }.into_any()
            } else {
                text.into_any()
            };
            view! { <th scope="col" class=class>{label}</th> }
        })
        .collect_view();
    let label = caption.clone();
    view! {
        <div class="table-wrap" role="region" tabindex="0" aria-label=label>
            <table class="table">
                <caption class="sr-only">{caption}</caption>
                <thead>
                    <tr>{head}</tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}

/// Links to the newer and the older page of a list; draws nothing where there is neither.
#[component]
pub fn Pager(newer: Option<String>, older: Option<String>) -> impl IntoView {
    let any = newer.is_some() || older.is_some();
    any.then(|| {
        view! {
            <nav class="pager" aria-label="Pages">
                {newer
                    .map(|href| {
                        view! {
                            <a class="btn btn-quiet pager-newer" rel="prev" href=href>
                                <Icon name="chevron"/>
                                "Newer"
                            </a>
                        }
                    })}
                {older
                    .map(|href| {
                        view! {
                            <a class="btn btn-quiet pager-older" rel="next" href=href>
                                "Older"
                                <Icon name="chevron"/>
                            </a>
                        }
                    })}
            </nav>
        }
    })
}

/// The filters of a list (the children are fields): sends them into the address, `clear` is the address without.
#[component]
pub fn FilterBar(#[prop(into)] clear: String, children: Children) -> impl IntoView {
    view! {
        <form class="filter-bar" method="get" aria-label="Filters">
            {children()}
            <div class="filter-actions">
                <button class="btn btn-quiet" type="submit">
                    <Icon name="filter"/>
                    "Apply"
                </button>
                <a class="btn btn-ghost" href=clear>
                    "Clear"
                </a>
            </div>
        </form>
    }
}
