//! Saving a filter of the audit log, for oneself or for a role too, and taking it away (AUD-4).

use serde_json::json;

use super::audit;
use crate::{
    model::{
        audit::Action,
        audit_query::AuditQuery,
        field::{Bad, Fields, text},
        id::FilterId,
        permission::Role,
    },
    server::{
        http::{AppError, Cx},
        store::{
            self,
            audit_filter::{MOST, SavedFilter},
        },
    },
};

/// The filters that whoever asks may use.
///
/// # Errors
/// Refused without `audit.read`.
pub async fn list(cx: &Cx) -> Result<Vec<SavedFilter>, AppError> {
    let mut tx = cx.tx().await?;
    let filters = store::audit_filter::list(&mut tx).await?;
    tx.commit().await?;
    Ok(filters)
}

/// Keeps what the page shows under a name. Its name and its words are somebody's own: the entry holds neither.
///
/// # Errors
/// Bad request for what is no query; invalid fields, also when the name is taken or there are too many; refused without
/// `audit.read`.
pub async fn save(cx: &Cx, name: &str, query: &str, roles: &[String]) -> Result<(), AppError> {
    let query: AuditQuery = query.parse().map_err(|_| AppError::BadRequest)?;
    let query = query.or_recent().to_string();
    let mut fields = Fields::default();
    let name = fields.take("name", text(name, 60));
    let roles = fields.take("roles", roles.iter().map(|role| role.parse()).collect::<Result<Vec<Role>, Bad>>());
    let (Some(name), Some(roles)) = (name, roles) else { return Err(fields.into()) };
    let id: FilterId = cx.app.draw();
    audit::audited(&cx.app, cx.caller()?, Action::AuditFilterSaved, async |act| {
        act.on("audit_filter", id.0);
        act.after(json!({ "roles": roles.iter().map(|role| role.code()).collect::<Vec<_>>() }));
        if store::audit_filter::insert(&mut act.tx, id, &name, &query, &roles).await? {
            Ok(())
        } else {
            Err(AppError::field("name", Bad::Most(MOST)))
        }
    })
    .await
}

/// Takes a filter away.
///
/// # Errors
/// Missing when there is none that one may take away; refused without `audit.read`.
pub async fn remove(cx: &Cx, id: FilterId) -> Result<(), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::AuditFilterRemoved, async |act| {
        act.on("audit_filter", id.0);
        Ok(store::audit_filter::delete(&mut act.tx, id).await?)
    })
    .await
}
