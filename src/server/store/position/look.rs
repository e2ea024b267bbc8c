//! Who looked at where technicians are: once per viewer and span, for the technician to see.

use super::{StoreError, TenantTx};
use crate::{
    model::{
        id::{LookId, MemberId},
        permission::Permission,
        position::Look,
    },
    server::{kit::At, store::tx::Whose},
};

/// The newest looks that a technician is shown.
const SHOWN: i64 = 50;

/// One look at a technician's location.
#[derive(Debug, Clone)]
pub struct Looked {
    pub at: At,
    /// Who looked, by name.
    pub by: String,
    /// The stored form of [`Look`].
    pub what: String,
}

/// Writes down that the caller looks, unless they did in this span already; true when it is new. Gated by insert: two
/// requests at once write one.
///
/// # Errors
/// Refused without `map`, and for machines.
pub async fn look(tx: &mut TenantTx, id: LookId, what: Look, span_at: At) -> Result<bool, StoreError> {
    tx.may(Permission::Map)?;
    let (business, now, viewer) = (tx.business(), tx.now(), tx.caller().actor.uuid());
    let done = sqlx::query!(
        "insert into location_looks (business_id, id, viewer_id, member_id, what, span_at, looked_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict on constraint location_looks_key do nothing",
        business.0,
        id.0,
        viewer,
        what.member().map(|member| member.0),
        what.code(),
        span_at,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The newest looks at a technician: at them, or at all while a shift of theirs was open. Newest first.
///
/// # Errors
/// Refused without `positions.send` for anybody but oneself.
pub async fn looks_at(tx: &mut TenantTx, member: MemberId) -> Result<Vec<Looked>, StoreError> {
    if tx.may(Permission::PositionsSend)? != Whose::Only(member) {
        return Err(StoreError::Refused);
    }
    let business = tx.business();
    let rows = sqlx::query!(
        "select k.looked_at, k.what, m.name
         from location_looks k join members m on m.business_id = $1 and m.id = k.viewer_id
         where k.business_id = $1 and k.viewer_id <> $2
             and (
                 k.member_id = $2
                 or k.member_id is null and exists (
                     select from shifts s
                     where s.business_id = $1 and s.member_id = $2 and s.began_at <= k.span_at + interval '600 seconds'
                         and (s.ended_at is null or s.ended_at >= k.looked_at)
                 )
             )
         order by k.span_at desc, k.looked_at desc
         limit $3",
        business.0,
        member.0,
        SHOWN
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| Looked { at: r.looked_at, by: r.name, what: r.what }).collect())
}
