//! Cross-site request forgery (v5.0.0-3.5.1): a request that may change something must come from our own pages.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{AppError, bearer, doors::WEBHOOKS};
use crate::server::boot::App;

/// Safe methods pass and change nothing. Webhooks carry no cookie and prove themselves by signature. On the paths of
/// programs cookies count for nothing and only JSON is read, so there is nothing that another page could forge; a
/// program may send any `Origin`, and a cookie that its library has kept. Everything else must be same-origin by
/// `Sec-Fetch-Site`, or where a browser does not send it, by `Origin`.
pub async fn same_origin(State(app): State<App>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let path = request.uri().path();
    let exempt = path.starts_with(WEBHOOKS) || path == "/csp" || bearer::is_api(path);
    if safe || exempt || is_ours(request.headers(), &app.config().public_url) {
        next.run(request).await
    } else {
        AppError::Refused.into_response()
    }
}

fn is_ours(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name| headers.get(name).map(|v: &axum::http::HeaderValue| v.to_str().unwrap_or("?"));
    match (text(header::HeaderName::from_static("sec-fetch-site")), text(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == public_url,
        // Neither: no browser of the last years. A program without cookies has nothing to forge.
        (None, None) => !headers.contains_key(header::COOKIE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (header::HeaderName::from_static(k), v.parse().expect("a value"))).collect()
    }

    #[test]
    fn only_our_own_pages_may_write() {
        let ours = "https://calls.example.com";
        assert!(is_ours(&headers(&[("sec-fetch-site", "same-origin"), ("cookie", "a=b")]), ours));
        assert!(is_ours(&headers(&[("origin", "https://calls.example.com"), ("cookie", "a=b")]), ours));
        assert!(is_ours(&headers(&[]), ours));
        for foreign in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://calls.example.com")],
            &[("origin", "null")],
            &[("origin", "https://calls.example.com.evil.example")],
            &[("cookie", "a=b")],
        ] {
            assert!(!is_ours(&headers(foreign), ours), "{foreign:?}");
        }
    }
}
