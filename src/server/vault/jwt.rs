//! Access tokens for programs (ACC-7; RFC 9068): signed with Ed25519, good for five minutes, verified against our own
//! keys and nothing that a token brings along.
//!
//! The private keys lie sealed in the database. The first is made when it is first needed, the worker puts a new one in
//! its place every 90 days, and the old one's public half is kept for a day. To add a claim: a field of [`Claims`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Purpose, Vault, VaultError};
use crate::{
    model::id::{BusinessId, SessionId, UserId},
    server::{
        kit::{
            At,
            entropy::{bytes, uuid7},
        },
        store::lobby::{self, NewSigningKey},
    },
};

/// Whom access tokens are for.
pub const AUDIENCE: &str = "ringfort-api";
/// An access token is good for this long.
pub const ACCESS_SECONDS: i64 = 300;
/// A key signs for this long.
pub const ROTATE_SECONDS: i64 = 90 * 24 * 3600;
/// A retired key verifies for this long. Its last token is over much sooner; who copies our keys gets the time to look
/// again.
pub const KEPT_SECONDS: i64 = 24 * 3600;
/// What kind of token it is (RFC 9068, 2.1): no other token of ours, now or later, passes for one.
const TYPE: &str = "at+jwt";
const CACHE_SECONDS: i64 = 60;
/// A name that is not among the cached keys may be another node's new key. Strangers' inventions cost a query no
/// oftener.
const UNKNOWN_SECONDS: i64 = 2;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The installation's public address.
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    /// The family that it was issued in.
    pub sid: SessionId,
    /// The one business that it opens.
    pub biz: BusinessId,
    pub jti: Uuid,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
}

impl Claims {
    /// For five minutes from `now` on.
    #[must_use]
    pub fn new(issuer: &str, user: UserId, family: SessionId, business: BusinessId, id: Uuid, now: At) -> Self {
        let from = now.as_second();
        Self {
            iss: issuer.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: family,
            biz: business,
            jti: id,
            iat: from,
            nbf: from,
            exp: from + ACCESS_SECONDS,
        }
    }
}

/// The keys as this process knows them, for a minute.
#[derive(Default)]
pub(super) struct Cache(Mutex<Option<(At, Arc<Keys>)>>);

struct Keys {
    kid: String,
    signing: EncodingKey,
    verifying: HashMap<String, DecodingKey>,
    public: Vec<Value>,
}

impl Vault {
    /// Signs an access token.
    ///
    /// # Errors
    /// The keys cannot be read or opened; the database cannot be reached.
    pub async fn sign_access(&self, claims: &Claims) -> Result<String, VaultError> {
        let keys = self.signing_keys(CACHE_SECONDS).await?;
        Ok(encode(&header(&keys.kid), claims, &keys.signing)?)
    }

    /// What an access token says, if it is one of ours and good now. That its family goes on must be asked besides.
    ///
    /// # Errors
    /// The keys cannot be read or opened; the database cannot be reached. A bad token is no error.
    pub async fn verify_access(&self, token: &str, issuer: &str) -> Result<Option<Claims>, VaultError> {
        let Some((kid, found)) = decode_header(token).ok().and_then(|found| Some((found.kid.clone()?, found))) else {
            return Ok(None);
        };
        // Exactly what we write ourselves: no other algorithm, no other type, no key or address of a key besides.
        if found != header(&kid) {
            return Ok(None);
        }
        let Some(key) = self.verifying_key(&kid).await? else { return Ok(None) };
        let now = self.0.clock.now().as_second();
        let claims = decode::<Claims>(token, &key, &validation(issuer)).ok().map(|data| data.claims);
        // The library would ask the machine's clock; ours is a parameter. Without leeway.
        Ok(claims.filter(|claims| claims.nbf <= now && now < claims.exp))
    }

    /// The public halves of all keys that verify now, as JWKs (RFC 7517).
    ///
    /// # Errors
    /// The keys cannot be read or opened; the database cannot be reached.
    pub async fn public_keys(&self) -> Result<Vec<Value>, VaultError> {
        Ok(self.signing_keys(CACHE_SECONDS).await?.public.clone())
    }

    /// Puts a new key in the place of one that has signed for 90 days. Says whether it did.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn rotate_signing_key(&self, db: &PgPool) -> Result<bool, VaultError> {
        let now = self.0.clock.now();
        let known = lobby::signing_keys(db, now).await?;
        let old = known.iter().find(|key| key.retired_at.is_none() && now.since(key.created_at) >= ROTATE_SECONDS);
        let Some(old) = old else { return Ok(false) };
        let done = lobby::signing_key_rotate(db, old.id, self.new_signing_key()?, now).await?;
        *self.0.signing.lock() = None;
        Ok(done)
    }

    async fn verifying_key(&self, kid: &str) -> Result<Option<DecodingKey>, VaultError> {
        let keys = self.signing_keys(CACHE_SECONDS).await?;
        if let Some(key) = keys.verifying.get(kid) {
            return Ok(Some(key.clone()));
        }
        Ok(self.signing_keys(UNKNOWN_SECONDS).await?.verifying.get(kid).cloned())
    }

    /// The keys, as they were `seconds` ago at most.
    async fn signing_keys(&self, seconds: i64) -> Result<Arc<Keys>, VaultError> {
        let now = self.0.clock.now();
        if let Some(keys) = self.0.signing.fresh(now, seconds) {
            return Ok(keys);
        }
        let since = now.plus(-KEPT_SECONDS);
        let mut known = lobby::signing_keys(&self.0.db, since).await?;
        if known.iter().all(|key| key.retired_at.is_some()) {
            lobby::signing_key_add(&self.0.db, self.new_signing_key()?, now).await?;
            // Not the one just made: another node may have been faster.
            known = lobby::signing_keys(&self.0.db, since).await?;
        }
        let keys = Arc::new(self.open_keys(known)?);
        *self.0.signing.lock() = Some((now, keys.clone()));
        Ok(keys)
    }

    fn open_keys(&self, known: Vec<lobby::SigningKey>) -> Result<Keys, VaultError> {
        let (mut signing, mut verifying, mut public) = (None, HashMap::new(), Vec::new());
        for key in known {
            if let Some(sealed) = &key.sealed {
                let der = self.open_own(Purpose::SigningKey, key.id, sealed)?;
                signing = Some((key.kid.clone(), EncodingKey::from_ed_der(&der)));
            }
            let x = key.public_jwk.get("x").and_then(Value::as_str).ok_or(VaultError::Broken)?;
            verifying.insert(key.kid, DecodingKey::from_ed_components(x)?);
            public.push(key.public_jwk);
        }
        let (kid, signing) = signing.ok_or_else(|| VaultError::NoKey("to sign with".to_owned()))?;
        Ok(Keys { kid, signing, verifying, public })
    }

    fn new_signing_key(&self) -> Result<NewSigningKey, VaultError> {
        let id = uuid7(&*self.0.entropy, self.0.clock.now());
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(bytes(&*self.0.entropy));
        let key = SigningKey::from_bytes(&seed);
        let der = key.to_pkcs8_der().map_err(|_| VaultError::Broken)?;
        let sealed = self.seal_own(Purpose::SigningKey, id, der.as_bytes())?;
        let (kid, public_jwk) = describe(&key.verifying_key().to_bytes());
        Ok(NewSigningKey { id, kid, sealed, public_jwk })
    }
}

impl Cache {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(At, Arc<Keys>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, now: At, seconds: i64) -> Option<Arc<Keys>> {
        self.lock().as_ref().filter(|(at, _)| now.since(*at) < seconds).map(|(_, keys)| keys.clone())
    }
}

/// The header of every token of ours.
fn header(kid: &str) -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(kid.to_owned());
    header
}

fn validation(issuer: &str) -> Validation {
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.set_issuer(&[issuer]);
    rules.set_audience(&[AUDIENCE]);
    rules.set_required_spec_claims(&["iss", "aud", "sub", "nbf", "exp"]);
    rules.leeway = 0;
    // Held against our own clock in `verify_access`.
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules
}

/// A public key's name, which is its thumbprint (RFC 7638), and its JWK (RFC 8037).
pub(super) fn describe(public: &[u8; 32]) -> (String, Value) {
    let x = URL_SAFE_NO_PAD.encode(public);
    let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes());
    let kid = URL_SAFE_NO_PAD.encode(thumbprint);
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x });
    (kid, jwk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        // RFC 8037, appendix A.3.
        let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").expect("base64");
        let (kid, jwk) = describe(&public.try_into().expect("32 bytes"));
        assert_eq!(kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(jwk["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(jwk.get("d"), None);
    }

    #[test]
    fn a_token_lives_five_minutes() {
        let now = At("2026-01-02T03:04:05Z".parse().expect("an instant"));
        let id = Uuid::from_u128(1);
        let claims = Claims::new("https://a.example", UserId(id), SessionId(id), BusinessId(id), id, now);
        assert_eq!((claims.nbf, claims.exp - claims.iat), (now.as_second(), 300));
    }
}
