//! Jobs of the demo: what waits today for somebody to go, by the walls that the dispatcher's forms go through.

use anyhow::Context;
use serde_json::json;

use crate::{
    model::{
        audit::Action,
        geo::Coordinate,
        id::{MemberId, WorkOrderId},
        work_order::{WorkOrderState, WorkOrderStep},
    },
    server::{
        boot::App,
        caller::Caller,
        kit::At,
        services::audit,
        store::{
            self, TenantTx,
            work_order::{Details, Filter},
        },
    },
};

/// Customer, address, place, begin and end in hours from now, a note, and which of the technicians goes.
type Job = (&'static str, &'static str, (f64, f64), (i64, i64), &'static str, Option<usize>);

/// All are made up; the places lie around the demo's technicians, in and about Dallas. Some wait for somebody to go.
const JOBS: [Job; 9] = [
    ("Marta Jenkins", "418 Sycamore Row, Dallas", (32.7357, -96.7689), (1, 3), "No hot water since the morning", None),
    (
        "Elias Norwood",
        "27 Quarry Bend, Lancaster",
        (32.5921, -96.7561),
        (2, 4),
        "Rooftop unit, bring the long ladder",
        None,
    ),
    ("Priya Talbot", "903 Harbor Lane, Duncanville", (32.6518, -96.9083), (3, 5), "Yearly service", None),
    ("Owen Castellan", "55 Mill Street, Red Oak", (32.5176, -96.8044), (5, 7), "Thermostat shows nothing", None),
    ("Hannah Ruiz", "12 Orchard Way, Cedar Hill", (32.5885, -96.9561), (1, 2), "Leak under the kitchen sink", Some(0)),
    ("Samir Patel", "640 Preston Close, Dallas", (32.8618, -96.8031), (0, 2), "Sump pump runs all the time", Some(1)),
    ("Ruth Adeyemi", "8 Lakeview Terrace, Irving", (32.8411, -96.9903), (2, 4), "Two radiators stay cold", Some(1)),
    (
        "Colette Byrne",
        "301 Depot Street, Grand Prairie",
        (32.7459, -97.0097),
        (0, 1),
        "Water heater, second visit",
        Some(2),
    ),
    ("Gus Lindholm", "77 Fairway Court, Richardson", (32.9483, -96.7299), (1, 3), "Shut-off valve is stuck", Some(3)),
];

/// Makes the jobs, unless there are some.
///
/// # Errors
/// The database cannot be reached.
pub async fn fill(app: &App, owner: &Caller, crew: &[Caller]) -> anyhow::Result<()> {
    let now = app.clock().now();
    let mut tx = TenantTx::open(app.db(), owner, now).await?;
    let is_there = !store::work_order::list(&mut tx, &Filter::default(), 1).await?.is_empty();
    tx.commit().await?;
    if is_there {
        return Ok(());
    }
    for (customer, address, (lat, lon), (from, to), note, goes) in JOBS {
        let details = Details {
            customer: customer.parse().context("a name")?,
            phone: None,
            address: address.parse().context("an address")?,
            place: Some(Coordinate::from_degrees(lat, lon).context("a place")?),
            window_from: hour(now, from),
            window_to: hour(now, to),
            note: Some(note.parse().context("a note")?),
        };
        let goes = goes.and_then(|place| crew.get(place)).and_then(|technician| technician.actor.uuid());
        make(app, owner, &details, goes.map(MemberId)).await?;
    }
    Ok(())
}

/// So many hours from the full hour.
fn hour(now: At, hours: i64) -> At {
    now.plus(hours * 3600 - now.as_second().rem_euclid(3600))
}

async fn make(app: &App, owner: &Caller, details: &Details, member: Option<MemberId>) -> anyhow::Result<()> {
    let id: WorkOrderId = app.draw();
    let state = if member.is_some() { WorkOrderState::Assigned } else { WorkOrderState::New };
    audit::audited(app, owner, Action::WorkOrderCreated, async |act| {
        act.on("work_order", id.0);
        store::work_order::insert(&mut act.tx, id, details, member, None).await?;
        store::work_order::note_step(&mut act.tx, app.draw(), id, (WorkOrderStep::Created, state), member).await?;
        act.after(json!({ "state": state.code(), "member": member }));
        Ok(())
    })
    .await?;
    Ok(())
}
