//! The provider doors: `POST /webhooks/{provider}/{token}/{door}`.
//!
//! Raw bytes, capped -> the hashed path token names business, provider and sealed secrets -> the adapter verifies ->
//! limits -> one service call -> the provider's answer. An unknown token, another provider's token and a bad signature
//! give the same answer. To add a provider: `server::providers`; this file does not change.

use axum::{
    body::to_bytes,
    extract::{Path, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    model::{
        id::{SecretId, TraceId},
        permission::Need,
    },
    server::{
        boot::App,
        caller::{Actor, Caller, Origin},
        http::{
            AppError,
            doors::{Doors, Kind},
        },
        kit::entropy::{token_hash, uuid7},
        providers::{self, CallEvent, Door, Next, RING_SECONDS, RawRequest, RingPlan, Telephony, Verified, telephony},
        services::{connection::webhook_base, masked_call, webhook},
        store::{self, lobby::WebhookTarget},
        vault::{Purpose, Secret},
    },
};

/// The largest provider event. Twilio's are under 10 kB.
const MAX_BODY: usize = 64 << 10;

/// The doors of this room.
#[must_use]
pub fn doors(doors: Doors) -> Doors {
    let path = "/webhooks/{provider}/{token}/{door}";
    doors.open(Kind::Webhook, Method::POST, path, Need::Public, receive)
}

/// What a webhook turned out to be: everything that the rest needs.
struct Heard {
    target: WebhookTarget,
    caller: Caller,
    provider: &'static dyn Telephony,
    verified: Verified,
    /// Stays in memory for the answer, which names our own addresses.
    token: Secret,
}

/// Why a webhook was turned away.
enum Turned {
    Away,
    TooLarge,
    Fault(AppError),
}

impl<E: Into<AppError>> From<E> for Turned {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// The handler.
pub async fn receive(
    State(app): State<App>,
    Path((provider, token, door)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let heard = match verify(&app, &provider, Secret::new(token), &door, request).await {
        Ok(heard) => heard,
        Err(Turned::Away) => return (StatusCode::UNAUTHORIZED, "not accepted\n").into_response(),
        Err(Turned::TooLarge) => return (StatusCode::PAYLOAD_TOO_LARGE, "too large\n").into_response(),
        Err(Turned::Fault(error)) => return fault(&app, &error),
    };
    apply(&app, &heard).await.unwrap_or_else(|error| fault(&app, &error))
}

async fn verify(app: &App, code: &str, token: Secret, door: &str, request: Request) -> Result<Heard, Turned> {
    let target = store::lobby::webhook_target(app.db(), &token_hash(token.expose())).await?;
    let refused = |target: Option<&WebhookTarget>, reason| match target {
        Some(t) => app.limits().refused(t.business, t.connection, reason),
        None => app.limits().refused_unknown(),
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        refused(target.as_ref(), "too_large");
        return Err(Turned::TooLarge);
    };
    let provider = telephony(code);
    let (Some(target), Some(provider), Ok(door)) = (target, provider, door.parse::<Door>()) else {
        refused(None, "signature");
        return Err(Turned::Away);
    };
    let mut secrets = Vec::with_capacity(target.secrets.len());
    for (SecretId(id), sealed) in &target.secrets {
        secrets.push(app.vault().open_text(target.business, Purpose::ConnectionSecret, *id, sealed).await?);
    }
    // The public address is configuration: Host and X-Forwarded-* are the sender's word. A proxy may rewrite scheme
    // and host; path and query come through as the provider signed them.
    let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let url = format!("{}{path}", app.config().public_url);
    let raw = RawRequest { method: &parts.method, url: &url, door, headers: &parts.headers, body: &body };
    let is_theirs = target.provider == provider.code();
    match provider.verify(&raw, &target.account, &secrets) {
        Ok(verified) if is_theirs => {
            let trace = TraceId(uuid7(app.entropy(), app.clock().now()));
            let caller = Caller {
                actor: Actor::Webhook(target.connection),
                business: target.business,
                origin: Origin { door: "webhook", network: None },
                trace,
            };
            Ok(Heard { target, caller, provider, verified, token })
        }
        Ok(_) | Err(_) => {
            refused(Some(&target), "signature");
            Err(Turned::Away)
        }
    }
}

async fn apply(app: &App, heard: &Heard) -> Result<Response, AppError> {
    let Heard { target, caller, provider, verified, .. } = heard;
    if !app.limits().may_receive(target.business) {
        app.limits().refused(target.business, target.connection, "rate");
        return Ok((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "30")]).into_response());
    }
    let event = match provider.event(verified) {
        Ok(event) => event,
        Err(malformed) => {
            let key = format!("malformed/{}", caller.trace);
            webhook::note_malformed(app, caller, target.connection, &key, malformed).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, format!("{malformed}\n")).into_response());
        }
    };
    let at_once = app.limits().may_apply(target.business);
    webhook::receive(app, caller, target.connection, &event, at_once).await?;
    let providers::Answer { content_type, body } = provider.answer(&next(app, heard, &event).await?);
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// What shall happen with the call now. Who asks twice is answered the same.
async fn next(app: &App, heard: &Heard, event: &CallEvent) -> Result<Next, AppError> {
    let Heard { target, caller, provider, verified, token } = heard;
    let ringing = match verified.door() {
        Door::Voice => masked_call::ringing(app, caller, target.connection, event).await?,
        Door::Masked(side) if provider.missed(verified) => {
            match masked_call::missed(app, caller, target.connection, event, side).await? {
                Some(ringing) => ringing,
                None => return Ok(Next::NotReached),
            }
        }
        Door::Status | Door::Dial | Door::Masked(_) => return Ok(Next::Nothing),
    };
    let base = webhook_base(&app.config().public_url, provider.code(), token.expose());
    Ok(Next::Ring(RingPlan {
        caller_id: ringing.caller_id,
        targets: ringing.targets,
        status_url: format!("{base}/status"),
        action_url: format!("{base}/{}", ringing.then.code()),
        timeout_seconds: RING_SECONDS,
    }))
}

/// 503 for what passes, so that the provider sends it again; 500 else. The log has the chain.
fn fault(app: &App, error: &AppError) -> Response {
    let trace = TraceId(uuid7(app.entropy(), app.clock().now()));
    let fault = error.fault(trace);
    let status = StatusCode::from_u16(fault.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = HeaderMap::new();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, 5.into());
    }
    (status, headers, "try again\n").into_response()
}
