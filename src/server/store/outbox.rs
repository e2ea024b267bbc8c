//! The outbox: live events as rows of the transaction that caused them. Ids only.
//!
//! Reading is by (xid, id) below the snapshot's xmin: everything there is settled, so nothing can appear behind a
//! cursor that has passed.

use std::iter;

use sqlx::PgPool;
use uuid::Uuid;

use super::{StoreError, TenantTx};
use crate::{
    model::id::{BusinessId, CallId, MemberId, PopId, WorkOrderId},
    server::{kit::At, live::Cursor},
};

/// A row of the outbox.
#[derive(Debug, Clone)]
pub struct Row {
    pub cursor: Cursor,
    pub business: BusinessId,
    pub topic: String,
    pub subject: Uuid,
    pub member: Option<MemberId>,
    /// All of whom it tells, where it tells of several (see [`put_moved`]).
    pub members: Vec<MemberId>,
}

impl Row {
    /// The technicians of whom a position or a shift tells; not each of them once.
    pub fn moved(&self) -> impl Iterator<Item = MemberId> {
        iter::once(MemberId(self.subject)).chain(self.members.iter().copied())
    }
}

/// What happened, for whom.
#[derive(Debug, Clone, Copy)]
pub enum Topic {
    Call(CallId),
    Pop(PopId, MemberId),
    PopGone(PopId, MemberId),
    /// A technician's shift began or ended. Positions have an event of their own: [`put_moved`].
    Shift(MemberId),
    /// What an agent says of themselves.
    Agent(MemberId),
    /// For whoever sees all, and for this technician.
    WorkOrder(WorkOrderId, Option<MemberId>),
}

/// Adds an event to this transaction. Whoever may write the subject may say so.
///
/// # Errors
/// The database cannot be reached.
pub async fn put(tx: &mut TenantTx, topic: Topic) -> Result<(), StoreError> {
    let business = tx.business();
    let (name, subject, member) = match topic {
        Topic::Call(call) => ("call", call.0, None),
        Topic::Pop(pop, member) => ("pop", pop.0, Some(member.0)),
        Topic::PopGone(pop, member) => ("pop_gone", pop.0, Some(member.0)),
        Topic::Shift(member) => ("shift", member.0, Some(member.0)),
        Topic::Agent(member) => ("agent", member.0, None),
        Topic::WorkOrder(order, member) => ("work_order", order.0, member.map(|member| member.0)),
    };
    sqlx::query!(
        "insert into outbox (business_id, topic, subject_id, member_id) values ($1, $2, $3, $4)",
        business.0,
        name,
        subject,
        member
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Adds one event for all technicians who moved in a flush, for an event each would cost as much as their positions. The
/// relay reads those of a batch together anyway. Its subject is the first of them.
///
/// # Errors
/// The database cannot be reached.
pub async fn put_moved(tx: &mut TenantTx, members: &[MemberId]) -> Result<(), StoreError> {
    let Some(first) = members.first() else { return Ok(()) };
    let business = tx.business();
    let members: Vec<Uuid> = members.iter().map(|member| member.0).collect();
    sqlx::query!(
        "insert into outbox (business_id, topic, subject_id, member_id, member_ids) values ($1, 'position', $2, $2, $3)",
        business.0,
        first.0,
        &members
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn all_of(members: Option<Vec<Uuid>>) -> Vec<MemberId> {
    members.unwrap_or_default().into_iter().map(MemberId).collect()
}

fn cursor(xid: &str, id: i64, at: At) -> Result<Cursor, StoreError> {
    let xid = xid.parse().map_err(|_| StoreError::Unreadable { column: "outbox.xid" })?;
    Ok(Cursor { xid, id, at: at.as_second() })
}

/// The newest settled place, for who starts now.
///
/// # Errors
/// The database cannot be reached.
pub async fn head(db: &PgPool, now: At) -> Result<Cursor, StoreError> {
    let row = sqlx::query!(r#"select xid as "xid!", id as "id!" from lobby.outbox_head()"#).fetch_optional(db).await?;
    row.map_or(Ok(Cursor { xid: 0, id: 0, at: now.as_second() }), |r| cursor(&r.xid, r.id, now))
}

/// What comes after a place, in all businesses: for the relay.
///
/// # Errors
/// The database cannot be reached.
pub async fn after(db: &PgPool, from: Cursor, limit: i32) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query!(
        r#"select xid as "xid!", id as "id!", business_id as "business_id!", topic as "topic!",
               subject_id as "subject_id!", member_id, member_ids, at as "at!"
           from lobby.outbox_after($1, $2, $3)"#,
        from.xid.to_string(),
        from.id,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Row {
                cursor: cursor(&r.xid, r.id, r.at)?,
                business: BusinessId(r.business_id),
                topic: r.topic,
                subject: r.subject_id,
                member: r.member_id.map(MemberId),
                members: all_of(r.member_ids),
            })
        })
        .collect()
}

/// What comes after a place in this business: for a stream that comes back. The newest event of each subject is
/// enough, because content is read when it is sent.
///
/// # Errors
/// The database cannot be reached.
pub async fn replay(tx: &mut TenantTx, from: Cursor, limit: i64) -> Result<Vec<Row>, StoreError> {
    select(tx, from, limit, true).await
}

/// As [`replay`], but for positions: there are many, and whoever shows them begins with all that are there.
///
/// # Errors
/// The database cannot be reached.
pub async fn missed(tx: &mut TenantTx, from: Cursor, limit: i64) -> Result<Vec<Row>, StoreError> {
    select(tx, from, limit, false).await
}

async fn select(tx: &mut TenantTx, from: Cursor, limit: i64, positions: bool) -> Result<Vec<Row>, StoreError> {
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select xid::text as "xid!", id, topic, subject_id, member_id, member_ids, at
           from outbox
           where business_id = $1 and (xid, id) > ($2::text::xid8, $3) and xid < pg_snapshot_xmin(pg_current_snapshot())
               and ($5 or topic <> 'position')
           order by xid, id
           limit $4"#,
        business.0,
        from.xid.to_string(),
        from.id,
        limit,
        positions
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Row {
                cursor: cursor(&r.xid, r.id, r.at)?,
                business,
                topic: r.topic,
                subject: r.subject_id,
                member: r.member_id.map(MemberId),
                members: all_of(r.member_ids),
            })
        })
        .collect()
}

/// Deletes what is older than any cursor may be.
///
/// # Errors
/// The database cannot be reached.
pub async fn trim(db: &PgPool, before: At) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!("select lobby.outbox_trim($1)", before).fetch_one(db).await?.unwrap_or(0))
}
