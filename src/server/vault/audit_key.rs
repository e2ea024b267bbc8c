//! The keys that sign the audit log's seals (AUD-3): Ed25519, and for nothing else.
//!
//! The private half lies sealed in the database; the worker makes the first when it is first needed, and a new one every
//! year. What was signed is kept, so the public halves are kept for good; each is authenticated by the vault, so that whoever
//! writes to the database cannot put one of their own beside them. The private half of a retired key is gone.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Purpose, Vault, VaultError, jwt::describe};
use crate::server::{
    kit::{
        At,
        entropy::{bytes, uuid7},
    },
    store::lobby::{self, NewAuditKey},
};

/// A key signs for this long.
pub const ROTATE_SECONDS: i64 = 365 * 24 * 3600;
const CACHE_SECONDS: i64 = 60;

/// The key that signs.
pub struct AuditKey {
    kid: String,
    signing: SigningKey,
}

impl AuditKey {
    /// Makes one of a seed. For programs that need no database: tests and benchmarks.
    #[must_use]
    pub fn of_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let (kid, _) = describe(&signing.verifying_key().to_bytes());
        Self { kid, signing }
    }

    /// Its name: the thumbprint of its public half (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// Signs.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.signing.sign(message);
        signature.to_bytes()
    }
}

/// Public halves, by name.
#[derive(Debug, Clone, Default)]
pub struct PublicKeys(BTreeMap<String, VerifyingKey>);

impl PublicKeys {
    /// Adds one.
    ///
    /// # Errors
    /// Bytes that are no public key.
    pub fn add(&mut self, public: &[u8; 32]) -> Result<(), VaultError> {
        let key = VerifyingKey::from_bytes(public).map_err(|_| VaultError::Broken)?;
        let (kid, _) = describe(public);
        self.0.insert(kid, key);
        Ok(())
    }

    /// Adds one that is written as in a JWK's `x` (RFC 8037): 32 bytes in base64url.
    ///
    /// # Errors
    /// A text that is none.
    pub fn add_text(&mut self, text: &str) -> Result<(), VaultError> {
        let public = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| VaultError::Broken)?;
        self.add(&public.try_into().map_err(|_| VaultError::Broken)?)
    }

    /// Whether the key of this name has signed `message`. Strict: no key of small order, no second spelling of a signature.
    #[must_use]
    pub fn have_signed(&self, kid: &str, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.0.get(kid).is_some_and(|key| key.verify_strict(message, &signature).is_ok())
    }

    /// As JWKs (RFC 7517), by name.
    #[must_use]
    pub fn jwks(&self) -> Vec<Value> {
        self.0.values().map(|key| describe(&key.to_bytes()).1).collect()
    }
}

/// The key as this process knows it, for a minute.
#[derive(Default)]
pub(super) struct Cache(Mutex<Option<(At, Arc<AuditKey>)>>);

impl Cache {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(At, Arc<AuditKey>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, now: At) -> Option<Arc<AuditKey>> {
        self.lock().as_ref().filter(|(at, _)| now.since(*at) < CACHE_SECONDS).map(|(_, key)| key.clone())
    }
}

impl Vault {
    /// The key that signs seals; made when there is none. As the worker.
    ///
    /// # Errors
    /// The key cannot be opened; the database cannot be reached.
    pub async fn audit_key(&self, db: &PgPool) -> Result<Arc<AuditKey>, VaultError> {
        let now = self.0.clock.now();
        if let Some(key) = self.0.audit.fresh(now) {
            return Ok(key);
        }
        let mut known = lobby::audit_keys(db).await?;
        if known.iter().all(|key| key.retired_at.is_some()) {
            lobby::audit_key_add(db, self.new_audit_key()?, now).await?;
            // Not the one just made: another node may have been faster.
            known = lobby::audit_keys(db).await?;
        }
        let signs = known.iter().find_map(|key| key.sealed.as_ref().map(|sealed| (key, sealed)));
        let (stored, sealed) = signs.ok_or_else(|| VaultError::NoKey("to sign the audit log with".to_owned()))?;
        let opened = self.open_own(Purpose::AuditKey, stored.id, sealed)?;
        let seed = Zeroizing::new(<[u8; 32]>::try_from(opened.as_slice()).map_err(|_| VaultError::Broken)?);
        let key = Arc::new(AuditKey::of_seed(&seed));
        *self.0.audit.lock() = Some((now, key.clone()));
        Ok(key)
    }

    /// The public halves of all keys that ever signed, as far as the vault knows them for its own.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn audit_public_keys(&self, db: &PgPool) -> Result<PublicKeys, VaultError> {
        let mut keys = PublicKeys::default();
        for stored in lobby::audit_keys(db).await? {
            let parts = authenticated(&stored.id, &stored.kid, &stored.public_key);
            let is_ours = self.is_mac_own(Purpose::AuditPublicKey, &parts, &stored.mac);
            if let (true, Ok(public)) = (is_ours, <[u8; 32]>::try_from(stored.public_key.as_slice())) {
                keys.add(&public)?;
            }
        }
        Ok(keys)
    }

    /// Puts a new key in the place of one that has signed for a year. Says whether it did.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn rotate_audit_key(&self, db: &PgPool) -> Result<bool, VaultError> {
        let now = self.0.clock.now();
        let known = lobby::audit_keys(db).await?;
        let old = known.iter().find(|key| key.retired_at.is_none() && now.since(key.created_at) >= ROTATE_SECONDS);
        let Some(old) = old else { return Ok(false) };
        let done = lobby::audit_key_rotate(db, old.id, self.new_audit_key()?, now).await?;
        *self.0.audit.lock() = None;
        Ok(done)
    }

    fn new_audit_key(&self) -> Result<NewAuditKey, VaultError> {
        let id = uuid7(&*self.0.entropy, self.0.clock.now());
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(bytes(&*self.0.entropy));
        let key = AuditKey::of_seed(&seed);
        let sealed = self.seal_own(Purpose::AuditKey, id, seed.as_slice())?;
        let public_key = key.public().to_vec();
        let mac = self.mac_own(Purpose::AuditPublicKey, &authenticated(&id, key.kid(), &public_key)).to_vec();
        Ok(NewAuditKey { id, kid: key.kid, sealed, public_key, mac })
    }
}

/// What makes a public half one of ours.
fn authenticated<'a>(id: &'a Uuid, kid: &'a str, public_key: &'a [u8]) -> [&'a [u8]; 3] {
    [id.as_bytes(), kid.as_bytes(), public_key]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_signs_and_only_its_public_half_says_so() {
        // RFC 8032, 7.1, test 2, and its public key as RFC 8037 writes one.
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(seed, key.as_mut_slice()).expect("32 bytes");
        let key = AuditKey::of_seed(&key);
        let signature = key.sign(&[0x72]);
        assert!(hex::encode(signature).starts_with("92a009a9f0d4cab8720e820b5f642540"));
        let mut keys = PublicKeys::default();
        assert!(!keys.have_signed(key.kid(), &[0x72], &signature), "an unknown key");
        keys.add_text("PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw").expect("a key");
        assert!(keys.have_signed(key.kid(), &[0x72], &signature));
        assert!(!keys.have_signed(key.kid(), &[0x73], &signature));
        assert_eq!(keys.jwks()[0]["kid"], key.kid());
        for bad in ["", "PUAX", "!"] {
            assert!(keys.add_text(bad).is_err(), "{bad}");
        }
    }
}
