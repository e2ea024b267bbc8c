//! The audit log: verifying it.

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
