//! What happens to every request and answer: who is asking, what an error looks like, which headers it carries.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::time::timeout;
use tower_sessions::{Session, session::Id};

use super::{
    AppError,
    action::append_cookie,
    bearer,
    cx::{Cx, Visitor},
    doors::{FORM_BYTES, WEBHOOKS},
    field,
    flash::{self, Flash},
    gate::{AskAgain, CONFIRM_PATH, RefusedAtDoor},
    shell,
};
use crate::{
    model::{id::TraceId, network::Cidr},
    server::{
        boot::App,
        caller::{Origin, SignedIn},
        kit::{
            agent,
            entropy::{bytes, uuid7},
        },
        services, store,
    },
    ui::wire::{Fault, FaultKind},
};

/// The cookie that holds a mailed link's token between opening it and pressing the button (security.md, rule 18).
pub const LINK_COOKIE: &str = "__Host-link";

/// The cookie by which a browser is known to the accounts that have signed in with it.
pub const DEVICE_COOKIE: &str = "__Host-device";

/// How long a form's body may take to come, on a bad line too.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Makes the [`Visitor`]: trace, nonce, theme, address, and who is signed in, by one lobby query.
pub async fn visitor(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut request, fault) = whole(request).await;
    let mut visitor = nobody(&app, &request);
    let token = bearer::token(request.uri().path(), request.headers());
    let session = request.extensions().get::<Session>().and_then(Session::id);
    if let Err(error) = recognise(&app, token, session, &mut visitor).await {
        return dress(&Cx { app, visitor: visitor.clone() }, &error.fault(visitor.trace));
    }
    // The page that asks again passes it on to the form it will lead back to.
    let shown = visitor.flash.is_some()
        && visitor.wants_html
        && request.method().is_safe()
        && request.uri().path() != CONFIRM_PATH;
    if let Some(kind) = fault {
        return dress(&Cx { app, visitor }, &kind.into());
    }
    request.extensions_mut().insert(visitor);
    let mut response = next.run(request).await;
    // A redirect passes the message on; the page that shows it takes it away.
    if shown && !response.status().is_redirection() {
        append_cookie(response.headers_mut(), &Flash::clear());
    }
    response
}

/// What a request says of itself, before anybody is known by it.
fn nobody(app: &App, request: &Request) -> Visitor {
    let now = app.clock().now();
    let headers = request.headers();
    let address = client_address(app, request);
    let door = if bearer::is_api(request.uri().path()) { bearer::DOOR } else { "web" };
    // Where programs ask, cookies count for nothing.
    let cookie = |name: &str| if door == "web" { cookie_value(headers, name) } else { None };
    let flash = cookie(flash::COOKIE).and_then(|value| Flash::read(app.vault(), now, &value));
    Visitor {
        trace: TraceId(uuid7(app.entropy(), now)),
        now,
        nonce: STANDARD.encode(bytes::<16>(app.entropy())).into(),
        theme: match cookie("__Host-theme").as_deref() {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "",
        },
        path: request.uri().path_and_query().map_or("/", |p| p.as_str()).into(),
        origin: Origin { door, network: Some(network(address)) },
        address,
        wants_html: door == "web" && accepts_html(headers),
        referer: headers.get(header::REFERER).and_then(|v| v.to_str().ok()).map(Arc::from),
        signed_in: None,
        outside: false,
        flash: flash.map(Arc::new),
        link: cookie(LINK_COOKIE).map(Arc::from),
        asked: cookie(services::link::COOKIE).map(Arc::from),
        challenge: cookie(services::challenge::COOKIE).map(Arc::from),
        passkey: cookie(services::passkey::COOKIE).map(Arc::from),
        oidc: cookie(services::identity::COOKIE).map(Arc::from),
        oidc_code: cookie(services::identity::CODE_COOKIE).map(Arc::from),
        device: cookie(DEVICE_COOKIE).map(Arc::from),
        agent: agent::label(headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or("")).into(),
    }
}

/// The request with all of its body, so that who asks is found out after its last byte has come: rights that ended while
/// somebody held it back are not used any more. And what is wrong with it, when it is too large or does not come. (What
/// providers send proves itself as a whole.)
async fn whole(request: Request) -> (Request, Option<FaultKind>) {
    if request.method().is_safe() || request.uri().path().starts_with(WEBHOOKS) {
        return (request, None);
    }
    let (parts, body) = request.into_parts();
    let (body, fault) = match timeout(BODY_TIME, to_bytes(body, FORM_BYTES)).await {
        Ok(Ok(all)) => (Body::from(all), None),
        Ok(Err(_)) => (Body::empty(), Some(FaultKind::TooLarge)),
        Err(_) => (Body::empty(), Some(FaultKind::BadRequest)),
    };
    (Request::from_parts(parts, body), fault)
}

/// Notes who is signed in, and whether their business lets them in from here.
async fn recognise(
    app: &App,
    token: Option<String>,
    session: Option<Id>,
    visitor: &mut Visitor,
) -> Result<(), AppError> {
    // Where programs ask, never by cookie, whatever else is missing.
    let found = match (visitor.origin.door, token, session) {
        (bearer::DOOR, Some(token), _) => bearer::signed_in(app, &token, visitor).await?,
        (bearer::DOOR, None, _) | (_, _, None) => None,
        (_, _, Some(id)) => by_session(app, id, visitor).await?,
    };
    let Some(person) = found else { return Ok(()) };
    if person.restricted {
        visitor.outside = !services::network::allowed(app, person.caller.business, visitor.address).await?;
    }
    visitor.signed_in = Some(Arc::new(person));
    Ok(())
}

async fn by_session(app: &App, id: Id, visitor: &Visitor) -> Result<Option<SignedIn>, AppError> {
    let hashes = [store::session::hash(id)];
    let found = store::session::callers(app.db(), &hashes, visitor.now, &visitor.origin, visitor.trace).await?;
    let Some(person) = found.into_iter().next() else { return Ok(None) };
    // Open streams and their polling do not keep a session alive: people do.
    if visitor.now.since(person.last_seen) >= 60 && !is_stream(&visitor.path) {
        let network = visitor.origin.network.as_deref().unwrap_or_default();
        store::session::touch(app.db(), &person.session, network, visitor.now).await?;
    }
    Ok(Some(person))
}

/// What a page asks by itself, for as long as it is open.
fn is_stream(path: &str) -> bool {
    ["/live", "/map/live"].iter().any(|door| path.starts_with(door))
}

/// Runs a request to its end, also when its client has hung up: dropped in the middle of BEGIN, a transaction would stay
/// open on a pooled connection, with its tenant set, and what others do on that connection would wait for its commit.
pub async fn finish(request: Request, next: Next) -> Response {
    tokio::spawn(next.run(request)).await.unwrap_or_else(|error| {
        tracing::error!(error.chain = %error, "a request was not run to its end");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

/// Turns errors into what this visitor reads: a page, or JSON. Writes down who was refused at which door.
pub async fn errors(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = next.run(request).await;
    let cx = Cx { app, visitor };
    if let Some(door) = response.extensions().get::<RefusedAtDoor>()
        && let Ok(caller) = cx.caller()
        && let Err(error) = services::audit::refused_at_door(&cx.app, caller, door.0).await
    {
        return dress(&cx, &error.fault(cx.visitor.trace));
    }
    if let Some(asked) = response.extensions_mut().remove::<AskAgain>() {
        return asked.answer(&cx);
    }
    if let Some(error) = response.extensions_mut().remove::<Arc<AppError>>() {
        return dress(&cx, &error.fault(cx.visitor.trace));
    }
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        return dress(&cx, &fault);
    }
    // Answers of the framework itself: no such path, wrong method, too large.
    let bare = response.headers().get(header::CONTENT_TYPE).is_none_or(|t| t.as_bytes().starts_with(b"text/plain"));
    let kind = match response.status() {
        StatusCode::NOT_FOUND => FaultKind::Missing,
        StatusCode::METHOD_NOT_ALLOWED => FaultKind::WrongMethod,
        StatusCode::PAYLOAD_TOO_LARGE => FaultKind::TooLarge,
        StatusCode::BAD_REQUEST => FaultKind::BadRequest,
        StatusCode::INTERNAL_SERVER_ERROR => FaultKind::Internal,
        _ => return response,
    };
    // Programs get JSON under their own addresses, whatever they say they read.
    let is_read = cx.visitor.wants_html || cx.visitor.origin.door == bearer::DOOR;
    if !(bare && is_read) {
        return response;
    }
    let mut dressed = dress(&cx, &kind.into());
    // Which methods there are (RFC 9110, 15.5.6).
    if let Some(methods) = response.headers_mut().remove(header::ALLOW) {
        dressed.headers_mut().insert(header::ALLOW, methods);
    }
    dressed
}

/// An error as this visitor reads it.
fn dress(cx: &Cx, fault: &Fault) -> Response {
    let status = StatusCode::from_u16(fault.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry = fault.retry_after.or((fault.kind == FaultKind::Unavailable).then_some(5));
    let mut response = if cx.visitor.wants_html {
        (status, shell::error(cx, fault)).into_response()
    } else {
        (status, axum::Json(fault)).into_response()
    };
    if let Some(seconds) = retry {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if fault.kind == FaultKind::SignedOut && cx.visitor.origin.door == bearer::DOOR {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The headers of security.md, on every answer (OPS-2).
pub async fn headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let nonce = response.extensions_mut().remove::<shell::Nonce>();
    let has_map = response.extensions_mut().remove::<shell::HasMap>().is_some();
    let is_html = response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"text/html"));
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let is_field = field::is_page(&path);
    set("content-security-policy", &content_policy(&app, nonce, has_map, is_field));
    set("x-content-type-options", "nosniff");
    set("x-frame-options", "DENY");
    set("referrer-policy", "same-origin");
    set("cross-origin-resource-policy", "same-origin");
    if app.config().public_url.starts_with("https://") {
        set("strict-transport-security", "max-age=63072000; includeSubDomains; preload");
    }
    if is_html {
        set("cross-origin-opener-policy", "same-origin");
        // Where somebody is, their own page may ask a browser, and no other.
        let place = if is_field { "(self)" } else { "()" };
        set(
            "permissions-policy",
            &format!(
                "accelerometer=(), camera=(), display-capture=(), geolocation={place}, gyroscope=(), microphone=(), \
                 payment=(), publickey-credentials-create=(self), publickey-credentials-get=(self), usb=()"
            ),
        );
    }
    if path == field::WORKER {
        // A worker answers for the folder that it lies in, unless this names another.
        set("service-worker-allowed", field::PAGE);
    }
    if !path.starts_with("/pkg/") && !path.starts_with("/static/") {
        set("cache-control", "no-store");
    }
    response
}

/// What an answer may load and call. The map's page has a worker, and tiles of one other origin where there is a server of them:
/// they are fetched, and where a browser cannot decode them as bytes they are shown from `blob:`.
/// The technician's page has a worker too, for when there is no network.
fn content_policy(app: &App, nonce: Option<shell::Nonce>, has_map: bool, is_field: bool) -> String {
    let script =
        nonce.map_or_else(|| "'none'".to_owned(), |n| format!("'nonce-{}' 'strict-dynamic' 'wasm-unsafe-eval'", n.0));
    // Browsers hold this against redirects too: the button of another sign-in leads to its provider.
    let forms = app.oidc().map(|oidc| format!(" {}", oidc.origins().join(" "))).unwrap_or_default();
    let tiles = app.config().map_tiles.as_ref().filter(|_| has_map).map(|tiles| &tiles.origin);
    let images = tiles.map(|origin| format!(" blob: {origin}")).unwrap_or_default();
    let asked = tiles.map(|origin| format!(" {origin}")).unwrap_or_default();
    let workers = if has_map || is_field { "worker-src 'self'; " } else { "" };
    format!(
        "default-src 'none'; script-src {script}; style-src 'self'; img-src 'self' data:{images}; font-src 'self'; \
         connect-src 'self'{asked}; {workers}manifest-src 'self'; form-action 'self'{forms}; base-uri 'none'; \
         object-src 'none'; frame-ancestors 'none'; report-uri /csp"
    )
}

/// The right-most hop that is not one of our own proxies. `X-Forwarded-For` counts only behind a listed proxy.
fn client_address(app: &App, request: &Request) -> IpAddr {
    let peer =
        request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::from([127, 0, 0, 1]), |info| info.0.ip());
    let proxies = &app.config().trusted_proxies;
    if !proxies.contains(&peer) {
        return peer;
    }
    let forwarded = request.headers().get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
    let hops: Vec<IpAddr> = forwarded.flat_map(|v| v.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
    hops.into_iter().rev().find(|hop| !proxies.contains(hop)).unwrap_or(peer)
}

/// The network an address belongs to, as entries and sessions keep it, and as the audit log is asked for it.
fn network(address: IpAddr) -> String {
    Cidr::coarse(address).to_string()
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"))
}

/// The value of a cookie. The first of a name counts.
#[must_use]
pub fn cookie_value(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(k, _)| *k == name).map(|(_, v)| v.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_stored_as_networks() {
        assert_eq!(network("192.0.2.77".parse().expect("an address")), "192.0.2.0/24");
        assert_eq!(network("2001:db8:1:2::3".parse().expect("an address")), "2001:db8:1::/48");
        assert_eq!(network("::ffff:192.0.2.77".parse().expect("an address")), "192.0.2.0/24");
    }
}
