//! The home page, by role. Every part of it is decided by what the role may do (`model` loads no more than that),
//! so that nothing is shown that a click would then refuse.
//!
//! To add a part: its reading in `model`, under the permission that it needs, its card in `cards`,
//! `jobs` or `evidence`, and its place in `view`.

mod cards;
mod day;
mod evidence;
mod jobs;
mod model;
mod risks;
mod steps;

use axum::response::Response;
use leptos::prelude::*;

use self::model::Model;
use crate::{
    model::permission::Need,
    server::http::{AppError, Cx, render::Page},
    ui::parts::PageHead,
};

/// Who may open it.
pub const NEED: Need = Need::SignedIn;

/// `GET /home`
///
/// # Errors
/// The database cannot be reached.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = model::load(&cx).await?;
    Ok(Page::new("Home").show(&cx, || view(&model)))
}

fn view(m: &Model) -> AnyView {
    let lede = format!("{}. Times in {}.", m.day.shown, m.zone);
    let cards = [
        cards::own_state(m),
        cards::live(m),
        cards::own_calls(m),
        cards::risks(m),
        evidence::retention(m),
        evidence::audit(m),
    ];
    let cards: Vec<AnyView> = cards.into_iter().flatten().collect();
    let grid = (!cards.is_empty()).then(|| view! { <div class="grid-2">{cards}</div> });
    view! {
        <PageHead title=m.business.clone() lede=lede />
        <div class="stack">
            {cards::field(m)}
            {steps::card(&m.steps)}
            {cards::numbers(m)}
            {jobs::numbers(m)}
            {cards::waiting(m)}
            {grid}
        </div>
    }
    .into_any()
}
