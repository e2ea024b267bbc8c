//! The document around every page: head, assets, navigation, flash, and the screen pop that may appear anywhere.

use std::sync::{Arc, OnceLock};

use axum::response::{Html, IntoResponse, Response};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    Cx,
    action::{back, local},
    cx::Visitor,
    gate::{CONFIRM_PATH, FACTOR_PATH},
    render::{self, Page},
};
use crate::{
    model::permission::{Need, Permission},
    server::{
        caller::SignedIn,
        kit::At,
        pages::{nav, text},
    },
    ui::{
        actions::role::StopViewing,
        islands::screen_pop::ScreenPop,
        parts::{ErrorPage, Form, Frame, Notice, Plain, Submit, Tone},
        wire::{Fault, FaultKind},
    },
};

/// The CSP nonce of an answer, for the headers layer.
#[derive(Debug, Clone)]
pub struct Nonce(pub Arc<str>);

/// That an answer holds the map, for the headers layer.
#[derive(Debug, Clone, Copy)]
pub struct HasMap;

/// Where the built files are. Their names carry a hash of their content.
#[derive(Debug, Clone)]
pub struct Assets {
    pub css: String,
    pub js: String,
    pub wasm: String,
    /// Whether the names carry hashes: only then may they be kept for good.
    pub hashed: bool,
}

static ASSETS: OnceLock<Assets> = OnceLock::new();

impl Assets {
    /// Reads the hashes that cargo-leptos left beside the binary (`hash.txt`); without them the plain names.
    #[must_use]
    pub fn get() -> &'static Self {
        ASSETS.get_or_init(|| {
            let hashes = std::env::current_exe()
                .ok()
                .and_then(|exe| std::fs::read_to_string(exe.parent()?.join("hash.txt")).ok())
                .unwrap_or_default();
            Self::from_hashes(&hashes)
        })
    }

    fn from_hashes(text: &str) -> Self {
        let name = |kind: &str, extension: &str| {
            let hash = text.lines().filter_map(|l| l.split_once(':')).find(|(k, _)| k.trim() == kind);
            match hash {
                Some((_, hash)) => format!("/pkg/ringfort.{}.{extension}", hash.trim()),
                None => format!("/pkg/ringfort.{extension}"),
            }
        };
        Self {
            css: name("css", "css"),
            js: name("js", "js"),
            wasm: name("wasm", "wasm"),
            hashed: text.contains("wasm"),
        }
    }
}

/// The whole document.
pub fn document<V: IntoView + 'static>(cx: &Cx, page: Page, view: impl FnOnce() -> V) -> impl IntoView {
    let assets = Assets::get();
    let visitor = &cx.visitor;
    let nonce = visitor.nonce.to_string();
    let theme = (!visitor.theme.is_empty()).then_some(visitor.theme);
    let wakes = is_live(visitor, LIVE);
    let loads = loads(&page, &nonce);
    // Escaped by hand and set whole: the renderer's end markers would be text inside a title.
    let title = html_escape::encode_text(&page.title).into_owned() + " · Ringfort";
    let body = framed(cx, page, view);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title inner_html=title></title>
                <link rel="icon" href="/static/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=assets.css.clone() />
                {loads}
                {wakes.then(|| view! {
                    <link rel="modulepreload" id="islands" href=assets.js.clone() data-wasm=assets.wasm.clone() nonce=nonce.clone() />
                    <script type="module" src="/static/islands.js" nonce=nonce></script>
                })}
            </head>
            <body>{body}</body>
        </html>
    }
}

/// What a page loads besides, by what is on it.
fn loads(page: &Page, nonce: &str) -> AnyView {
    let script =
        |file: &'static str| view! { <script type="module" src=file nonce=nonce.to_owned()></script> }.into_any();
    let refresh =
        page.refresh.map(|s| view! { <noscript><meta http-equiv="refresh" content=s.to_string() /></noscript> });
    let passkeys = page.passkeys.then(|| script("/static/passkey.js"));
    let own = page.script.map(script);
    let map = page.map.then(|| {
        view! {
            <link rel="stylesheet" href="/static/maplibre/maplibre-gl.css" />
            {script("/static/map.js")}
        }
    });
    // What the technician's page is put on a home screen by, too.
    let field = page.field.then(|| {
        view! {
            <link rel="manifest" href="/static/field.webmanifest" />
            <link rel="apple-touch-icon" href="/static/field-192.png" />
            <meta name="theme-color" content="#0b6663" />
            {script("/static/field.js")}
        }
    });
    view! {
        {refresh}
        {passkeys}
        {own}
        {map}
        {field}
    }
    .into_any()
}

/// Who has islands that come alive. The stream opens to more (`live::NEED`): pages' own scripts listen to it too.
pub const LIVE: Need = Need::HoldsAny(&[Permission::LiveBoard, Permission::ScreenPop]);

/// Whether what needs `need` comes alive on this page: not while the gate keeps the visitor from the stream, where an island
/// would only ask and be refused.
fn is_live(visitor: &Visitor, need: Need) -> bool {
    let may = |person: &SignedIn| person.passes(need) && !person.owes_factor(visitor.now);
    !visitor.outside && visitor.signed_in.as_deref().is_some_and(may)
}

fn framed<V: IntoView + 'static>(cx: &Cx, page: Page, view: impl FnOnce() -> V) -> AnyView {
    let visitor = &cx.visitor;
    // The page that asks again passes the message on: it is about what comes after it.
    let passes_on = cx.path() == CONFIRM_PATH;
    let flash = visitor.flash.as_deref().filter(|_| !passes_on).and_then(|f| f.notice.clone());
    let notice = flash.map(|text| view! { <Notice tone=Tone::Good>{text}</Notice> });
    let content = view().into_any();
    let path = visitor.path.to_string();
    let Some(person) = visitor.signed_in.as_deref() else {
        return view! { <Plain theme=visitor.theme path=path>{notice}{content}</Plain> }.into_any();
    };
    let has_pops = is_live(visitor, Need::Holds(Permission::ScreenPop));
    let pops = has_pops.then(|| view! { <ScreenPop now=visitor.now.millis() /> });
    let ringing = (has_pops && person.open_pops > 0).then(|| {
        view! {
            <noscript>
                <div class="notice notice-accent" role="status">
                    <a class="link" href="/pops">"Somebody is calling you: see who it is"</a>
                </div>
            </noscript>
        }
    });
    let factor = factor_notice(person, visitor.now);
    let viewing = view_notice(person);
    let over = over_notice(page_of(cx));
    let mut crumbs = page.crumbs;
    crumbs.push((page.title, None));
    view! {
        <Frame
            nav=nav::items(person)
            business=person.business_name.clone()
            person=person.name.reveal().to_owned()
            role=person.held.label().to_owned()
            theme=visitor.theme
            path=path
            crumbs=crumbs
            switch_href="/switch".to_owned()
        >
            {over}
            {ringing}
            {viewing}
            {factor}
            {notice}
            {content}
        </Frame>
        {pops}
    }
    .into_any()
}

/// Where this page is loaded again. What forms send to shows none: the way back is to the form.
fn page_of(cx: &Cx) -> String {
    if cx.path().starts_with("/api/") { back(cx) } else { local(&cx.visitor.path).unwrap_or("/home").to_owned() }
}

/// That this page hears of nothing more; `public/static/refused.js` shows it. Loading the page again says why, and leads to the
/// sign-in where that is it.
fn over_notice(path: String) -> AnyView {
    view! {
        <div id="signed-out" hidden=true>
            <Notice tone=Tone::Bad>
                "Your session is over, or your rights have changed: what this page shows stays as it is. "
                <a class="link" href=path>"Load it again"</a>
            </Notice>
        </div>
    }
    .into_any()
}

/// That the business asks for a second factor, from when on, and where to set one up.
fn factor_notice(person: &SignedIn, now: At) -> Option<AnyView> {
    let due = person.factor_due?;
    let when = if due > now {
        view! { "Your business asks you for a second factor from "{text::when(due, &person.zone)}" on. " }.into_any()
    } else {
        "Your business asks you for a second factor. Set one up, and everything opens again. ".into_any()
    };
    let notice = view! {
        <Notice tone=Tone::Warn>
            {when}
            <a class="link" href=FACTOR_PATH>"Set it up"</a>
        </Notice>
    };
    Some(notice.into_any())
}

/// As which role the person views the product, and the way back (PER-6).
fn view_notice(person: &SignedIn) -> Option<AnyView> {
    let view = person.view.as_ref()?;
    let text = match view.label {
        Some(_) => "You see and do what this role may, as far as you may do it yourself.",
        None => "The role as which you view this is gone, so there is nothing to see.",
    };
    let button = view.label.as_ref().map_or("Stop viewing".to_owned(), |label| format!("Stop viewing as {label}"));
    let notice = view! {
        <Notice tone=Tone::Info>
            <form class="row" method="post" action=StopViewing::PATH>
                <span>{text}</span>
                <button class="btn btn-quiet btn-small" type="submit">{button}</button>
            </form>
        </Notice>
    };
    Some(notice.into_any())
}

/// What people see who come from a network that their business does not let them in from: no frame of it, and the way out.
fn outside(cx: &Cx, fault: &Fault) -> Response {
    let mut cx = cx.clone();
    cx.visitor.signed_in = None;
    let (kind, next) = (fault.kind, vec![("/switch".to_owned(), "Go on in another business".to_owned())]);
    let html = render::to_html(|| {
        document(&cx, Page::new(kind.title()), move || {
            view! {
                <div class="stack">
                    <ErrorPage
                        status=kind.status()
                        title=kind.title().to_owned()
                        text=kind.advice().to_owned()
                        next=next
                    />
                    <Form action="/api/sign-out".to_owned()>
                        <Submit label="Sign out" tone=Tone::Neutral />
                    </Form>
                </div>
            }
        })
    });
    let mut response = Html(html).into_response();
    response.extensions_mut().insert(Nonce(cx.visitor.nonce.clone()));
    response
}

/// An error page, which helps: what happened, what was kept, where to go on.
#[must_use]
pub fn error(cx: &Cx, fault: &Fault) -> Response {
    if fault.kind == FaultKind::Outside {
        return outside(cx, fault);
    }
    let home = if cx.visitor.signed_in.is_some() { ("/home", "Go to your home page") } else { ("/sign-in", "Sign in") };
    let mut next = vec![(home.0.to_owned(), home.1.to_owned())];
    if matches!(fault.kind, FaultKind::Unavailable | FaultKind::Internal | FaultKind::Conflict | FaultKind::Limited) {
        next.insert(0, (page_of(cx), "Try again".to_owned()));
    }
    let (kind, incident) = (fault.kind, fault.incident.clone().unwrap_or_default());
    let html = render::to_html(|| {
        document(cx, Page::new(kind.title()), move || {
            view! {
                <ErrorPage
                    status=kind.status()
                    title=kind.title().to_owned()
                    text=kind.advice().to_owned()
                    next=next
                    incident=incident
                />
            }
        })
    });
    let mut response = Html(html).into_response();
    response.extensions_mut().insert(Nonce(cx.visitor.nonce.clone()));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_follow_the_hashes() {
        let assets = Assets::from_hashes("js: abc\nwasm: def\ncss: 123\n");
        assert_eq!(assets.wasm, "/pkg/ringfort.def.wasm");
        assert_eq!(Assets::from_hashes("").js, "/pkg/ringfort.js");
    }
}
