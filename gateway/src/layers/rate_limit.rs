//! GCRA rate limit per user, or per client address for unauthenticated requests.
//! Shared between replicas through Redis; falls back to a local limit.
//!
//! Headers: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers.

mod redis_limiter;

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use kit_access::token_verifier::TokenVerifier;
use kit_access::{network_key, site_key};
use kit_core::context;
use kit_core::error::ProblemCode;

use crate::config::RedisConfig;
use crate::problem::Problem;

use redis_limiter::{Decision, RedisLimiter};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Limit of a site without a token, as a multiple of the limit per address.
/// A site is one IPv6 /48 with its 65,536 networks. Each replica counts it locally.
const ADDRESSES_PER_SITE: NonZeroU32 = NonZeroU32::new(8).unwrap();
/// Number of tracked clients above which those with a full quota are dropped.
const MAX_TRACKED_CLIENTS: usize = 10_000;

type Limiter = RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

#[derive(Debug)]
pub struct RateLimits {
    local_fallback: Limiter,
    sites: Limiter,
    redis: Option<RedisLimiter>,
    per_minute: NonZeroU32,
    token_verifier: Arc<TokenVerifier>,
}

impl RateLimits {
    pub fn new(
        per_minute: NonZeroU32,
        redis: Option<RedisConfig>,
        token_verifier: Arc<TokenVerifier>,
    ) -> Self {
        let local_fallback = RateLimiter::keyed(Quota::per_minute(per_minute)).with_middleware();
        let sites = Quota::per_minute(per_minute.saturating_mul(ADDRESSES_PER_SITE));
        let sites = RateLimiter::keyed(sites).with_middleware();
        Self { local_fallback, sites, redis: redis.map(RedisLimiter::new), per_minute, token_verifier }
    }

    async fn decide(&self, client: &RateLimitKey) -> Decision {
        let decision = self.decide_by_key(&client.key).await;
        match &client.site {
            Some(site) if decision.wait.is_none() => match check(&self.sites, site) {
                Decision { wait: None, .. } => decision,
                rejected => rejected,
            },
            Some(_) | None => decision,
        }
    }

    async fn decide_by_key(&self, key: &String) -> Decision {
        if let Some(redis) = &self.redis
            && let Some(decision) = redis.decide(key, self.per_minute.get()).await
        {
            return decision;
        }
        check(&self.local_fallback, key)
    }
}

fn check(limiter: &Limiter, key: &String) -> Decision {
    if limiter.len() > MAX_TRACKED_CLIENTS {
        limiter.retain_recent();
    }
    match limiter.check_key(key) {
        Ok(state) => Decision { left: state.remaining_burst_capacity(), wait: None },
        Err(not_until) => {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            Decision { left: 0, wait: Some(wait) }
        }
    }
}

pub async fn enforce(State(limits): State<Arc<RateLimits>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/health" || path.starts_with("/health/") {
        return next.run(request).await;
    }
    let decision = limits.decide(&rate_limit_key(&limits.token_verifier)).await;
    let mut response = match decision.wait {
        None => next.run(request).await,
        Some(wait) => {
            metrics::counter!("fintrac_rate_limited_total").increment(1);
            let problem = Problem::from(ProblemCode::RateLimited);
            Problem { retry_after: Some(wait), ..problem }.into_response()
        }
    };
    let reset = decision.wait.unwrap_or_default().as_secs() + u64::from(decision.wait.is_some());
    let limit = format!("\"default\";r={};t={reset}", decision.left);
    let policy = format!("\"default\";q={};w=60", limits.per_minute);
    for (name, text) in [(RATELIMIT, limit), (RATELIMIT_POLICY, policy)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The keys under which a request is counted.
#[derive(Debug)]
struct RateLimitKey {
    /// The user of a valid token, else the client address.
    key: String,
    /// The site of an unauthenticated client address.
    site: Option<String>,
}

fn rate_limit_key(token_verifier: &TokenVerifier) -> RateLimitKey {
    let context = context::current().unwrap_or_default();
    let ip = context.client.ip;
    if let Some(principal) = context.access_token.and_then(|token| token_verifier.verify(&token, ip).ok()) {
        return RateLimitKey { key: format!("user {}", principal.user_id), site: None };
    }
    RateLimitKey { key: format!("address {}", network_key(ip)), site: site_key(ip) }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::time::Duration;

    use chrono::DateTime;
    use kit_access::token_verifier::{TokenVerifier, TokenVerifierConfig};
    use kit_core::clock::Clock;

    use super::{RateLimitKey, RateLimits};

    #[tokio::test]
    async fn a_site_has_a_limit_of_its_own() {
        let config = TokenVerifierConfig {
            issuer: "fintrac".into(),
            grace_period: Duration::from_mins(1),
            hs256_secret: None,
        };
        let token_verifier = TokenVerifier::new(config, Clock::manual(DateTime::UNIX_EPOCH));
        let limits = RateLimits::new(NonZeroU32::MIN, None, Arc::new(token_verifier));
        let from = |network: u32, site: &str| RateLimitKey {
            key: format!("address {network}"),
            site: Some(site.to_owned()),
        };
        let mut admitted = 0;
        for network in 0..100 {
            admitted += u32::from(limits.decide(&from(network, "a")).await.wait.is_none());
        }
        assert!((8..100).contains(&admitted), "{admitted} of a hundred networks of one site");
        assert!(limits.decide(&from(100, "b")).await.wait.is_none(), "another site");
    }
}
