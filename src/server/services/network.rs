//! The networks that a business's people may come from (ACC-9). Without one they come from everywhere.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::audit;
use crate::{
    model::{
        audit::Action,
        field::{Bad, Fields, text},
        id::{BusinessId, NetworkId},
        network::{Cidr, MOST},
    },
    server::{
        boot::App,
        caller::Caller,
        http::{AppError, Cx},
        store,
    },
};

/// Whether people of a business may come from an address. Asked anew each time: a network that was taken off the list must
/// not count a moment longer.
///
/// # Errors
/// The database cannot be reached: then nobody is let in.
pub async fn allowed(app: &App, business: BusinessId, address: IpAddr) -> Result<bool, AppError> {
    Ok(store::lobby::address_allowed(app.db(), business, address).await?)
}

/// Allows a network. The first one shuts all others out, so it must be one's own.
///
/// # Errors
/// Invalid fields, also when the person would shut themselves out; refused without `settings`.
pub async fn add(cx: &Cx, range: &str, note: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let mut fields = Fields::default();
    let range = fields.take("range", range.parse::<Cidr>());
    let note = fields.take("note", text(note, 60));
    let (Some(range), Some(note)) = (range, note) else { return Err(fields.into()) };
    let id: NetworkId = cx.app.draw();
    audit::audited(&cx.app, &person.caller, Action::NetworkAdded, async |act| {
        act.on("network", id.0);
        act.after(told(range));
        let mut ranges: Vec<Cidr> = store::network::lock(&mut act.tx).await?.into_iter().map(|(_, r)| r).collect();
        if u32::try_from(ranges.len()).is_ok_and(|there| there >= MOST) {
            return Err(AppError::field("range", Bad::Most(MOST)));
        }
        ranges.push(range);
        still_inside(&ranges, cx.visitor.address)?;
        Ok(store::network::insert(&mut act.tx, id, range, &note).await?)
    })
    .await?;
    // Streams come back in a moment, and are let in or not.
    cx.app.hub().end_business(person.caller.business);
    Ok(())
}

/// Takes a network off the list. Without the last one people come from everywhere again.
///
/// # Errors
/// Invalid when the person would shut themselves out; missing when it is not this business's; refused without `settings`.
pub async fn remove(cx: &Cx, id: NetworkId) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    audit::audited(&cx.app, &person.caller, Action::NetworkRemoved, async |act| {
        act.on("network", id.0);
        let all = store::network::lock(&mut act.tx).await?;
        let gone = all.iter().find(|(other, _)| *other == id).map(|(_, range)| *range).ok_or(AppError::Missing)?;
        act.before(told(gone));
        let left: Vec<Cidr> = all.into_iter().filter(|(other, _)| *other != id).map(|(_, range)| range).collect();
        still_inside(&left, cx.visitor.address)?;
        Ok(store::network::delete(&mut act.tx, id).await?)
    })
    .await?;
    cx.app.hub().end_business(person.caller.business);
    Ok(())
}

/// The operator's way back in for a business that has shut itself out: takes all its networks away, and says how many.
///
/// # Errors
/// Invalid reason; refused for people.
pub async fn clear(app: &App, caller: &Caller, reason: &str) -> Result<u64, AppError> {
    audit::audited(app, caller, Action::NetworkCleared, async |act| {
        act.on("business", caller.business.0);
        act.because(text(reason, 200).map_err(|_| AppError::field("reason", Bad::Reason))?);
        let cleared = store::network::clear(&mut act.tx).await?;
        act.after(json!({ "networks": cleared }));
        Ok(cleared)
    })
    .await
}

/// Nobody shuts themselves out by mistake.
fn still_inside(ranges: &[Cidr], address: IpAddr) -> Result<(), AppError> {
    if ranges.is_empty() || ranges.iter().any(|range| range.contains(address)) {
        return Ok(());
    }
    Err(AppError::field("range", Bad::LocksOut(Cidr::around(address).to_string())))
}

/// What an audit entry may know of a range: an address can be somebody's home.
fn told(range: Cidr) -> Value {
    json!({ "family": range.family(), "prefix": range.prefix() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(texts: &[&str]) -> Vec<Cidr> {
        texts.iter().map(|text| text.parse().expect("a range")).collect()
    }

    #[test]
    fn nobody_shuts_themselves_out() {
        let me: IpAddr = "203.0.113.7".parse().expect("an address");
        assert!(still_inside(&[], me).is_ok(), "without a list everybody comes in");
        assert!(still_inside(&ranges(&["10.0.0.0/8", "203.0.113.0/24"]), me).is_ok());
        let Err(AppError::Invalid(fields)) = still_inside(&ranges(&["10.0.0.0/8"]), me) else { panic!("let out") };
        assert_eq!(fields[0].problem, Bad::LocksOut("203.0.113.7/32".into()));
    }
}
