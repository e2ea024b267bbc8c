//! How a device sends positions (GPS-1): the JSON of `POST /api/v1/positions`, and of the technician's page, which sends the same
//! with its session. `docs/API.md` tells programs about it. Each point is read by itself, so that one that is wrong keeps
//! out no other, and its field is named.

use axum::{
    Json,
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{AppError, Cx};
use crate::{
    model::position::{BadPoint, MAX_BATCH, Refusal, Sent},
    server::{
        kit::At,
        services::position::{self, Receipt, Reply},
    },
};

/// The largest request: [`MAX_BATCH`] points, and some room.
const MAX_BODY: usize = 128 << 10;
/// The fields of a point.
const FIELDS: [&str; 6] = ["at", "lat", "lon", "accuracy_m", "speed_mps", "heading_deg"];
/// What a device waits when there is no room.
const FULL_SECONDS: u32 = 5;

/// Takes one point, `{"at": …}`, or several, `{"points": [{"at": …}, …]}`.
///
/// # Errors
/// Bad request for anything else; as [`position::receive`].
pub async fn receive(cx: Cx, request: Request) -> Result<Response, AppError> {
    if !is_json(request.headers()) {
        let why = json!({ "error": "wrong_type", "problem": "send application/json" });
        return Ok((StatusCode::UNSUPPORTED_MEDIA_TYPE, Json(why)).into_response());
    }
    let body = to_bytes(request.into_body(), MAX_BODY).await.map_err(|_| AppError::TooLarge)?;
    let Ok(Value::Object(mut body)) = serde_json::from_slice(&body) else { return Err(AppError::BadRequest) };
    let now = cx.visitor.now;
    match body.remove("points") {
        Some(Value::Array(points)) if body.is_empty() => {
            if points.len() > MAX_BATCH {
                return Err(AppError::TooLarge);
            }
            let points = points.iter().map(point).collect();
            Ok(many(position::receive(&cx, points).await?, now))
        }
        Some(_) => Err(AppError::BadRequest),
        None => {
            let points = vec![point(&Value::Object(body))];
            Ok(one(position::receive(&cx, points).await?, now))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn point(value: &Value) -> Result<Sent, BadPoint> {
    let fields = value.as_object().ok_or(BadPoint::invalid("points", "write a point as an object of its fields"))?;
    if fields.keys().any(|name| !FIELDS.contains(&name.as_str())) {
        let problem = "leave out all fields but at, lat, lon, accuracy_m, speed_mps and heading_deg";
        return Err(BadPoint::invalid("points", problem));
    }
    let at = fields.get("at").and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
    Ok(Sent {
        at: at.ok_or(BadPoint::invalid("at", "write a time like 2026-11-23T14:05:00Z"))?,
        lat: number(fields, "lat")?.ok_or(BadPoint::invalid("lat", "write degrees from -90 to 90"))?,
        lon: number(fields, "lon")?.ok_or(BadPoint::invalid("lon", "write degrees from -180 to 180"))?,
        accuracy_m: number(fields, "accuracy_m")?
            .ok_or(BadPoint::invalid("accuracy_m", "write metres, zero or more, as the device gave them"))?,
        speed_mps: number(fields, "speed_mps")?,
        heading_deg: number(fields, "heading_deg")?,
    })
}

/// A number; nothing where there is none, or null.
fn number(fields: &Map<String, Value>, name: &'static str) -> Result<Option<f64>, BadPoint> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(BadPoint::invalid(name, "write a number")),
    }
}

/// The answer to one point.
fn one(receipt: Receipt, now: At) -> Response {
    let reply = match receipt {
        Receipt::Full => return full(),
        Receipt::TooSoon(at) => return too_soon(at, now),
        Receipt::Taken(replies) => replies.into_iter().next().unwrap_or(Reply::Crowded(None)),
    };
    let status = match reply {
        Reply::Stored | Reply::Duplicate => StatusCode::OK,
        Reply::Bad(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Reply::OffShift => StatusCode::CONFLICT,
        Reply::Crowded(at) => {
            let seconds = at.map_or(1, |at| wait(at, now));
            return limited(StatusCode::TOO_MANY_REQUESTS, seconds, told(reply));
        }
    };
    (status, Json(told(reply))).into_response()
}

/// The answer to several: 200, with what became of each, in their order.
fn many(receipt: Receipt, now: At) -> Response {
    match receipt {
        Receipt::Full => full(),
        Receipt::TooSoon(at) => too_soon(at, now),
        Receipt::Taken(replies) => {
            let results: Vec<Value> = replies.into_iter().map(told).collect();
            Json(json!({ "results": results })).into_response()
        }
    }
}

fn told(reply: Reply) -> Value {
    let refused =
        |refusal: Refusal| json!({ "result": "refused", "reason": refusal.code(), "problem": refusal.advice() });
    match reply {
        Reply::Stored => json!({ "result": "stored" }),
        Reply::Duplicate => json!({ "result": "duplicate" }),
        Reply::OffShift => refused(Refusal::OffShift),
        Reply::Crowded(_) => refused(Refusal::TooOften),
        Reply::Bad(BadPoint { refusal, field, problem }) => {
            json!({ "result": "refused", "reason": refusal.code(), "field": field, "problem": problem })
        }
    }
}

/// Whole seconds until then, one at least. Rounded up: whoever comes a moment too soon is refused again.
fn wait(at: At, now: At) -> u32 {
    let micros = at.micros().saturating_sub(now.micros());
    u32::try_from(micros.saturating_add(999_999).div_euclid(1_000_000).clamp(1, 60)).unwrap_or(60)
}

fn too_soon(at: At, now: At) -> Response {
    let seconds = wait(at, now);
    let problem = "at most three requests a minute; send what waits together, as one request";
    let why = json!({ "error": "too_often", "problem": problem, "retry_after": seconds });
    limited(StatusCode::TOO_MANY_REQUESTS, seconds, why)
}

fn full() -> Response {
    let why =
        json!({ "error": "busy", "problem": "keep the points, and send them again", "retry_after": FULL_SECONDS });
    limited(StatusCode::SERVICE_UNAVAILABLE, FULL_SECONDS, why)
}

fn limited(status: StatusCode, seconds: u32, why: Value) -> Response {
    let mut response = (status, Json(why)).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Sent, &'static str> {
        point(&serde_json::from_str(text).expect("JSON")).map_err(|bad| bad.field)
    }

    #[test]
    fn each_field_that_is_wrong_is_named() {
        let good = r#"{"at":"2026-11-23T14:05:00Z","lat":30.2,"lon":-97.7,"accuracy_m":9,"speed_mps":null}"#;
        let sent = read(good).expect("a point");
        assert!(sent.speed_mps.is_none() && sent.heading_deg.is_none() && (sent.accuracy_m - 9.0).abs() < 1e-9);
        for (without, field) in [
            (r#""at":"2026-11-23T14:05:00Z","#, "at"),
            (r#""lat":30.2,"#, "lat"),
            (r#""lon":-97.7,"#, "lon"),
            (r#""accuracy_m":9,"#, "accuracy_m"),
        ] {
            assert_eq!(read(&good.replace(without, "")).err(), Some(field));
        }
        assert_eq!(read(&good.replace("null", "\"fast\"")).err(), Some("speed_mps"));
        assert_eq!(read(&good.replace("30.2", "\"30.2\"")).err(), Some("lat"));
        assert_eq!(read(&good.replace("2026-11-23T14:05:00Z", "yesterday")).err(), Some("at"));
        assert!(read(&good.replace("speed_mps", "speed")).is_err(), "an unknown field");
        assert!(read("[]").is_err() && read("7").is_err());
    }

    #[test]
    fn whoever_must_wait_is_told_how_long() {
        let now = At::from_second(1_790_000_000);
        let heard = |response: Response| {
            let after = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned);
            (response.status().as_u16(), after)
        };
        assert_eq!(heard(one(Receipt::TooSoon(now.plus(17)), now)), (429, Some("17".to_owned())));
        assert_eq!(heard(many(Receipt::TooSoon(now.plus(-3)), now)), (429, Some("1".to_owned())));
        let within = At::from_micros(now.micros() + 900_000);
        assert_eq!(heard(one(Receipt::TooSoon(now.plus(17)), within)), (429, Some("17".to_owned())));
        assert_eq!(heard(one(Receipt::TooSoon(within), now)), (429, Some("1".to_owned())));
        assert_eq!(heard(one(Receipt::TooSoon(within.plus(16)), now)), (429, Some("17".to_owned())), "never too soon");
        assert_eq!(heard(one(Receipt::Taken(vec![Reply::Crowded(None)]), now)), (429, Some("1".to_owned())));
        assert_eq!(heard(many(Receipt::Full, now)), (503, Some("5".to_owned())));
        assert_eq!(heard(one(Receipt::Taken(vec![Reply::OffShift]), now)), (409, None));
        assert_eq!(heard(many(Receipt::Taken(vec![Reply::OffShift]), now)), (200, None));
    }
}
