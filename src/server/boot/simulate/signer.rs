//! Signs as Twilio does (providers.md, section 1), written anew and not with the verifier's code: a mistake that both
//! shared would not be seen. Only simulators sign; the product never does.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::server::vault::Secret;

/// A form's fields, each once, in the order of their names, which is also the order that is signed.
pub type Fields = BTreeMap<&'static str, String>;

/// The value of `X-Twilio-Signature` for a form that is posted to `url`.
#[must_use]
pub fn sign(url: &str, fields: &Fields, secret: &Secret) -> String {
    let mut mac =
        <Hmac<Sha1> as KeyInit>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(url.as_bytes());
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_what_the_vendors_library_signs() {
        let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/twilio_signature.json"));
        let vectors: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let secret = Secret::new(vectors["secret"].as_str().expect("a secret").to_owned());
        let cases = vectors["cases"].as_array().expect("cases");
        let case = cases.iter().find(|case| case["name"] == "form_url_with_query").expect("the case");
        let fields = Fields::from([
            ("CallSid", "CA00000000000000000000000000000001".to_owned()),
            ("AccountSid", "AC00000000000000000000000000000001".to_owned()),
            ("From", "+15005550006".to_owned()),
            ("To", "+14155550100".to_owned()),
            ("CallStatus", "completed".to_owned()),
            ("ApiVersion", "2010-04-01".to_owned()),
            ("Direction", "outbound-api".to_owned()),
            ("CallDuration", "42".to_owned()),
            ("Timestamp", "Tue, 01 Sep 2026 15:04:05 +0000".to_owned()),
            ("CallbackSource", "call-progress-events".to_owned()),
            ("SequenceNumber", "3".to_owned()),
        ]);
        let url = case["url"].as_str().expect("an address");
        assert_eq!(sign(url, &fields, &secret), case["signature"].as_str().expect("a signature"));
    }
}
