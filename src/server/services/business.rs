//! The business's own settings.

use jiff::tz::TimeZone;
use serde_json::json;

use super::audit;
use crate::{
    model::{
        audit::Action,
        field::{Bad, Fields, text},
    },
    server::{
        http::{AppError, Cx},
        store,
    },
};

/// An IANA time zone that this build knows.
///
/// # Errors
/// Anything else.
pub fn zone(name: &str) -> Result<String, Bad> {
    let name = text(name, 64)?;
    TimeZone::get(&name).map(|_| name).map_err(|_| Bad::Zone)
}

/// Changes name and zone.
///
/// # Errors
/// Invalid fields; refused without `settings`.
pub async fn update(cx: &Cx, name: &str, zone_name: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let mut fields = Fields::default();
    let name = fields.take("name", text(name, 80));
    let zone = fields.take("zone", zone(zone_name));
    let (Some(name), Some(zone)) = (name, zone) else { return Err(fields.into()) };
    audit::audited(&cx.app, &person.caller, Action::BusinessChanged, async |act| {
        act.on("business", person.caller.business.0);
        act.before(json!({ "zone": person.zone, "name_changed": person.business_name != name }));
        act.after(json!({ "zone": zone }));
        Ok(store::business::update(&mut act.tx, &name, &zone).await?)
    })
    .await
}
