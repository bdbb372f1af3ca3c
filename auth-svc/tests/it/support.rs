//! One auth-svc with a clock that the test moves.

use std::sync::Arc;

use auth_svc::{Config, SCHEMA};
use chrono::{DateTime, TimeDelta};
use fintrac_kit::access::Gate;
use fintrac_kit::access::credential::ServiceKeys;
use fintrac_kit::access::trust::Trust;
use fintrac_kit::clock::Clock;
use fintrac_kit::config::Environment;
use fintrac_kit::context::{self, Client, Context};
use fintrac_kit::error::reason;
use fintrac_kit::events::Bell;
use fintrac_kit::keyring::KeyRing;
use fintrac_kit::module::Deps;
use fintrac_kit::random::Random;
use fintrac_kit::server::{Server, server_stack};
use fintrac_kit::testing::TestDatabase;
use fintrac_kit::transport::{self, Transport};
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::identity_service_client::IdentityServiceClient;
use fintrac_proto::auth::v1::mail_facts_service_client::MailFactsServiceClient;
use fintrac_proto::auth::v1::user_service_client::UserServiceClient;
use sqlx::{AssertSqlSafe, Row as _};
use tokio_util::sync::CancellationToken;
use tonic::Status;

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

    /// Another replica on the same database.
    pub async fn replica(&self) -> Self {
        Self::on(self.database.clone(), self.clock.clone(), &[]).await
    }

    async fn on(database: TestDatabase, clock: Clock, settings: &[(&str, &str)]) -> Self {
        let random = Random::System;
        let ring = KeyRing::generate(&Random::seeded(1));
        let values = [("FINTRAC_TOKEN_SECRET", "a token secret for tests"), ("FINTRAC_DATA_KEYS", &ring)];
        let values =
            values.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment::from_values(values);
        let config = Config::from_environment(&environment);
        environment.check().expect("a usable configuration");
        let trust = fintrac_kit::process::trust_config(&environment);
        let pool = database.pool(&SCHEMA, &clock).await;
        let keys = ServiceKeys::from_secret("a secret for tests");
        let deps = Deps {
            clock: clock.clone(),
            random,
            keys: keys.clone(),
            trust: Arc::new(Trust::new(trust, clock.clone())),
            pool,
            bell: Bell::default(),
            closing: CancellationToken::new(),
        };
        let trust = Arc::clone(&deps.trust);
        let module = auth_svc::build(config, deps).await.expect("auth-svc builds");
        let stop = CancellationToken::new();
        for worker in module.workers {
            tokio::spawn(worker(stop.clone()));
        }
        let gate = Gate::new("auth", keys.clone(), trust, clock.clone());
        let server = server_stack(module.routes, Arc::new(gate));
        Self { clock, database, keys, server, _stop: stop.drop_guard() }
    }

    pub fn transport(&self, caller: &str) -> Transport {
        transport::local(self.server.clone(), self.keys.issuer(caller, "auth", &self.clock))
    }

    pub fn identity(&self) -> IdentityServiceClient<Transport> {
        IdentityServiceClient::new(self.transport("gateway"))
    }

    pub async fn register(&self, request: pb::RegisterRequest) -> Result<(), Status> {
        // Ids are ordered by time; let it pass between two registrations.
        self.clock.advance(TimeDelta::milliseconds(1));
        let context = Context { client: client(), ..Context::default() };
        context::scope(context, self.identity().register(request)).await.map(|_| ())
    }

    /// The newest verification mail's secrets, as notify-svc gets them.
    pub async fn challenge(&self) -> pb::GetChallengeResponse {
        let id: String =
            self.text("select id::text from auth.challenges order by created_at desc, id desc limit 1").await;
        self.challenge_of(&id).await.expect("an open challenge")
    }

    pub async fn challenge_of(&self, id: &str) -> Result<pb::GetChallengeResponse, Status> {
        let request = pb::GetChallengeRequest { challenge_id: id.to_owned() };
        let mut client = MailFactsServiceClient::new(self.transport("notify"));
        client.get_challenge(request).await.map(tonic::Response::into_inner)
    }

    pub async fn verify(&self, request: pb::VerifyEmailRequest) -> Result<(), Status> {
        self.identity().verify_email(request).await.map(|_| ())
    }

    /// A verified user.
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
        let response = as_user(access_token, client.get_me(pb::GetMeRequest {})).await?;
        Ok(response.into_inner().user.expect("a user"))
    }

    /// One value of the database, as the superuser sees it.
    pub async fn text(&self, sql: &str) -> String {
        let row = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&mut self.database.connect().await)
            .await
            .expect(sql);
        row.try_get::<String, _>(0).expect("text")
    }
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

pub fn why(result: Result<impl std::fmt::Debug, Status>) -> String {
    reason(&result.expect_err("a refusal")).expect("a reason")
}
