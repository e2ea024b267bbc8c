//! Password hashes (ACC-1): argon2id, m = 19 MiB, t = 2, p = 1 (OWASP's floor), a bound on how many are computed at
//! once, and a bound on how many wait for that, so that hashing cannot exhaust the machine.
//!
//! `scripts/bench password` measures what other parameters would cost (docs/SECURITY.md says how these were chosen).

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use unicode_normalization::UnicodeNormalization;

use super::{Secret, VaultError};
use crate::model::password::MAX_BYTES;

/// Hashes and verifies. Clones share the bound.
#[derive(Clone)]
pub struct Passwords {
    slots: Arc<Semaphore>,
    /// Those who have a slot and those who wait for one.
    places: Arc<Semaphore>,
    dummy: Arc<str>,
}

/// What a verification said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, and the hash was made with weaker parameters than today's: make a new one.
    RightButOld,
}

/// How much memory one hash takes while it is computed.
pub const MEMORY_KIB: u32 = 19 * 1024;
/// How often it goes through that memory.
pub const PASSES: u32 = 2;
/// How many may wait for each slot. More would wait for seconds, and be turned away then, with all that a request holds
/// in memory until then.
pub const WAITING: usize = 100;
/// Whoever waits longer is turned away: on a machine on which a hash takes longer than it should.
pub const PATIENCE: Duration = Duration::from_secs(5);

fn hasher() -> Result<Argon2<'static>, VaultError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| VaultError::BadHash)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The password that counts: NFKC, the same when the policy looks at it, when it is set and when it is checked (NIST SP
/// 800-63B, 3.1.1.2).
#[must_use]
pub fn normal(password: &Secret) -> Secret {
    Secret::new(password.expose().nfkc().collect())
}

fn hash_now(password: &Secret) -> Result<String, VaultError> {
    let hash = hasher()?.hash_password(normal(password).expose().as_bytes()).map_err(|_| VaultError::BadHash)?;
    Ok(hash.to_string())
}

fn verify_now(password: &Secret, stored: &str) -> Result<Verdict, VaultError> {
    let parsed = PasswordHash::new(stored).map_err(|_| VaultError::BadHash)?;
    if hasher()?.verify_password(normal(password).expose().as_bytes(), &parsed).is_err() {
        return Ok(Verdict::Wrong);
    }
    let current = Params::try_from(&parsed)
        .is_ok_and(|p| p.m_cost() >= MEMORY_KIB && p.t_cost() >= PASSES && parsed.algorithm.as_str() == "argon2id");
    Ok(if current { Verdict::Right } else { Verdict::RightButOld })
}

impl Passwords {
    /// `slots` hashes are computed at once, at most, and [`WAITING`] wait for each slot.
    ///
    /// # Errors
    /// Never in practice.
    pub fn new(slots: usize) -> Result<Self, VaultError> {
        // Verified against when there is no account, so that the answer takes as long as with one.
        let dummy = hash_now(&Secret::new("nobody has this password".into()))?;
        let places = slots.saturating_mul(1 + WAITING).min(Semaphore::MAX_PERMITS);
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Ok(Self { slots: semaphore(slots), places: semaphore(places), dummy: dummy.into() })
    }

    /// A new hash for a password that the policy accepted.
    ///
    /// # Errors
    /// Busy when too many wait.
    pub async fn hash(&self, password: Secret) -> Result<String, VaultError> {
        self.blocking(move || hash_now(&password)).await
    }

    /// Checks `password` against `stored`, or against nobody's hash.
    ///
    /// # Errors
    /// Busy when too many wait; an unreadable stored hash.
    pub async fn verify(&self, password: Secret, stored: Option<String>) -> Result<Verdict, VaultError> {
        if password.expose().len() > MAX_BYTES {
            return Ok(Verdict::Wrong);
        }
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.to_string());
        let verdict = self.blocking(move || verify_now(&password, &stored)).await?;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        // Kept until the answer is there, also when its request was given up and only the hash goes on.
        let place = self.places.clone().try_acquire_owned().map_err(|_| VaultError::Busy)?;
        let slot = timeout(PATIENCE, self.slots.clone().acquire_owned())
            .await
            .map_err(|_| VaultError::Busy)?
            .map_err(|_| VaultError::Busy)?;
        spawn_blocking(move || {
            let _held = (slot, place);
            work()
        })
        .await
        .map_err(|_| VaultError::Busy)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    #[test]
    fn verifies_what_it_hashed_in_any_composition() {
        let hash = hash_now(&secret("fünf ruhige Otter")).expect("hashes");
        assert_eq!(verify_now(&secret("fu\u{308}nf ruhige Otter"), &hash).expect("reads"), Verdict::Right);
        assert_eq!(verify_now(&secret("fünf ruhige Otte"), &hash).expect("reads"), Verdict::Wrong);
    }

    #[tokio::test]
    async fn as_many_are_computed_at_once_as_there_are_slots_however_many_wait() {
        let passwords = Passwords::new(3).expect("hashes");
        let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let one = |_| {
            let counts = counts.clone();
            passwords.blocking(move || {
                let (running, peak) = &*counts;
                peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(1));
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            })
        };
        let done = join_all((0..300).map(one)).await;
        assert!(done.iter().all(Result::is_ok));
        assert_eq!(counts.1.load(Ordering::SeqCst), 3);
        // Of a thousand some must come back later, and are told so before they have waited.
        let done = join_all((0..1_000).map(one)).await;
        let computed = done.iter().filter(|answer| answer.is_ok()).count();
        assert!((3 * (1 + WAITING)..1_000).contains(&computed), "{computed}");
        assert!(done.iter().all(|answer| matches!(answer, Ok(()) | Err(VaultError::Busy))));
        assert_eq!(counts.1.load(Ordering::SeqCst), 3);
        // And nobody's place is lost.
        assert!(join_all((0..300).map(one)).await.iter().all(Result::is_ok));
    }

    #[test]
    fn asks_for_a_new_hash_when_parameters_rose() {
        let params = Params::new(8 * 1024, 1, 1, None).expect("valid");
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = weak.hash_password(b"seven quiet otters").expect("hashes").to_string();
        assert_eq!(verify_now(&secret("seven quiet otters"), &hash).expect("reads"), Verdict::RightButOld);
    }
}
