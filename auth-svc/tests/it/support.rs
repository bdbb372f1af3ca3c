//! A running auth-svc with a manual clock.

use std::sync::Arc;
use std::time::Duration;

use auth_svc::{AdminCreated, Config, Operator, SCHEMA};
use chrono::{DateTime, TimeDelta};
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::admin_service_client::AdminServiceClient;
use fintrac_proto::auth::v1::email_data_service_client::EmailDataServiceClient;
use fintrac_proto::auth::v1::identity_service_client::IdentityServiceClient;
use fintrac_proto::auth::v1::mfa_service_client::MfaServiceClient;
use fintrac_proto::auth::v1::security_service_client::SecurityServiceClient;
use fintrac_proto::auth::v1::session_service_client::SessionServiceClient;
use fintrac_proto::auth::v1::user_service_client::UserServiceClient;
use kit_access::Authorizer;
use kit_access::credential::ServiceKeys;
use kit_access::token_verifier::TokenVerifier;
use kit_core::clock::Clock;
use kit_core::config::Environment;
use kit_core::context::{self, Client, Context};
use kit_core::error::reason;
use kit_core::keyring::KeyRing;
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_rpc::server::{Server, server_stack};
use kit_rpc::transport::{self, Transport};
use kit_service::module::ServiceDependencies;
use kit_testing::TestDatabase;
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use totp_rs::{Builder, Secret, Totp};

pub const PASSWORD: &str = "correct horse battery";

pub struct Auth {
    pub clock: Clock,
    pub database: TestDatabase,
    keys: ServiceKeys,
    server: Server,
    _stop: tokio_util::sync::DropGuard,
}

impl Auth {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let clock = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).expect("an instant"));
        let database = TestDatabase::new(&[&SCHEMA], &clock).await;
        Self::on(database, clock, settings).await
    }

    /// Starts another replica on the same database.
    pub async fn replica(&self) -> Self {
        self.replica_with(&[]).await
    }

    pub async fn replica_with(&self, settings: &[(&str, &str)]) -> Self {
        Self::on(self.database.clone(), self.clock.clone(), settings).await
    }

    async fn on(database: TestDatabase, clock: Clock, settings: &[(&str, &str)]) -> Self {
        let (config, environment) = config(settings);
        let pool = database.pool(&SCHEMA, &clock).await;
        let deps = deps(pool, &clock, &environment);
        let keys = deps.keys.clone();
        let token_verifier = Arc::clone(&deps.token_verifier);
        let module = auth_svc::build(config, deps).await.expect("auth-svc builds");
        let stop = CancellationToken::new();
        let (routes, background_tasks) = module.into_parts();
        for task in background_tasks {
            tokio::spawn(task(stop.clone()));
        }
        let authorizer = Authorizer::new("auth", keys.clone(), token_verifier, clock.clone());
        let server = server_stack(routes, Arc::new(authorizer));
        Self { clock, database, keys, server, _stop: stop.drop_guard() }
    }

    pub fn transport(&self, caller: &str) -> Transport {
        transport::local(self.server.clone(), self.keys.issuer(caller, "auth", &self.clock))
    }

    pub fn identity(&self) -> IdentityServiceClient<Transport> {
        IdentityServiceClient::new(self.transport("gateway"))
    }

    pub async fn register(&self, request: pb::RegisterRequest) -> Result<(), Status> {
        // Ids are ordered by time, so registrations need different times.
        self.clock.advance(TimeDelta::milliseconds(1));
        let context = Context { client: client(), ..Context::default() };
        context::scope(context, self.identity().register(request)).await.map(|_| ())
    }

    /// Returns the secrets of the newest open challenge, as notify-svc gets them.
    pub async fn challenge(&self) -> pb::GetChallengeDataResponse {
        let id: String =
            self.text("select id::text from auth.challenges order by closed_at is null desc, created_at desc, id desc limit 1").await;
        self.challenge_of(&id).await.expect("an open challenge")
    }

    pub async fn challenge_of(&self, id: &str) -> Result<pb::GetChallengeDataResponse, Status> {
        let request = pb::GetChallengeDataRequest { challenge_id: id.to_owned() };
        let mut client = EmailDataServiceClient::new(self.transport("notify"));
        client.get_challenge_data(request).await.map(tonic::Response::into_inner)
    }

    pub async fn verify(&self, request: pb::VerifyEmailRequest) -> Result<(), Status> {
        self.identity().verify_email(request).await.map(|_| ())
    }

    /// Registers and verifies a user.
    pub async fn user(&self, email: &str) {
        self.register(ana(email)).await.expect("registered");
        let token = self.challenge().await.token;
        self.verify(pb::VerifyEmailRequest { token, ..Default::default() }).await.expect("verified");
    }

    pub async fn login(&self, email: &str, password: &str) -> Result<pb::TokenPair, Status> {
        let (email, password) = (email.to_owned(), password.to_owned());
        let request = pb::LoginRequest { email, password, ..Default::default() };
        let context = Context { client: client(), ..Context::default() };
        let response = context::scope(context, self.identity().login(request)).await?;
        Ok(response.into_inner().tokens.expect("tokens"))
    }

    pub async fn refresh(&self, token: &str) -> Result<pb::TokenPair, Status> {
        let request = pb::RefreshRequest { refresh_token: token.to_owned() };
        Ok(self.identity().refresh(request).await?.into_inner().tokens.expect("tokens"))
    }

    pub async fn me(&self, access_token: &str) -> Result<pb::User, Status> {
        let mut client = UserServiceClient::new(self.transport("gateway"));
        let response = as_user(access_token, client.get_current_user(pb::GetCurrentUserRequest {})).await?;
        Ok(response.into_inner().user.expect("a user"))
    }

    /// Returns the address that is notified of an email change.
    pub async fn previous_email(&self, challenge_id: &str) -> String {
        let request = pb::GetPreviousRecipientRequest { challenge_id: challenge_id.to_owned() };
        let mut client = EmailDataServiceClient::new(self.transport("notify"));
        let response = client.get_previous_recipient(request).await.expect("an address").into_inner();
        response.recipient.expect("a recipient").email
    }

    /// Logs the user in.
    pub async fn session(&self, email: &str) -> Session<'_> {
        let tokens = self.login(email, PASSWORD).await.expect("login");
        let user_id = self.me(&tokens.access_token).await.expect("me").id;
        Session { auth: self, tokens, user_id }
    }

    /// Creates an administrator and logs in.
    pub async fn admin(&self, email: &str) -> Session<'_> {
        self.user(email).await;
        self.make_admin(email).await;
        self.session(email).await
    }

    /// Creates an administrator as `fintrac admin create` does.
    pub async fn make_admin(&self, email: &str) -> AdminCreated {
        self.operator(&[]).await.create_admin(email).await.expect("an administrator")
    }

    /// Returns an operator on the same database, with `settings` of its own.
    pub async fn operator(&self, settings: &[(&str, &str)]) -> Operator {
        let (config, environment) = config(settings);
        let pool = self.database.pool(&SCHEMA, &self.clock).await;
        Operator::open(config, deps(pool, &self.clock, &environment)).await.expect("an operator")
    }

    /// Runs an unauthenticated call from an address.
    pub async fn from<F: Future>(&self, ip: &str, call: F) -> F::Output {
        let client = Client { ip: ip.parse().ok(), ..client() };
        context::scope(Context { client, ..Context::default() }, call).await
    }

    pub async fn login_with(&self, request: pb::LoginRequest) -> Result<pb::TokenPair, Status> {
        let context = Context { client: client(), ..Context::default() };
        let response = context::scope(context, self.identity().login(request)).await?;
        Ok(response.into_inner().tokens.expect("tokens"))
    }

    /// Lists the kinds of a user's security events, the newest first.
    pub async fn security_events(&self, email: &str) -> Vec<String> {
        let sql = format!(
            "select coalesce(string_agg(kind, ' ' order by security_events.id desc), '')
             from auth.security_events join auth.users on users.id = user_id where email_key = '{email}'"
        );
        self.text(&sql).await.split_whitespace().map(str::to_owned).collect()
    }

    /// Waits until a query returns `expected`.
    pub async fn wait_until(&self, sql: &str, expected: &str) {
        let reached = async {
            while self.text(sql).await != expected {
                tokio::task::yield_now().await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_mins(1), reached).await;
        assert!(reached.is_ok(), "{sql} must return {expected}");
    }

    /// Returns one value of the database, read as superuser.
    pub async fn text(&self, sql: &str) -> String {
        let row = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&mut self.database.connect().await)
            .await
            .expect(sql);
        row.try_get::<String, _>(0).expect("text")
    }
}

/// Returns the key ring of all tests that do not set another.
pub fn ring() -> String {
    KeyRing::generate(&Random::seeded(1))
}

fn config(settings: &[(&str, &str)]) -> (Config, Environment) {
    let ring = ring();
    let values = [("FINTRAC_TOKEN_SECRET", "a token secret for tests"), ("FINTRAC_DATA_KEYS", &ring)];
    let values = values.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = Environment::from_values(values);
    let config = Config::from_environment(&environment);
    environment.check().expect("a usable configuration");
    (config, environment)
}

fn deps(pool: PgPool, clock: &Clock, environment: &Environment) -> ServiceDependencies {
    let token_verifier = kit_process::token_verifier_config(environment);
    ServiceDependencies {
        clock: clock.clone(),
        random: Random::System,
        keys: ServiceKeys::from_secret("a secret for tests"),
        token_verifier: Arc::new(TokenVerifier::new(token_verifier, clock.clone())),
        pool,
        event_log_signal: WakeSignal::default(),
        job_signal: WakeSignal::default(),
        closing: CancellationToken::new(),
    }
}

/// A logged-in user.
pub struct Session<'a> {
    auth: &'a Auth,
    pub tokens: pb::TokenPair,
    pub user_id: String,
}

impl Session<'_> {
    /// Runs a call with the user's access token.
    pub async fn call<F: Future>(&self, call: F) -> F::Output {
        as_user(&self.tokens.access_token, call).await
    }

    pub fn users(&self) -> UserServiceClient<Transport> {
        UserServiceClient::new(self.auth.transport("gateway"))
    }

    pub fn sessions(&self) -> SessionServiceClient<Transport> {
        SessionServiceClient::new(self.auth.transport("gateway"))
    }

    pub fn mfa(&self) -> MfaServiceClient<Transport> {
        MfaServiceClient::new(self.auth.transport("gateway"))
    }

    pub fn admin(&self) -> AdminServiceClient<Transport> {
        AdminServiceClient::new(self.auth.transport("gateway"))
    }

    pub fn security(&self) -> SecurityServiceClient<Transport> {
        SecurityServiceClient::new(self.auth.transport("gateway"))
    }

    /// Waits until the access token is rejected and returns the reason.
    /// It panics after a minute.
    pub async fn wait_for_rejection(&self) -> String {
        let rejected = async {
            loop {
                if let Err(status) = self.auth.me(&self.tokens.access_token).await {
                    return reason(&status).expect("a reason");
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), rejected).await.expect("the token is rejected")
    }

    /// Enrolls a second factor; returns its code generator and recovery codes.
    pub async fn enroll(&self) -> (Totp, Vec<String>) {
        let enrollment =
            self.call(self.mfa().enroll_totp(pb::EnrollTotpRequest {})).await.expect("enrollment");
        let secret = Secret::try_from_base32(enrollment.into_inner().secret).expect("base32");
        let totp = Builder::new().with_secret(secret).with_account_name("x").build().expect("a generator");
        let request = pb::ConfirmTotpRequest { code: self.auth.code(&totp) };
        let confirmed = self.call(self.mfa().confirm_totp(request)).await.expect("confirmed");
        (totp, confirmed.into_inner().recovery_codes)
    }
}

impl Auth {
    /// Returns the current code.
    pub fn code(&self, totp: &Totp) -> String {
        totp.generate(u64::try_from(self.clock.now().timestamp()).expect("after 1970")).to_string()
    }
}

/// Builds a login request with a code of the second factor.
pub fn with_code(email: &str, code: &str) -> pb::LoginRequest {
    let (email, password, code) = (email.to_owned(), PASSWORD.to_owned(), code.to_owned());
    pb::LoginRequest { email, password, code, ..Default::default() }
}

/// Runs a call with the user's access token.
pub async fn as_user<F: Future>(access_token: &str, call: F) -> F::Output {
    let context =
        Context { access_token: Some(access_token.to_owned()), client: client(), ..Context::default() };
    context::scope(context, call).await
}

fn client() -> Client {
    Client { ip: "192.0.2.1".parse().ok(), user_agent: "tests".into(), language: "es".into() }
}

pub fn ana(email: &str) -> pb::RegisterRequest {
    pb::RegisterRequest {
        email: email.into(),
        password: PASSWORD.into(),
        first_name: "Ana".into(),
        last_name: "Gil".into(),
        ..Default::default()
    }
}

pub fn error_reason(result: Result<impl std::fmt::Debug, Status>) -> String {
    reason(&result.expect_err("an error")).expect("a reason")
}
