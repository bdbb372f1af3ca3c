//! Services and users for tests, and the calls between them.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey};
use kit_access::Authorizer;
use kit_access::credential::ServiceKeys;
use kit_access::token::{AUDIENCE, Claims, sign};
use kit_access::token_verifier::{TokenVerifier, TokenVerifierConfig, TrustUpdate};
use kit_core::clock::Clock;
use kit_core::context::{self, Context};
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_rpc::server::{Server, server_stack};
use kit_rpc::transport::{self, Transport};
use kit_service::module::{ServiceDependencies, ServiceModule};
use sqlx::PgPool;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::service::Routes;
use uuid::Uuid;

const SECRET: &str = "a secret for tests";
const TOKEN_SECRET: &str = "a token secret for tests";
const ISSUER: &str = "fintrac";

fn keys() -> ServiceKeys {
    ServiceKeys::from_secret(SECRET)
}

/// Creates a verifier that accepts the tokens of [`TestUser`]s.
pub fn token_verifier(clock: &Clock) -> Arc<TokenVerifier> {
    let config = TokenVerifierConfig {
        issuer: ISSUER.into(),
        grace_period: Duration::from_hours(1),
        hs256_secret: Some(TOKEN_SECRET.into()),
    };
    let token_verifier = Arc::new(TokenVerifier::new(config, clock.clone()));
    // Users have every permission, unless a test gives them another role.
    let all =
        fintrac_proto::ACCESS.iter().flat_map(|access| access.permissions).map(ToString::to_string).collect();
    let with_notifications_only = vec!["notifications:read".to_owned()];
    let roles = Some(vec![("user".to_owned(), all), ("only-notified".to_owned(), with_notifications_only)]);
    token_verifier.apply_delta(TrustUpdate { roles, ..TrustUpdate::default() });
    token_verifier
}

/// Returns the dependencies of a service.
pub fn deps(pool: &PgPool, clock: &Clock) -> ServiceDependencies {
    ServiceDependencies {
        clock: clock.clone(),
        random: Random::System,
        keys: keys(),
        token_verifier: token_verifier(clock),
        pool: pool.clone(),
        event_log_signal: WakeSignal::default(),
        job_signal: WakeSignal::default(),
        closing: CancellationToken::new(),
    }
}

/// A service that responds to calls; its workers end when it is dropped.
#[derive(Debug)]
pub struct TestService {
    name: &'static str,
    clock: Clock,
    server: Server,
    _stop: DropGuard,
}

impl TestService {
    /// Starts a built service with its workers.
    pub fn start(module: ServiceModule, clock: &Clock) -> Self {
        let stop = CancellationToken::new();
        let name = module.name;
        let (routes, background_tasks) = module.into_parts();
        for task in background_tasks {
            tokio::spawn(task(stop.clone()));
        }
        Self { _stop: stop.drop_guard(), ..Self::fake(name, routes, clock) }
    }

    /// Creates a fake of the service `name`.
    pub fn fake(name: &'static str, routes: Routes, clock: &Clock) -> Self {
        let authorizer = Authorizer::new(name, keys(), token_verifier(clock), clock.clone());
        let server = server_stack(routes, Arc::new(authorizer));
        Self { name, clock: clock.clone(), server, _stop: CancellationToken::new().drop_guard() }
    }

    /// Returns the transport of `caller` to this service.
    pub fn transport(&self, caller: &str) -> Transport {
        transport::local(self.server.clone(), keys().issuer(caller, self.name, &self.clock))
    }
}

/// A user with an access token for a household.
#[derive(Debug, Clone)]
pub struct TestUser {
    /// Id of the user.
    pub user_id: Uuid,
    /// Id of the user's household.
    pub household_id: Uuid,
    token: String,
}

impl TestUser {
    /// Creates a user with a new household.
    ///
    /// # Panics
    /// Never.
    pub fn new(clock: &Clock) -> Self {
        Self::in_household(Uuid::from_bytes(Random::System.bytes()), clock)
    }

    /// Creates a user of a household.
    ///
    /// # Panics
    /// Never.
    pub fn in_household(household_id: Uuid, clock: &Clock) -> Self {
        Self::with_role("user", household_id, clock)
    }

    /// Creates a user of a household with permission to read notifications only.
    ///
    /// # Panics
    /// Never.
    pub fn with_notifications_only(household_id: Uuid, clock: &Clock) -> Self {
        Self::with_role("only-notified", household_id, clock)
    }

    fn with_role(role: &str, household_id: Uuid, clock: &Clock) -> Self {
        let id = || Uuid::from_bytes(Random::System.bytes());
        let user_id = id();
        let now = clock.now().timestamp();
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: user_id,
            sid: id(),
            hh: household_id,
            roles: vec![role.into()],
            iat: now,
            exp: now + 1_000_000_000,
        };
        let key = EncodingKey::from_secret(TOKEN_SECRET.as_bytes());
        let token = sign(&claims, &key, Algorithm::HS256, None).expect("a token");
        Self { user_id, household_id, token }
    }

    /// Returns the user's access token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Makes a call on behalf of the user.
    pub async fn call<F: Future>(&self, call: F) -> F::Output {
        let context = Context { access_token: Some(self.token.clone()), ..Context::default() };
        context::scope(context, call).await
    }
}
