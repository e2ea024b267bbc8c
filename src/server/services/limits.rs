//! How often is too often. Per node and in memory: a limit protects this machine, a promise stands in the database.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::model::id::{BusinessId, ConnectionId, MemberId};

/// Provider events that are applied at once, per business and minute (TEL-1). What is above waits in the queue.
pub const APPLIED_PER_MINUTE: u32 = 200;
/// Provider events that are received at all. Above ten times the other something is broken: 429.
pub const RECEIVED_PER_MINUTE: u32 = 2_000;
/// Tries to sign in, sign up, open links, per minute and address; of IPv6, per /64, which is one subscriber.
pub const SIGN_INS_PER_MINUTE: u32 = 30;
/// The same, per minute and network (/24; of IPv6, /48): who has many addresses has them side by side.
pub const NETWORK_SIGN_INS_PER_MINUTE: u32 = 300;

/// Looks at customers' tracking links, per minute and address: a page asks anew twice a minute.
pub const FOLLOWED_PER_MINUTE: u32 = 30;

/// Requests with positions of one technician, per minute. The limit that is promised is the database's, and a tenth of this.
pub const POSITIONS_PER_MINUTE: u32 = 30;

/// Long looks through the audit log at once: searching for words, counting for an export, verifying. The other connections are
/// everybody else's.
const SEARCHES: usize = 4;
/// How long a long look waits for its turn, or a retention run.
const TURN_WAITS: Duration = Duration::from_secs(2);

/// Questions to the agency system of one business at once: a burst of calls is no reason for it to turn us away, and one that
/// does not answer holds up its own business alone.
const LOOKUPS: usize = 20;

/// The limiters of one process, and the counts of what was turned away.
pub struct Limits {
    applied: DefaultKeyedRateLimiter<BusinessId>,
    received: DefaultKeyedRateLimiter<BusinessId>,
    sign_ins: DefaultKeyedRateLimiter<IpAddr>,
    network_sign_ins: DefaultKeyedRateLimiter<IpAddr>,
    followed: DefaultKeyedRateLimiter<IpAddr>,
    positions: DefaultKeyedRateLimiter<MemberId>,
    searches: Semaphore,
    exporting: Semaphore,
    deleting: Semaphore,
    lookups: Mutex<HashMap<BusinessId, Arc<Semaphore>>>,
    export_waits: AtomicBool,
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

/// An address with so many of its last bits set to zero: of an IPv4 address, and of an IPv6 address.
fn without(address: IpAddr, bits: (u32, u32)) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << bits.0)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << bits.1)).into(),
    }
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
            network_sign_ins: RateLimiter::keyed(per_minute(NETWORK_SIGN_INS_PER_MINUTE)),
            followed: RateLimiter::keyed(per_minute(FOLLOWED_PER_MINUTE)),
            positions: RateLimiter::keyed(per_minute(POSITIONS_PER_MINUTE)),
            searches: Semaphore::new(SEARCHES),
            exporting: Semaphore::new(1),
            deleting: Semaphore::new(1),
            lookups: Mutex::default(),
            export_waits: AtomicBool::new(false),
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

    /// Whether this address may try once more to get in. What it is refused itself is not held against its network.
    #[must_use]
    pub fn may_try_sign_in(&self, address: IpAddr) -> bool {
        self.sign_ins.check_key(&without(address, (0, 64))).is_ok()
            && self.network_sign_ins.check_key(&without(address, (8, 80))).is_ok()
    }

    /// Whether this address may look at one more tracking link. Apart from signing in: who follows keeps nobody out.
    #[must_use]
    pub fn may_follow(&self, address: IpAddr) -> bool {
        self.followed.check_key(&without(address, (0, 64))).is_ok()
    }

    /// Whether the database is asked about this technician's positions at all.
    #[must_use]
    pub fn may_send_positions(&self, member: MemberId) -> bool {
        self.positions.check_key(&member).is_ok()
    }

    /// A turn for a long look through the audit log, which is held as long as the look takes. Nothing when all are taken and
    /// none comes free soon. To be asked for before a connection is.
    pub async fn search_turn(&self) -> Option<SemaphorePermit<'_>> {
        timeout(TURN_WAITS, self.searches.acquire()).await.ok()?.ok()
    }

    /// The turn of the one export that is written at a time, so that jobs and mails keep their connections. Nothing while another
    /// has it.
    #[must_use]
    pub fn export_turn(&self) -> Option<SemaphorePermit<'_>> {
        let turn = self.exporting.try_acquire().ok();
        if turn.is_none() {
            self.export_waits.store(true, Ordering::Relaxed);
        }
        turn
    }

    /// The turn of the one retention run of this node at a time, as of exports. Nothing when none comes free soon.
    pub async fn retention_turn(&self) -> Option<SemaphorePermit<'_>> {
        timeout(TURN_WAITS, self.deleting.acquire()).await.ok()?.ok()
    }

    /// A turn to ask the agency system of this business, which is held until it has answered. Nothing while too many are asked.
    #[must_use]
    pub fn lookup_turn(&self, business: BusinessId) -> Option<OwnedSemaphorePermit> {
        let mut lookups = self.lookups.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = lookups.entry(business).or_insert_with(|| Arc::new(Semaphore::new(LOOKUPS))).clone();
        turns.try_acquire_owned().ok()
    }

    /// Whether an export was turned away since this was last asked: who has the turn lets it go first then.
    #[must_use]
    pub fn export_waits(&self) -> bool {
        self.export_waits.swap(false, Ordering::Relaxed)
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
        self.positions.retain_recent();
        self.sign_ins.retain_recent();
        self.network_sign_ins.retain_recent();
        self.followed.retain_recent();
        let mut lookups = self.lookups.lock().unwrap_or_else(PoisonError::into_inner);
        lookups.retain(|_, turns| turns.available_permits() < LOOKUPS);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    /// How many of these tries are let through. Some refill while the test runs, so the bounds below are loose.
    fn admitted(limits: &Limits, addresses: impl Iterator<Item = String>) -> u32 {
        let may = |text: String| limits.may_try_sign_in(text.parse().expect("an address"));
        addresses.map(|text| u32::from(may(text))).sum()
    }

    #[test]
    fn one_export_is_written_at_a_time_and_lets_the_next_go_first() {
        let limits = Limits::default();
        let turn = limits.export_turn();
        assert!(turn.is_some() && !limits.export_waits());
        assert!(limits.export_turn().is_none());
        assert!(limits.export_waits() && !limits.export_waits(), "told once");
        drop(turn);
        assert!(limits.export_turn().is_some());
    }

    #[test]
    fn one_agency_system_is_asked_only_so_often_at_once() {
        let limits = Limits::default();
        let [here, there] = [1, 2].map(|n| BusinessId(uuid::Uuid::from_u128(n)));
        let mut turns: Vec<_> = (0..LOOKUPS).map(|_| limits.lookup_turn(here).expect("a turn")).collect();
        limits.tidy();
        assert!(limits.lookup_turn(here).is_none());
        assert!(limits.lookup_turn(there).is_some(), "another business has its own");
        turns.pop();
        assert!(limits.lookup_turn(here).is_some());
    }

    #[tokio::test]
    async fn only_so_many_look_through_the_log_at_once() {
        let limits = Limits::default();
        let mut turns = Vec::new();
        for _ in 0..SEARCHES {
            turns.push(limits.search_turn().await.expect("a turn"));
        }
        assert!(limits.search_turn().await.is_none());
        turns.pop();
        assert!(limits.search_turn().await.is_some());
    }

    #[tokio::test]
    async fn one_retention_run_goes_at_a_time() {
        let limits = Limits::default();
        let turn = limits.retention_turn().await;
        assert!(turn.is_some());
        assert!(limits.retention_turn().now_or_never().is_none(), "the next one waits");
        drop(turn);
        assert!(limits.retention_turn().await.is_some());
    }

    fn about(limit: u32) -> std::ops::Range<u32> {
        limit..limit + limit / 10
    }

    #[test]
    fn one_address_tries_only_so_often_whatever_it_calls_itself() {
        let limits = Limits::default();
        let clothes = (0..90).map(|n| if n % 2 == 0 { "192.0.2.7".to_owned() } else { "::ffff:192.0.2.7".to_owned() });
        assert!(about(SIGN_INS_PER_MINUTE).contains(&admitted(&limits, clothes)));
        assert!(limits.may_try_sign_in("192.0.2.8".parse().expect("an address")), "its neighbour still may");
        let subscriber = (0..90).map(|n| format!("2001:db8:1:2::{n}"));
        assert!(about(SIGN_INS_PER_MINUTE).contains(&admitted(&limits, subscriber)));
        assert!(limits.may_try_sign_in("2001:db8:1:3::1".parse().expect("an address")));
    }

    #[test]
    fn who_follows_a_technician_too_often_may_still_sign_in() {
        let limits = Limits::default();
        let address: IpAddr = "192.0.2.7".parse().expect("an address");
        let admitted: u32 = (0..90).map(|_| u32::from(limits.may_follow(address))).sum();
        assert!(about(FOLLOWED_PER_MINUTE).contains(&admitted));
        assert!(limits.may_try_sign_in(address));
    }

    #[test]
    fn many_addresses_of_one_network_try_only_so_often_together() {
        let limits = Limits::default();
        let neighbours = (0..1_000).map(|n| format!("192.0.2.{}", n % 250));
        assert!(about(NETWORK_SIGN_INS_PER_MINUTE).contains(&admitted(&limits, neighbours)));
        assert!(limits.may_try_sign_in("192.0.3.1".parse().expect("an address")), "the next network still may");
        let subscribers = (0..1_000).map(|n| format!("2001:db8:1:{n:x}::1"));
        assert!(about(NETWORK_SIGN_INS_PER_MINUTE).contains(&admitted(&limits, subscribers)));
        assert!(limits.may_try_sign_in("2001:db8:2::1".parse().expect("an address")));
    }
}
