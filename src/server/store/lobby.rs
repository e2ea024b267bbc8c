//! What runs before a tenant is known: each function calls one definer function of migration 0008, which is the
//! whole list of holes in the tenant wall. Sessions have their own file, [`super::session`]; founding and joining stand
//! in [`joining`], what waits its turn in [`queue`].

mod audit_stream;
mod challenge;
mod device;
mod factor;
mod factor_reset;
mod identity;
mod joining;
mod link;
mod lockout;
mod operator;
mod passkey;
mod policy;
mod position;
mod queue;
mod review;
mod seal;
mod signing_key;
mod text;
mod token;
mod tracking;
mod wallboard;

pub use audit_stream::*;
pub use challenge::*;
pub use device::*;
pub use factor::*;
pub use factor_reset::*;
pub use identity::*;
pub use joining::*;
pub use link::*;
pub use lockout::*;
pub use operator::*;
pub use passkey::*;
pub use policy::*;
pub use position::*;
pub use queue::*;
pub use review::*;
pub use seal::*;
pub use signing_key::*;
use sqlx::PgPool;
pub use text::*;
pub use token::*;
pub use tracking::*;
pub use wallboard::*;

use super::{StoreError, role::held};
use crate::model::{
    id::{BusinessId, ConnectionId, DataKeyId, MemberId, SecretId, UserId},
    role::HeldRole,
};

/// The account behind an address.
pub struct Account {
    pub user: UserId,
    pub password_hash: String,
}

/// # Errors
/// The database cannot be reached.
pub async fn sign_in_lookup(db: &PgPool, email: &str) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query!(
        r#"select user_id as "user_id!", password_hash as "password_hash!" from lobby.sign_in_lookup($1)"#,
        email
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| Account { user: UserId(r.user_id), password_hash: r.password_hash }))
}

/// Stores a hash made with today's parameters.
///
/// # Errors
/// The database cannot be reached.
pub async fn password_rehash(db: &PgPool, user: UserId, hash: &str) -> Result<(), StoreError> {
    sqlx::query!("select lobby.password_rehash($1, $2)", user.0, hash).execute(db).await?;
    Ok(())
}

/// A business that a person belongs to.
#[derive(Debug, Clone)]
pub struct Membership {
    pub business: BusinessId,
    pub business_name: String,
    pub member: MemberId,
    pub role: HeldRole,
}

/// # Errors
/// The database cannot be reached.
pub async fn memberships_of(db: &PgPool, user: UserId) -> Result<Vec<Membership>, StoreError> {
    let rows = sqlx::query!(
        r#"select m.business_id as "business_id!", m.business_name as "business_name!", m.member_id as "member_id!",
               coalesce(r.base, m.role) as "role!", r.role_id as "role_id?", r.role_name as "role_name?", r.grants as "grants?"
           from lobby.memberships_of($1) m
           left join lateral lobby.role_of(m.business_id, m.member_id) r on true"#,
        user.0
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Membership {
                business: BusinessId(r.business_id),
                business_name: r.business_name,
                member: MemberId(r.member_id),
                role: held(&r.role, r.role_id, r.role_name, r.grants)?,
            })
        })
        .collect()
}

/// Where a webhook's path token leads.
pub struct WebhookTarget {
    pub business: BusinessId,
    pub connection: ConnectionId,
    pub provider: String,
    pub account: String,
    /// Sealed, each bound to its id.
    pub secrets: Vec<(SecretId, Vec<u8>)>,
}

/// # Errors
/// The database cannot be reached.
pub async fn webhook_target(db: &PgPool, token_hash: &[u8]) -> Result<Option<WebhookTarget>, StoreError> {
    let row = sqlx::query!(
        r#"select business_id as "business_id!", connection_id as "connection_id!", provider as "provider!",
               account as "account!", secret_ids as "secret_ids!", secrets as "secrets!"
           from lobby.webhook_target($1)"#,
        token_hash
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| WebhookTarget {
        business: BusinessId(r.business_id),
        connection: ConnectionId(r.connection_id),
        provider: r.provider,
        account: r.account,
        secrets: r.secret_ids.into_iter().map(SecretId).zip(r.secrets).collect(),
    }))
}

/// A business's data key, wrapped, and the master key that wrapped it.
///
/// # Errors
/// The database cannot be reached.
pub async fn data_key(
    db: &PgPool,
    business: BusinessId,
    key: DataKeyId,
) -> Result<Option<(Vec<u8>, String)>, StoreError> {
    let row = sqlx::query!(
        r#"select wrapped as "wrapped!", master_key as "master_key!" from lobby.data_key($1, $2)"#,
        business.0,
        key.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| (r.wrapped, r.master_key)))
}
