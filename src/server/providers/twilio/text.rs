//! Text messages out: Twilio's Messages resource (vectors in `twilio_rest.json`). Neither the number nor the words go
//! into an error.
//!
//! The interface has no key against doing a thing twice, so a later try asks first whether an earlier one got through:
//! by the words, which hold a random code.

use serde_json::Value;

use super::{Twilio, rest};
use crate::server::{
    kit::outbound::{Login, Outbound, Reply},
    providers::{Telephony, TextError, TextMessage},
    vault::Secret,
};

/// How many messages to a number are looked through. A person gets ten a day of us.
const LOOKED_AT: u32 = 20;

/// What Twilio says of a number that no text reaches: not one (21211), not allowed there (21408), no way to it (21612),
/// no mobile (21614), stopped by its owner (21610).
const NO_WAY: [u64; 5] = [21211, 21408, 21610, 21612, 21614];

pub(super) async fn send(
    outbound: &Outbound,
    account: &str,
    secret: &Secret,
    text: &TextMessage<'_>,
) -> Result<(), TextError> {
    // The account becomes part of an address.
    let account = Twilio.check_account(account).map_err(|_| TextError::Auth)?;
    let url = format!("{}/2010-04-01/Accounts/{account}/Messages.json", rest::base(outbound));
    let login = Login::Basic { user: &account, password: secret.expose() };
    if text.again && was_sent(outbound, &url, login, text).await? {
        return Ok(());
    }
    let fields = [("To", text.to.reveal()), ("From", text.from.reveal()), ("Body", text.body.expose())];
    judge(&outbound.post_form(&url, login, &fields).await?)
}

/// Whether these very words went to this number already.
async fn was_sent(outbound: &Outbound, url: &str, login: Login<'_>, text: &TextMessage<'_>) -> Result<bool, TextError> {
    let to: String = form_urlencoded::byte_serialize(text.to.reveal().as_bytes()).collect();
    let reply = outbound.get_json(&format!("{url}?To={to}&PageSize={LOOKED_AT}"), login).await?;
    judge(&reply)?;
    let found = reply.json::<Value>().map_err(|_| TextError::Permanent)?;
    let messages = found.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    // A trial account puts words of its own before ours.
    let is_ours = |body: &str| body.ends_with(text.body.expose());
    Ok(messages.iter().filter_map(|message| message.get("body")?.as_str()).any(is_ours))
}

fn judge(reply: &Reply) -> Result<(), TextError> {
    match reply.status {
        200 | 201 => Ok(()),
        400 if has_no_way(reply) => Err(TextError::Number),
        401 | 403 | 404 => Err(TextError::Auth),
        429 => Err(TextError::RateLimited { retry_after_seconds: reply.retry_after_seconds }),
        408 | 500..=599 => Err(TextError::Transient),
        _ => Err(TextError::Permanent),
    }
}

fn has_no_way(reply: &Reply) -> bool {
    let code = reply.json::<Value>().ok().and_then(|answer| answer.get("code")?.as_u64());
    code.is_some_and(|code| NO_WAY.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> Result<(), TextError> {
        judge(&Reply { status, retry_after_seconds: Some(9), body: body.as_bytes().to_vec() })
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        assert_eq!(judged(201, "{}"), Ok(()));
        assert_eq!(judged(401, "{}"), Err(TextError::Auth));
        assert_eq!(judged(429, r#"{"code":20429}"#), Err(TextError::RateLimited { retry_after_seconds: Some(9) }));
        for status in [408, 500, 503] {
            assert_eq!(judged(status, "<html>"), Err(TextError::Transient), "{status}");
        }
        for status in [204, 302, 422] {
            assert_eq!(judged(status, ""), Err(TextError::Permanent), "{status}");
        }
    }

    #[test]
    fn a_number_that_no_text_reaches_is_told_from_a_wrong_request() {
        for code in NO_WAY {
            assert_eq!(judged(400, &format!(r#"{{"code":{code},"status":400}}"#)), Err(TextError::Number), "{code}");
        }
        for body in [r#"{"code":21606}"#, "{}", "no JSON"] {
            assert_eq!(judged(400, body), Err(TextError::Permanent), "{body}");
        }
    }
}
