//! Twilio: programmable voice, and text messages out. Facts and vectors in providers.md, section 1.

mod control;
mod event;
mod rest;
mod signature;
mod text;
mod twiml;

use async_trait::async_trait;

use super::{
    Answer, CallEvent, Control, ControlError, Malformed, Next, Order, RawRequest, Rejected, Telephony, TestOutcome,
    TextError, TextMessage, Verified,
};
use crate::{
    model::field::Bad,
    server::{kit::outbound::Outbound, vault::Secret},
};

/// The adapter. It keeps nothing.
pub struct Twilio;

#[async_trait]
impl Telephony for Twilio {
    fn code(&self) -> &'static str {
        "twilio"
    }

    fn verify(&self, request: &RawRequest<'_>, account: &str, secrets: &[Secret]) -> Result<Verified, Rejected> {
        let parameters = signature::verify(request, secrets).ok_or(Rejected::Signature)?;
        // One Auth Token signs for one account, but one person may have connected two: an event of the first must
        // not arrive as one of the second. Several values are none.
        let named = parameters.get("AccountSid").filter(|values| values.len() == 1).and_then(|values| values.first());
        if named.is_none_or(|named| !named.eq_ignore_ascii_case(account)) {
            return Err(Rejected::Account);
        }
        Ok(Verified::new(request.door, parameters))
    }

    fn event(&self, verified: &Verified) -> Result<CallEvent, Malformed> {
        event::read(verified)
    }

    fn missed(&self, verified: &Verified) -> bool {
        event::missed(verified)
    }

    fn answer(&self, next: &Next) -> Answer {
        twiml::answer(next)
    }

    async fn test(&self, outbound: &Outbound, account: &str, secret: &Secret) -> TestOutcome {
        rest::test(outbound, account, secret).await
    }

    fn can_text(&self) -> bool {
        true
    }

    async fn send_text(
        &self,
        outbound: &Outbound,
        account: &str,
        secret: &Secret,
        text: &TextMessage<'_>,
    ) -> Result<(), TextError> {
        text::send(outbound, account, secret, text).await
    }

    fn can(&self, control: Control) -> Result<(), &'static str> {
        match control {
            Control::Transfer | Control::HangUp => Ok(()),
            Control::Mute => {
                Err("Twilio mutes participants of a conference only, and a call that rings at desks is none.")
            }
        }
    }

    async fn control(
        &self,
        outbound: &Outbound,
        account: &str,
        secret: &Secret,
        call: &str,
        order: &Order,
    ) -> Result<(), ControlError> {
        control::control(outbound, account, secret, call, order).await
    }

    fn check_account(&self, account: &str) -> Result<String, Bad> {
        let account = account.trim();
        let sid = account.strip_prefix("AC").is_some_and(hex32);
        if sid { Ok(account.to_owned()) } else { Err(Bad::Shape("AC and 32 letters and digits".into())) }
    }

    fn check_secret(&self, secret: &str) -> Result<(), Bad> {
        if hex32(secret) { Ok(()) } else { Err(Bad::Shape("the Auth Token has 32 letters and digits".into())) }
    }
}

/// Whether this is 32 hexadecimal digits, as in every id and every Auth Token.
fn hex32(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Method};

    use super::*;
    use crate::server::providers::Door;

    const ACCOUNT: &str = "AC00000000000000000000000000000001";
    const URL: &str = "https://calls.example.com/hook";
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn verify(body: &str, account: &str, secrets: &[&str]) -> Result<Verified, Rejected> {
        let signature = signature::tests::sign(URL, body.as_bytes(), TOKEN);
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert("x-twilio-signature", signature.parse().expect("a header"));
        let request = RawRequest {
            method: &Method::POST,
            url: URL,
            door: Door::Status,
            headers: &headers,
            body: body.as_bytes(),
        };
        let secrets: Vec<Secret> = secrets.iter().map(|s| Secret::new((*s).to_owned())).collect();
        Twilio.verify(&request, account, &secrets)
    }

    #[test]
    fn the_account_must_be_the_connections() {
        let body = format!("AccountSid={ACCOUNT}&CallSid=CA1");
        assert!(verify(&body, ACCOUNT, &[TOKEN]).is_ok());
        let other = "AC00000000000000000000000000000002";
        assert_eq!(verify(&body, other, &[TOKEN]).err(), Some(Rejected::Account));
        assert_eq!(verify("CallSid=CA1", ACCOUNT, &[TOKEN]).err(), Some(Rejected::Account));
        let two = format!("AccountSid={ACCOUNT}&AccountSid={other}");
        assert_eq!(verify(&two, ACCOUNT, &[TOKEN]).err(), Some(Rejected::Account));
    }

    #[test]
    fn any_live_secret_will_do_and_none_will_not() {
        let body = format!("AccountSid={ACCOUNT}");
        let retired = "ffffffffffffffffffffffffffffffff";
        assert!(verify(&body, ACCOUNT, &[retired, TOKEN]).is_ok());
        assert_eq!(verify(&body, ACCOUNT, &[retired]).err(), Some(Rejected::Signature));
        assert_eq!(verify(&body, ACCOUNT, &[]).err(), Some(Rejected::Signature));
    }

    #[test]
    fn shapes_are_checked() {
        assert_eq!(Twilio.check_account(&format!(" {ACCOUNT} ")).as_deref(), Ok(ACCOUNT));
        for bad in ["", "AC1", "SK00000000000000000000000000000001", "AC0000000000000000000000000000000/"] {
            assert!(matches!(Twilio.check_account(bad), Err(Bad::Shape(_))), "{bad}");
        }
        assert_eq!(Twilio.check_secret(TOKEN), Ok(()));
        assert!(Twilio.check_secret("short").is_err());
    }
}
