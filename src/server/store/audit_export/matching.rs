//! Which entries belong into an export: those that the viewer shows for the same filter (`store::audit`), up to when it was
//! asked for.

use crate::{
    model::{audit_query::AuditFilter, id::AuditId},
    server::{
        kit::At,
        store::{StoreError, TenantTx, audit},
    },
};

/// The filter without what was written later.
fn closed(filter: &AuditFilter, asked_at: At) -> AuditFilter {
    let to = filter.to.map_or(asked_at.0, |to| to.min(asked_at.0));
    AuditFilter { to: Some(to), ..filter.clone() }
}

/// How many entries a filter names, or named when an export was asked for, counted up to `most`. Absent where that takes
/// too long.
///
/// # Errors
/// Refused without `audit.export` (people).
pub async fn count(
    tx: &mut TenantTx,
    filter: &AuditFilter,
    asked_at: Option<At>,
    most: i64,
) -> Result<Option<i64>, StoreError> {
    match asked_at {
        Some(asked_at) => audit::count_to(tx, &closed(filter, asked_at), most).await,
        None => audit::count_to(tx, filter, most).await,
    }
}

/// The next entries of an export, behind the last that was written, from old to new.
///
/// # Errors
/// Refused without `audit.export` (people).
pub async fn ids(
    tx: &mut TenantTx,
    filter: &AuditFilter,
    asked_at: At,
    last: Option<AuditId>,
    limit: i64,
) -> Result<Vec<AuditId>, StoreError> {
    audit::behind(tx, &closed(filter, asked_at), last, limit).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_written_later_belongs_to_it() {
        let asked_at = At("2026-01-02T00:00:00Z".parse().expect("an instant"));
        for (to, closes) in [
            ("at:all", "2026-01-02T00:00:00Z"),
            ("at:..2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("at:..2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z"),
        ] {
            let filter: AuditFilter = to.parse().expect("a filter");
            assert_eq!(closed(&filter, asked_at).to.expect("an end").to_string(), closes, "{to}");
        }
    }
}
