//! Points on their way in (GPS-1): what is known of their technicians is read, the model judges all points of a flush at once
//! (`model::position::judge`), and what stays is written (`rows`).
//!
//! The limit is three requests of a technician in any minute by time of arrival, and three points in any minute by their own
//! times. It is judged with what is stored in view, and nobody passes it by asking two nodes: [`lock`] comes first, in a
//! statement of its own, so the next ones see what any other node has committed; and until this transaction ends nobody else
//! writes or deletes positions of the business.

use uuid::Uuid;

use super::super::{StoreError, TenantTx};
use super::{rows, standing};
pub use crate::model::position::judge::{Fate, NewPoint};
use crate::{
    model::{
        id::MemberId,
        position::{Refusal, judge},
    },
    server::kit::At,
};

/// How often something was refused to somebody.
pub type Refused = (MemberId, Refusal, i64);

/// One flush of a business at a time, on all nodes.
///
/// # Errors
/// Refused for people.
pub async fn lock(tx: &mut TenantTx) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    // The first number is ours (0x47505331, «GPS1»); two businesses with one second number wait for each other, no more.
    sqlx::query!("select pg_advisory_xact_lock(1196446513, hashtext($1))", business.0.to_string())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Stores what may be stored of a flush, with the latest position of each technician and the live event, and says of each
/// point what became of it. After [`lock`], in its transaction.
///
/// # Errors
/// Refused for people; stale when somebody has written without [`lock`].
pub async fn write(tx: &mut TenantTx, points: &[NewPoint]) -> Result<Vec<Fate>, StoreError> {
    tx.machine()?;
    let mut standings = standing::read(tx, points).await?;
    let late = judge::late(points, &standings);
    standing::look_around(tx, &late, &mut standings).await?;
    // As it will be stored: a column keeps microseconds.
    let now = At::from_micros(tx.now().micros());
    let verdict = judge::judge(now.0, points, &standings);
    rows::store(tx, &verdict).await?;
    Ok(verdict.fates)
}

/// Counts what was refused, per technician and day.
///
/// # Errors
/// Refused for people.
pub async fn count_refusals(tx: &mut TenantTx, refused: &[Refused]) -> Result<(), StoreError> {
    tx.machine()?;
    if refused.is_empty() {
        return Ok(());
    }
    let (business, now) = (tx.business(), tx.now());
    let members: Vec<Uuid> = refused.iter().map(|(member, ..)| member.0).collect();
    let reasons: Vec<String> = refused.iter().map(|(_, reason, _)| reason.code().to_owned()).collect();
    let counts: Vec<i64> = refused.iter().map(|(.., count)| *count).collect();
    sqlx::query!(
        "insert into position_refusals (business_id, member_id, day, reason, count)
         select $1, r.member_id, ($2::timestamptz at time zone 'utc')::date, r.reason, sum(r.count)::bigint
         from unnest($3::uuid[], $4::text[], $5::bigint[]) as r (member_id, reason, count)
         group by r.member_id, r.reason
         order by r.member_id, r.reason
         on conflict (business_id, member_id, day, reason)
         do update set count = position_refusals.count + excluded.count",
        business.0,
        now,
        &members,
        &reasons,
        &counts
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
