//! Screen pops without scripts: the same cards as a page, acknowledged by a form (POP-1).

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::permission::{Need, Permission},
    server::{
        http::{AppError, Cx, render::Page},
        services,
    },
    ui::{
        actions::calls::AcknowledgePop,
        islands::screen_pop::matched,
        parts::{Card, Empty, Form, PageHead, Submit},
        wire::live::PopCard,
    },
};

/// Who gets screen pops.
pub const NEED: Need = Need::Holds(Permission::ScreenPop);

/// `GET /pops`
///
/// # Errors
/// Refused without `screen_pop`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let pops = services::pop::open(&cx.app, cx.signed_in()?).await?;
    Ok(Page::new("Incoming calls").live().show(&cx, || view(pops)))
}

fn view(pops: Vec<PopCard>) -> impl IntoView {
    let body = if pops.is_empty() {
        view! {
            <Empty
                icon="phone_in"
                title="Nobody is calling you".to_owned()
                text="When your extension rings, who it is appears on every page, for five minutes.".to_owned()
            >
                <a class="btn btn-primary" href="/home">"Back to your home page"</a>
            </Empty>
        }
        .into_any()
    } else {
        let cards = pops.into_iter().map(card).collect_view();
        view! { <div class="stack">{cards}</div> }.into_any()
    };
    view! {
        <PageHead title="Incoming calls".to_owned() lede="What your agency system said when your desk rang." />
        {body}
    }
}

fn card(pop: PopCard) -> impl IntoView {
    let party = pop.party.map_or_else(|| "Number withheld".to_owned(), |p| p.to_string());
    view! {
        <Card title=party>
            {pop.matches.into_iter().map(matched).collect_view()}
            {pop.problem.map(|text| view! { <p>{text}</p> })}
            <Form action=AcknowledgePop::PATH.to_owned()>
                <input type="hidden" name="id" value=pop.id.to_string() />
                <div class="form-actions">
                    <Submit label="Got it" />
                    <a class="btn btn-quiet" href=format!("/calls/{}", pop.call)>"Open the call"</a>
                </div>
            </Form>
        </Card>
    }
}
