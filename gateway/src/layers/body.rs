//! Reads the body before the handler starts.
//! It must arrive within a deadline, and fit the size limit of the operation and a byte budget that
//! all requests of the process share. A client that stops sending holds little memory, and only
//! briefly.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use kit_access::network::network_prefix;
use kit_core::context;
use kit_core::error::ProblemCode;
use tokio::time::Instant;

use crate::problem::Problem;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// Maximum body size of an operation without its own limit.
pub const MAX_BODY_BYTES: usize = 2 * MIB;
const MAX_BULK_BODY_BYTES: usize = 8 * MIB;
/// Maximum body size of operations that need no token or take only short texts.
const MAX_SMALL_BODY_BYTES: usize = 16 * KIB;
/// Larger bodies are drained up to this size and discarded.
/// The client writes before it reads, so that it would otherwise not receive the rejection.
const MAX_DRAINED_BYTES: usize = 16 * MIB;
/// Maximum number of body bytes in memory, of all clients.
const BUDGET_BYTES: usize = 64 * MIB;
/// Maximum number of body bytes in memory, of one network.
const CLIENT_BUDGET_BYTES: usize = 16 * MIB;
/// Time within which a body must arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

fn max_bytes(path: &str) -> usize {
    if path == "/api/v1/transactions/bulk" {
        MAX_BULK_BODY_BYTES
    } else if path.starts_with("/api/v1/auth/") || !path.starts_with("/api/") {
        MAX_SMALL_BODY_BYTES
    } else {
        MAX_BODY_BYTES
    }
}

/// The time and the memory for request bodies.
#[derive(Debug, Clone)]
pub struct BodyLimits {
    timeout: Duration,
    budget: BodyBudget,
}

impl BodyLimits {
    pub fn new(request_timeout: Duration) -> Self {
        Self { timeout: BODY_TIMEOUT.min(request_timeout), budget: BodyBudget::default() }
    }
}

pub async fn buffer(State(limits): State<BodyLimits>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    if parts.method.is_safe() {
        return next.run(Request::from_parts(parts, Body::empty())).await;
    }
    let client = context::current().and_then(|context| context.client.ip);
    let mut held = limits.budget.hold(client);
    match read(body, max_bytes(parts.uri.path()), Instant::now() + limits.timeout, &mut held).await {
        Ok(bytes) => {
            // ReservedBytes for as long as the request is handled, even if the client disconnects.
            parts.extensions.insert(Arc::new(held));
            next.run(Request::from_parts(parts, Body::from(bytes))).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn read(
    mut body: Body,
    max_bytes: usize,
    deadline: Instant,
    held: &mut BodyReservation,
) -> Result<Vec<u8>, Problem> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    loop {
        let frame = tokio::time::timeout_at(deadline, body.frame()).await;
        let frame = frame.map_err(|_elapsed| {
            Problem::new(ProblemCode::RequestTimeout, "The body did not arrive in time. Send it again.")
        })?;
        let Some(frame) = frame else { break };
        let broken =
            |_| Problem::new(ProblemCode::MalformedRequest, "The body arrived incomplete. Send it again.");
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        length += data.len();
        if length <= max_bytes {
            if !held.grow(data.len()) {
                let detail = "Too many request bodies are arriving at once. Try again in a few seconds.";
                return Err(Problem::new(ProblemCode::Overloaded, detail));
            }
            bytes.extend_from_slice(&data);
        } else if length > MAX_DRAINED_BYTES {
            break;
        }
    }
    if length > max_bytes {
        let (most, unit) = if max_bytes < MIB { (max_bytes / KIB, "KiB") } else { (max_bytes / MIB, "MiB") };
        let text = format!("The body must be at most {most} {unit}.");
        return Err(Problem::new(ProblemCode::PayloadTooLarge, text));
    }
    Ok(bytes)
}

/// Counts the bytes of request bodies that the process holds.
#[derive(Debug, Clone, Default)]
struct BodyBudget(Arc<Mutex<ReservedBytes>>);

#[derive(Debug, Default)]
struct ReservedBytes {
    total: usize,
    by_network: HashMap<IpAddr, usize>,
}

impl BodyBudget {
    fn hold(&self, client: Option<IpAddr>) -> BodyReservation {
        BodyReservation { budget: self.clone(), network: client.map(network_prefix), bytes: 0 }
    }
}

/// The share of one request in the budget, released on drop.
#[derive(Debug)]
pub struct BodyReservation {
    budget: BodyBudget,
    network: Option<IpAddr>,
    bytes: usize,
}

impl BodyReservation {
    /// Takes more bytes from the budget.
    /// Returns false if the total or the share of the client's network is exhausted.
    fn grow(&mut self, bytes: usize) -> bool {
        let mut held = self.budget.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = self.network.and_then(|network| held.by_network.get(&network)).copied().unwrap_or_default();
        let is_known = self.network.is_some();
        if held.total + bytes > BUDGET_BYTES || is_known && own + bytes > CLIENT_BUDGET_BYTES {
            return false;
        }
        held.total += bytes;
        if let Some(network) = self.network {
            *held.by_network.entry(network).or_default() += bytes;
        }
        self.bytes += bytes;
        true
    }
}

impl Drop for BodyReservation {
    fn drop(&mut self) {
        let mut held = self.budget.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.total = held.total.saturating_sub(self.bytes);
        if let Some(network) = self.network
            && let Some(own) = held.by_network.get_mut(&network)
        {
            *own = own.saturating_sub(self.bytes);
            if *own == 0 {
                held.by_network.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{BUDGET_BYTES, BodyBudget, CLIENT_BUDGET_BYTES, MIB, max_bytes};

    #[test]
    fn clients_and_networks_stay_within_the_body_budget() {
        let budget = BodyBudget::default();
        let ip = |text: &str| Some(text.parse::<IpAddr>().expect("an address"));
        let mut greedy = budget.hold(ip("198.51.100.7"));
        assert!(greedy.grow(CLIENT_BUDGET_BYTES) && !greedy.grow(1));
        assert!(!budget.hold(ip("198.51.100.7")).grow(1), "another request of the same client");
        let mut others: Vec<_> =
            (1..4).map(|number| budget.hold(ip(&format!("203.0.113.{number}")))).collect();
        assert!(others.iter_mut().all(|held| held.grow(CLIENT_BUDGET_BYTES)));
        let mut late = budget.hold(ip("192.0.2.1"));
        assert!(!late.grow(1), "{BUDGET_BYTES} bytes are in use");
        drop(greedy);
        assert!(late.grow(MIB), "released bytes are available again");
    }

    #[test]
    fn the_body_limit_depends_on_the_path() {
        assert_eq!(max_bytes("/api/v1/auth/login"), 16 * 1024);
        assert_eq!(max_bytes("/verify-email"), 16 * 1024);
        assert_eq!(max_bytes("/api/v1/transactions/bulk"), 8 * MIB);
        assert_eq!(max_bytes("/api/v1/accounts"), 2 * MIB);
    }
}
