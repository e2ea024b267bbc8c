//! Finding audit entries (AUD-4): a page of what a filter names. How many there are is [`super::count`]'s.
//!
//! The ids first, then the entries by their ids. Ids come by one of two roads: along an index of columns, behind row security;
//! or, where words, a network or a kind of target are asked for, from `lobby.audit_search`, because an index over words does
//! not work behind it (docs/ARCHITECTURE.md). A new part of the filter needs its line in both (the function in a new migration),
//! and where they are counted.

use uuid::Uuid;

use super::{Entry, Row, count::is_impatience};
use crate::{
    model::{
        audit::{Action, Outcome},
        audit_query::{AuditFilter, Subject},
        id::AuditId,
        permission::Permission,
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx},
    },
};

/// Where a page of the log begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Newest,
    /// What is older than this entry, the nearest to it.
    Before(AuditId),
    /// What is newer than this entry, the nearest to it.
    After(AuditId),
}

/// A filter as the statements take it.
pub(super) struct Asked<'a> {
    pub(super) actor: Option<Uuid>,
    pub(super) actor_kind: Option<&'a str>,
    pub(super) action: Option<&'static str>,
    pub(super) target: Option<Uuid>,
    pub(super) target_kind: Option<&'a str>,
    pub(super) result: Option<&'static str>,
    pub(super) ip: Option<String>,
    pub(super) trace: Option<Uuid>,
    pub(super) words: Vec<String>,
    pub(super) from: Option<At>,
    pub(super) to: Option<At>,
    /// The ids that can be meant: they are UUIDv7, so months outside are not even planned for.
    pub(super) low: Uuid,
    pub(super) high: Uuid,
}

impl<'a> Asked<'a> {
    pub(super) fn of(filter: &'a AuditFilter) -> Self {
        let (from, to) = (filter.from.map(At), filter.to.map(At));
        // Ids are drawn by the program's clock, times set by the database's.
        let mut low = from.map_or(Uuid::nil(), |at| id_floor(at.plus(-60)));
        let mut high = to.map_or(Uuid::max(), |at| id_floor(at.plus(60)));
        if let Some((first, last)) = filter.trace.and_then(|trace| around(trace.0)) {
            low = low.max(first);
            high = high.min(last);
        }
        Self {
            actor: filter.actor.as_ref().and_then(Subject::id),
            actor_kind: filter.actor.as_ref().and_then(Subject::kind),
            action: filter.action.map(Action::code),
            target: filter.target.as_ref().and_then(Subject::id),
            target_kind: filter.target.as_ref().and_then(Subject::kind),
            result: filter.result.map(Outcome::code),
            ip: filter.ip.map(|ip| ip.to_string()),
            trace: filter.trace.map(|trace| trace.0),
            words: filter.text.iter().flat_map(|text| text.split(' ')).map(str::to_owned).collect(),
            from,
            to,
            low,
            high,
        }
    }

    pub(super) fn is_by_words(&self) -> bool {
        !self.words.is_empty() || self.ip.is_some() || self.target_kind.is_some()
    }
}

/// A page of entries, newest first. Absent where finding them takes too long: a narrower filter finds them.
///
/// # Errors
/// Refused without `audit.read`.
pub async fn page(
    tx: &mut TenantTx,
    filter: &AuditFilter,
    place: Place,
    limit: i64,
) -> Result<Option<Vec<Entry>>, StoreError> {
    tx.may_all(Permission::AuditRead)?;
    let Some(found) = quick_ids(tx, &Asked::of(filter), place, limit).await? else { return Ok(None) };
    let (Some(first), Some(last)) = (found.iter().min().copied(), found.iter().max().copied()) else {
        return Ok(Some(Vec::new()));
    };
    let business = tx.business();
    let rows = sqlx::query_as!(
        Row,
        r#"select e.id, e.at, e.actor_kind, e.actor_id, m.name as "actor_name?", e.action, e.target_kind, e.target_id,
               e.result, e.reason, e.origin, e.trace_id, e.before, e.after
           from audit_entries e
           left join members m on m.business_id = $1 and m.id = e.actor_id
           where e.business_id = $1 and e.id >= $2 and e.id <= $3 and e.id = any($4)
           order by e.id desc"#,
        business.0,
        first,
        last,
        &found[..],
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Entry::try_from).collect::<Result<_, _>>().map(Some)
}

/// The newest entries that a filter names; none where finding them takes too long.
///
/// # Errors
/// Refused without `audit.read`.
pub async fn list(tx: &mut TenantTx, filter: &AuditFilter, limit: i64) -> Result<Vec<Entry>, StoreError> {
    Ok(page(tx, filter, Place::Newest, limit).await?.unwrap_or_default())
}

/// The entries that a filter names behind `after`, or from the first on, from old to new: what an export writes.
///
/// # Errors
/// Refused without `audit.export` (people).
pub async fn behind(
    tx: &mut TenantTx,
    filter: &AuditFilter,
    after: Option<AuditId>,
    limit: i64,
) -> Result<Vec<AuditId>, StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::AuditExport))?;
    let place = Place::After(after.unwrap_or(AuditId(Uuid::nil())));
    let found = ids(tx, &Asked::of(filter), place, limit).await?;
    Ok(found.into_iter().map(AuditId).collect())
}

/// A plan for any values would walk along the key and look at each entry: these statements are planned for their own.
pub(super) async fn plan_anew(tx: &mut TenantTx) -> Result<(), StoreError> {
    sqlx::query!("set local plan_cache_mode = force_custom_plan").execute(tx.conn()).await?;
    Ok(())
}

/// Until the savepoint, statements take two seconds at most: somebody waits, and others want the connection.
pub(super) async fn set_patience(tx: &mut TenantTx) -> Result<(), StoreError> {
    sqlx::query!("set local statement_timeout = '2s'").execute(tx.conn()).await?;
    Ok(())
}

/// As [`ids`], for people who wait. Absent where it takes too long.
pub(super) async fn quick_ids(
    tx: &mut TenantTx,
    asked: &Asked<'_>,
    place: Place,
    limit: i64,
) -> Result<Option<Vec<Uuid>>, StoreError> {
    tx.savepoint().await?;
    set_patience(tx).await?;
    let found = ids(tx, asked, place, limit).await;
    tx.rollback_to_savepoint().await?;
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_impatience(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The ids of a page, from new to old; behind an entry from old to new.
async fn ids(tx: &mut TenantTx, asked: &Asked<'_>, place: Place, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    plan_anew(tx).await?;
    let (after, before) = match place {
        Place::Newest => (None, None),
        Place::Before(id) => (None, Some(id.0)),
        Place::After(id) => (Some(id.0), None),
    };
    if asked.is_by_words() {
        return searched(tx, asked, after, before, limit).await;
    }
    match after {
        Some(after) => newer(tx, asked, after, limit).await,
        None => older(tx, asked, before, limit).await,
    }
}

async fn older(
    tx: &mut TenantTx,
    asked: &Asked<'_>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let business = tx.business();
    let ids = sqlx::query_scalar!(
        "select a.id from audit_entries a
         where a.business_id = $1 and a.id >= $2 and a.id <= $3
           and ($4::uuid is null or a.actor_id = $4)
           and ($5::text is null or a.actor_kind = $5)
           and ($6::text is null or a.action = $6)
           and ($7::uuid is null or a.target_id = $7)
           and ($8::text is null or a.result = $8)
           and ($9::uuid is null or a.trace_id = $9)
           and ($10::timestamptz is null or a.at >= $10)
           and ($11::timestamptz is null or a.at < $11)
           and ($12::uuid is null or a.id < $12)
         order by a.id desc
         limit $13",
        business.0,
        asked.low,
        asked.high,
        asked.actor,
        asked.actor_kind,
        asked.action,
        asked.target,
        asked.result,
        asked.trace,
        asked.from,
        asked.to,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

async fn newer(tx: &mut TenantTx, asked: &Asked<'_>, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let business = tx.business();
    let ids = sqlx::query_scalar!(
        "select a.id from audit_entries a
         where a.business_id = $1 and a.id >= $2 and a.id <= $3 and a.id > $12
           and ($4::uuid is null or a.actor_id = $4)
           and ($5::text is null or a.actor_kind = $5)
           and ($6::text is null or a.action = $6)
           and ($7::uuid is null or a.target_id = $7)
           and ($8::text is null or a.result = $8)
           and ($9::uuid is null or a.trace_id = $9)
           and ($10::timestamptz is null or a.at >= $10)
           and ($11::timestamptz is null or a.at < $11)
         order by a.id
         limit $13",
        business.0,
        asked.low,
        asked.high,
        asked.actor,
        asked.actor_kind,
        asked.action,
        asked.target,
        asked.result,
        asked.trace,
        asked.from,
        asked.to,
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

async fn searched(
    tx: &mut TenantTx,
    asked: &Asked<'_>,
    after: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"select s.id as "id!"
           from lobby.audit_search($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) s"#,
        &asked.words[..],
        asked.ip.as_deref(),
        asked.actor,
        asked.actor_kind,
        asked.action,
        asked.target,
        asked.target_kind,
        asked.result,
        asked.trace,
        asked.from,
        asked.to,
        asked.low,
        asked.high,
        after,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// The smallest `UUIDv7` of an instant.
#[must_use]
pub fn id_floor(at: At) -> Uuid {
    floor(u128::from(u64::try_from(at.millis()).unwrap_or(0)))
}

fn floor(millis: u128) -> Uuid {
    Uuid::from_u128(millis.min((1 << 48) - 1) << 80)
}

/// The ids that entries of a trace can have. A trace is drawn when a request or a job begins, and nothing that is done under
/// one takes a day. Absent for an id that holds no time.
fn around(trace: Uuid) -> Option<(Uuid, Uuid)> {
    let millis = trace.as_u128() >> 80;
    (trace.get_version_num() == 7).then(|| (floor(millis.saturating_sub(60_000)), floor(millis + 86_400_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_says_which_ids_can_be_meant() {
        let at = |text: &str| At(text.parse().expect("an instant"));
        let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        let filter = AuditFilter { from: Some(from.0), to: Some(to.0), ..AuditFilter::default() };
        let asked = Asked::of(&filter);
        assert!(asked.low < id_floor(from) && id_floor(to) < asked.high, "both clocks may be off a little");
        assert!(!asked.is_by_words());
        let all = AuditFilter::default();
        assert_eq!((Asked::of(&all).low, Asked::of(&all).high), (Uuid::nil(), Uuid::max()));
    }

    #[test]
    fn a_trace_says_when_it_was() {
        let at = At("2026-01-01T00:00:00Z".parse().expect("an instant"));
        let trace = Uuid::from_u128(id_floor(at).as_u128() | (7 << 76));
        let (low, high) = around(trace).expect("it holds a time");
        assert!(low < id_floor(at) && id_floor(at.plus(3600)) < high && high < id_floor(at.plus(2 * 86_400)));
        assert_eq!(around(Uuid::from_u128(7)), None);
    }

    #[test]
    fn what_is_in_no_column_alone_is_looked_for_by_words() {
        for text in ["owner", "ip:192.0.2.1", "target:call"] {
            let filter: AuditFilter = text.parse().expect("a filter");
            assert!(Asked::of(&filter).is_by_words(), "{text}");
        }
        let filter: AuditFilter = "actor:job action:call.viewed result:done".parse().expect("a filter");
        assert!(!Asked::of(&filter).is_by_words());
    }
}
