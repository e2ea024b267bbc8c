//! What a password hash costs on this machine (ACC-1): argon2id by its parameters, and how many a second the vault lets
//! through.
//!
//! Two measures of the same run stand beside each figure: copying as much memory as argon2id goes through, because it is
//! made to wait for memory, and SHA-256, because that is what a thief would rather guess against. Parameters take turns,
//! so that a drift of the machine meets all of them. The goal is a hash that nobody notices who signs in (at most 250 ms
//! alone), and a queue that is through before the vault turns away who waits. Needs no database.
#![recursion_limit = "256"]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the environment")]

mod kit;

use std::{
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use argon2::{Algorithm, Argon2, Params, Version};
use futures::future::join_all;
use ringfort::server::vault::{
    Secret,
    password::{MEMORY_KIB, PASSES, PATIENCE, Passwords, WAITING},
};
use sha2::{Digest, Sha256};
use tokio::runtime::Builder;

use kit::figures::{Times, count, median};

/// MiB and passes. The first five are OWASP's, which it calls equally strong; then more than it asks for. From little
/// memory to much: memory that was given back is then not taken for a peak that did not rise.
const PARAMETERS: [(u32, u32); 7] = [(7, 5), (9, 4), (12, 3), (19, 2), (46, 1), (64, 3), (128, 2)];
const ROUNDS: usize = 15;
const GOAL_MS: f64 = 250.0;
/// What is copied to learn how fast memory is; larger than caches.
const COPIED_MIB: u32 = 256;
/// How many people per slot come at once. Fewer than may wait, so that all are answered.
const CROWD: usize = 16;
const PASSWORD: &[u8] = b"seven quiet otters";
const SALT: &[u8] = b"a salt of no one";

fn main() -> anyhow::Result<()> {
    if !kit::is_asked() {
        return Ok(());
    }
    let copying = copy_ms_per_mib();
    let digests = sha256_per_ms();
    println!("copying memory {:.1} GiB/s, SHA-256 {digests:.0} in a ms, both on one thread", 1000.0 / 1024.0 / copying);
    let mut peaks = Vec::new();
    for parameters in PARAMETERS {
        peaks.push(peak_mib(|| hash(parameters).map(drop))?);
    }
    let mut times = vec![Vec::new(); PARAMETERS.len()];
    for _ in 0..ROUNDS {
        for (all, parameters) in times.iter_mut().zip(PARAMETERS) {
            all.push(hash(parameters)?);
        }
    }
    let mut own = f64::NAN;
    for ((all, peak), (mib, passes)) in times.iter().zip(peaks).zip(PARAMETERS) {
        let ms = median(all);
        let is_own = (mib * 1024, passes) == (MEMORY_KIB, PASSES);
        if is_own {
            own = ms;
        }
        println!(
            "m {mib:>3} MiB, t {passes}: {ms:>6.1} ms, peak {peak:>3.0} MiB, {:>4.1} times copying that memory, {:>7.0} \
             SHA-256{}",
            ms / (copying * f64::from(mib * passes)),
            ms * digests,
            if is_own { "  <- the product's" } else { "" }
        );
    }
    println!("the product's, alone: {own:.1} ms (goal at most {GOAL_MS:.0} ms)");
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    for slots in [1, cores, 2 * cores] {
        full_house(slots, slots == cores)?;
    }
    Ok(())
}

/// One hash, in milliseconds.
fn hash((mib, passes): (u32, u32)) -> anyhow::Result<f64> {
    let params = Params::new(mib * 1024, passes, 1, None).map_err(|error| anyhow!("{error}"))?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut out = [0; 32];
    let began = Instant::now();
    hasher.hash_password_into(black_box(PASSWORD), SALT, &mut out).map_err(|error| anyhow!("{error}"))?;
    black_box(out);
    Ok(millis(began.elapsed()))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// How long it takes to copy a MiB, in milliseconds.
fn copy_ms_per_mib() -> f64 {
    let size = COPIED_MIB as usize * 1024 * 1024;
    let (from, mut to) = (vec![1_u8; size], vec![0_u8; size]);
    let mut times = Vec::new();
    for _ in 0..7 {
        let began = Instant::now();
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
        times.push(millis(began.elapsed()) / f64::from(COPIED_MIB));
    }
    median(&times)
}

/// How many short texts one thread digests in a millisecond.
fn sha256_per_ms() -> f64 {
    const BATCH: u32 = 100_000;
    let mut rates = Vec::new();
    for _ in 0..7 {
        let began = Instant::now();
        for n in 0..BATCH {
            black_box(Sha256::digest(black_box(n.to_be_bytes())));
        }
        rates.push(f64::from(BATCH) / millis(began.elapsed()));
    }
    median(&rates)
}

/// The most memory that this process had while it worked, above what it had before, in MiB; no number where the kernel
/// does not tell.
fn peak_mib(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    // Forgets the peak so far (proc(5)).
    let forgotten = fs::write("/proc/self/clear_refs", "5");
    let before = memory_mib("VmRSS:");
    work()?;
    Ok(if forgotten.is_ok() { memory_mib("VmHWM:") - before } else { f64::NAN })
}

fn memory_mib(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok());
    kib.map_or(f64::NAN, |kib: u32| f64::from(kib) / 1024.0)
}

/// A crowd at the vault's own bound.
fn full_house(slots: usize, is_own: bool) -> anyhow::Result<()> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
    let passwords = Passwords::new(slots)?;
    let crowd = CROWD * slots;
    let mut answers = Vec::new();
    let mut took = Duration::ZERO;
    let peak = peak_mib(|| {
        let began = Instant::now();
        answers = runtime.block_on(join_all((0..crowd).map(|_| sign_in(&passwords))));
        took = began.elapsed();
        Ok(())
    })?;
    let times = answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let rate = count(crowd) / took.as_secs_f64();
    println!(
        "{slots} at once, {crowd} come: {rate:.1} hashes a second, peak {peak:.0} MiB, answered after {}{}",
        Times::new(times).line(),
        if is_own { "  <- the product's" } else { "" }
    );
    if is_own {
        let through = count(slots * WAITING) / rate;
        println!(
            "a full queue of {} is through after {through:.1} s (goal below {:.0} s: then who waits is turned away)",
            slots * WAITING,
            PATIENCE.as_secs_f64()
        );
    }
    Ok(())
}

async fn sign_in(passwords: &Passwords) -> anyhow::Result<Duration> {
    let began = Instant::now();
    passwords.verify(Secret::new("seven quiet otters".to_owned()), None).await?;
    Ok(began.elapsed())
}
