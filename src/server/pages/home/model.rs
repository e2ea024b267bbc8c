//! What the home page knows: read under the permission that each part needs, and not read without it.

use super::{
    day::Day,
    steps::{self, Step},
};
use crate::{
    model::{
        audit_query::AuditFilter,
        permission::{Grants, Permission, Reach},
        profile::Profile,
    },
    server::{
        http::{AppError, Cx, flash::FormState},
        kit::At,
        pages::text,
        services::{self, retention::Row},
        store::{
            self, TenantTx,
            agent::{Agent, Reason},
            audit::Entry,
            call_log::{self, Counts, Line},
            connection::Connection,
            live::BoardCall,
            lobby::WithoutFactor,
            review::Review,
            work_order::{self, Today},
        },
    },
    ui::actions::board::SayState,
};

/// How many lines a card shows.
pub const LINES: usize = 5;

/// The page. What they may not see is empty or absent.
pub struct Model {
    pub business: String,
    /// What the person may do: everything here follows from it.
    grants: Grants,
    pub zone: String,
    pub now: At,
    pub day: Day,
    pub numbers: Option<Numbers>,
    /// How jobs stand; their own, for who reaches no others.
    pub jobs: Option<Today>,
    pub people: Option<usize>,
    pub live: Option<Vec<BoardCall>>,
    /// What they say of themselves, with the reasons to choose from, for people whose desk rings.
    pub own_state: Option<OwnState>,
    pub own_calls: Vec<Line>,
    pub connections: Vec<Connection>,
    pub retention: Vec<Row>,
    pub entries: Vec<Entry>,
    pub steps: Vec<Step>,
    /// The newest access review.
    pub review: Option<Review>,
    pub without_factor: Vec<WithoutFactor>,
    /// The ticket of the operator's access, while it is open.
    pub operator: Option<String>,
}

/// What somebody says of themselves, and the form to say something else.
pub struct OwnState {
    pub agent: Agent,
    pub reasons: Vec<Reason>,
    pub form: FormState,
}

/// Calls of today, and of the same day a week ago up to this time.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    pub today: Counts,
    pub week_ago: Counts,
}

impl Model {
    /// Whether the person reaches at least their own in `permission`.
    pub fn may(&self, permission: Permission) -> bool {
        self.grants.holds(permission)
    }

    /// Whether the person sees their own calls only.
    pub fn only_own_calls(&self) -> bool {
        self.may(Permission::CallsOwn) && !self.may(Permission::CallsAll)
    }

    /// Whether the person sees everybody's jobs.
    pub fn sees_all_jobs(&self) -> bool {
        self.grants.reach(Permission::WorkOrders) == Reach::All
    }
}

/// Reads the page.
///
/// # Errors
/// The database cannot be reached.
pub async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let grants = person.grants;
    let day = Day::of(cx.visitor.now, &text::zone(&person.zone)).map_err(|e| AppError::Internal(Box::new(e)))?;
    let mut tx = cx.tx().await?;
    let numbers = numbers(&mut tx, grants, &day).await?;
    let jobs = jobs(&mut tx, grants, person.profile, &day).await?;
    let live = if grants.holds(Permission::LiveBoard) { Some(store::live::board(&mut tx).await?) } else { None };
    let own_state = own_state(cx, &mut tx, grants).await?;
    let own_calls = own_calls(&mut tx, grants).await?;
    let people =
        if grants.holds(Permission::TeamRead) { Some(store::member::list(&mut tx).await?.len()) } else { None };
    let connections =
        if grants.holds(Permission::Credentials) { store::connection::list(&mut tx).await? } else { Vec::new() };
    let steps = first_steps(&mut tx, grants, &connections, people).await?;
    let entries = entries(&mut tx, grants).await?;
    let reviews = if grants.holds(Permission::TeamManage) { store::review::list(&mut tx).await? } else { Vec::new() };
    let without_factor = if grants.holds(Permission::Settings) {
        store::lobby::members_without_factor(&mut tx).await?
    } else {
        Vec::new()
    };
    let operator = operator(&mut tx, grants).await?;
    tx.commit().await?;
    let retention =
        if grants.holds(Permission::RetentionRead) { services::retention::overview(cx).await? } else { Vec::new() };
    Ok(Model {
        business: person.business_name.clone(),
        grants,
        zone: person.zone.clone(),
        now: cx.visitor.now,
        day,
        numbers,
        jobs,
        people,
        live,
        own_state,
        own_calls,
        connections,
        retention,
        entries,
        steps,
        review: reviews.into_iter().next(),
        without_factor,
        operator,
    })
}

async fn own_state(cx: &Cx, tx: &mut TenantTx, grants: Grants) -> Result<Option<OwnState>, AppError> {
    if !grants.holds(Permission::LiveBoard) {
        return Ok(None);
    }
    let Some(agent) = store::agent::own(tx).await? else { return Ok(None) };
    let reasons = store::agent::reasons(tx).await?;
    Ok(Some(OwnState { agent, reasons, form: cx.form::<SayState>() }))
}

/// The operator's access, for people who can end it.
async fn operator(tx: &mut TenantTx, grants: Grants) -> Result<Option<String>, AppError> {
    if !grants.holds(Permission::Operators) {
        return Ok(None);
    }
    Ok(store::operator::open_ticket(tx).await?)
}

async fn numbers(tx: &mut TenantTx, grants: Grants, day: &Day) -> Result<Option<Numbers>, AppError> {
    if !grants.holds(Permission::CallsOwn) && !grants.holds(Permission::CallsAll) {
        return Ok(None);
    }
    let until = tx.now().plus(1);
    let today = call_log::counts(tx, day.from, until).await?;
    let week_ago = call_log::counts(tx, day.week_ago_from, day.week_ago_until).await?;
    Ok(Some(Numbers { today, week_ago }))
}

/// None, too, where jobs are not the business's trade and there are none: four zeros would tell nothing.
async fn jobs(tx: &mut TenantTx, grants: Grants, profile: Profile, day: &Day) -> Result<Option<Today>, AppError> {
    if !grants.holds(Permission::WorkOrders) {
        return Ok(None);
    }
    let today = work_order::today(tx, day.from, day.until).await?;
    Ok(Some(today).filter(|today| profile == Profile::FieldService || !today.is_empty()))
}

/// The last calls of people who see no others.
async fn own_calls(tx: &mut TenantTx, grants: Grants) -> Result<Vec<Line>, AppError> {
    if grants.holds(Permission::CallsAll) || !grants.holds(Permission::CallsOwn) {
        return Ok(Vec::new());
    }
    Ok(call_log::list(tx, &call_log::Filter::default(), limit()).await?)
}

/// What a founder has to do first, for people who can do all of it.
async fn first_steps(
    tx: &mut TenantTx,
    grants: Grants,
    connections: &[Connection],
    people: Option<usize>,
) -> Result<Vec<Step>, AppError> {
    let all = [Permission::Credentials, Permission::Extensions, Permission::TeamInvite];
    if !all.into_iter().all(|permission| grants.holds(permission)) {
        return Ok(Vec::new());
    }
    let extensions = store::extension::list(tx).await?.len();
    Ok(steps::of(connections, extensions, people.unwrap_or(1)))
}

/// The newest audit entries, for people whose work they are. Others find them by the link.
async fn entries(tx: &mut TenantTx, grants: Grants) -> Result<Vec<Entry>, AppError> {
    if grants.holds(Permission::CallsAll) || !grants.holds(Permission::AuditRead) {
        return Ok(Vec::new());
    }
    // Bounded in time, so that old partitions are not even planned for.
    let filter = AuditFilter { from: Some(tx.now().plus(-7 * 24 * 3600).0), ..AuditFilter::default() };
    Ok(store::audit::list(tx, &filter, limit()).await?)
}

fn limit() -> i64 {
    i64::try_from(LINES).unwrap_or(5)
}
