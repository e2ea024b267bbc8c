//! How jobs stand, in figures: for the homes of people. What is a figure here is a filter of the list (`pages::work_orders`), so
//! that whoever follows one finds as many.

use super::{codes, reach};
use crate::{
    model::work_order::WorkOrderState,
    server::{
        kit::At,
        store::{StoreError, TenantTx},
    },
};

/// Jobs in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Today {
    /// Of the day, but for what was canceled.
    pub total: i64,
    /// Of the day.
    pub done: i64,
    /// Of the day.
    pub unassigned: i64,
    /// Of any day: somebody is on the way, or there.
    pub under_way: i64,
    /// Of any day: the window is over, and nobody has come.
    pub late: i64,
    /// Of the day and of those before, and not over.
    pub to_do: i64,
}

impl Today {
    /// Whether there is nothing to say: no job of the day, and none left of others.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0 && self.under_way == 0 && self.late == 0 && self.to_do == 0
    }
}

/// The jobs of a day, and what is not over of others; with own reach one's own.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn today(tx: &mut TenantTx, from: At, until: At) -> Result<Today, StoreError> {
    let own = reach(tx)?;
    let (business, now) = (tx.business(), tx.now());
    let (under_way, waiting) = (codes(&WorkOrderState::UNDER_WAY), codes(&WorkOrderState::WAITING));
    let row = sqlx::query!(
        r#"select count(*) filter (where j.is_of_day and j.state <> 'canceled') as "total!",
               count(*) filter (where j.is_of_day and j.state = 'done') as "done!",
               count(*) filter (where j.is_of_day and j.state = 'new') as "unassigned!",
               count(*) filter (where j.state = any($5::text[])) as "under_way!",
               count(*) filter (where j.state = any($6::text[]) and j.window_to <= $7) as "late!",
               count(*) filter (where j.closed_at is null and j.window_from < $3) as "to_do!"
           from (
               select w.state, w.window_from, w.window_to, w.closed_at,
                   w.window_from >= $2 and w.window_from < $3 as is_of_day
               from work_orders w
               where w.business_id = $1
                   and (w.closed_at is null or (w.window_from >= $2 and w.window_from < $3))
                   and ($4::uuid is null or w.member_id = $4)
           ) j"#,
        business.0,
        from,
        until,
        own,
        &under_way,
        &waiting,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Today {
        total: row.total,
        done: row.done,
        unassigned: row.unassigned,
        under_way: row.under_way,
        late: row.late,
        to_do: row.to_do,
    })
}
