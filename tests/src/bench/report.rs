//! Prints the results.

use std::time::Duration;

use crate::login::{LoginLoad, Timing};
use crate::run_results::RunResults;
use crate::scale;
use crate::users::{USERS, Users};

#[derive(Debug)]
pub struct Row {
    pub clients: usize,
    pub baseline: RunResults,
    pub rest: RunResults,
}

#[expect(clippy::print_stdout, reason = "the program prints its results")]
pub fn print_posting(rows: &[Row], memory: u64) {
    let millis = |latency: Duration| latency.as_secs_f64() * 1000.0;
    println!(
        "baseline: pgbench, one commit per write; REST: POST /api/v1/transactions; both durable, same cluster"
    );
    println!("(the baseline uses at most {} clients: each needs a connection)", crate::baseline::CONNECTIONS);
    println!("memory of the system without PostgreSQL: {memory} MiB");
    println!("clients | baseline/s     p50 ms   p99 ms | REST/s      p50 ms   p99 ms  errors | ratio");
    for Row { clients, baseline, rest } in rows {
        println!(
            "{clients:>7} | {:>7.0} {:>10.2} {:>8.2} | {:>7.0} {:>10.2} {:>8.2} {:>7} | {:>5.2}",
            baseline.throughput,
            millis(baseline.p50),
            millis(baseline.p99),
            rest.throughput,
            millis(rest.p50),
            millis(rest.p99),
            rest.errors,
            rest.throughput / baseline.throughput,
        );
    }
}

#[expect(clippy::print_stdout, reason = "the program prints its results")]
pub fn print_logins(timing: &Timing, flood: &LoginLoad) {
    let millis = |latency: Duration| latency.as_secs_f64() * 1000.0;
    let medians = [timing.unknown, timing.wrong, timing.locked].map(millis);
    let (least, most) =
        (medians.iter().copied().fold(f64::MAX, f64::min), medians.iter().copied().fold(0.0, f64::max));
    println!("failed logins, medians of 300 interleaved samples each:");
    println!(
        "unknown user {:.2} ms, wrong password {:.2} ms, locked account {:.2} ms: difference {:.1}%",
        medians[0],
        medians[1],
        medians[2],
        (most / least - 1.0) * 100.0
    );
    let LoginLoad { alone, flooded, processed, rejected } = flood;
    println!("GET /users/me by one client, alone and while 64 clients log in continuously:");
    println!(
        "alone p50 {:.2} ms, p99 {:.2} ms; flooded p50 {:.2} ms, p99 {:.2} ms; {processed} logins processed, {rejected} rejected",
        millis(alone.p50),
        millis(alone.p99),
        millis(flooded.p50),
        millis(flooded.p99),
    );
}

#[expect(clippy::print_stdout, reason = "the program prints its results")]
pub fn print_comparison(what: &str, baseline: &RunResults, rest: &RunResults) {
    println!(
        "{what}: baseline {:.0}/s, REST {:.0}/s (p50 {:.2} ms, p99 {:.2} ms, {} errors), ratio {:.2}",
        baseline.throughput,
        rest.throughput,
        rest.p50.as_secs_f64() * 1000.0,
        rest.p99.as_secs_f64() * 1000.0,
        rest.errors,
        rest.throughput / baseline.throughput,
    );
}

#[expect(clippy::print_stdout, reason = "the program prints its results")]
pub fn print_replicas(one: &RunResults, two: &RunResults, one_repeated: &RunResults) {
    println!(
        "64 clients on two gateways: one ledger {:.0}/s (p99 {:.2} ms, {} errors), two ledgers {:.0}/s (p99 {:.2} ms, {} errors), ratio {:.2}; one repeated {:.2}",
        one.throughput,
        one.p99.as_secs_f64() * 1000.0,
        one.errors,
        two.throughput,
        two.p99.as_secs_f64() * 1000.0,
        two.errors,
        two.throughput / one.throughput,
        one_repeated.throughput / one.throughput,
    );
}

#[expect(clippy::print_stdout, reason = "the program prints its results")]
pub fn print_scale_header() {
    println!("one client, households of {:?} transactions, p50 / p99 in ms:", scale::SIZES);
}

#[expect(clippy::print_stdout, reason = "the program prints its results")]
pub fn print_scale(row: &scale::Row) {
    let millis = |latency: Duration| latency.as_secs_f64() * 1000.0;
    let figures = row
        .latencies
        .iter()
        .map(|latency| format!("{:>7.2} / {:>7.2}", millis(latency.p50), millis(latency.p99)));
    let (first, last) = (row.latencies.first(), row.latencies.last());
    let ratio = first.zip(last).map_or(0.0, |(first, last)| millis(last.p99) / millis(first.p99));
    println!("{:>26} | {} | p99 ratio {ratio:.2}", row.question, figures.collect::<Vec<_>>().join(" | "));
}

#[expect(clippy::print_stdout, reason = "the program prints its results")]
pub fn print_users(with_pauses: &Users, without_pauses: &Users) {
    let millis = |latency: Duration| latency.as_secs_f64() * 1000.0;
    println!("{USERS} concurrent users, one call in five is a write:");
    for (who, figures) in [("with a second between calls", with_pauses), ("without pauses", without_pauses)] {
        println!(
            "{who}: {:.0} calls/s, responses {:.2} ms on average (p99 {:.2} ms), {} errors of {}; \
             statements {:.2} ms on average ({} in total)",
            figures.per_second,
            millis(figures.mean),
            millis(figures.p99),
            figures.errors,
            figures.calls,
            millis(figures.statement_mean),
            figures.statements,
        );
    }
}
