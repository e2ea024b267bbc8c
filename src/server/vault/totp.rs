//! Codes of authenticator apps (ACC-3; RFC 6238): HMAC-SHA-1, 30 seconds, six digits, which is what every app takes.
//!
//! `totp-rs` computes. Its own window reaches into the future too, so it is set to nothing, and what counts is said
//! here: the current step and the previous one. That no step counts twice is kept in the database (`lobby.totp_step`).

use totp_rs::{Builder, Secret as Shared, Totp};
use zeroize::Zeroizing;

use super::{Secret, VaultError, codes::base32};
use crate::server::kit::{At, Entropy, entropy::bytes};

/// Who apps say that a code is for.
const ISSUER: &str = "Ringfort";
/// 160 bits, as long as the hash (RFC 4226, 4).
const SEED_BYTES: usize = 20;
/// How long a code is shown.
const STEP_SECONDS: u64 = 30;
/// RFC 4648, 6: what apps expect a seed to be written with.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What an authenticator app and we share, wiped when dropped.
pub struct Seed(Zeroizing<[u8; SEED_BYTES]>);

impl Seed {
    /// Draws a new one.
    #[must_use]
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(bytes(entropy)))
    }

    /// A seed as the vault gives it back.
    ///
    /// # Errors
    /// Broken when it has another length.
    pub fn read(plain: &[u8]) -> Result<Self, VaultError> {
        let seed: [u8; SEED_BYTES] = plain.try_into().map_err(|_| VaultError::Broken)?;
        Ok(Self(Zeroizing::new(seed)))
    }

    /// The bytes, for the vault. Call it in the expression that seals them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// As people type it into an app that cannot scan.
    #[must_use]
    pub fn text(&self) -> Secret {
        Secret::new(base32(self.0.as_slice(), LETTERS))
    }

    /// A seed as [`Self::text`] writes it; `None` when it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        // 160 bits: every five of them are a letter, and nothing is left over.
        if text.len() * 5 != SEED_BYTES * 8 {
            return None;
        }
        for (place, letter) in text.bytes().enumerate() {
            let value = LETTERS.iter().position(|known| *known == letter)?;
            for bit in 0..5 {
                let at = place * 5 + bit;
                if (value >> (4 - bit)) & 1 == 1 {
                    seed[at / 8] |= 0x80 >> (at % 8);
                }
            }
        }
        Some(Self(seed))
    }

    /// As apps scan it (the `otpauth` key URI). What is not said in it is the default everywhere: SHA-1, six digits, 30
    /// s.
    #[must_use]
    pub fn uri(&self, account: &str) -> Secret {
        let account: String = form_urlencoded::byte_serialize(account.as_bytes()).collect();
        let text = self.text();
        Secret::new(format!("otpauth://totp/{ISSUER}:{account}?secret={}&issuer={ISSUER}", text.expose()))
    }

    /// The step that `code` belongs to, if that is the current or the previous one: one step of drift.
    #[must_use]
    pub fn step_of(&self, code: &str, now: At) -> Option<i64> {
        let seconds = u64::try_from(now.as_second()).ok()?;
        let totp = self.totp();
        let step = totp.check(code, seconds).or_else(|| totp.check(code, seconds.saturating_sub(STEP_SECONDS)))?;
        i64::try_from(step).ok()
    }

    /// Not checked against the RFC's bounds while running: 20 bytes, six digits and 30 seconds are within them.
    fn totp(&self) -> Totp {
        Builder::new()
            .with_skew(0)
            .with_step_duration(STEP_SECONDS)
            .with_secret(Shared::new_stack(*self.0))
            .build_noncompliant()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed() -> Seed {
        Seed::read(b"12345678901234567890").expect("twenty bytes")
    }

    /// RFC 6238, appendix B: the vectors of SHA-1, of which six digits are the last six of eight.
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    fn at(seconds: i64) -> At {
        At(jiff::Timestamp::from_second(seconds).expect("a valid time"))
    }

    #[test]
    fn the_vectors_of_the_rfc() {
        for (seconds, code) in VECTORS {
            assert_eq!(seed().step_of(code, at(seconds)), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = seed().text();
        assert_eq!(text.expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(Seed::parse(text.expose()).expect("reads").expose(), seed().expose());
        for wrong in ["", "GEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", "gezdgnbvgy3tqojqgezdgnbvgy3tqojq"] {
            assert!(Seed::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn one_step_back_counts_and_none_ahead() {
        for (seconds, code) in VECTORS {
            let start = seconds / 30 * 30;
            assert_eq!(seed().step_of(code, at(start + 59)), Some(seconds / 30), "the previous step");
            assert_eq!(seed().step_of(code, at(start + 60)), None, "two steps ago");
            assert_eq!(seed().step_of(code, at(start - 1)), None, "the next step");
        }
    }

    #[test]
    fn what_is_no_code_is_wrong() {
        for wrong in ["", "28708", "2870821", "+87082", "28708a", "２８７０８２"] {
            assert_eq!(seed().step_of(wrong, at(59)), None, "{wrong}");
        }
    }

    #[test]
    fn apps_can_read_the_seed() {
        let text = seed().text();
        assert_eq!(text.expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let uri = seed().uri("ada+x@example.com");
        assert_eq!(
            uri.expose(),
            "otpauth://totp/Ringfort:ada%2Bx%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Ringfort"
        );
        assert!(Seed::read(b"short").is_err());
    }
}
