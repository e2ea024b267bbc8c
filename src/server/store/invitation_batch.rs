//! Lists of people who were invited together, with what became of each line (ACC-6). Kept for a week.

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{id::BatchId, invitation::LineResult, permission::Permission},
    server::kit::At,
};

/// A list that was sent.
#[derive(Debug, Clone)]
pub struct Batch {
    pub created_at: At,
    pub created_by: String,
    pub rows: Vec<Row>,
}

/// A line of it, as it was written.
#[derive(Debug, Clone)]
pub struct Row {
    pub line: i32,
    pub email: String,
    pub role: String,
    pub result: LineResult,
}

/// Stores a list with its results.
///
/// # Errors
/// Refused without `team.invite`.
pub async fn insert(tx: &mut TenantTx, id: BatchId, rows: &[Row]) -> Result<(), StoreError> {
    tx.may_all(Permission::TeamInvite)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    sqlx::query!(
        "insert into invitation_batches (business_id, id, created_by, created_at) values ($1, $2, $3, $4)",
        business.0,
        id.0,
        by,
        now
    )
    .execute(tx.conn())
    .await?;
    let lines: Vec<i32> = rows.iter().map(|row| row.line).collect();
    let emails: Vec<String> = rows.iter().map(|row| row.email.clone()).collect();
    let roles: Vec<String> = rows.iter().map(|row| row.role.clone()).collect();
    let results: Vec<String> = rows.iter().map(|row| row.result.code().to_owned()).collect();
    sqlx::query!(
        "insert into invitation_batch_rows (business_id, batch_id, line, email, role, result)
         select $1, $2, r.line, r.email, r.role, r.result
         from unnest($3::int[], $4::text[], $5::text[], $6::text[]) as r (line, email, role, result)",
        business.0,
        id.0,
        &lines[..],
        &emails[..],
        &roles[..],
        &results[..]
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// # Errors
/// Refused without `team.invite`; missing when it is not this business's, or too long ago.
pub async fn get(tx: &mut TenantTx, id: BatchId) -> Result<Batch, StoreError> {
    tx.may_all(Permission::TeamInvite)?;
    let business = tx.business();
    let head = sqlx::query!(
        "select b.created_at, m.name as created_by
         from invitation_batches b join members m on m.business_id = $1 and m.id = b.created_by
         where b.business_id = $1 and b.id = $2",
        business.0,
        id.0
    )
    .fetch_one(tx.conn())
    .await?;
    let rows = sqlx::query!(
        "select line, email, role, result from invitation_batch_rows
         where business_id = $1 and batch_id = $2 order by line",
        business.0,
        id.0
    )
    .fetch_all(tx.conn())
    .await?;
    let rows = rows.into_iter().map(|r| {
        let result = read("invitation_batch_rows.result", &r.result)?;
        Ok::<_, StoreError>(Row { line: r.line, email: r.email, role: r.role, result })
    });
    Ok(Batch { created_at: head.created_at, created_by: head.created_by, rows: rows.collect::<Result<_, _>>()? })
}
