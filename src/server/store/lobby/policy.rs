//! What a business asks of its people beyond a password: a second factor (ACC-3), a network (ACC-9); and what ends when
//! somebody leaves one.

use std::net::IpAddr;

use sqlx::PgPool;

use crate::{
    model::{
        id::{BusinessId, MemberId},
        permission::{Permission, Role},
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx, types::read},
    },
};

/// Whether people of a business may come from this address: from everywhere, unless it names networks.
///
/// # Errors
/// The database cannot be reached.
pub async fn address_allowed(db: &PgPool, business: BusinessId, address: IpAddr) -> Result<bool, StoreError> {
    // A mapped address (`::ffff:192.0.2.1`) is its IPv4 address: ranges are compared in their own family.
    let address = address.to_canonical().to_string();
    let allowed =
        sqlx::query_scalar!(r#"select lobby.address_allowed($1, $2::text::inet) as "allowed!""#, business.0, address)
            .fetch_one(db)
            .await?;
    Ok(allowed)
}

/// Somebody without a second factor, and when they must have one; never, when no rule asks for it.
#[derive(Debug, Clone)]
pub struct WithoutFactor {
    pub member: MemberId,
    pub name: String,
    pub role: Role,
    pub due: Option<At>,
}

/// The people of this business who have no second factor, those who need one first.
///
/// # Errors
/// Refused without `settings`.
pub async fn members_without_factor(tx: &mut TenantTx) -> Result<Vec<WithoutFactor>, StoreError> {
    tx.may_all(Permission::Settings)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select member_id as "member_id!", name as "name!", role as "role!", due_at as "due_at?"
           from lobby.members_without_factor($1)"#,
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            let role = read("members.role", &r.role)?;
            Ok(WithoutFactor { member: MemberId(r.member_id), name: r.name, role, due: r.due_at })
        })
        .collect()
}

/// Revokes a person's token families in this business, as part of the transaction that removes them from it, and says how
/// many there were. Those in other businesses go on.
///
/// # Errors
/// Refused without `team.manage`; missing when it is nobody of this business.
pub async fn token_families_revoke_member(tx: &mut TenantTx, member: MemberId) -> Result<i64, StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let (business, now) = (tx.business(), tx.now());
    // The person comes from this business's own row, so that nobody of another one can be named.
    let revoked = sqlx::query_scalar!(
        r#"select lobby.token_families_revoke_member(m.business_id, m.user_id, $3) as "revoked!"
           from members m where m.business_id = $1 and m.id = $2"#,
        business.0,
        member.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(revoked)
}
