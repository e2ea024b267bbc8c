//! Masked calls (TEL-7): a pool of two numbers, and the phone of whoever goes to customers. A session is opened by them, as soon
//! as they have a job today.

use anyhow::Context;
use serde_json::json;

use crate::{
    model::{
        audit::Action,
        id::{ConnectionId, MemberId, ProxyNumberId},
        phone::Phone,
    },
    server::{
        boot::App,
        caller::Caller,
        services::audit,
        store::{self, TenantTx, proxy_number::NewProxyNumber},
    },
};

/// Numbers that belong to nobody, after those of the desks.
const POOL: [&str; 2] = ["+15555550151", "+15555550152"];
const TECHNICIAN: &str = "+15555550160";

/// Adds what is not there yet.
///
/// # Errors
/// The database cannot be reached or refused.
pub async fn fill(app: &App, owner: &Caller, technician: &Caller) -> anyhow::Result<()> {
    let mut tx = TenantTx::open(app.db(), owner, app.clock().now()).await?;
    let there = store::proxy_number::list(&mut tx).await?;
    let connections = store::proxy_number::connections(&mut tx).await?;
    tx.commit().await?;
    let line = connections.iter().find(|(_, provider, _)| provider == "twilio").map(|(id, ..)| *id);
    let line = line.context("a pool without a connection")?;
    for number in POOL {
        let number: Phone = number.parse().context("a number of the demo")?;
        if !there.iter().any(|known| known.number == number) {
            add(app, owner, line, &number).await?;
        }
    }
    set_phone(app, technician).await
}

async fn add(app: &App, owner: &Caller, connection: ConnectionId, number: &Phone) -> anyhow::Result<()> {
    let id: ProxyNumberId = app.draw();
    let created_by = owner.actor.uuid().context("an owner has an id")?;
    audit::audited(app, owner, Action::ProxyNumberAdded, async |act| {
        act.on("proxy_number", id.0);
        act.after(json!({ "connection": connection }));
        let new = NewProxyNumber { id, connection, number, created_by };
        Ok(store::proxy_number::insert(&mut act.tx, new).await?)
    })
    .await?;
    Ok(())
}

async fn set_phone(app: &App, technician: &Caller) -> anyhow::Result<()> {
    let phone: Phone = TECHNICIAN.parse().context("a number of the demo")?;
    let member = technician.actor.uuid().map(MemberId).context("a technician has an id")?;
    let mut tx = TenantTx::open(app.db(), technician, app.clock().now()).await?;
    let known = store::member_phone::own(&mut tx).await?;
    tx.commit().await?;
    if known.is_some() {
        return Ok(());
    }
    audit::audited(app, technician, Action::MemberPhoneSet, async |act| {
        act.on("member", member.0);
        act.after(json!({ "sessions_closed": 0 }));
        Ok(store::member_phone::put(&mut act.tx, &phone).await?)
    })
    .await?;
    Ok(())
}
