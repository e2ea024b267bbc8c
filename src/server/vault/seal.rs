//! The cipher and its header: AES-256-GCM with a fresh random nonce, bound to where the value stands.
//!
//! `sealed = 0x01 | key id (16) | nonce (12) | ciphertext and tag`. The associated data is the business, the purpose
//! and the row, so that a sealed value copied to another row, column or business does not open.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::VaultError;
use crate::{
    model::id::BusinessId,
    server::kit::entropy::{Entropy, bytes},
};

const VERSION: u8 = 1;
const HEADER: usize = 1 + 16 + 12;

/// A 256-bit key, wiped when dropped.
pub type Key = Zeroizing<[u8; 32]>;

/// What a sealed value is. Two purposes never open each other's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    DataKey,
    ConnectionSecret,
    ConnectionToken,
    WebhookPayload,
    ScreenPop,
    Mail,
    Flash,
    /// Seals nothing: it is the key that a known browser's cookie is authenticated with.
    Device,
    Reveal,
    TotpSeed,
    /// Of PKCE, while somebody is at the provider of identities.
    OidcVerifier,
    /// A number that codes are texted to.
    FactorPhone,
    /// A text message that waits to be sent.
    Text,
    /// A text message that brings a customer's tracking link and waits to be sent.
    TrackingText,
    SigningKey,
    /// Seals nothing: it is the key that the records of closed access reviews are signed with.
    ReviewRecord,
    AuditKey,
    /// What opens the door of a collector that the audit log is streamed to.
    AuditStream,
    /// What a page of the audit log asks with whether something new has come.
    AuditNews,
    /// A part of an export of the audit log.
    AuditExport,
    /// Seals nothing: it is the key that the public halves of the keys above are authenticated with.
    AuditPublicKey,
}

/// Where a sealed value stands: it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// Nil for the installation's own values (mail, cookies).
    pub business: BusinessId,
    pub purpose: Purpose,
    pub row: Uuid,
}

impl Bound {
    fn associated_data(self) -> Vec<u8> {
        let mut data = Vec::with_capacity(64);
        data.extend_from_slice(b"ringfort/1/");
        data.extend_from_slice(format!("{:?}/", self.purpose).as_bytes());
        data.extend_from_slice(self.business.0.as_bytes());
        data.extend_from_slice(self.row.as_bytes());
        data
    }
}

/// Seals `plain` under `key`.
///
/// # Errors
/// Never in practice: the cipher refuses only messages of 64 GiB and more.
pub fn seal(entropy: &dyn Entropy, key_id: Uuid, key: &Key, bound: Bound, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; 12] = bytes(entropy);
    let cipher = Aes256Gcm::new_from_slice(&**key).map_err(|_| VaultError::Broken)?;
    let payload = Payload { msg: plain, aad: &bound.associated_data() };
    let body = cipher.encrypt(&nonce.into(), payload).map_err(|_| VaultError::Broken)?;
    let mut sealed = Vec::with_capacity(HEADER + body.len());
    sealed.push(VERSION);
    sealed.extend_from_slice(key_id.as_bytes());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&body);
    Ok(sealed)
}

/// The id of the key that a sealed value needs.
///
/// # Errors
/// Broken when it is too short or of another version.
pub fn key_id(sealed: &[u8]) -> Result<Uuid, VaultError> {
    match sealed.first() {
        Some(&VERSION) if sealed.len() > HEADER => Uuid::from_slice(&sealed[1..17]).map_err(|_| VaultError::Broken),
        _ => Err(VaultError::Broken),
    }
}

/// Opens what [`seal`] sealed.
///
/// # Errors
/// Broken when anything differs: a bit, the key, the business, the purpose, the row.
pub fn open(key: &Key, bound: Bound, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    key_id(sealed)?;
    let nonce: [u8; 12] = sealed[17..HEADER].try_into().map_err(|_| VaultError::Broken)?;
    let cipher = Aes256Gcm::new_from_slice(&**key).map_err(|_| VaultError::Broken)?;
    let payload = Payload { msg: &sealed[HEADER..], aad: &bound.associated_data() };
    cipher.decrypt(&nonce.into(), payload).map(Zeroizing::new).map_err(|_| VaultError::Broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::kit::entropy::SystemEntropy;

    fn bound() -> Bound {
        Bound { business: BusinessId(Uuid::from_u128(1)), purpose: Purpose::ScreenPop, row: Uuid::from_u128(2) }
    }

    #[test]
    fn opens_only_where_it_was_sealed() {
        let key: Key = Zeroizing::new([7; 32]);
        let sealed = seal(&SystemEntropy, Uuid::from_u128(9), &key, bound(), b"secret").expect("seals");
        assert_eq!(open(&key, bound(), &sealed).expect("opens").as_slice(), b"secret");
        assert_eq!(key_id(&sealed).expect("has a header"), Uuid::from_u128(9));

        let elsewhere = [
            Bound { business: BusinessId(Uuid::from_u128(3)), ..bound() },
            Bound { purpose: Purpose::ConnectionSecret, ..bound() },
            Bound { row: Uuid::from_u128(4), ..bound() },
        ];
        for other in elsewhere {
            assert!(open(&key, other, &sealed).is_err(), "{other:?}");
        }
        assert!(open(&Zeroizing::new([8; 32]), bound(), &sealed).is_err());
        for i in HEADER - 12..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert!(open(&key, bound(), &changed).is_err(), "byte {i}");
        }
        assert!(open(&key, bound(), &sealed[..HEADER]).is_err());
    }

    #[test]
    fn two_seals_of_one_value_differ() {
        let key: Key = Zeroizing::new([7; 32]);
        let one = seal(&SystemEntropy, Uuid::nil(), &key, bound(), b"x").expect("seals");
        let two = seal(&SystemEntropy, Uuid::nil(), &key, bound(), b"x").expect("seals");
        assert_ne!(one, two);
    }
}
