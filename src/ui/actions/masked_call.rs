//! Masked calls (TEL-7): a technician calls a customer through a proxy number; the pool of those; one's own phone.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Opens masked calls for a job, and shows the number to call.
#[server(endpoint = "masked-calls/open")]
pub async fn masked_call_open(work_order: String) -> Result<Done, Fault> {
    use crate::{
        model::id::WorkOrderId,
        server::{
            http::action::{id_of, using},
            services::masked_call,
        },
    };

    using(async |cx| {
        let id: WorkOrderId = id_of(&work_order)?;
        masked_call::open(&cx.app, cx.caller()?, id).await?;
        Ok(Done::at(format!("/work-orders/{id}/call")))
    })
    .await
}

/// Puts a number into the pool.
#[server(endpoint = "proxy-numbers/add")]
pub async fn add_proxy_number(connection: String, number: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::proxy_number};

    using(async |cx| {
        proxy_number::add(cx, &connection, &number).await?;
        Ok(Done::at("/proxy-numbers").saying("The number takes masked calls from now on."))
    })
    .await
}

/// Takes a number out of the pool.
#[server(endpoint = "proxy-numbers/remove")]
pub async fn remove_proxy_number(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::proxy_number,
    };

    using(async |cx| {
        proxy_number::remove(cx, id_of(&id)?).await?;
        Ok(Done::at("/proxy-numbers")
            .saying("The number is out of the pool. Calls to it ring at the desks; jobs that used it get another one."))
    })
    .await
}

/// Says where masked calls reach oneself.
#[server(endpoint = "account/phone/save")]
pub async fn save_own_phone(own_phone: String) -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::member_phone};

    using(async |cx| {
        member_phone::set(cx, &own_phone).await?;
        Ok(Done::at("/account/phone").saying("Saved. Customers reach you there, and do not see the number."))
    })
    .await
}

/// Forgets where masked calls reach oneself.
#[server(endpoint = "account/phone/remove")]
pub async fn remove_own_phone() -> Result<Done, Fault> {
    use crate::server::{http::action::using, services::member_phone};

    using(async |cx| {
        member_phone::remove(cx).await?;
        Ok(Done::at("/account/phone").saying("The number is forgotten. Calls of customers go to the desks."))
    })
    .await
}
