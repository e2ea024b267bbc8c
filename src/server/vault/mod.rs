//! Secrets (KEY-1): envelope encryption, passwords. A secret leaves this room only inside the call that needs it.
//!
//! [`seal`] is the cipher and its header, [`keys`] the master key and the data keys of businesses, [`password`] the
//! hashes, [`totp`], [`codes`] and [`passkey`] second factors, [`jwt`] the tokens of programs with [`ed25519`] below
//! them, [`audit_key`] what signs the audit log. To seal a new kind of value: a variant of [`Purpose`].

pub mod audit_key;
pub mod codes;
mod ed25519;
pub mod jwt;
pub mod keys;
pub mod passkey;
pub mod password;
pub mod seal;
pub mod secret;
pub mod totp;

pub use audit_key::{AuditKey, PublicKeys};
pub use keys::Vault;
pub use seal::{Bound, Purpose};
pub use secret::Secret;

/// Why the vault would not. Says nothing about the content.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the sealed value was changed, moved, or sealed under another key")]
    Broken,
    #[error("no such key: {0}")]
    NoKey(String),
    #[error("the master key must be 32 bytes in hexadecimal")]
    BadMasterKey,
    #[error("the password hash cannot be read")]
    BadHash,
    #[error("too many passwords are being checked at once")]
    Busy,
    #[error("a token could not be signed, or a key for tokens not be read")]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("storing or reading a data key failed")]
    Store(#[from] crate::server::store::StoreError),
}
