//! What a customer sees who follows their technician by a link: a first name, a state, and on the way about where. Public, as
//! mailed links are: whoever has the link sees it, and it shows nothing by which anybody else could be found.

use axum::{extract::Path, http::HeaderValue, response::Response};
use leptos::prelude::*;

use super::{
    cells::fact,
    mailed::{self, Over},
    open::is_token,
    work_orders::parts,
};
use crate::{
    model::{geo::MILE_M, permission::Need, work_order::WorkOrderState},
    server::{
        http::{AppError, Cx, render::Page},
        services::tracking_link::{self, Near, Seen},
    },
    ui::parts::{Card, Facts, PageHead},
};

/// Who may open it: whoever has the link.
pub const NEED: Need = Need::Public;

/// The same for a link that never was, one that is over, and one whose job is.
const OVER: Over = Over {
    title: "This link is over",
    text: "A link to follow a technician is good until the job is done, or a few hours after its time. Ask the business that \
           sent it to you for a new one, or when somebody comes.",
    next: [("/", "To the beginning"), ("/sign-in", "Sign in, if you work here")],
};

/// `GET /track/{token}`
///
/// # Errors
/// Limited per address. A link that leads nowhere is a page of its own, whatever the reason.
pub async fn page(cx: Cx, Path(token): Path<String>) -> Result<Response, AppError> {
    let found = if is_token(&token) { tracking_link::follow(&cx, &token).await } else { Err(AppError::Missing) };
    let mut answer = match found {
        Ok(seen) => Page::new("Your technician").with_script("/static/track.js").show(&cx, || view(&seen)),
        Err(AppError::Missing) => mailed::over(&cx, &OVER),
        Err(error) => return Err(error),
    };
    // Somebody may have put the link where search engines read.
    answer.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    Ok(answer)
}

fn said(seen: &Seen) -> String {
    let who = seen.first_name.clone().unwrap_or_else(|| "Your technician".to_owned());
    match seen.state {
        WorkOrderState::New => "We are finding somebody for you".to_owned(),
        WorkOrderState::Assigned => format!("{who} will come to you"),
        WorkOrderState::EnRoute => format!("{who} is on the way to you"),
        WorkOrderState::OnSite => format!("{who} is there"),
        WorkOrderState::Done | WorkOrderState::Canceled => "The job is over".to_owned(),
    }
}

fn view(seen: &Seen) -> impl IntoView + use<> {
    let title = said(seen);
    let lede = format!("{}, by {}", parts::window(seen.window_from, seen.window_to, &seen.zone), seen.business_name);
    let near = match (&seen.near, seen.state) {
        (Some(near), _) => place(near),
        (None, WorkOrderState::EnRoute) => {
            let text =
                "Where they are is not shown just now: at either end of the way, or because nothing fresh is known.";
            view! { <p>{text}</p> }.into_any()
        }
        (None, _) => view! { <p>"Where they are is shown while they are on the way."</p> }.into_any(),
    };
    view! {
        <div role="status">
            <PageHead title=title lede=lede />
        </div>
        <div class="stack" data-track="">
            <Card>{near}</Card>
            <p class="row">
                <a class="btn btn-primary" href="">"Refresh"</a>
                <span class="hint">"With scripts this page asks anew every half minute."</span>
            </p>
        </div>
    }
}

/// About where, on a grid of 300 m, and how old that is.
fn place(near: &Near) -> AnyView {
    let (lat, lon) = near.place.degrees();
    let (about, map) = (format!("{lat:.3}, {lon:.3}"), format!("geo:{lat:.3},{lon:.3}?z=14"));
    // Nothing finer than it is known: the grid's 300 m are about 1,000 ft.
    let thousands = (near.within_m / 300.0).ceil();
    // The script counts on from the minute that is told here, in the same words.
    let minutes = near.age.max(0) / 60;
    let age = if minutes < 1 { "Less than a minute ago".to_owned() } else { format!("About {minutes} min ago") };
    let age = view! { <span data-age=(minutes * 60).to_string()>{age}</span> };
    let mut items = vec![
        fact("About where", view! { <a class="link" href=map>{about}</a> }),
        fact("As of", age),
        fact("How exact", format!("Within about {thousands:.0},000 ft")),
    ];
    if let Some(metres) = near.distance_m {
        // The place is known to 300 m: nothing finer is said of the way.
        let about = (metres / MILE_M * 2.0).ceil() / 2.0;
        items.insert(0, fact("How far", format!("About {about:.1} mi, as the crow flies")));
    }
    view! { <Facts items=items /> }.into_any()
}
