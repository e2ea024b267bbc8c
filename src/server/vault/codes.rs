//! Codes that work once (ACC-3): recovery codes, and those that are mailed. They are shown or sent when they are drawn;
//! the database keeps hashes.

use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Secret;
use crate::{
    model::factor::{CROCKFORD, RECOVERY_CODES},
    server::kit::{
        Entropy,
        entropy::{bytes, token_hash},
    },
};

/// Recovery codes in clear: 120 random bits each, as 24 letters.
#[must_use]
pub fn draw_recovery(entropy: &dyn Entropy) -> Vec<Secret> {
    (0..RECOVERY_CODES)
        .map(|_| {
            let drawn = Zeroizing::new(bytes::<15>(entropy));
            Secret::new(base32(drawn.as_slice(), CROCKFORD))
        })
        .collect()
}

/// What the database keeps of a recovery code. It has 120 random bits, so a slow hash would add nothing.
#[must_use]
pub fn recovery_hash(plain: &str) -> Vec<u8> {
    token_hash(plain)
}

/// A code to be mailed: eight digits. What makes so few enough: ten minutes, one challenge, five answers.
#[must_use]
pub fn draw_email(entropy: &dyn Entropy) -> Secret {
    let drawn = u64::from_be_bytes(bytes(entropy));
    Secret::new(format!("{:08}", drawn % 100_000_000))
}

/// What the database keeps of a mailed code, bound to the challenge that it answers.
#[must_use]
pub fn email_hash(challenge: Uuid, plain: &str) -> Vec<u8> {
    Sha256::new().chain_update(challenge.as_bytes()).chain_update(plain.as_bytes()).finalize().to_vec()
}

/// Base 32 in the given letters. What is written so has a multiple of five bytes: there is nothing to pad.
pub(super) fn base32(bytes: &[u8], letters: &[u8; 32]) -> String {
    let mut text = String::with_capacity(bytes.len() / 5 * 8);
    for five in bytes.chunks_exact(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        for place in (0..8_u32).rev() {
            let [.., low] = (bits >> (place * 5)).to_be_bytes();
            text.push(char::from(letters[usize::from(low & 31)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::factor::{RECOVERY_LETTERS, SENT_DIGITS, is_sent, recovery},
        server::kit::entropy::SystemEntropy,
    };

    #[test]
    fn base_32_is_the_usual_one() {
        // RFC 4648, 10.
        assert_eq!(base32(b"fooba", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), "MZXW6YTB");
        assert_eq!(base32(&[0, 0, 0, 0, 31], CROCKFORD), "0000000Z");
    }

    #[test]
    fn recovery_codes_are_long_and_all_different() {
        let codes = draw_recovery(&SystemEntropy);
        assert_eq!(codes.len(), RECOVERY_CODES);
        let mut texts: Vec<_> = codes.iter().map(|code| code.expose().to_owned()).collect();
        assert!(texts.iter().all(|text| text.len() == RECOVERY_LETTERS && recovery(text).as_ref() == Some(text)));
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), RECOVERY_CODES);
    }

    #[test]
    fn a_mailed_code_is_bound_to_its_challenge() {
        let code = draw_email(&SystemEntropy);
        assert_eq!(code.expose().len(), SENT_DIGITS);
        assert!(is_sent(code.expose()));
        assert_ne!(email_hash(Uuid::from_u128(1), code.expose()), email_hash(Uuid::from_u128(2), code.expose()));
    }
}
