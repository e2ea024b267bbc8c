//! Access reviews (ACC-10): opened by a person or by the clock, decided person by person, closed for good. What changes them
//! stands in [`change`].

mod change;

pub use change::*;

use super::{StoreError, TenantTx, role::held, types::read};
use crate::{
    model::{
        id::{MemberId, ReviewId},
        permission::Permission,
        personal::PersonName,
        review::Decision,
        role::{HeldRole, RoleRef},
    },
    server::kit::At,
};

/// A review, with how far it is.
#[derive(Debug, Clone)]
pub struct Review {
    pub id: ReviewId,
    pub opened_at: At,
    pub due_at: At,
    /// Who opened it; absent where the clock did.
    pub opened_by: Option<String>,
    pub closed_at: Option<At>,
    pub closed_by: Option<String>,
    /// Of the closed one: the hash of all decisions, and what signs it.
    pub record: Option<(Vec<u8>, Vec<u8>)>,
    pub people: i64,
    pub decided: i64,
}

/// One person of a review.
#[derive(Debug, Clone)]
pub struct Item {
    pub member: MemberId,
    pub name: PersonName,
    pub role_then: RoleRef,
    /// What the role is called today, if it is one of the business.
    pub role_then_name: Option<String>,
    pub role_now: HeldRole,
    pub is_active: bool,
    pub joined_at: At,
    pub outcome: Option<Outcome>,
}

/// What was decided about somebody, by whom and when.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub decision: Decision,
    pub new_role: Option<RoleRef>,
    /// What the role is called today, if it is one of the business.
    pub new_role_name: Option<String>,
    pub by: MemberId,
    pub by_name: String,
    pub at: At,
}

/// For who decides, who keeps the evidence, and jobs.
fn may_read(tx: &TenantTx) -> Result<(), StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::TeamManage)).or_else(|_| tx.may_all(Permission::AuditRead))
}

/// All reviews, newest first; one of them when `only` names it.
async fn select(tx: &mut TenantTx, only: Option<ReviewId>) -> Result<Vec<Review>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select r.id, r.opened_at, r.due_at, o.name as "opened_by?", r.closed_at as "closed_at?",
               c.name as "closed_by?", r.record_hash, r.record_mac, t.people as "people!", t.decided as "decided!"
           from reviews r
           left join members o on o.business_id = $1 and o.id = r.opened_by
           left join members c on c.business_id = $1 and c.id = r.closed_by
           cross join lateral (
               select count(*) as people, count(i.decision) as decided from review_items i
               where i.business_id = $1 and i.review_id = r.id
           ) t
           where r.business_id = $1 and ($2::uuid is null or r.id = $2)
           order by r.opened_at desc, r.id"#,
        business.0,
        only.map(|id| id.0)
    )
    .fetch_all(tx.conn())
    .await?;
    let reviews = rows.into_iter().map(|r| Review {
        id: ReviewId(r.id),
        opened_at: r.opened_at,
        due_at: r.due_at,
        opened_by: r.opened_by,
        closed_at: r.closed_at,
        closed_by: r.closed_by,
        record: r.record_hash.zip(r.record_mac),
        people: r.people,
        decided: r.decided,
    });
    Ok(reviews.collect())
}

/// # Errors
/// Refused without `team.manage` or `audit.read`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Review>, StoreError> {
    select(tx, None).await
}

/// # Errors
/// Refused without `team.manage` or `audit.read`; missing when it is not this business's.
pub async fn get(tx: &mut TenantTx, id: ReviewId) -> Result<Review, StoreError> {
    select(tx, Some(id)).await?.pop().ok_or(StoreError::Missing)
}

/// The people of a review, by name.
///
/// # Errors
/// Refused without `team.manage` or `audit.read`.
pub async fn items(tx: &mut TenantTx, id: ReviewId) -> Result<Vec<Item>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select i.member_id, m.name, i.role_then, m.role, m.role_id, r.name as "role_name?",
               array(
                   select g.permission || ' ' || g.reach from role_grants g
                   where g.business_id = $1 and g.role_id = m.role_id
               ) as "grants!",
               m.state, m.joined_at, i.decision, i.new_role, i.decided_by, d.name as "decided_by_name?",
               i.decided_at as "decided_at?", t.name as "role_then_name?", n.name as "new_role_name?"
           from review_items i
           join members m on m.business_id = $1 and m.id = i.member_id
           left join members d on d.business_id = $1 and d.id = i.decided_by
           left join roles r on r.business_id = $1 and r.id = m.role_id
           left join roles t on t.business_id = $1 and 'rol_' || replace(t.id::text, '-', '') = i.role_then
           left join roles n on n.business_id = $1 and 'rol_' || replace(n.id::text, '-', '') = i.new_role
           where i.business_id = $1 and i.review_id = $2
           order by m.name, i.member_id"#,
        business.0,
        id.0
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            let outcome = match (r.decision, r.decided_by, r.decided_at) {
                (Some(decision), Some(by), Some(at)) => Some(Outcome {
                    decision: read("review_items.decision", &decision)?,
                    new_role: r.new_role.map(|role| read("review_items.new_role", &role)).transpose()?,
                    new_role_name: r.new_role_name,
                    by: MemberId(by),
                    by_name: r.decided_by_name.unwrap_or_default(),
                    at,
                }),
                _ => None,
            };
            Ok(Item {
                member: MemberId(r.member_id),
                name: read("members.name", &r.name)?,
                role_then: read("review_items.role_then", &r.role_then)?,
                role_then_name: r.role_then_name,
                role_now: held(&r.role, r.role_id, r.role_name, Some(r.grants))?,
                is_active: r.state == "active",
                joined_at: r.joined_at,
                outcome,
            })
        })
        .collect()
}
