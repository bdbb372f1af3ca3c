//! The results of one run.

use std::time::Duration;

/// The throughput, latencies and errors of one run.
#[derive(Debug)]
pub struct RunResults {
    /// Writes per second.
    pub throughput: f64,
    pub p50: Duration,
    pub p99: Duration,
    pub errors: usize,
}

impl RunResults {
    pub fn new(mut latencies: Vec<Duration>, errors: usize, duration: Duration) -> Self {
        latencies.sort_unstable();
        let percentile =
            |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default();
        let throughput =
            f64::from(u32::try_from(latencies.len()).unwrap_or(u32::MAX)) / duration.as_secs_f64();
        Self { throughput, p50: percentile(50), p99: percentile(99), errors }
    }

    /// Averages several runs of the same length.
    pub fn mean(runs: &[Self]) -> Self {
        let number = u32::try_from(runs.len()).unwrap_or(u32::MAX).max(1);
        Self {
            throughput: runs.iter().map(|run| run.throughput).sum::<f64>() / f64::from(number),
            p50: runs.iter().map(|run| run.p50).sum::<Duration>() / number,
            p99: runs.iter().map(|run| run.p99).sum::<Duration>() / number,
            errors: runs.iter().map(|run| run.errors).sum(),
        }
    }
}
