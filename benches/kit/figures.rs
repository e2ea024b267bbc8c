//! Numbers.

use std::time::Duration;

/// The middle one, or the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// Times in order, to ask for percentiles.
pub struct Times(Vec<Duration>);

impl Times {
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that `per_mille` of a thousand do not exceed, in milliseconds.
    pub fn at(&self, per_mille: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last * per_mille).div_ceil(1000)).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }

    pub fn line(&self) -> String {
        format!(
            "p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
            self.at(500),
            self.at(950),
            self.at(990),
            self.at(1000)
        )
    }
}

/// A count as a number to divide by.
pub fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).expect("benchmarks count less than that"))
}
