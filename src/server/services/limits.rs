//! How often is too often. Per node and in memory: a limit protects this machine, a promise stands in the database.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::model::id::{BusinessId, ConnectionId};

/// Provider events that are applied at once, per business and minute (TEL-1). What is above waits in the queue.
pub const APPLIED_PER_MINUTE: u32 = 200;
/// Provider events that are received at all. Above ten times the other something is broken: 429.
pub const RECEIVED_PER_MINUTE: u32 = 2_000;
/// Tries to sign in, sign up, open links, per address and minute.
pub const SIGN_INS_PER_MINUTE: u32 = 30;

/// The limiters of one process, and the counts of what was turned away.
pub struct Limits {
    applied: DefaultKeyedRateLimiter<BusinessId>,
    received: DefaultKeyedRateLimiter<BusinessId>,
    sign_ins: DefaultKeyedRateLimiter<IpAddr>,
    refusals: Mutex<Vec<Refusal>>,
    /// Webhooks to addresses that nobody has.
    pub unknown_tokens: AtomicU64,
}

/// Webhooks of a connection that were turned away, not yet written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub business: BusinessId,
    pub connection: ConnectionId,
    pub reason: &'static str,
    pub count: i64,
}

fn per_minute(count: u32) -> Quota {
    Quota::per_minute(NonZeroU32::new(count).expect("limits are above zero"))
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            applied: RateLimiter::keyed(per_minute(APPLIED_PER_MINUTE)),
            received: RateLimiter::keyed(per_minute(RECEIVED_PER_MINUTE)),
            sign_ins: RateLimiter::keyed(per_minute(SIGN_INS_PER_MINUTE)),
            refusals: Mutex::default(),
            unknown_tokens: AtomicU64::new(0),
        }
    }
}

impl Limits {
    /// Whether one more event of this business may be applied now.
    #[must_use]
    pub fn may_apply(&self, business: BusinessId) -> bool {
        self.applied.check_key(&business).is_ok()
    }

    /// Whether one more event of this business may be received.
    #[must_use]
    pub fn may_receive(&self, business: BusinessId) -> bool {
        self.received.check_key(&business).is_ok()
    }

    /// Whether this address may try once more to get in.
    #[must_use]
    pub fn may_try_sign_in(&self, address: IpAddr) -> bool {
        self.sign_ins.check_key(&address).is_ok()
    }

    /// Counts a webhook that was turned away.
    pub fn refused(&self, business: BusinessId, connection: ConnectionId, reason: &'static str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |r: &&mut Refusal| r.business == business && r.connection == connection && r.reason == reason;
        match refusals.iter_mut().find(same) {
            Some(refusal) => refusal.count += 1,
            None => refusals.push(Refusal { business, connection, reason, count: 1 }),
        }
    }

    /// Counts a webhook to an address that nobody has.
    pub fn refused_unknown(&self) {
        self.unknown_tokens.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the counts, to write them down.
    #[must_use]
    pub fn take_refusals(&self) -> Vec<Refusal> {
        std::mem::take(&mut *self.refusals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets keys that have been quiet, so that memory stays bounded.
    pub fn tidy(&self) {
        self.applied.retain_recent();
        self.received.retain_recent();
        self.sign_ins.retain_recent();
    }
}
