//! `X-Twilio-Signature`, as Twilio's own libraries check it (twilio 9.13.0 for Python, vectors in
//! `tests/vectors/twilio_signature.json`).
//!
//! Signed is the public address, followed, for a form, by every key and every distinct value in byte order. A body
//! that is no form is covered by its hash in the address. There is no timestamp: a repeat is caught by its key.

use std::borrow::Cow;

use axum::http::{HeaderMap, Method};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::hex32;
use crate::server::{
    providers::request::{Parameters, RawRequest},
    vault::Secret,
};

const SIGNATURE: &str = "x-twilio-signature";
const SETTINGS: &str = "x-twilio-webhooks-signature-settings";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Sha1,
    Sha256,
}

/// The request's parameters, when one of `secrets` signed it; None otherwise, whatever the reason.
pub(super) fn verify(request: &RawRequest<'_>, secrets: &[Secret]) -> Option<Parameters> {
    let presented = only(request.headers, SIGNATURE)?;
    let algorithm = algorithm(request.headers)?;
    let (parameters, signed) = material(request)?;
    let mut good = Choice::from(0);
    for secret in secrets.iter().map(Secret::expose).filter(|secret| may_use(secret, algorithm)) {
        for url in spellings(request.url) {
            let expected = sign(&format!("{url}{signed}"), secret, algorithm);
            // No early exit: the time must not tell which secret or spelling came close.
            good |= expected.as_bytes().ct_eq(presented.as_bytes());
        }
    }
    bool::from(good).then_some(parameters)
}

/// The parameters, and what of them follows the address in the signed text.
fn material(request: &RawRequest<'_>) -> Option<(Parameters, String)> {
    if request.method == Method::GET {
        return Some((parse(query(request.url).as_bytes()), String::new()));
    }
    if request.method != Method::POST {
        return None;
    }
    if is_form(request.headers) {
        // Also with a `bodySHA256` in the address: it must never replace the parameters of a form.
        let parameters = parse(request.body);
        let signed = parameters
            .iter()
            .flat_map(|(key, values)| values.iter().flat_map(move |value| [key.as_str(), value.as_str()]))
            .collect();
        return Some((parameters, signed));
    }
    let hashes = parse(query(request.url).as_bytes()).remove("bodySHA256")?;
    let hash = hashes.first().filter(|_| hashes.len() == 1)?;
    let actual = hex::encode(Sha256::digest(request.body));
    bool::from(actual.as_bytes().ct_eq(hash.as_bytes())).then(|| (Parameters::new(), String::new()))
}

fn parse(encoded: &[u8]) -> Parameters {
    let mut parameters = Parameters::new();
    for (key, value) in form_urlencoded::parse(encoded) {
        parameters.entry(key.into_owned()).or_default().insert(value.into_owned());
    }
    parameters
}

/// Which algorithm the request claims; None when it is unknown.
fn algorithm(headers: &HeaderMap) -> Option<Algorithm> {
    if !headers.contains_key(SETTINGS) {
        return Some(Algorithm::Sha1);
    }
    let mut named = only(headers, SETTINGS)?.split(',').filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        (name.trim() == "algorithm").then(|| value.trim())
    });
    match (named.next(), named.next()) {
        (Some("HMAC_SHA256"), None) => Some(Algorithm::Sha256),
        (Some("HMAC_SHA1"), None) => Some(Algorithm::Sha1),
        _ => None,
    }
}

/// Whether a secret may be used with an algorithm. What is no Auth Token is a shared key, made for SHA-256: leaving
/// the header out must not bring it down to SHA-1.
fn may_use(secret: &str, algorithm: Algorithm) -> bool {
    !secret.is_empty() && (algorithm == Algorithm::Sha256 || hex32(secret))
}

fn sign(text: &str, secret: &str, algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::Sha1 => mac::<Hmac<Sha1>>(text, secret),
        Algorithm::Sha256 => mac::<Hmac<Sha256>>(text, secret),
    }
}

fn mac<M: Mac + KeyInit>(text: &str, secret: &str) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The header's value, when it is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

fn is_form(headers: &HeaderMap) -> bool {
    only(headers, "content-type").is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

fn query(url: &str) -> &str {
    let url = url.split('#').next().unwrap_or_default();
    url.split_once('?').map_or("", |(_, query)| query)
}

/// The address with and without its port: Twilio signs either, and its libraries accept either.
fn spellings(url: &str) -> [Cow<'_, str>; 2] {
    let url = url.split('#').next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return [url.into(), url.into()] };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            [url.into(), format!("{scheme}://{host}{path}").into()]
        }
        _ => {
            let port = if scheme == "https" { 443 } else { 80 };
            [url.into(), format!("{scheme}://{authority}:{port}{path}").into()]
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use axum::http::HeaderValue;
    use serde::Deserialize;

    use super::*;
    use crate::server::providers::Door;

    const VECTORS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/twilio_signature.json"));

    #[derive(Deserialize)]
    struct Vectors {
        secret: String,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        url: String,
        form_body: Option<String>,
        body: Option<String>,
        signature_settings_header: Option<String>,
        signature: String,
        valid: bool,
    }

    /// What Twilio would send for a form.
    pub(in super::super) fn sign(url: &str, body: &[u8], token: &str) -> String {
        let fields: String = parse(body).iter().flat_map(|(k, vs)| vs.iter().map(move |v| format!("{k}{v}"))).collect();
        super::sign(&format!("{url}{fields}"), token, Algorithm::Sha1)
    }

    fn header(text: &str) -> HeaderValue {
        text.parse().expect("a header's value")
    }

    fn headers(case: &Case) -> HeaderMap {
        let kind = if case.body.is_some() { "application/json" } else { "application/x-www-form-urlencoded" };
        let mut headers = HeaderMap::new();
        headers.insert("content-type", header(kind));
        headers.insert(SIGNATURE, header(&case.signature));
        if let Some(settings) = &case.signature_settings_header {
            headers.insert(SETTINGS, header(settings));
        }
        headers
    }

    fn check(case: &Case, headers: &HeaderMap, secrets: &[&str]) -> bool {
        let method = if case.name.starts_with("get_") { Method::GET } else { Method::POST };
        let body = case.body.as_ref().or(case.form_body.as_ref()).map_or("", String::as_str);
        let request =
            RawRequest { method: &method, url: &case.url, door: Door::Status, headers, body: body.as_bytes() };
        let secrets: Vec<Secret> = secrets.iter().map(|s| Secret::new((*s).to_owned())).collect();
        verify(&request, &secrets).is_some()
    }

    fn vectors() -> Vectors {
        serde_json::from_str(VECTORS).expect("the vectors are JSON")
    }

    fn case(name: &str) -> Case {
        vectors().cases.into_iter().find(|case| case.name == name).expect("a vector of this name")
    }

    #[test]
    fn every_vector_of_the_vendors_library() {
        let vectors = vectors();
        assert!(vectors.cases.len() >= 15, "the file is complete");
        for case in &vectors.cases {
            assert_eq!(check(case, &headers(case), &[&vectors.secret]), case.valid, "{}", case.name);
        }
    }

    #[test]
    fn every_vector_fails_without_its_secret_or_its_header() {
        let vectors = vectors();
        for case in &vectors.cases {
            assert!(!check(case, &headers(case), &[]), "{}: no secret", case.name);
            assert!(!check(case, &headers(case), &["", "ffffffffffffffffffffffffffffffff"]), "{}", case.name);
            let mut bare = headers(case);
            bare.remove(SIGNATURE);
            assert!(!check(case, &bare, &[&vectors.secret]), "{}: no header", case.name);
            let mut doubled = headers(case);
            doubled.append(SIGNATURE, header("x"));
            assert!(!check(case, &doubled, &[&vectors.secret]), "{}: two headers", case.name);
        }
    }

    #[test]
    fn the_algorithm_is_neither_guessed_nor_lowered() {
        let secret = vectors().secret;
        let case256 = case("form_shared_key_sha256");
        let mut without = headers(&case256);
        without.remove(SETTINGS);
        assert!(!check(&case256, &without, &[&secret]));
        for settings in ["key=k,algorithm=HMAC_SHA1", "key=k", "algorithm=HMAC_SHA256,algorithm=HMAC_SHA256", ""] {
            let mut changed = headers(&case256);
            changed.insert(SETTINGS, header(settings));
            assert!(!check(&case256, &changed, &[&secret]), "{settings}");
        }
        assert!(may_use("a shared key", Algorithm::Sha256) && !may_use("a shared key", Algorithm::Sha1));
    }

    #[test]
    fn a_body_that_is_no_form_needs_its_hash() {
        let secret = vectors().secret;
        let mut plain = case("form_url_with_query");
        plain.body = plain.form_body.take();
        plain.signature = super::sign(&plain.url, &secret, Algorithm::Sha1);
        assert!(!check(&plain, &headers(&plain), &[&secret]));
        // And a form must not pass by its hash alone.
        let mut form = case("json_body");
        form.form_body = form.body.take();
        assert!(!check(&form, &headers(&form), &[&secret]));
    }
}
