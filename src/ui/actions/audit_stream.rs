//! Streams of the audit log to collectors (AUD-5).
#![expect(clippy::too_many_arguments, reason = "the fields of a form")]

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Makes a stream.
#[server(endpoint = "audit/streams/create")]
pub async fn create_stream(
    label: String,
    address: String,
    format: String,
    start: String,
    #[server(default)] header: String,
    #[server(default)] secret: String,
    #[server(default)] ca: String,
    #[server(default)] silent_end: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::using,
        services::audit_stream::{self, Draft},
        vault::Secret,
    };

    using(async |cx| {
        let draft = Draft {
            label: &label,
            address: &address,
            format: &format,
            start: &start,
            header: &header,
            secret: Secret::new(secret),
            ca: &ca,
            silent_end: !silent_end.is_empty(),
        };
        let id = audit_stream::create(cx, draft).await?;
        let says = "The stream is made, and begins now. Send a test to see whether the collector takes it.";
        Ok(Done::at(format!("/audit/streams/{id}")).saying(says))
    })
    .await
}

/// Sends one event that is marked as a test.
#[server(endpoint = "audit/streams/test")]
pub async fn test_stream(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::audit_stream,
    };

    using(async |cx| {
        let says = match audit_stream::test(cx, id_of(&id)?).await? {
            None => "The collector took the test.".to_owned(),
            Some(problem) => format!("The collector did not take the test. {}.", problem.label()),
        };
        Ok(Done::at(format!("/audit/streams/{id}")).saying(says))
    })
    .await
}

/// Holds a stream.
#[server(endpoint = "audit/streams/pause")]
pub async fn pause_stream(id: String) -> Result<Done, Fault> {
    use crate::{
        model::audit_stream::State,
        server::{
            http::action::{id_of, using},
            services::audit_stream,
        },
    };

    using(async |cx| {
        audit_stream::set_state(cx, id_of(&id)?, State::Paused).await?;
        Ok(Done::at(format!("/audit/streams/{id}")).saying("Paused. Nothing is left out: it goes on from here."))
    })
    .await
}

/// Lets a stream go on.
#[server(endpoint = "audit/streams/resume")]
pub async fn resume_stream(id: String) -> Result<Done, Fault> {
    use crate::{
        model::audit_stream::State,
        server::{
            http::action::{id_of, using},
            services::audit_stream,
        },
    };

    using(async |cx| {
        audit_stream::set_state(cx, id_of(&id)?, State::Active).await?;
        Ok(Done::at(format!("/audit/streams/{id}")).saying("It goes on from where it was held."))
    })
    .await
}

/// Sends everything again from a day on.
#[server(endpoint = "audit/streams/replay")]
pub async fn replay_stream(id: String, #[server(default)] from: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::audit_stream,
    };

    using(async |cx| {
        audit_stream::replay(cx, id_of(&id)?, &from).await?;
        Ok(Done::at(format!("/audit/streams/{id}")).saying("It sends again from there. Each entry keeps its id."))
    })
    .await
}

/// Replaces a stream's secret.
#[server(endpoint = "audit/streams/rotate")]
pub async fn rotate_stream(
    id: String,
    #[server(default)] header: String,
    #[server(default)] secret: String,
) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::audit_stream,
        vault::Secret,
    };

    using(async |cx| {
        audit_stream::rotate(cx, id_of(&id)?, &header, Secret::new(secret)).await?;
        Ok(Done::at(format!("/audit/streams/{id}")).saying("The new secret counts from the next try on."))
    })
    .await
}

/// Ends a stream.
#[server(endpoint = "audit/streams/delete")]
pub async fn delete_stream(id: String, #[server(default)] confirm: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::audit_stream,
    };

    using(async |cx| {
        audit_stream::delete(cx, id_of(&id)?, &confirm).await?;
        Ok(Done::at("/audit/streams").saying("The stream is deleted. Nothing more is sent by it."))
    })
    .await
}
