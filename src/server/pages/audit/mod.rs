//! The audit log (AUD-1, AUD-2): who did what. Reading it is itself an entry. `query` is the address, `view` the
//! table; the page of one entry is `audit_entry`.

use axum::response::Response;

use super::text;
use crate::{
    model::permission::{Need, Permission},
    server::{
        caller::SignedIn,
        http::{AppError, Cx, render::Page},
        services,
        store::{self, audit::Entry},
    },
};

mod query;
mod view;

pub use query::{Query, of_actor_on};
pub use view::{actor, id_text, outcome, target};

/// Who may read the log.
pub const NEED: Need = Need::Holds(Permission::AuditRead);

const PAGE: usize = 50;

/// Which targets the reader may open: nothing is a link that a click would refuse.
#[derive(Debug, Clone, Copy)]
pub struct May {
    pub calls: bool,
    pub connections: bool,
    pub team: bool,
}

impl May {
    /// What `person` may open.
    #[must_use]
    pub fn of(person: &SignedIn) -> Self {
        Self {
            calls: person.passes(super::call::NEED),
            connections: person.passes(super::connection::NEED),
            team: person.passes(super::member::NEED),
        }
    }
}

/// What the table is drawn from.
pub struct Model {
    pub query: Query,
    pub is_filtered: bool,
    pub zone: String,
    pub entries: Vec<Entry>,
    pub older: Option<String>,
    /// Id and name of everybody whose acts can be filtered for.
    pub members: Vec<(String, String)>,
    pub may: May,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let zone = text::zone(&person.zone);
    let asked: Query = cx.query()?;
    let is_filtered = asked.is_filtered();
    let query = asked.or_last_week(cx.visitor.now, &zone);
    let filter = query.filter(&zone)?;
    let limit = i64::try_from(PAGE + 1).unwrap_or(51);
    let mut entries = services::audit::list(&cx.app, &person.caller, filter, limit).await?;
    let more = entries.len() > PAGE;
    entries.truncate(PAGE);
    let older = entries.last().filter(|_| more).map(|e| query.href(&e.id.to_string()));
    let members = if person.passes(Need::Holds(Permission::TeamRead)) {
        let mut tx = cx.tx().await?;
        let members = store::member::list(&mut tx).await?;
        tx.commit().await?;
        members.into_iter().map(|m| (m.id.to_string(), m.name.reveal().to_owned())).collect()
    } else {
        Vec::new()
    };
    Ok(Model { query, is_filtered, zone: person.zone.clone(), entries, older, members, may: May::of(person) })
}

/// `GET /audit`
///
/// # Errors
/// A filter that cannot be read; refused without `audit.read`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Audit log").show(&cx, || view::view(model)))
}
