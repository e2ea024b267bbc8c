//! Looking at the map (GPS-2). Who looks at where others are is written down first, once per span (`super::position`); what is
//! asked for and what is seen stand nowhere.

use super::position;
use crate::{
    model::{
        geo::Coordinate,
        id::{MemberId, WorkOrderId},
        position::Look,
    },
    server::{
        boot::App,
        caller::Caller,
        http::{AppError, Cx},
        kit::At,
        store::{
            self, TenantTx,
            map::{Unit, Wanted},
            position::Position,
        },
    },
};

/// Technicians on shift, as far as the caller reaches.
///
/// # Errors
/// Refused without `map`.
pub async fn units(app: &App, caller: &Caller, wanted: &Wanted, limit: i64) -> Result<Vec<Unit>, AppError> {
    position::looks(app, caller, Look::Map).await?;
    let mut tx = TenantTx::open(app.db(), caller, app.clock().now()).await?;
    let units = store::map::units(&mut tx, wanted, limit).await?;
    tx.commit().await?;
    Ok(units)
}

/// Where somebody has been between two times, as far as it is kept.
///
/// # Errors
/// Missing for anybody whom the caller does not reach; refused without `map`.
pub async fn trail(cx: &Cx, member: MemberId, from: At, to: At) -> Result<Vec<Position>, AppError> {
    let mut tx = cx.tx().await?;
    store::map::reaches(&mut tx, member).await?;
    tx.commit().await?;
    position::trail(cx, member, from, to).await
}

/// Where a job is. Absent where its address has no place.
///
/// # Errors
/// Missing when it is not this business's; refused without `map` and `work_orders` for all.
pub async fn job_place(cx: &Cx, id: WorkOrderId) -> Result<Option<Coordinate>, AppError> {
    let mut tx = cx.tx().await?;
    let place = store::map::job_place(&mut tx, id).await?;
    tx.commit().await?;
    Ok(place)
}
