//! Customers' tracking links: made for a work order, texted to the customer or shown once; and what somebody who has one sees.
//!
//! A token has 256 bits and is stored as a hash. An unknown link, one that is over and one whose work order is over are the same
//! to whoever tries. What is seen is made coarse by `model::work_order` before it leaves this file.

mod text;

use serde_json::json;

pub use self::text::{TEXT_JOB, TextPayload, give_up, send};
use super::audit;
use crate::{
    model::{
        agent::first_name,
        audit::{Action, Outcome},
        field::Bad,
        geo::Coordinate,
        id::{TrackingLinkId, WorkOrderId},
        permission::Permission,
        work_order::{
            LINK_SECONDS_AFTER, LINKS_MOST, WorkOrderState, WorkOrderStep, shown_to_customer, shown_within_m,
        },
    },
    server::{
        caller::Actor,
        http::{AppError, Cx, reveal},
        kit::{
            At,
            entropy::{Token, token_hash},
        },
        store::{
            self, TenantTx,
            audit::{NewEntry, Target},
            tracking_link::{Followed, NewLink},
        },
        vault::Secret,
    },
    ui::wire::Done,
};

/// Makes a link. `way`: `text` sends it to the customer's number, anything else shows it once.
///
/// # Errors
/// Invalid when there are too many, or it cannot be texted; conflict when the work order is over; limited to so many texts a day
/// of the whole business; refused without `work_orders` for all.
pub async fn create(cx: &Cx, order: WorkOrderId, way: &str) -> Result<Done, AppError> {
    let is_texted = way == "text";
    let token = Token::draw(cx.app.entropy());
    let address = Secret::new(format!("{}/track/{}", cx.app.config().public_url, token.reveal()));
    let business = &cx.signed_in()?.business_name;
    let id: TrackingLinkId = cx.app.draw();
    audit::audited(&cx.app, cx.caller()?, Action::TrackingCreated, async |act| {
        act.on("work_order", order.0);
        act.tx.may_all(Permission::WorkOrders)?;
        let found = store::work_order::lock(&mut act.tx, order, None).await?;
        let expires_at = found.window_to.plus(LINK_SECONDS_AFTER);
        if found.state.is_end() || expires_at <= act.tx.now() {
            return Err(AppError::Conflict);
        }
        if store::tracking_link::open_of(&mut act.tx, order).await? >= LINKS_MOST {
            return Err(AppError::field("way", Bad::Most(u32::try_from(LINKS_MOST).unwrap_or(u32::MAX))));
        }
        let sealed = if is_texted {
            Some(text::queue(&cx.app, &mut act.tx, id, &found, business, &address).await?)
        } else {
            None
        };
        let new = NewLink { id, order, token_hash: &token.hash(), expires_at, text: sealed.as_deref() };
        store::tracking_link::insert(&mut act.tx, new).await?;
        let step = (WorkOrderStep::LinkMade, found.state);
        store::work_order::note_step(&mut act.tx, cx.app.draw(), order, step, None).await?;
        act.after(json!({ "link": id, "texted": is_texted }));
        Ok(())
    })
    .await?;
    if is_texted {
        return Ok(Done::at(format!("/work-orders/{order}")).saying("The link is on its way to the customer by text."));
    }
    reveal::at(cx, &format!("/work-orders/{order}"), &[address])
}

/// Ends a link at once, and says whose it was.
///
/// # Errors
/// Missing when it is not this business's, or over already; refused without `work_orders` for all.
pub async fn revoke(cx: &Cx, id: TrackingLinkId) -> Result<WorkOrderId, AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::TrackingRevoked, async |act| {
        act.on("tracking_link", id.0);
        let order = store::tracking_link::revoke(&mut act.tx, id).await?;
        let state = store::work_order::get(&mut act.tx, order).await?.state;
        let step = (WorkOrderStep::LinkRevoked, state);
        store::work_order::note_step(&mut act.tx, cx.app.draw(), order, step, None).await?;
        Ok(order)
    })
    .await
}

/// What a customer sees.
pub struct Seen {
    pub business_name: String,
    pub zone: String,
    pub state: WorkOrderState,
    pub window_from: At,
    pub window_to: At,
    /// The technician's first name.
    pub first_name: Option<String>,
    /// About where they are on the way.
    pub near: Option<Near>,
}

/// About where a technician is, and how many seconds ago.
#[derive(Debug, Clone, Copy)]
pub struct Near {
    pub place: Coordinate,
    pub age: i64,
    /// How far they may be from there.
    pub within_m: f64,
    pub distance_m: Option<f64>,
}

/// What a link shows. Opening it is written down, once in ten minutes.
///
/// # Errors
/// Limited per address; missing for everything that is no open link of a work order that goes on.
pub async fn follow(cx: &Cx, token: &str) -> Result<Seen, AppError> {
    if !cx.app.limits().may_follow(cx.visitor.address) {
        return Err(AppError::Limited { retry_after: 60 });
    }
    let now = cx.visitor.now;
    let found = store::lobby::tracking_find(cx.app.db(), &token_hash(token), now).await?;
    let (business, link) = found.ok_or(AppError::Missing)?;
    let caller = cx.caller_for()(Actor::Link(link), business);
    let mut tx = TenantTx::open(cx.app.db(), &caller, now).await?;
    let followed = store::tracking_link::followed(&mut tx).await?;
    if followed.is_first {
        let entry = NewEntry {
            id: cx.app.draw(),
            action: Action::TrackingOpened,
            target: Some(Target { kind: "work_order", id: Some(followed.order.0) }),
            outcome: Outcome::Done,
            reason: None,
            before: None,
            after: None,
        };
        store::audit::append(&mut tx, entry).await?;
    }
    tx.commit().await?;
    Ok(seen(followed, now))
}

fn seen(found: Followed, now: At) -> Seen {
    let near = found.technician.and_then(|technician| {
        let place = shown_to_customer(found.state, &technician.at, &technician.began, found.place.as_ref())?;
        // From the coarse place: an exact distance would be a circle around the exact one.
        let distance_m = found.place.map(|door| place.distance_m(&door));
        let (age, within_m) = (now.since(technician.fix_at).max(0), shown_within_m(&technician.at));
        Some(Near { place, age, within_m, distance_m })
    });
    Seen {
        business_name: found.business_name,
        zone: found.zone,
        state: found.state,
        window_from: found.window_from,
        window_to: found.window_to,
        first_name: found.member_name.as_ref().map(|name| first_name(name.reveal())),
        near,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{model::work_order::Fix, server::store::tracking_link::Technician};

    fn followed(state: WorkOrderState) -> Followed {
        let at = |lat, lon| Coordinate::from_degrees(lat, lon).expect("a place");
        let fix = |lat, lon| Fix { place: at(lat, lon), accuracy_m: 5.0 };
        let now = At::from_second(1_795_442_400);
        Followed {
            order: WorkOrderId(Uuid::from_u128(1)),
            business_name: "Northwind".to_owned(),
            zone: "America/Chicago".to_owned(),
            state,
            window_from: now,
            window_to: now.plus(3600),
            expires_at: now.plus(7200),
            place: Some(at(41.90, -87.70)),
            member: None,
            member_name: Some("Tia Lopez".parse().expect("a name")),
            technician: Some(Technician {
                at: fix(41.85, -87.65),
                fix_at: now.plus(-90),
                began: [fix(41.80, -87.60), fix(41.82, -87.62)],
            }),
            is_first: false,
        }
    }

    #[test]
    fn a_customer_sees_a_first_name_and_about_where() {
        let now = At::from_second(1_795_442_400);
        let seen_now = seen(followed(WorkOrderState::EnRoute), now);
        assert_eq!(seen_now.first_name.as_deref(), Some("Tia"));
        let near = seen_now.near.expect("on the way");
        assert_eq!(near.age, 90);
        assert!(near.distance_m.is_some_and(|metres| (6_500.0..7_500.0).contains(&metres)));
        let exact = followed(WorkOrderState::EnRoute).technician.map(|technician| technician.at.place);
        assert_ne!(Some(near.place), exact);
        assert!(seen(followed(WorkOrderState::OnSite), now).near.is_none());
    }
}
