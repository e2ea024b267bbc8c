//! The audit log: verifying and exporting it, and filters that people keep.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Goes through the seals of a span of days, and shows what was found.
#[server(endpoint = "audit/verify")]
pub async fn verify_audit(#[server(default)] from: String, #[server(default)] until: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::seal::verify};

    using(async |cx| {
        let says = if verify::ask(cx, &from, &until).await?.is_sound() {
            "Verified: everything is as it was sealed."
        } else {
            "Verified: something is not as it was sealed. Look below."
        };
        Ok(Done::at("/audit/seals").saying(says))
    })
    .await
}

/// Asks for an export of what a filter shows.
#[server(endpoint = "audit/export")]
pub async fn ask_audit_export(
    filter: String,
    #[server(default)] format: String,
    #[server(default)] zone: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::using,
        services::audit_export::{self, Draft},
    };

    using(async |cx| {
        audit_export::ask(cx, Draft { filter: &filter, format: &format, zone: &zone }).await?;
        Ok(Done::at("/audit/exports").saying("The export is being made. Load this page again to see how far it is."))
    })
    .await
}

/// Cancels an export that is under way.
#[server(endpoint = "audit/export/cancel")]
pub async fn cancel_audit_export(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::audit_export,
    };

    using(async |cx| {
        audit_export::cancel(cx, id_of(&id)?).await?;
        Ok(Done::at("/audit/exports").saying("The export is cancelled. What was written of it is removed."))
    })
    .await
}

/// Keeps a filter under a name, for oneself and for the roles that it is shared with.
#[server(endpoint = "audit/filter/save")]
pub async fn save_audit_filter(
    name: String,
    query: String,
    #[server(default)] roles: Vec<String>,
) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::audit_filter};

    using(async |cx| {
        audit_filter::save(cx, &name, &query, &roles).await?;
        Ok(Done::back().saying("The filter is saved."))
    })
    .await
}

/// Takes a saved filter away.
#[server(endpoint = "audit/filter/remove")]
pub async fn remove_audit_filter(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::audit_filter,
    };

    using(async |cx| {
        audit_filter::remove(cx, id_of(&id)?).await?;
        Ok(Done::back().saying("The filter is gone."))
    })
    .await
}
