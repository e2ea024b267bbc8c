//! What the live board measures by, its queues, and the service level (TEL-2).

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        board::{LEVEL_SECONDS, MOST_QUEUES, Measures},
        id::QueueId,
        permission::Permission,
        phone::Phone,
    },
    ui::wire::live::{Tally, TallyLine},
};

/// What counts as too long, and as good. Everybody in the business may know.
///
/// # Errors
/// The database cannot be reached.
pub async fn measures(tx: &mut TenantTx) -> Result<Measures, StoreError> {
    let business = tx.business();
    let row = sqlx::query_as!(
        Measures,
        "select warn_seconds, bad_seconds, answer_seconds, target_percent from board_settings where business_id = $1",
        business.0
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.unwrap_or(Measures::DEFAULT))
}

/// Changes what the board measures by.
///
/// # Errors
/// Refused without `settings`.
pub async fn put_measures(tx: &mut TenantTx, measures: Measures) -> Result<(), StoreError> {
    tx.may_all(Permission::Settings)?;
    let (business, now, by) = (tx.business(), tx.now(), tx.caller().actor.uuid());
    sqlx::query!(
        "insert into board_settings (business_id, warn_seconds, bad_seconds, answer_seconds, target_percent, changed_by,
             changed_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (business_id) do update
         set warn_seconds = excluded.warn_seconds, bad_seconds = excluded.bad_seconds,
             answer_seconds = excluded.answer_seconds, target_percent = excluded.target_percent,
             changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        business.0,
        measures.warn_seconds,
        measures.bad_seconds,
        measures.answer_seconds,
        measures.target_percent,
        by,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A number of ours that customers call, and what people call it.
#[derive(Debug, Clone)]
pub struct Queue {
    pub id: QueueId,
    pub name: String,
    pub number: Phone,
}

/// The queues, by name. Everybody in the business may know: the board names them, and numbers are shown masked.
///
/// # Errors
/// The database cannot be reached.
pub async fn queues(tx: &mut TenantTx) -> Result<Vec<Queue>, StoreError> {
    let business = tx.business();
    let rows = sqlx::query!("select id, name, number from queues where business_id = $1 order by name, id", business.0)
        .fetch_all(tx.conn())
        .await?;
    rows.into_iter()
        .map(|r| Ok(Queue { id: QueueId(r.id), name: r.name, number: read("queues.number", &r.number)? }))
        .collect()
}

/// Names a number as a queue, and says whether there was room for it.
///
/// # Errors
/// Refused without `settings`; taken when name or number is in use.
pub async fn add_queue(tx: &mut TenantTx, queue: &Queue) -> Result<bool, StoreError> {
    tx.may_all(Permission::Settings)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "insert into queues (business_id, id, name, number, created_at)
         select $1, $2, $3, $4, $5 where (select count(*) from queues q where q.business_id = $1) < $6",
        business.0,
        queue.id.0,
        queue.name,
        queue.number.reveal(),
        now,
        i64::from(MOST_QUEUES),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes a queue. The number rings as before.
///
/// # Errors
/// Refused without `settings`; missing when it is not this business's.
pub async fn remove_queue(tx: &mut TenantTx, id: QueueId) -> Result<(), StoreError> {
    tx.may_all(Permission::Settings)?;
    let business = tx.business();
    let done = sqlx::query!("delete from queues where business_id = $1 and id = $2", business.0, id.0)
        .execute(tx.conn())
        .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// How many of the calls that came in within the last hour, and were answered or have ended since, were answered in time, by
/// queue. Masked calls are not the desks' to answer; those of customers whom the technician did not answer are, from then on.
///
/// # Errors
/// Refused for people who do not see the whole board.
pub async fn tally(tx: &mut TenantTx, measures: Measures) -> Result<Tally, StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::LiveBoard))?;
    let (business, now) = (tx.business(), tx.now());
    let rows = sqlx::query!(
        r#"select q.id as "queue?", count(*) as "offered!",
               count(*) filter (
                   where c.answered_at <= coalesce(k.missed_at, c.started_at) + $3::int * interval '1 second'
               ) as "within!"
           from calls c
           left join queues q on q.business_id = $1 and q.number = c.own_number
           left join masked_calls k on k.business_id = $1 and k.call_id = c.id
           where c.business_id = $1 and c.direction = 'inbound' and c.started_at > $2
             and (c.answered_at is not null or c.ended_at is not null)
             and (k.call_id is null or (k.missed_at is not null and k.side = 'customer'))
           group by q.id
           order by q.id"#,
        business.0,
        now.plus(-LEVEL_SECONDS),
        measures.answer_seconds,
    )
    .fetch_all(tx.conn())
    .await?;
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let lines = rows.into_iter().map(|r| TallyLine {
        queue: r.queue.map(QueueId),
        offered: count(r.offered),
        within: count(r.within),
    });
    Ok(Tally { lines: lines.collect(), at: now.millis() })
}
