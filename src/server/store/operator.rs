//! Grants of the operator's access (TEN-6): opened by a command of the operator's, ended by them, by the business or by time.
//! What the operator sees under one stands in [`look`]. Times are the database's, as its policy goes by them.

pub mod look;

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        id::{OperatorGrantId, TraceId},
        operator::Ending,
        permission::Permission,
    },
    server::{caller::Actor, kit::At},
};

/// How many grants a list shows.
const MOST: i64 = 100;

/// The operator's access to this business, once.
#[derive(Debug, Clone)]
pub struct Grant {
    pub id: OperatorGrantId,
    pub reason: String,
    pub ticket: String,
    /// What all entries about it and under it carry.
    pub trace: TraceId,
    pub granted_at: At,
    pub expires_at: At,
    pub is_open: bool,
    pub end: Option<End>,
    /// How often the operator looked.
    pub looks: i64,
}

/// How a grant ended.
#[derive(Debug, Clone)]
pub struct End {
    pub at: At,
    pub ending: Ending,
    /// Who of the business ended it.
    pub by: Option<String>,
}

/// For who ends them, who keeps the evidence, and the operator.
fn may_read(tx: &TenantTx) -> Result<(), StoreError> {
    tx.operator()
        .map(|_| ())
        .or_else(|_| tx.may_all(Permission::Operators))
        .or_else(|_| tx.may_all(Permission::AuditRead))
}

/// The last hundred grants, newest first.
///
/// # Errors
/// Refused without `operators` or `audit.read` (people), and for machines.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Grant>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select g.id, g.reason, g.ticket, g.trace_id, g.granted_at, g.expires_at, g.ended_at, g.ending,
               m.name as "ended_by?",
               (g.ended_at is null and g.expires_at > clock_timestamp()) as "is_open!",
               (
                   select count(*) from audit_entries e
                   where e.business_id = $1 and e.actor_id = g.id and e.action = 'operator.looked'
               ) as "looks!"
           from operator_grants g
           left join members m on m.business_id = $1 and m.id = g.ended_by
           where g.business_id = $1
           order by g.granted_at desc, g.id
           limit $2"#,
        business.0,
        MOST
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            let end = match (r.ended_at, r.ending) {
                (Some(at), Some(ending)) => {
                    Some(End { at, ending: read("operator_grants.ending", &ending)?, by: r.ended_by })
                }
                _ => None,
            };
            Ok(Grant {
                id: OperatorGrantId(r.id),
                reason: r.reason,
                ticket: r.ticket,
                trace: TraceId(r.trace_id),
                granted_at: r.granted_at,
                expires_at: r.expires_at,
                is_open: r.is_open,
                end,
                looks: r.looks,
            })
        })
        .collect()
}

/// The ticket of the grant that is open now.
///
/// # Errors
/// Refused without `operators` or `audit.read` (people), and for machines.
pub async fn open_ticket(tx: &mut TenantTx) -> Result<Option<String>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let ticket = sqlx::query_scalar!(
        "select ticket from operator_grants
         where business_id = $1 and ended_at is null and expires_at > clock_timestamp()",
        business.0
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(ticket)
}

/// Opens the grant that this transaction acts under, and says until when. Nothing while another one is open.
///
/// # Errors
/// Refused for everybody but the operator.
pub async fn open(tx: &mut TenantTx, reason: &str, ticket: &str, hours: i32) -> Result<Option<At>, StoreError> {
    let id = tx.operator()?;
    let (business, trace) = (tx.business(), tx.caller().trace);
    let expires = sqlx::query_scalar!(
        "insert into operator_grants (business_id, id, reason, ticket, trace_id, expires_at)
         values ($1, $2, $3, $4, $5, now() + make_interval(hours => $6))
         on conflict (business_id) where ended_at is null do nothing
         returning expires_at",
        business.0,
        id.0,
        reason,
        ticket,
        trace.0,
        hours
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(expires)
}

/// Ends a grant, by a person of the business or by the operator, and says how it ended: one whose time was over before has run
/// out.
///
/// # Errors
/// Refused without `operators` (people), for machines, and for another grant than the operator's own; missing when it is not
/// this business's; stale when it has ended already.
pub async fn end(tx: &mut TenantTx, id: OperatorGrantId) -> Result<Ending, StoreError> {
    let (ending, by) = match tx.caller().actor {
        Actor::Operator(own) if own == id => (Ending::Operator, None),
        actor => {
            tx.may_all(Permission::Operators)?;
            (Ending::Business, actor.uuid())
        }
    };
    let business = tx.business();
    let ended = sqlx::query_scalar!(
        r#"update operator_grants
           set ended_at = least(clock_timestamp(), expires_at),
               ending = case when expires_at <= clock_timestamp() then 'time' else $3::text end,
               ended_by = case when expires_at <= clock_timestamp() then null else $4::uuid end
           where business_id = $1 and id = $2 and ended_at is null
           returning ending as "ending!""#,
        business.0,
        id.0,
        ending.code(),
        by
    )
    .fetch_optional(tx.conn())
    .await?;
    if let Some(ended) = ended {
        return read("operator_grants.ending", &ended);
    }
    sqlx::query_scalar!(
        r#"select 1 as "one!" from operator_grants where business_id = $1 and id = $2"#,
        business.0,
        id.0
    )
    .fetch_one(tx.conn())
    .await?;
    Err(StoreError::Stale)
}

/// Marks a grant of this business as ended whose time is over, and gives it back.
///
/// # Errors
/// Refused for everybody but machines.
pub async fn expire(tx: &mut TenantTx) -> Result<Option<OperatorGrantId>, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let id = sqlx::query_scalar!(
        "update operator_grants set ended_at = expires_at, ending = 'time'
         where business_id = $1 and ended_at is null and expires_at <= clock_timestamp()
         returning id",
        business.0
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(id.map(OperatorGrantId))
}
