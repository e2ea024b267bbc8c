//! Randomness, as a parameter: ids, tokens and nonces are drawn from here.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};
use zeroize::Zeroizing;

use super::At;

/// Where random bytes come from: the operating system, or a test's seed.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `out`.
    fn fill(&self, out: &mut [u8]);
}

/// Randomness that is shared by everything in one process.
pub type SharedEntropy = Arc<dyn Entropy>;

/// The operating system's generator.
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place that may ask")]
    fn fill(&self, out: &mut [u8]) {
        getrandom::fill(out).expect("without randomness from the operating system nothing here is safe to go on");
    }
}

/// An array of random bytes.
#[must_use]
pub fn bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut out = [0; N];
    entropy.fill(&mut out);
    out
}

/// A UUIDv7 (RFC 9562, 5.7) for an id that was born at `now`.
#[must_use]
pub fn uuid7(entropy: &dyn Entropy, now: At) -> Uuid {
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &bytes::<10>(entropy)).into_uuid()
}

/// A bearer token of 256 bits for a link or an address. Only its hash is stored.
pub struct Token(Zeroizing<String>);

impl Token {
    /// Draws a new one.
    #[must_use]
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes::<32>(entropy))))
    }

    /// The token itself, for the link that carries it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the database keeps.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        token_hash(&self.0)
    }
}

/// SHA-256 of a presented token. The token has 256 random bits, so a slow hash would add nothing.
#[must_use]
pub fn token_hash(presented: &str) -> Vec<u8> {
    Sha256::digest(presented.as_bytes()).to_vec()
}
