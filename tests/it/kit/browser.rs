//! A browser, as far as the server can tell.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, header},
};
use tower::ServiceExt;

use super::TestApp;

/// Somebody who asks; without a cookie, a stranger.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookie: Option<String>,
    accept: &'static str,
}

/// What came back. A stream's body is not waited for.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn cookies(&self) -> Vec<String> {
        let all = self.headers.get_all(header::SET_COOKIE).iter();
        all.map(|value| value.to_str().expect("cookies are text").to_owned()).collect()
    }

    /// `name=value` of a cookie that was set.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies();
        let set = cookies.iter().find(|c| c.starts_with(&format!("{name}=")))?;
        set.split(';').next().map(str::to_owned)
    }

    /// The body without what differs from answer to answer: nonces, and the given words.
    pub fn normal(&self, words: &[&str]) -> String {
        let mut text = self.body.clone();
        for word in words {
            text = text.replace(word, "*");
        }
        let mut parts = text.split("nonce=\"");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            out.push_str("nonce=\"*");
            out.push_str(part.split_once('"').map_or("", |(_, rest)| rest));
        }
        out
    }
}

impl Browser {
    pub fn new(app: &TestApp, cookie: Option<String>) -> Self {
        Self { router: app.router(), cookie, accept: "text/html" }
    }

    /// The same one, as an island asks.
    pub fn json(mut self) -> Self {
        self.accept = "application/json";
        self
    }

    pub fn with_cookie(mut self, cookie: Option<String>) -> Self {
        self.cookie = cookie;
        self
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, &[], String::new()).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        self.ask(Method::POST, path, &kind, form(fields)).await
    }

    /// Any request, with headers that replace the usual ones.
    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        let usual = [("accept", self.accept), ("sec-fetch-site", "same-origin")];
        for (name, value) in usual.iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name)) {
            request = request.header(*name, *value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        send(self.router.clone(), request.body(Body::from(body)).expect("a request")).await
    }
}

/// Sends a request as it is.
pub async fn send(router: Router, request: Request<Body>) -> Reply {
    let response = router.oneshot(request).await.expect("the service never fails");
    let (parts, body) = response.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let body = if kind.starts_with("text/event-stream") {
        String::new()
    } else {
        let bytes = to_bytes(body, 8 << 20).await.expect("a whole body");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Reply { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// Fields as a form posts them.
pub fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
