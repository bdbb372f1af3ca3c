//! At most so many requests a minute for each user, or for each address
//! without a token (GCRA): counted together with the other gateways where there
//! is Redis, else alone.
//!
//! Headers: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers.

mod shared;

use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use fintrac_kit::access::network;
use fintrac_kit::context;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::problem::Problem;
use crate::state::AppState;

pub use shared::RedisConfig;
use shared::Shared;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Counters beyond which those that are full again are forgotten.
const CROWD: usize = 10_000;

type Limiter = RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

#[derive(Debug)]
pub struct RateLimits {
    limiter: Limiter,
    shared: Option<Shared>,
    per_minute: NonZeroU32,
}

/// What came of one request.
struct Decision {
    /// Requests left at this moment.
    left: u32,
    /// How long to wait, when refused.
    wait: Option<Duration>,
}

impl RateLimits {
    pub fn new(per_minute: NonZeroU32, redis: Option<RedisConfig>) -> Self {
        let limiter = RateLimiter::keyed(Quota::per_minute(per_minute)).with_middleware();
        Self { limiter, shared: redis.map(Shared::new), per_minute }
    }

    async fn decide(&self, key: &String) -> Decision {
        if let Some(shared) = &self.shared
            && let Some(decision) = shared.decide(key, self.per_minute.get()).await
        {
            return decision;
        }
        if self.limiter.len() > CROWD {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(key) {
            Ok(state) => Decision { left: state.remaining_burst_capacity(), wait: None },
            Err(refusal) => {
                let wait = refusal.wait_time_from(DefaultClock::default().now());
                Decision { left: 0, wait: Some(wait) }
            }
        }
    }
}

pub async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let Some(limits) = state.limits.as_ref().filter(|_| path != "/health" && !path.starts_with("/health/"))
    else {
        return next.run(request).await;
    };
    let decision = limits.decide(&key(&state)).await;
    let mut response = match decision.wait {
        None => next.run(request).await,
        Some(wait) => {
            metrics::counter!("fintrac_rate_limited_total").increment(1);
            let problem = Problem::new("RATE_LIMITED", "Too many requests; wait a little.");
            Problem { retry_after: Some(wait), ..problem }.into_response()
        }
    };
    let reset = decision.wait.unwrap_or_default().as_secs() + u64::from(decision.wait.is_some());
    let limit = format!("\"default\";r={};t={reset}", decision.left);
    let policy = format!("\"default\";q={};w=60", limits.per_minute);
    for (name, text) in [(LIMIT, limit), (POLICY, policy)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The user of a token that holds, else the address.
fn key(state: &AppState) -> String {
    let context = context::current().unwrap_or_default();
    let ip = context.client.ip;
    if let Some(who) = context.access_token.and_then(|token| state.trust.verify(&token, ip).ok()) {
        return format!("user {}", who.user_id);
    }
    format!("address {}", network(ip))
}
