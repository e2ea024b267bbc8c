//! Taking a running call over: Twilio's Call resource (`POST …/Calls/{CallSid}.json`), which takes a new state or new `TwiML`.
//!
//! Muting is for participants of a conference alone, and our calls are none: a `<Dial>` joins two legs, and no request
//! silences one of them. So Twilio says that it cannot.

use super::{Twilio, event::is_call, rest, twiml};
use crate::server::{
    kit::outbound::{Login, Outbound, Reply},
    providers::{ControlError, Order, Telephony},
    vault::Secret,
};

pub(super) async fn control(
    outbound: &Outbound,
    account: &str,
    secret: &Secret,
    call: &str,
    order: &Order,
) -> Result<(), ControlError> {
    // Both become part of an address.
    let account = Twilio.check_account(account).map_err(|_| ControlError::Account)?;
    if !is_call(call) {
        return Err(ControlError::Gone);
    }
    let twiml;
    let field = match order {
        Order::HangUp => ("Status", "completed"),
        Order::Transfer(plan) => {
            twiml = twiml::dial(plan);
            ("Twiml", twiml.as_str())
        }
        Order::Mute => return Err(ControlError::Cannot),
    };
    let url = format!("{}/2010-04-01/Accounts/{account}/Calls/{call}.json", rest::base(outbound));
    let login = Login::Basic { user: &account, password: secret.expose() };
    judge(&outbound.post_form(&url, login, &[field]).await?)
}

fn judge(reply: &Reply) -> Result<(), ControlError> {
    match reply.status {
        200 => Ok(()),
        // 21220: the call is not in a state in which it can be changed: it has ended.
        400 | 404 => Err(ControlError::Gone),
        401 | 403 => Err(ControlError::Account),
        _ => Err(ControlError::Unreachable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_became_of_the_call() {
        let judged = |status| judge(&Reply { status, retry_after_seconds: None, body: Vec::new() });
        assert_eq!(judged(200), Ok(()));
        assert_eq!((judged(404), judged(400)), (Err(ControlError::Gone), Err(ControlError::Gone)));
        assert_eq!(judged(401), Err(ControlError::Account));
        for status in [201, 302, 429, 500] {
            assert_eq!(judged(status), Err(ControlError::Unreachable), "{status}");
        }
    }
}
