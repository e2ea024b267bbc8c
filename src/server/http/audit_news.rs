//! What the script of the audit log's page (`public/static/audit.js`) asks every few seconds: how many entries have come since.

use axum::Json;
use serde::Serialize;

use super::{AppError, Cx};
use crate::server::{services::audit_news, store::audit::MOST_NEW};

/// Where it asks.
pub const NEWS: &str = "/api/audit/news";

/// A count, and whether there are more than anybody counts.
#[derive(Debug, Serialize)]
pub struct News {
    pub count: i64,
    pub more: bool,
}

/// `POST /api/audit/news`, with what the page was given to ask with.
///
/// # Errors
/// Bad request for anything else; refused without `audit.read`.
pub async fn news(cx: Cx, asked: String) -> Result<Json<News>, AppError> {
    let count = audit_news::since(&cx, &asked).await?;
    Ok(Json(News { count: count.min(MOST_NEW), more: count > MOST_NEW }))
}
