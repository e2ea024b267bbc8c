//! The recovery codes, right after they were drawn: the only time that anybody sees them.

use axum::{http::HeaderMap, response::Response};
use leptos::prelude::*;

use crate::{
    model::factor::grouped,
    server::{
        http::{AppError, Cx, render::Page, reveal},
        vault::Secret,
    },
    ui::parts::{Card, Empty, Notice, PageHead, Tone},
};

/// `GET /account/two-factor/codes`
///
/// # Errors
/// None of its own.
pub async fn page(cx: Cx, headers: HeaderMap) -> Result<Response, AppError> {
    let page = Page::new("Recovery codes").under("Your account", "/account");
    let page = page.under("Two-factor sign-in", "/account/two-factor");
    Ok(match reveal::take(&cx, &headers) {
        Some(codes) => reveal::shown(page.show(&cx, || view(&codes))),
        None => page.show(&cx, gone),
    })
}

fn view(codes: &[Secret]) -> AnyView {
    let lines: Vec<String> = codes.iter().map(|code| grouped(code.expose(), '-')).collect();
    let lines = lines.join("\n");
    view! {
        <PageHead title="Recovery codes".to_owned() lede="Keep them where you keep your passport, not on your phone." />
        <div class="stack">
            <Notice tone=Tone::Warn title="This page is shown once">
                "Write the codes down, print this page, or copy them now. Nobody can show them again; you can draw new \
                 ones at any time."
            </Notice>
            <Card title="Your codes">
                <div class="stack-tight">
                    <pre class="secret">{lines}</pre>
                    <p class="hint">
                        "A click selects all of them. Each works once, in place of the second factor. Small letters \
                         and missing dashes make no difference."
                    </p>
                </div>
            </Card>
            <div class="row">
                <a class="btn btn-primary" href="/account/two-factor">"I have kept them"</a>
            </div>
        </div>
    }
    .into_any()
}

fn gone() -> AnyView {
    view! {
        <PageHead title="Recovery codes".to_owned() />
        <Empty
            icon="key"
            title="They were shown once".to_owned()
            text="If you have not kept them, draw new ones: the old ones stop working then.".to_owned()
        >
            <a class="btn btn-primary" href="/account/two-factor">"Two-factor sign-in"</a>
        </Empty>
    }
    .into_any()
}
