//! Twilio's REST interface (vectors in `twilio_rest.json`: Basic authentication, account id and Auth Token).

use super::Twilio;
use crate::server::{
    kit::outbound::{Login, Outbound},
    providers::{Telephony, TestOutcome},
    vault::Secret,
};

const BASE: &str = "https://api.twilio.com";

/// Where the interface lives. A stand-in is the operator's to name, never a tenant's.
pub(super) fn base(outbound: &Outbound) -> &str {
    outbound.override_for(Twilio.code()).unwrap_or(BASE)
}

/// Fetches the account itself: the smallest request that needs account and token to fit.
pub(super) async fn test(outbound: &Outbound, account: &str, secret: &Secret) -> TestOutcome {
    // The account becomes part of an address.
    let Ok(account) = Twilio.check_account(account) else { return TestOutcome::Refused };
    let url = format!("{}/2010-04-01/Accounts/{account}.json", base(outbound));
    let login = Login::Basic { user: &account, password: secret.expose() };
    outbound.get_json(&url, login).await.map_or(TestOutcome::Unreachable, |reply| outcome(reply.status))
}

fn outcome(status: u16) -> TestOutcome {
    match status {
        200 => TestOutcome::Ok,
        401 | 403 | 404 => TestOutcome::Refused,
        _ => TestOutcome::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_no_is_a_refusal() {
        let cases = [(200, TestOutcome::Ok), (401, TestOutcome::Refused), (404, TestOutcome::Refused)];
        for (status, expected) in cases {
            assert_eq!(outcome(status), expected, "{status}");
        }
        for status in [204, 302, 429, 500] {
            assert_eq!(outcome(status), TestOutcome::Unreachable, "{status}");
        }
    }
}
