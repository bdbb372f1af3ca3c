//! Reads a body before anything that must run to its end begins: under a
//! deadline, up to the size that the call takes, within a budget of bytes that
//! all requests of the process share. A client that stops sending holds little,
//! and not for long.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use fintrac_kit::access::network::network_prefix;
use fintrac_kit::context;
use http_body_util::BodyExt as _;
use tokio::time::Instant;

use crate::problem::Problem;
use crate::state::AppState;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// Largest body of a call that does not say otherwise.
pub const MAX_BODY_BYTES: usize = 2 * MIB;
const MAX_BULK_BODY_BYTES: usize = 8 * MIB;
/// Whoever asks for these needs no token, or sends a few words only.
const MAX_SMALL_BODY_BYTES: usize = 16 * KIB;
/// A larger body is read on to here and thrown away, so that the client, which
/// writes before it reads, gets to see the rejection.
const MAX_DRAINED_BYTES: usize = 16 * MIB;
/// Bodies that are held in memory at once, of all clients and of one network.
const BUDGET_BYTES: usize = 64 * MIB;
const CLIENT_BUDGET_BYTES: usize = 16 * MIB;
/// Within which a body must have arrived.
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

pub async fn buffer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    if parts.method.is_safe() {
        return next.run(Request::from_parts(parts, Body::empty())).await;
    }
    let client = context::current().and_then(|context| context.client.ip);
    let timeout = BODY_TIMEOUT.min(state.config.request_timeout);
    let mut held = state.body_budget.hold(client);
    match read(body, max_bytes(parts.uri.path()), Instant::now() + timeout, &mut held).await {
        Ok(bytes) => {
            // As long as the request is handled, also when the client hangs up.
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
    held: &mut HeldBytes,
) -> Result<Vec<u8>, Problem> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    loop {
        let frame = tokio::time::timeout_at(deadline, body.frame()).await;
        let frame = frame.map_err(|_elapsed| {
            Problem::new("REQUEST_TIMEOUT", "The body did not arrive in time; send it again.")
        })?;
        let Some(frame) = frame else { break };
        let broken = |_| Problem::new("MALFORMED_REQUEST", "The body did not arrive whole; send it again.");
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        length += data.len();
        if length <= max_bytes {
            if !held.grow(data.len()) {
                let detail = "Too much is being sent at once; try again in a few seconds.";
                return Err(Problem::new("OVERLOADED", detail));
            }
            bytes.extend_from_slice(&data);
        } else if length > MAX_DRAINED_BYTES {
            break;
        }
    }
    if length > max_bytes {
        let (most, unit) = if max_bytes < MIB { (max_bytes / KIB, "KiB") } else { (max_bytes / MIB, "MiB") };
        let text = format!("The body is too large; send at most {most} {unit}.");
        return Err(Problem::new("PAYLOAD_TOO_LARGE", text));
    }
    Ok(bytes)
}

/// The bytes of bodies that the process holds.
#[derive(Debug, Clone, Default)]
pub struct BodyBudget(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by_network: HashMap<IpAddr, usize>,
}

impl BodyBudget {
    fn hold(&self, client: Option<IpAddr>) -> HeldBytes {
        HeldBytes { budget: self.clone(), network: client.map(network_prefix), bytes: 0 }
    }
}

/// What one request holds of the budget, given back with it.
#[derive(Debug)]
pub struct HeldBytes {
    budget: BodyBudget,
    network: Option<IpAddr>,
    bytes: usize,
}

impl HeldBytes {
    /// Takes more; false when the budget of all or of the client's network is used up.
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

impl Drop for HeldBytes {
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
        assert!(!late.grow(1), "{BUDGET_BYTES} bytes are held");
        drop(greedy);
        assert!(late.grow(MIB), "and given back");
    }

    #[test]
    fn calls_without_a_token_take_little() {
        assert_eq!(max_bytes("/api/v1/auth/login"), 16 * 1024);
        assert_eq!(max_bytes("/verify-email"), 16 * 1024);
        assert_eq!(max_bytes("/api/v1/transactions/bulk"), 8 * MIB);
        assert_eq!(max_bytes("/api/v1/accounts"), 2 * MIB);
    }
}
