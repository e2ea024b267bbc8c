//! The doors to an export's file and to its manifest. Both are kept, never shown: a file goes out piece by piece, as it is
//! opened.

use axum::{
    body::Body,
    extract::Path,
    http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use crate::server::{
    http::{AppError, Cx, action::id_of},
    services::audit_export::{self, What, file::pieces},
};

/// `GET /audit/exports/{id}/file`
///
/// # Errors
/// Missing when it is not this business's, not ready, or over; refused without `audit.export`.
pub async fn file(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let (export, _, manifest) = audit_export::give_out(&cx, id_of(&id)?, What::File).await?;
    let headers = [
        (CONTENT_TYPE, export.format.media_type().to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"audit-{}.{}\"", export.id, export.format.code())),
        (CONTENT_LENGTH, export.bytes.to_string()),
    ];
    let body = Body::from_stream(pieces(cx.app.clone(), cx.signed_in()?, &export, &manifest));
    Ok((headers, body).into_response())
}

/// `GET /audit/exports/{id}/manifest`
///
/// # Errors
/// Missing when it is not this business's, or was never ready; refused without `audit.export`.
pub async fn manifest(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let (export, text, _) = audit_export::give_out(&cx, id_of(&id)?, What::Manifest).await?;
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"audit-{}.manifest.json\"", export.id)),
    ];
    Ok((headers, format!("{text}\n")).into_response())
}
