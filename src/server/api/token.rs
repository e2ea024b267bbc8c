//! Getting tokens, giving them back, and the keys that verify them (ACC-7). Requests are JSON, answers as RFC 6749, 5.1
//! and 5.2 (tokens), RFC 7009 (revocation) and RFC 7517 (keys) have them. `docs/API.md` tells programs about it.

use axum::{
    Json,
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::server::{
    http::{AppError, Cx},
    services::token::{self, Denied, Issued, PasswordGrant},
    vault::{Secret, jwt::ACCESS_SECONDS},
};

/// The largest request. A password has 1,024 bytes at most.
const MAX_BODY: usize = 8 << 10;

/// Both grants in one: which fields are needed is told by the first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantBody {
    grant_type: String,
    email: Option<String>,
    password: Option<String>,
    code: Option<String>,
    device: Option<String>,
    business: Option<String>,
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeBody {
    refresh_token: String,
}

/// `POST /api/v1/token`
pub async fn grant(cx: Cx, request: Request) -> Response {
    let body: GrantBody = match read(request).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let issued = match body.grant_type.as_str() {
        "password" => {
            let (Some(email), Some(password), Some(device)) = (body.email, body.password, body.device) else {
                return refused("invalid_request", "email, password and device are needed");
            };
            let password = Secret::new(password);
            let grant = PasswordGrant { email, password, code: body.code, device, business: body.business };
            token::by_password(&cx, grant).await
        }
        "refresh_token" => {
            let Some(presented) = body.refresh_token else {
                return refused("invalid_request", "refresh_token is needed");
            };
            token::refresh(&cx, &Secret::new(presented)).await
        }
        _ => return refused("unsupported_grant_type", "password and refresh_token are supported"),
    };
    match issued {
        Ok(issued) => told(&issued),
        Err(Denied::Request(why)) => refused("invalid_request", why),
        Err(Denied::Grant(why)) => refused("invalid_grant", why),
        Err(Denied::Other(error)) => error.into_response(),
    }
}

/// `POST /api/v1/token/revoke`: 200 whether there was anything to revoke or not.
pub async fn revoke(cx: Cx, request: Request) -> Response {
    let body: RevokeBody = match read(request).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    match token::sign_out(&cx, &Secret::new(body.refresh_token)).await {
        Ok(()) => Json(json!({})).into_response(),
        Err(error) => error.into_response(),
    }
}

/// `GET /api/v1/jwks.json`
///
/// # Errors
/// The database cannot be reached.
pub async fn jwks(cx: Cx) -> Result<Json<Value>, AppError> {
    let keys = cx.app.vault().public_keys().await?;
    Ok(Json(json!({ "keys": keys })))
}

fn told(issued: &Issued) -> Response {
    Json(json!({
        "access_token": issued.access.expose(),
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS,
        "refresh_token": issued.refresh.reveal(),
        "refresh_expires_in": issued.refresh_seconds,
    }))
    .into_response()
}

fn refused(error: &'static str, why: &'static str) -> Response {
    answer(StatusCode::BAD_REQUEST, error, why)
}

fn answer(status: StatusCode, error: &'static str, why: &'static str) -> Response {
    (status, Json(json!({ "error": error, "error_description": why }))).into_response()
}

/// A JSON body. Nothing else is read, so that a page's form can never be one.
async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Response> {
    if !is_json(request.headers()) {
        return Err(answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", "send application/json"));
    }
    let body = to_bytes(request.into_body(), MAX_BODY).await.map_err(|_| AppError::TooLarge.into_response())?;
    serde_json::from_slice(&body).map_err(|_| refused("invalid_request", "the body is not what is expected here"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
