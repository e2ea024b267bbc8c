//! The operator's access to a business: ending it.

use leptos::prelude::*;

use crate::ui::wire::{Done, Fault};

/// Ends the operator's access at once.
#[server(endpoint = "operator/end")]
pub async fn end_operator(id: String) -> Result<Done, Fault> {
    use crate::server::{
        http::action::{id_of, using},
        services::operator,
    };

    using(async |cx| {
        operator::end(cx, id_of(&id)?).await?;
        Ok(Done::at("/security/operators").saying("The operator's access has ended. It counts at once."))
    })
    .await
}
