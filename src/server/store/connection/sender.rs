//! By which connection a business sends text messages.

use super::Connection;
use crate::server::store::{StoreError, TenantTx};

/// The business's newest active connection to one of these providers that has a number to text from.
///
/// # Errors
/// Refused for people.
pub async fn sender(tx: &mut TenantTx, providers: &[String]) -> Result<Option<Connection>, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let row = sqlx::query_as!(
        Connection,
        "select id, provider, label, account, number, base_url, state, created_at, rotated_at, revoked_at,
             last_event_at, tested_at, test_result
         from connections
         where business_id = $1 and provider = any($2) and state = 'active' and number is not null
         order by created_at desc, id desc limit 1",
        business.0,
        providers
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// Whether there is one that [`sender`] would find. Everybody in the business may know: it says whether codes can be
/// texted to them, and nothing about the connection.
///
/// # Errors
/// The database cannot be reached.
pub async fn has_sender(tx: &mut TenantTx, providers: &[String]) -> Result<bool, StoreError> {
    let business = tx.business();
    let found = sqlx::query_scalar!(
        r#"select exists (
               select from connections
               where business_id = $1 and provider = any($2) and state = 'active' and number is not null
           ) as "found!""#,
        business.0,
        providers
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}
