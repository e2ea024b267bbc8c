//! The live board's page. Without scripts it is what was true when it loaded, and loads itself again.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::text;
use crate::{
    model::{
        call::CallState,
        permission::{Need, Permission, Reach},
    },
    server::{
        http::{AppError, Cx, render::Page},
        store,
    },
    ui::{
        islands::live_board::{BoardFilter, LiveBoard},
        parts::{Empty, FilterBar, PageHead, SelectField, TextField},
        wire::live::LiveCall,
    },
};

/// Who may watch.
pub const NEED: Need = Need::Holds(Permission::LiveBoard);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    state: String,
    text: String,
}

struct Model {
    calls: Vec<LiveCall>,
    filter: BoardFilter,
    cursor: String,
    now: i64,
    loaded: AnyView,
    sees_all: bool,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let query: Query = cx.query()?;
    let state = match query.state.as_str() {
        "" => None,
        text => Some(text.parse::<CallState>().map_err(|_| AppError::BadRequest)?),
    };
    // The cursor first: what happens between it and the rows is then told twice, not never.
    let cursor = store::outbox::head(cx.app.db(), cx.visitor.now).await?.to_string();
    let mut tx = cx.tx().await?;
    let calls = store::live::board(&mut tx).await?;
    tx.commit().await?;
    let filter = BoardFilter { state, text: query.text };
    Ok(Model {
        calls: calls.iter().map(store::live::BoardCall::wire).filter(|call| filter.keeps(call)).collect(),
        filter,
        cursor,
        now: cx.visitor.now.millis(),
        loaded: text::when(cx.visitor.now, &person.zone),
        sees_all: person.grants.reach(Permission::LiveBoard) == Reach::All,
    })
}

/// `GET /board`
///
/// # Errors
/// A filter that cannot be read; refused without `live_board`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Live board").live().show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let lede = if m.sees_all {
        "Every ringing and running call of the business."
    } else {
        "The calls that ring at your desk, and yours."
    };
    let mut states = vec![(String::new(), "Any state".to_owned())];
    states.extend(
        CallState::ALL.into_iter().filter(|s| !s.is_end()).map(|s| (s.code().to_owned(), s.label().to_owned())),
    );
    let state = m.filter.state.map_or_else(String::new, |s| s.code().to_owned());
    let search = m.filter.text.clone();
    let nobody = nobody(m.filter != BoardFilter::default());
    view! {
        <PageHead title="Live board".to_owned() lede=lede />
        <FilterBar clear="/board">
            <SelectField name="state" label="State" options=states value=state />
            <TextField name="text" label="Person or last digits" value=search required=false maxlength=40 />
        </FilterBar>
        <div class="board">
            <LiveBoard calls=m.calls filter=m.filter cursor=m.cursor now=m.now />
            <div class="board-empty">{nobody}</div>
        </div>
        <noscript>
            <p class="subtle">"As of "{m.loaded}". "<a class="link" href="/board">"Refresh"</a></p>
        </noscript>
    }
}

/// What stands in place of the rows; the style sheet shows it while there is none.
fn nobody(is_filtered: bool) -> AnyView {
    if is_filtered {
        return view! {
            <Empty
                icon="search"
                title="No call matches".to_owned()
                text="Calls that match appear here by themselves.".to_owned()
            >
                <a class="btn btn-primary" href="/board">"Show every call"</a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty
            icon="phone"
            title="Nobody is calling right now".to_owned()
            text="The next call appears here by itself.".to_owned()
        >
            <a class="btn btn-primary" href="/calls">"Look at past calls"</a>
        </Empty>
    }
    .into_any()
}
