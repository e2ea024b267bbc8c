//! The audit log (AUD-1, AUD-2, AUD-4): who did what. Reading it is itself an entry. `query` is the address, `bar` what it is
//! asked with, `saved` filters that people keep, `view` the table, `panel` the entry beside it; the page of one entry alone is
//! `audit_entry`. To add a column: its cell in `view`; to add a filter: `model/audit_query.rs`, and its field in `bar`.

use axum::{http::StatusCode, response::Response};

use super::{audit_entry::Whole, text};
use crate::{
    model::{
        audit_query::{AuditFilter, AuditQuery, BadWord},
        permission::{Grants, Need, Permission},
    },
    server::{
        caller::SignedIn,
        http::{AppError, Cx, flash::FormState, render::Page},
        kit::At,
        services::{self, audit::Found, audit_filter, audit_news},
        store::{
            self,
            audit::{Entry, Place, Total},
            audit_filter::SavedFilter,
        },
    },
    ui::actions::audit::SaveAuditFilter,
};

mod bar;
mod panel;
mod query;
mod saved;
mod view;

pub use query::{Address, Asked, of_actor_on, of_trace, of_words};
pub use view::{actor, id_text, outcome, target};

/// Who may read the log.
pub const NEED: Need = Need::Holds(Permission::AuditRead);

const PAGE: usize = 50;

/// Which targets the reader may open: nothing is a link that a click would refuse.
#[derive(Debug, Clone, Copy)]
pub struct May(Grants);

impl May {
    /// What `person` may open.
    #[must_use]
    pub fn of(person: &SignedIn) -> Self {
        Self(person.grants)
    }

    #[must_use]
    pub fn calls(self) -> bool {
        super::call::NEED.admits(Some(self.0))
    }

    #[must_use]
    pub fn connections(self) -> bool {
        super::connection::NEED.admits(Some(self.0))
    }

    #[must_use]
    pub fn team(self) -> bool {
        super::member::NEED.admits(Some(self.0))
    }

    #[must_use]
    pub fn streams(self) -> bool {
        super::audit_streams::NEED.admits(Some(self.0))
    }

    #[must_use]
    pub fn work_orders(self) -> bool {
        super::work_orders::NEED.admits(Some(self.0))
    }
}

/// What the page is drawn from.
pub struct Model {
    /// The words of the query bar: as they mean, or as they were typed where they mean nothing.
    pub words: String,
    /// What could not be read.
    pub bad: Vec<BadWord>,
    pub address: Address,
    pub is_filtered: bool,
    /// In which times are shown, and whose days are meant.
    pub zone: String,
    /// The business's.
    pub home_zone: String,
    pub now: At,
    /// Absent where the words could not be read.
    pub list: Option<List>,
    pub panel: Option<Whole>,
    pub saved: Vec<SavedFilter>,
    pub save: FormState,
    /// Id and name of everybody whose acts can be filtered for.
    pub members: Vec<(String, String)>,
    pub may: May,
    pub can_export: bool,
}

/// A page of entries.
pub struct List {
    /// What was asked for, with instants.
    pub filter: AuditFilter,
    pub entries: Vec<Entry>,
    /// Whether finding them takes too long: then there are none here.
    pub is_slow: bool,
    pub total: Total,
    pub newer: Option<Place>,
    pub older: Option<Place>,
    /// What the page asks with whether something has come since. Absent where nothing can: on older pages, and in the past.
    pub news: Option<String>,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let asked: Asked = cx.query()?;
    let is_utc = asked.is_utc()?;
    let zone = if is_utc { "UTC".to_owned() } else { person.zone.clone() };
    let mut model = Model {
        words: asked.words(),
        bad: Vec::new(),
        address: Address { is_utc, place: asked.place()?, entry: asked.entry()?, ..Address::default() },
        is_filtered: !asked.words().is_empty(),
        home_zone: person.zone.clone(),
        now: cx.visitor.now,
        list: None,
        panel: None,
        saved: audit_filter::list(cx).await?,
        save: cx.form::<SaveAuditFilter>(),
        members: members(cx, person).await?,
        may: May::of(person),
        can_export: person.passes(super::audit_exports::NEED),
        zone,
    };
    match model.words.parse::<AuditQuery>() {
        Ok(query) => {
            model.address.query = query.or_recent();
            model.words = model.address.query.to_string();
            model.list = Some(list(cx, person, &model).await?);
            if let Some(entry) = model.address.entry {
                model.panel = Some(Whole::load(cx, entry).await?);
            }
        }
        Err(bad) => model.bad = bad,
    }
    Ok(model)
}

async fn list(cx: &Cx, person: &SignedIn, model: &Model) -> Result<List, AppError> {
    let (now, place) = (cx.visitor.now, model.address.place);
    let filter = model.address.query.resolve(now.0, &text::zone(&model.zone));
    let limit = i64::try_from(PAGE + 1).unwrap_or(51);
    let Found { entries, total } = services::audit::list(&cx.app, &person.caller, &filter, place, limit).await?;
    let is_slow = entries.is_none();
    let mut entries = entries.unwrap_or_default();
    let more = entries.len() > PAGE;
    if let Place::After(_) = place {
        // Newest first, so that the one too many is the farthest from where the reader comes from.
        entries.drain(..entries.len().saturating_sub(PAGE));
    } else {
        entries.truncate(PAGE);
    }
    let (first, last) = (entries.first().map(|e| e.id), entries.last().map(|e| e.id));
    let (is_newer, is_older) = match place {
        Place::Newest => (false, more),
        Place::Before(_) => (true, more),
        Place::After(_) => (more, true),
    };
    let can_grow = !is_slow && place == Place::Newest && filter.to.is_none_or(|to| to > now.0);
    let news = if can_grow { Some(audit_news::mark(cx, &filter, first)?) } else { None };
    Ok(List {
        newer: is_newer.then(|| first.map_or(Place::Newest, Place::After)),
        older: last.filter(|_| is_older).map(Place::Before),
        filter,
        entries,
        is_slow,
        total,
        news,
    })
}

async fn members(cx: &Cx, person: &SignedIn) -> Result<Vec<(String, String)>, AppError> {
    if !person.passes(Need::Holds(Permission::TeamRead)) {
        return Ok(Vec::new());
    }
    let mut tx = cx.tx().await?;
    let members = store::member::list(&mut tx).await?;
    tx.commit().await?;
    Ok(members.into_iter().map(|m| (m.id.to_string(), m.name.reveal().to_owned())).collect())
}

/// `GET /audit`
///
/// # Errors
/// An address that cannot be read; missing when the entry beside the list is not this business's; refused without `audit.read`.
/// Words that cannot be read are told on the page.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    let status = if model.bad.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = Page { status, ..Page::new("Audit log").with_audit() };
    Ok(page.show(&cx, || view::view(&model)))
}
