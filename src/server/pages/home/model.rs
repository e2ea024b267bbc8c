//! What the home page knows: read under the permission that each part needs, and not read without it.

use super::{
    day::Day,
    steps::{self, Step},
};
use crate::{
    model::permission::{Permission, Reach, Role},
    server::{
        http::{AppError, Cx},
        kit::At,
        pages::text,
        services::{self, retention::Row},
        store::{
            self, TenantTx,
            audit::Entry,
            call_log::{self, Counts, Line},
            connection::Connection,
            live::BoardCall,
            lobby::WithoutFactor,
            review::Review,
        },
    },
};

/// How many lines a card shows.
pub const LINES: usize = 5;

/// The page. What the role may not see is empty or absent.
pub struct Model {
    pub business: String,
    pub role: Role,
    pub zone: String,
    pub now: At,
    pub day: Day,
    pub numbers: Option<Numbers>,
    pub people: Option<usize>,
    pub live: Option<Vec<BoardCall>>,
    pub own_calls: Vec<Line>,
    pub connections: Vec<Connection>,
    pub retention: Vec<Row>,
    pub entries: Vec<Entry>,
    pub steps: Vec<Step>,
    /// The newest access review.
    pub review: Option<Review>,
    pub without_factor: Vec<WithoutFactor>,
}

/// Calls of today, and of the same day a week ago up to this time.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    pub today: Counts,
    pub week_ago: Counts,
}

impl Model {
    /// Whether the role reaches at least its own in `permission`.
    pub fn may(&self, permission: Permission) -> bool {
        may(self.role, permission)
    }

    /// Whether the role's calls are its own only.
    pub fn only_own_calls(&self) -> bool {
        self.may(Permission::CallsOwn) && !self.may(Permission::CallsAll)
    }
}

fn may(role: Role, permission: Permission) -> bool {
    role.reach(permission) > Reach::None
}

/// Reads the page.
///
/// # Errors
/// The database cannot be reached.
pub async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let role = person.role;
    let day = Day::of(cx.visitor.now, &text::zone(&person.zone)).map_err(|e| AppError::Internal(Box::new(e)))?;
    let mut tx = cx.tx().await?;
    let numbers = numbers(&mut tx, role, &day).await?;
    let live = if may(role, Permission::LiveBoard) { Some(store::live::board(&mut tx).await?) } else { None };
    let own_calls = own_calls(&mut tx, role).await?;
    let people = if may(role, Permission::TeamRead) { Some(store::member::list(&mut tx).await?.len()) } else { None };
    let connections =
        if may(role, Permission::Credentials) { store::connection::list(&mut tx).await? } else { Vec::new() };
    let steps = first_steps(&mut tx, role, &connections, people).await?;
    let entries = entries(&mut tx, role).await?;
    let reviews = if may(role, Permission::TeamManage) { store::review::list(&mut tx).await? } else { Vec::new() };
    let without_factor =
        if may(role, Permission::Settings) { store::lobby::members_without_factor(&mut tx).await? } else { Vec::new() };
    tx.commit().await?;
    let retention =
        if may(role, Permission::RetentionRead) { services::retention::overview(cx).await? } else { Vec::new() };
    Ok(Model {
        business: person.business_name.clone(),
        role,
        zone: person.zone.clone(),
        now: cx.visitor.now,
        day,
        numbers,
        people,
        live,
        own_calls,
        connections,
        retention,
        entries,
        steps,
        review: reviews.into_iter().next(),
        without_factor,
    })
}

async fn numbers(tx: &mut TenantTx, role: Role, day: &Day) -> Result<Option<Numbers>, AppError> {
    if !may(role, Permission::CallsOwn) && !may(role, Permission::CallsAll) {
        return Ok(None);
    }
    let until = tx.now().plus(1);
    let today = call_log::counts(tx, day.from, until).await?;
    let week_ago = call_log::counts(tx, day.week_ago_from, day.week_ago_until).await?;
    Ok(Some(Numbers { today, week_ago }))
}

/// The last calls of people who see no others.
async fn own_calls(tx: &mut TenantTx, role: Role) -> Result<Vec<Line>, AppError> {
    if may(role, Permission::CallsAll) || !may(role, Permission::CallsOwn) {
        return Ok(Vec::new());
    }
    Ok(call_log::list(tx, &call_log::Filter::default(), limit()).await?)
}

/// What a founder has to do first, for people who can do all of it.
async fn first_steps(
    tx: &mut TenantTx,
    role: Role,
    connections: &[Connection],
    people: Option<usize>,
) -> Result<Vec<Step>, AppError> {
    let all = [Permission::Credentials, Permission::Extensions, Permission::TeamInvite];
    if !all.into_iter().all(|permission| may(role, permission)) {
        return Ok(Vec::new());
    }
    let extensions = store::extension::list(tx).await?.len();
    Ok(steps::of(connections, extensions, people.unwrap_or(1)))
}

/// The newest audit entries, for people whose work they are. Others find them by the link.
async fn entries(tx: &mut TenantTx, role: Role) -> Result<Vec<Entry>, AppError> {
    if may(role, Permission::CallsAll) || !may(role, Permission::AuditRead) {
        return Ok(Vec::new());
    }
    // Bounded in time, so that old partitions are not even planned for.
    let filter = store::audit::Filter { from: Some(tx.now().plus(-7 * 24 * 3600)), ..Default::default() };
    Ok(store::audit::list(tx, &filter, limit()).await?)
}

fn limit() -> i64 {
    i64::try_from(LINES).unwrap_or(5)
}
