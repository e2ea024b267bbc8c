//! Screen pops (POP-1, POP-2): sealed, for one person, for five minutes.

use super::{StoreError, TenantTx};
use crate::{
    model::{
        id::{CallId, MemberId, PopId},
        permission::Permission,
    },
    server::kit::At,
};

/// How long a pop lives. The table's check says the same.
pub const SECONDS: i64 = 300;
/// Pops that one desk shows at once.
const SHOWN: i64 = 5;

/// A pop as it is stored.
pub struct SealedPop {
    pub id: PopId,
    pub call: CallId,
    pub sealed: Vec<u8>,
    pub expires_at: At,
}

/// Stores a pop for a member; false when this call has popped there before.
///
/// # Errors
/// Refused for people.
pub async fn insert(
    tx: &mut TenantTx,
    id: PopId,
    call: CallId,
    member: MemberId,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "insert into screen_pops (business_id, id, call_id, member_id, sealed, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (business_id, call_id, member_id) do nothing",
        business.0,
        id.0,
        call.0,
        member.0,
        sealed,
        now,
        now.plus(SECONDS)
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a call's pop away from a desk that stopped ringing unanswered.
///
/// # Errors
/// Refused for people.
pub async fn withdraw(tx: &mut TenantTx, call: CallId, member: MemberId) -> Result<Option<PopId>, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let id = sqlx::query_scalar!(
        "delete from screen_pops where business_id = $1 and call_id = $2 and member_id = $3 returning id",
        business.0,
        call.0,
        member.0
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(id.map(PopId))
}

fn viewer(tx: &TenantTx) -> Result<uuid::Uuid, StoreError> {
    tx.may(Permission::ScreenPop)?;
    tx.caller().actor.uuid().ok_or(StoreError::Refused)
}

/// The pops that are open for the one who asks, and for nobody else, oldest first; of very many the newest, because the call
/// that rings now is what they look for.
///
/// # Errors
/// Refused without `screen_pop`.
pub async fn open(tx: &mut TenantTx) -> Result<Vec<SealedPop>, StoreError> {
    let member = viewer(tx)?;
    let (business, now) = (tx.business(), tx.now());
    let rows = sqlx::query!(
        "select id, call_id, sealed, expires_at from screen_pops
         where business_id = $1 and member_id = $2 and expires_at > $3 and acknowledged_at is null
         order by created_at desc, id desc limit $4",
        business.0,
        member,
        now,
        SHOWN
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .rev()
        .map(|r| SealedPop { id: PopId(r.id), call: CallId(r.call_id), sealed: r.sealed, expires_at: r.expires_at })
        .collect())
}

/// Acknowledges a pop of one's own: whose it was. Nobody's when it is not one's own, over, or acknowledged already.
///
/// # Errors
/// Refused without `screen_pop`.
pub async fn acknowledge(tx: &mut TenantTx, id: PopId) -> Result<Option<MemberId>, StoreError> {
    let member = viewer(tx)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update screen_pops set acknowledged_at = $4
         where business_id = $1 and id = $2 and member_id = $3 and expires_at > $4 and acknowledged_at is null",
        business.0,
        id.0,
        member,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok((done.rows_affected() == 1).then_some(MemberId(member)))
}
