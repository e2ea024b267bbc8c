//! What the pages of mailed links have alike (ACC-1, ACC-2, ACC-6): asking for a link, waiting for its mail, and a link that
//! is over. Each says the same to everybody, so that none tells whether an address has an account.
//!
//! To add a kind of link: its pages beside `link.rs`, made of these.

use axum::{http::StatusCode, response::Response};
use leptos::prelude::*;

use crate::{
    server::http::{Cx, flash::FormState, render::Page},
    ui::parts::{ErrorSummary, Form, Notice, PageHead, Submit, TextField, Tone},
};

/// A page that asks for a link to an address.
pub(super) struct Ask {
    pub title: &'static str,
    pub lede: &'static str,
    /// Where the form goes.
    pub action: &'static str,
    /// Where to go on afterwards, for forms that take it.
    pub next: Option<String>,
    /// The other way: a question, where it leads, and that in words.
    pub instead: (&'static str, &'static str, &'static str),
}

/// Asking for a link.
pub(super) fn ask(page: Ask, form: &FormState) -> AnyView {
    let Ask { title, lede, action, next, instead: (question, href, label) } = page;
    let (problems, value, problem) = (form.problems(), form.value("email", ""), form.problem("email"));
    view! {
        <PageHead title=title.to_owned() lede=lede />
        <div class="stack">
            <ErrorSummary problems=problems />
            <Form action=action.to_owned()>
                {next.map(|next| view! { <input type="hidden" name="next" value=next /> })}
                <TextField
                    name="email"
                    label="Email address"
                    kind="email"
                    autocomplete="username"
                    maxlength=254
                    value=value
                    problem=problem
                />
                <Submit label="Mail me the link" />
            </Form>
        </div>
        <p class="plain-foot">
            {question}
            " "
            <a class="link" href=href>{label}</a>
        </p>
    }
    .into_any()
}

/// Waiting for the mail: `says` what is on its way, `again` is where to ask once more, and that in words.
pub(super) fn sent(says: AnyView, demo: bool, again: (&'static str, &'static str)) -> AnyView {
    let (href, label) = again;
    view! {
        <PageHead title="Check your mail".to_owned() />
        <div class="stack">{says} {demo_mails(demo)}</div>
        <p class="plain-foot">
            "No mail after a few minutes? Look into the spam folder, or "
            <a class="link" href=href>{label}</a>
            "."
        </p>
    }
    .into_any()
}

/// Where a demo's mails are: they are not sent.
fn demo_mails(demo: bool) -> Option<AnyView> {
    demo.then(|| {
        view! {
            <Notice tone=Tone::Info title="This is a demo">
                "Mails are not sent: "
                <a href="/dev/mail">"read them here"</a>
                "."
            </Notice>
        }
        .into_any()
    })
}

/// What a page of a link that is over says.
pub(super) struct Over {
    pub title: &'static str,
    /// Why, and that nothing was changed.
    pub text: &'static str,
    /// The ways on, as address and words; the first is the main one.
    pub next: [(&'static str, &'static str); 2],
}

/// A link that is over, or that was never there: 404.
pub(super) fn over(cx: &Cx, over: &'static Over) -> Response {
    let page = Page { status: StatusCode::NOT_FOUND, ..Page::new(over.title) };
    page.show(cx, move || {
        let [(first, first_label), (second, second_label)] = over.next;
        view! {
            <PageHead title=over.title.to_owned() />
            <div class="stack">
                <p>{over.text}</p>
                <div class="row">
                    <a class="btn btn-primary" href=first>{first_label}</a>
                    <a class="btn btn-quiet" href=second>{second_label}</a>
                </div>
            </div>
        }
    })
}
