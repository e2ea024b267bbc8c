//! Events by HTTPS: one POST for several, a line for each. 2xx takes them all; everything else takes none.

use super::{Event, Failure, Receiver};
use crate::{
    model::audit_stream::{Format, Problem},
    server::kit::outbound::{Outbound, Post, Reply},
};

/// Sends them and waits for the answer.
///
/// # Errors
/// See [`super::deliver`].
pub async fn send(outbound: &Outbound, to: &Receiver, events: &[(Event, String)]) -> Result<(), Failure> {
    let mut body = Vec::new();
    for (_, text) in events {
        body.extend_from_slice(text.as_bytes());
        body.push(b'\n');
    }
    let content_type = match to.format {
        Format::Json | Format::Ocsf => "application/x-ndjson",
        Format::Cef => "text/plain; charset=utf-8",
    };
    let post = Post {
        url: &to.address,
        content_type,
        header: to.header.as_ref().map(|(name, secret)| (name.as_str(), secret.expose())),
        body,
        ca: to.ca.as_deref(),
    };
    answer(&outbound.post(post).await?)
}

fn answer(reply: &Reply) -> Result<(), Failure> {
    let problem = match reply.status {
        200..=299 => return Ok(()),
        401 | 403 => Problem::Refused,
        429 | 503 => Problem::Busy,
        408 | 500..=599 => Problem::Unreachable,
        _ => Problem::Rejected,
    };
    Err(Failure { problem, wait: reply.retry_after_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_2xx_takes_them() {
        let said = |status| answer(&Reply { status, retry_after_seconds: Some(9), body: Vec::new() });
        assert_eq!(said(204), Ok(()));
        let wanted = [
            (302, Problem::Rejected),
            (400, Problem::Rejected),
            (401, Problem::Refused),
            (413, Problem::Rejected),
            (429, Problem::Busy),
            (500, Problem::Unreachable),
            (503, Problem::Busy),
        ];
        for (status, problem) in wanted {
            assert_eq!(said(status), Err(Failure { problem, wait: Some(9) }), "{status}");
        }
    }
}
