//! The master key and the data keys of businesses.
//!
//! The master key comes from a file or the environment and never reaches the database. Each business has a data
//! key, wrapped by the master key; unwrapped keys are kept in memory for a minute, so that a retired key is gone
//! everywhere within that time (KEY-2).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Bound, Purpose, Secret, VaultError, audit_key, ed25519, jwt,
    seal::{self, Key},
};
use crate::{
    model::id::{BusinessId, DataKeyId},
    server::{
        kit::{
            At,
            clock::SharedClock,
            entropy::{SharedEntropy, bytes, uuid7},
        },
        store::{self, TenantTx},
    },
};

const CACHE_SECONDS: i64 = 60;

/// Seals and opens. One per process.
#[derive(Clone)]
pub struct Vault(pub(super) Arc<Inner>);

pub(super) struct Inner {
    master: Key,
    master_id: String,
    pub(super) clock: SharedClock,
    pub(super) entropy: SharedEntropy,
    pub(super) db: PgPool,
    cache: Mutex<Cache>,
    /// The keys that sign tokens, for [`super::jwt`].
    pub(super) signing: jwt::Cache,
    /// The key that signs the audit log's seals, for [`super::audit_key`].
    pub(super) audit: audit_key::Cache,
}

#[derive(Default)]
struct Cache {
    keys: HashMap<(BusinessId, DataKeyId), (At, Key)>,
    active: HashMap<BusinessId, (At, DataKeyId)>,
}

/// A data key that was just made, as the database stores it.
pub struct NewDataKey {
    pub id: DataKeyId,
    pub wrapped: Vec<u8>,
    pub master_key: String,
}

/// The master key from 64 hexadecimal digits.
///
/// # Errors
/// Anything else.
pub fn master_key(hex: &Secret) -> Result<Key, VaultError> {
    let mut key: Key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(hex.expose().trim(), key.as_mut_slice()).map_err(|_| VaultError::BadMasterKey)?;
    Ok(key)
}

fn hmac(key: &Key) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(key.as_slice()).expect("HMAC takes keys of any length")
}

impl Vault {
    #[must_use]
    pub fn new(master: Key, db: PgPool, clock: SharedClock, entropy: SharedEntropy) -> Self {
        // An id, so that a wrapped key says which master key it needs; not the key, and no way back to it.
        let digest = Sha256::new().chain_update(b"ringfort/master-key-id/").chain_update(*master).finalize();
        let master_id = hex::encode(&digest[..8]);
        ed25519::install();
        let (cache, signing, audit) = (Mutex::default(), jwt::Cache::default(), audit_key::Cache::default());
        Self(Arc::new(Inner { master, master_id, clock, entropy, db, cache, signing, audit }))
    }

    /// The name of the master key in use. Safe to show.
    #[must_use]
    pub fn master_id(&self) -> &str {
        &self.0.master_id
    }

    /// A key of the installation for something outside any business, derived from the master key.
    fn own_key(&self, purpose: Purpose) -> Key {
        let label = format!("ringfort/own-key/{purpose:?}/");
        Zeroizing::new(Sha256::new().chain_update(label.as_bytes()).chain_update(*self.0.master).finalize().into())
    }

    /// Seals a value of the installation itself (mail, cookies).
    ///
    /// # Errors
    /// See [`seal::seal`].
    pub fn seal_own(&self, purpose: Purpose, row: Uuid, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let bound = Bound { business: BusinessId(Uuid::nil()), purpose, row };
        seal::seal(&*self.0.entropy, Uuid::nil(), &self.own_key(purpose), bound, plain)
    }

    /// Opens what [`Self::seal_own`] sealed.
    ///
    /// # Errors
    /// Broken when anything differs.
    pub fn open_own(&self, purpose: Purpose, row: Uuid, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let bound = Bound { business: BusinessId(Uuid::nil()), purpose, row };
        seal::open(&self.own_key(purpose), bound, sealed)
    }

    /// Authenticates `parts` as the installation's own: HMAC-SHA256 (RFC 2104) under a key that is for nothing else. Each
    /// part goes in with its length, so that the parts cannot be cut differently.
    #[must_use]
    pub fn mac_own(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = hmac(&self.own_key(purpose));
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Whether [`Self::mac_own`] made `presented` of these parts. In constant time: how long it takes must not tell how
    /// much of a guess is right.
    #[must_use]
    pub fn is_mac_own(&self, purpose: Purpose, parts: &[&[u8]], presented: &[u8]) -> bool {
        bool::from(self.mac_own(purpose, parts).as_slice().ct_eq(presented))
    }

    /// Makes a data key for a business that is being founded.
    ///
    /// # Errors
    /// See [`seal::seal`].
    pub fn new_data_key(&self, business: BusinessId) -> Result<NewDataKey, VaultError> {
        let id = DataKeyId(uuid7(&*self.0.entropy, self.0.clock.now()));
        let key: Key = Zeroizing::new(bytes(&*self.0.entropy));
        let bound = Bound { business, purpose: Purpose::DataKey, row: id.0 };
        let wrapped = seal::seal(&*self.0.entropy, Uuid::nil(), &self.0.master, bound, &*key)?;
        Ok(NewDataKey { id, wrapped, master_key: self.0.master_id.clone() })
    }

    /// Seals `plain` with the business's data key.
    ///
    /// # Errors
    /// The business has no key, or the database cannot be reached.
    pub async fn seal(
        &self,
        tx: &mut TenantTx,
        purpose: Purpose,
        row: Uuid,
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let business = tx.business();
        let (id, key) = match self.cached_active(business) {
            Some(found) => found,
            None => self.fetch_active(tx).await?,
        };
        seal::seal(&*self.0.entropy, id.0, &key, Bound { business, purpose, row }, plain)
    }

    async fn fetch_active(&self, tx: &mut TenantTx) -> Result<(DataKeyId, Key), VaultError> {
        let (business, now) = (tx.business(), self.0.clock.now());
        let stored = store::data_key::active(tx).await?;
        let key = self.unwrap(business, stored.id, &stored.wrapped, &stored.master_key)?;
        let mut cache = self.cache();
        cache.active.insert(business, (now, stored.id));
        cache.keys.insert((business, stored.id), (now, key.clone()));
        Ok((stored.id, key))
    }

    /// Opens what [`Self::seal`] sealed.
    ///
    /// # Errors
    /// Broken when anything differs; no such key; the database cannot be reached.
    pub async fn open(
        &self,
        business: BusinessId,
        purpose: Purpose,
        row: Uuid,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let id = DataKeyId(seal::key_id(sealed)?);
        let key = self.data_key(business, id).await?;
        seal::open(&key, Bound { business, purpose, row }, sealed)
    }

    /// As [`Self::open`], for a secret text.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_text(
        &self,
        business: BusinessId,
        purpose: Purpose,
        row: Uuid,
        sealed: &[u8],
    ) -> Result<Secret, VaultError> {
        let plain = self.open(business, purpose, row, sealed).await?;
        String::from_utf8(plain.to_vec()).map(Secret::new).map_err(|_| VaultError::Broken)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached_active(&self, business: BusinessId) -> Option<(DataKeyId, Key)> {
        let now = self.0.clock.now();
        let is_fresh = |at: At| now.since(at) < CACHE_SECONDS;
        let cache = self.cache();
        let id = cache.active.get(&business).filter(|(at, _)| is_fresh(*at)).map(|(_, id)| *id)?;
        let key = cache.keys.get(&(business, id)).filter(|(at, _)| is_fresh(*at)).map(|(_, key)| key.clone())?;
        Some((id, key))
    }

    async fn data_key(&self, business: BusinessId, id: DataKeyId) -> Result<Key, VaultError> {
        let now = self.0.clock.now();
        if let Some((at, key)) = self.cache().keys.get(&(business, id))
            && now.since(*at) < CACHE_SECONDS
        {
            return Ok(key.clone());
        }
        let (wrapped, master) =
            store::lobby::data_key(&self.0.db, business, id).await?.ok_or_else(|| VaultError::NoKey(id.to_string()))?;
        let key = self.unwrap(business, id, &wrapped, &master)?;
        let mut cache = self.cache();
        cache.keys.retain(|_, (at, _)| now.since(*at) < CACHE_SECONDS);
        cache.keys.insert((business, id), (now, key.clone()));
        Ok(key)
    }

    fn unwrap(&self, business: BusinessId, id: DataKeyId, wrapped: &[u8], master: &str) -> Result<Key, VaultError> {
        if master != self.0.master_id {
            return Err(VaultError::NoKey(format!("master {master}")));
        }
        let bound = Bound { business, purpose: Purpose::DataKey, row: id.0 };
        let plain = seal::open(&self.0.master, bound, wrapped)?;
        let mut key: Key = Zeroizing::new([0; 32]);
        if plain.len() != key.len() {
            return Err(VaultError::Broken);
        }
        key.copy_from_slice(&plain);
        Ok(key)
    }
}
