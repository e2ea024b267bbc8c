//! What was sent outside of the audit log's chain: by which way, how far, when.

use uuid::Uuid;

use super::{bytes, may_read};
use crate::{
    model::seal::Digest,
    server::{
        kit::At,
        store::{StoreError, TenantTx},
    },
};

/// A checkpoint that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub way: String,
    /// Where to: a file, or a server. Of mail nothing: an address is somebody's.
    pub place: String,
    pub seq: i64,
    pub hash: Digest,
    pub sent_at: At,
}

struct Row {
    way: String,
    place: String,
    seq: i64,
    hash: Vec<u8>,
    sent_at: At,
}

impl From<Row> for Sent {
    fn from(row: Row) -> Self {
        let Row { way, place, seq, hash, sent_at } = row;
        Self { way, place, seq, hash: bytes(&hash), sent_at }
    }
}

/// Writes down that a seal was sent.
///
/// # Errors
/// Refused for people.
pub async fn sent(tx: &mut TenantTx, id: Uuid, what: &Sent) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    sqlx::query!(
        "insert into audit_checkpoints (business_id, id, way, place, seq, hash, sent_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        business.0,
        id,
        what.way,
        what.place,
        what.seq,
        &what.hash.0[..],
        what.sent_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What was sent from a seal on up to and with another, in the order of the seals.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn sent_between(tx: &mut TenantTx, first: i64, last: i64) -> Result<Vec<Sent>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let rows = sqlx::query_as!(
        Row,
        "select way, place, seq, hash, sent_at from audit_checkpoints
         where business_id = $1 and seq >= $2 and seq <= $3
         order by seq, sent_at",
        business.0,
        first,
        last
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Sent::from).collect())
}

/// The newest of each way.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn last_sent(tx: &mut TenantTx) -> Result<Vec<Sent>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let rows = sqlx::query_as!(
        Row,
        "select distinct on (way) way, place, seq, hash, sent_at from audit_checkpoints
         where business_id = $1 order by way, sent_at desc",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Sent::from).collect())
}
