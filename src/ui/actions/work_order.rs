//! Work orders: making, changing, assigning, moving along, canceling; and the links by which customers follow their technician.
//! `version` is the one that the page showed: who changes what they have not seen is told so.
#![expect(clippy::too_many_arguments, reason = "the fields of a form")]

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Makes a work order.
#[server(endpoint = "work-orders/create")]
pub async fn work_order_create(
    customer: String,
    #[server(default)] phone: String,
    address: String,
    #[server(default)] coordinate: String,
    #[server(default)] place_of: String,
    day: String,
    from: String,
    to: String,
    #[server(default)] note: String,
    #[server(default)] member: String,
    #[server(default)] call: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::using,
        services::work_order::{self, Draft},
    };

    using(async |cx| {
        let draft = Draft {
            customer: &customer,
            phone: &phone,
            forget_phone: false,
            address: &address,
            coordinate: &coordinate,
            place_of: &place_of,
            day: &day,
            from: &from,
            to: &to,
            note: &note,
        };
        let id = work_order::create(cx, &draft, &member, &call).await?;
        Ok(Done::at(format!("/work-orders/{id}")).saying("The job is there."))
    })
    .await
}

/// Changes what a work order says. An empty number leaves the one it has, unless `forget_phone` is `on`.
#[server(endpoint = "work-orders/change")]
pub async fn work_order_change(
    id: String,
    version: String,
    customer: String,
    #[server(default)] phone: String,
    #[server(default)] forget_phone: String,
    address: String,
    #[server(default)] coordinate: String,
    #[server(default)] place_of: String,
    day: String,
    from: String,
    to: String,
    #[server(default)] note: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::work_order::{self, Draft},
    };

    using(async |cx| {
        let draft = Draft {
            customer: &customer,
            phone: &phone,
            forget_phone: forget_phone == "on",
            address: &address,
            coordinate: &coordinate,
            place_of: &place_of,
            day: &day,
            from: &from,
            to: &to,
            note: &note,
        };
        work_order::change(cx, id_of(&id)?, &version, &draft).await?;
        Ok(Done::at(format!("/work-orders/{id}")).saying("Saved."))
    })
    .await
}

/// Gives a work order to a technician, or takes it back (`member` is empty). Leads back to where the form was.
#[server(endpoint = "work-orders/assign")]
pub async fn work_order_assign(id: String, version: String, #[server(default)] member: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::work_order,
    };

    using(async |cx| {
        let says = match work_order::assign(cx, id_of(&id)?, &version, &member).await? {
            Some(name) => format!("Assigned to {}.", name.reveal()),
            None => "Taken back: nobody is assigned now.".to_owned(),
        };
        Ok(Done::back().saying(says))
    })
    .await
}

/// Moves a work order along: `to` is a state's code. Leads back to where the form was.
#[server(endpoint = "work-orders/move")]
pub async fn work_order_move(id: String, version: String, to: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::work_order,
    };

    using(async |cx| {
        let state = work_order::move_to(cx, id_of(&id)?, &version, &to).await?;
        Ok(Done::back().saying(format!("The job: {}.", state.label().to_lowercase())))
    })
    .await
}

/// Cancels a work order for good.
#[server(endpoint = "work-orders/cancel")]
pub async fn work_order_cancel(id: String, version: String, #[server(default)] confirm: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::work_order,
    };

    using(async |cx| {
        work_order::cancel(cx, id_of(&id)?, &version, &confirm).await?;
        Ok(Done::at(format!("/work-orders/{id}")).saying("Canceled. Its tracking links are over."))
    })
    .await
}

/// Makes a link by which the customer follows their technician; `way` is `text` (it is sent to the customer's number) or
/// `show` (it is shown once, to be copied).
#[server(endpoint = "tracking/create")]
pub async fn tracking_create(id: String, #[server(default)] way: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::tracking_link,
    };

    using(async |cx| tracking_link::create(cx, id_of(&id)?, &way).await).await
}

/// Ends a link at once.
#[server(endpoint = "tracking/revoke")]
pub async fn tracking_revoke(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::tracking_link,
    };

    using(async |cx| {
        let order = tracking_link::revoke(cx, id_of(&id)?).await?;
        Ok(Done::at(format!("/work-orders/{order}")).saying("The link is over."))
    })
    .await
}
