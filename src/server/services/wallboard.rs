//! The wallboard (TEL-2): a screen that nobody is signed in at. Whoever has its link sees the board without numbers and with
//! first names only, until the link expires or is revoked. What it shows is read whole each time, so it cannot drift.

use serde_json::json;
use uuid::Uuid;

use super::{audit, network};
use crate::{
    model::{
        agent::first_name,
        audit::Action,
        board::{LINK_DAYS, MOST_LINKS, percent},
        call::{CallState, Direction},
        field::{Bad, Fields, text},
        id::{BusinessId, JobId, WallboardId},
        permission::Permission,
    },
    server::{
        boot::App,
        caller::{Actor, Caller, Origin},
        http::{AppError, Cx},
        kit::{
            At,
            entropy::{Token, token_hash},
        },
        store::{self, TenantTx, agent::Agent, live::BoardCall, lobby::OpenWallboard, wallboard::NewLink},
        vault::Secret,
    },
    ui::wire::wallboard::{WallAgent, WallCall, Wallboard},
};

/// Makes a link. Its address is shown once.
///
/// # Errors
/// Invalid fields, also when there are as many as there may be; refused without `wallboard`.
pub async fn share(cx: &Cx, label: &str, days: &str) -> Result<Secret, AppError> {
    let mut fields = Fields::default();
    let label = fields.take("label", text(label, 60));
    let days = days.trim().parse::<i64>().ok().filter(|days| (1..=LINK_DAYS).contains(days));
    let days = fields.take("days", days.ok_or(Bad::Range(1, LINK_DAYS)));
    let (Some(label), Some(days)) = (label, days) else { return Err(fields.into()) };
    let (id, token): (WallboardId, Token) = (cx.app.draw(), Token::draw(cx.app.entropy()));
    audit::audited(&cx.app, cx.caller()?, Action::WallboardShared, async |act| {
        act.on("wallboard", id.0);
        act.after(json!({ "days": days }));
        store::member::still_may(&mut act.tx, Permission::Wallboard).await?;
        let expires_at = act.tx.now().plus(days * 24 * 3600);
        let new = NewLink { id, label: &label, token_hash: &token.hash(), expires_at };
        if store::wallboard::insert(&mut act.tx, new).await? {
            return Ok(());
        }
        Err(AppError::field("label", Bad::Most(MOST_LINKS)))
    })
    .await?;
    Ok(Secret::new(format!("{}/wallboard/{}", cx.app.config().public_url, token.reveal())))
}

/// Ends a link: who watches by it sees nothing more within a second.
///
/// # Errors
/// Refused without `wallboard`; missing when it is not this business's, or revoked already.
pub async fn revoke(cx: &Cx, id: WallboardId) -> Result<(), AppError> {
    let hash = audit::audited(&cx.app, cx.caller()?, Action::WallboardRevoked, async |act| {
        act.on("wallboard", id.0);
        Ok(store::wallboard::revoke(&mut act.tx, id).await?)
    })
    .await?;
    // On other nodes its streams find out by themselves.
    cx.app.hub().end_session(&hash);
    Ok(())
}

/// What a link opens now, and the hash that it is known by. Only from where the business's people may come, too.
///
/// # Errors
/// Missing when it opens nothing, whatever the reason.
pub async fn open(cx: &Cx, token: &str) -> Result<(OpenWallboard, Vec<u8>), AppError> {
    let (app, hash) = (&cx.app, token_hash(token));
    let found = store::lobby::wallboard_open(app.db(), &hash, app.clock().now()).await?;
    let open = found.ok_or(AppError::Missing)?;
    if !network::allowed(app, open.business, cx.visitor.address).await? {
        return Err(AppError::Missing);
    }
    Ok((open, hash))
}

/// What the wallboard of a business shows now.
///
/// # Errors
/// The database cannot be reached.
pub async fn read(app: &App, business: BusinessId) -> Result<Wallboard, AppError> {
    let caller = Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business,
        origin: Origin { door: "wallboard", network: None },
        trace: app.draw(),
    };
    let now = app.clock().now();
    let mut tx = TenantTx::open(app.db(), &caller, now).await?;
    let calls = store::live::wallboard(&mut tx).await?;
    let agents = store::agent::all(&mut tx).await?;
    let measures = store::board::measures(&mut tx).await?;
    let (within, offered) = store::board::tally(&mut tx, measures).await?.of(None);
    tx.commit().await?;
    let running: Vec<&BoardCall> = calls.iter().filter(|call| !call.state.is_end()).collect();
    let is_waiting = |call: &&&BoardCall| call.state != CallState::InProgress;
    let level = percent(within, offered);
    Ok(Wallboard {
        active: running.iter().filter(|call| call.state == CallState::InProgress).count(),
        waiting: running.iter().filter(is_waiting).count(),
        waits_since: running.iter().filter(is_waiting).map(|call| call.started_at.millis()).min(),
        level,
        level_met: level.is_none_or(|level| measures.is_met(level)),
        within,
        offered,
        measures,
        calls: running.iter().map(|call| masked(call)).collect(),
        agents: agents.iter().map(agent).collect(),
        now: now.millis(),
    })
}

/// A call without numbers, and with first names only.
fn masked(call: &BoardCall) -> WallCall {
    let wire = call.wire();
    let direction = match call.direction {
        Direction::Inbound => "Incoming",
        Direction::Outbound => "Outgoing",
    };
    WallCall {
        state: wire.state.label_on(Some(call.direction)).to_owned(),
        direction: direction.to_owned(),
        people: wire.agents.iter().map(|name| first_name(name)).collect(),
        since: wire.state_at,
    }
}

fn agent(agent: &Agent) -> WallAgent {
    WallAgent {
        name: first_name(&agent.name),
        state: agent.state,
        label: agent.state.label().to_owned(),
        on_call: agent.call.is_some(),
        since: agent.since.map(At::millis),
    }
}
