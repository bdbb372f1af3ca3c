//! Starts a ledger with users and a clock that the test advances.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::auth::v1::household_service_server::{HouseholdService, HouseholdServiceServer};
use fintrac_proto::events::v1::Event;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::account_service_client::AccountServiceClient;
use fintrac_proto::ledger::v1::analytics_service_client::AnalyticsServiceClient;
use fintrac_proto::ledger::v1::bulk_operation::Op;
use fintrac_proto::ledger::v1::category_service_client::CategoryServiceClient;
use fintrac_proto::ledger::v1::currency_service_client::CurrencyServiceClient;
use fintrac_proto::ledger::v1::notification_data_service_client::NotificationDataServiceClient;
use fintrac_proto::ledger::v1::recurring_service_client::RecurringServiceClient;
use fintrac_proto::ledger::v1::spending_service_client::SpendingServiceClient;
use fintrac_proto::ledger::v1::transaction_service_client::TransactionServiceClient;
use jsonwebtoken::{Algorithm, EncodingKey};
use kit_access::Authorizer;
use kit_access::credential::ServiceKeys;
use kit_access::token::{AUDIENCE, Claims, sign};
use kit_access::token_verifier::{TokenVerifier, TokenVerifierConfig, TrustUpdate};
use kit_core::clock::Clock;
use kit_core::context::{self, Context};
use kit_core::error::{ProblemCode, RpcError, reason};
use kit_core::headers::{IDEMPOTENCY_KEY, REPLAYED};
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_db::PoolConfig;
use kit_rpc::server::{Server, server_stack};
use kit_rpc::transport::{self, Transport};
use kit_service::module::ServiceDependencies;
use kit_testing::{FakeEventLog, TestDatabase};
use ledger_svc::{Config, SCHEMA};
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{AssertSqlSafe, Row as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

const SECRET: &str = "a secret for tests";
const TOKEN_SECRET: &[u8] = b"a token secret for tests";

/// A fake of auth-svc's household service.
#[derive(Debug, Clone, Default)]
pub struct FakeHouseholdService {
    known: Arc<Mutex<HashMap<String, auth::Household>>>,
    /// Time zones that households get after the next fetch.
    pending_timezones: Arc<Mutex<HashMap<String, String>>>,
    /// Preferred currencies by user, instead of the household's.
    preferred_currencies: Arc<Mutex<HashMap<String, String>>>,
    log: FakeEventLog,
}

#[tonic::async_trait]
impl HouseholdService for FakeHouseholdService {
    async fn get_household(
        &self,
        request: Request<auth::GetHouseholdRequest>,
    ) -> Result<Response<auth::GetHouseholdResponse>, Status> {
        let id = request.into_inner().household_id;
        let mut households = self.known.lock().expect("no panic");
        let known = households.get(&id).cloned();
        if let Some(timezone) = self.pending_timezones.lock().expect("no panic").remove(&id) {
            households.get_mut(&id).expect("a household").timezone = timezone;
        }
        match known {
            Some(household) => Ok(Response::new(auth::GetHouseholdResponse { household: Some(household) })),
            None => Err(RpcError::new(ProblemCode::NotFound, "There is no such household.").into()),
        }
    }

    async fn get_member(
        &self,
        request: Request<auth::GetMemberRequest>,
    ) -> Result<Response<auth::GetMemberResponse>, Status> {
        let auth::GetMemberRequest { household_id, user_id } = request.into_inner();
        let preferred_currencies = self.preferred_currencies.lock().expect("no panic").get(&user_id).cloned();
        let households = self.known.lock().expect("no panic");
        let own = households.get(&household_id).map(|household| household.currency_code.clone());
        let default_currency = preferred_currencies.or(own).expect("a household");
        Ok(Response::new(auth::GetMemberResponse { default_currency }))
    }
}

/// One replica of the ledger.
pub struct Ledger {
    pub clock: Clock,
    pub database: TestDatabase,
    pub pool: PgPool,
    pub households: FakeHouseholdService,
    keys: ServiceKeys,
    server: Server,
    _stop: tokio_util::sync::DropGuard,
}

impl Ledger {
    pub async fn start() -> Self {
        let clock = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).expect("an instant"));
        let database = TestDatabase::new(&[&SCHEMA], &clock).await;
        let options = database.app(SCHEMA.name);
        Self::start_replica(database, clock, FakeHouseholdService::default(), &options).await
    }

    /// Starts a ledger with its own configuration and clock.
    pub async fn start_with(config: Config, clock: Clock) -> Self {
        let database = TestDatabase::new(&[&SCHEMA], &clock).await;
        let options = database.app(SCHEMA.name);
        Self::start_configured(database, clock, FakeHouseholdService::default(), &options, &config).await
    }

    /// Starts another replica on the same database.
    pub async fn replica(&self) -> Self {
        self.replica_through(&self.database.app(SCHEMA.name)).await
    }

    /// Starts another replica that connects to the database with `options`.
    pub async fn replica_through(&self, options: &PgConnectOptions) -> Self {
        Self::start_replica(self.database.clone(), self.clock.clone(), self.households.clone(), options).await
    }

    async fn start_replica(
        database: TestDatabase,
        clock: Clock,
        households: FakeHouseholdService,
        options: &PgConnectOptions,
    ) -> Self {
        Self::start_configured(database, clock, households, options, &Config::default()).await
    }

    async fn start_configured(
        database: TestDatabase,
        clock: Clock,
        households: FakeHouseholdService,
        options: &PgConnectOptions,
        config: &Config,
    ) -> Self {
        // Migrate over a direct connection, not over `options`.
        drop(database.pool(&SCHEMA, &clock).await);
        let pool = kit_db::pool(options, SCHEMA.name, PoolConfig::default());
        let token_verifier = TokenVerifierConfig {
            issuer: "fintrac".into(),
            grace_period: Duration::from_hours(1),
            hs256_secret: Some(String::from_utf8_lossy(TOKEN_SECRET).into_owned().into()),
        };
        let token_verifier = Arc::new(TokenVerifier::new(token_verifier, clock.clone()));
        let all = fintrac_proto::ACCESS
            .iter()
            .flat_map(|access| access.permissions)
            .map(ToString::to_string)
            .collect();
        let roles = Some(vec![("user".to_owned(), all)]);
        token_verifier.apply_delta(TrustUpdate { roles, ..TrustUpdate::default() });
        let keys = ServiceKeys::from_secret(SECRET);
        let authorizer =
            Arc::new(Authorizer::new("auth", keys.clone(), Arc::clone(&token_verifier), clock.clone()));
        let auth = Routes::new(HouseholdServiceServer::new(households.clone()));
        let auth = server_stack(auth.add_service(households.log.clone().into_service()), authorizer);
        let auth = transport::local(auth, keys.issuer("ledger", "auth", &clock));
        let deps = ServiceDependencies {
            clock: clock.clone(),
            random: Random::System,
            keys: keys.clone(),
            token_verifier: Arc::clone(&token_verifier),
            pool: pool.clone(),
            event_log_signal: WakeSignal::default(),
            job_signal: WakeSignal::default(),
            closing: CancellationToken::new(),
        };
        let module = ledger_svc::build(config, &deps, auth).await.expect("ledger-svc builds");
        let stop = CancellationToken::new();
        let (routes, background_tasks) = module.into_parts();
        for task in background_tasks {
            tokio::spawn(task(stop.clone()));
        }
        let authorizer = Authorizer::new("ledger", keys.clone(), token_verifier, clock.clone());
        let server = server_stack(routes, Arc::new(authorizer));
        Self { clock, database, pool, households, keys, server, _stop: stop.drop_guard() }
    }

    /// Creates a user with a new household.
    pub fn user(&self, currency: &str) -> User {
        self.user_with(currency, "UTC", "en")
    }

    /// Sets the user's preferred currency.
    pub fn set_preferred_currency(&self, user: &User, currency: &str) {
        let mut preferred_currencies = self.households.preferred_currencies.lock().expect("no panic");
        preferred_currencies.insert(user.user_id.to_string(), currency.into());
    }

    pub fn user_with(&self, currency: &str, timezone: &str, locale: &str) -> User {
        let household_id = Uuid::from_bytes(Random::System.bytes());
        let household = auth::Household {
            id: household_id.to_string(),
            currency_code: currency.into(),
            timezone: timezone.into(),
            locale: locale.into(),
        };
        self.households.known.lock().expect("no panic").insert(household_id.to_string(), household);
        let user_id = Uuid::from_bytes(Random::System.bytes());
        let now = self.clock.now().timestamp();
        let claims = Claims {
            iss: "fintrac".into(),
            aud: AUDIENCE.into(),
            sub: user_id,
            sid: Uuid::from_bytes(Random::System.bytes()),
            hh: household_id,
            roles: vec!["user".into()],
            iat: now,
            exp: now + 10_000_000,
        };
        let key = EncodingKey::from_secret(TOKEN_SECRET);
        let token = sign(&claims, &key, Algorithm::HS256, None).expect("a token");
        User { user_id, household_id, token, transport: self.transport() }
    }

    /// Changes the household's time zone right after its first fetch.
    pub fn change_timezone_after_first_fetch(&self, user: &User, timezone: &str) {
        let mut pending_timezones = self.households.pending_timezones.lock().expect("no panic");
        pending_timezones.insert(user.household_id.to_string(), timezone.into());
    }

    /// Changes the household's time zone and appends auth-svc's event.
    pub fn change_timezone(&self, user: &User, timezone: &str) {
        let id = user.household_id.to_string();
        let mut known = self.households.known.lock().expect("no panic");
        known.get_mut(&id).expect("a household").timezone = timezone.into();
        self.households.log.append(Event {
            household_id: id.clone(),
            entity: "household".into(),
            entity_id: id,
            kind: "updated".into(),
            ..Event::default()
        });
    }

    /// Returns the client that budget-svc uses.
    pub fn spending(&self) -> SpendingServiceClient<Transport> {
        let transport =
            transport::local(self.server.clone(), self.keys.issuer("budget", "ledger", &self.clock));
        SpendingServiceClient::new(transport)
    }

    fn transport(&self) -> Transport {
        transport::local(self.server.clone(), self.keys.issuer("gateway", "ledger", &self.clock))
    }

    /// Returns a client of this replica for the same user.
    pub fn client_for(&self, user: &User) -> User {
        User { transport: self.transport(), ..user.clone() }
    }

    /// Reads the report on a household as notify-svc does.
    pub async fn report(&self, user: &User, (from, to): (&str, &str)) -> pb::ReportData {
        let request = pb::GetReportDataRequest {
            household_id: user.household_id.to_string(),
            from: from.into(),
            to: to.into(),
        };
        let transport =
            transport::local(self.server.clone(), self.keys.issuer("notify", "ledger", &self.clock));
        let response = NotificationDataServiceClient::new(transport).get_report_data(request).await;
        response.expect("a report").into_inner().report.expect("a report")
    }

    /// Asserts every invariant of the ledger.
    pub async fn verify(&self) {
        let findings = ledger_svc::verify(&self.pool).await.expect("verified");
        let broken: Vec<_> = findings.iter().filter(|finding| finding.violations > 0).collect();
        assert!(broken.is_empty() && !findings.is_empty(), "{broken:?}");
    }

    /// Queries one number as the superuser.
    pub async fn query_i64(&self, sql: &str) -> i64 {
        let row = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&mut self.database.connect().await)
            .await
            .expect(sql);
        row.try_get::<i64, _>(0).expect("a number")
    }

    /// Executes statements as the superuser.
    pub async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut self.database.connect().await)
            .await
            .expect(sql);
    }

    pub fn advance_clock(&self, time: TimeDelta) {
        self.clock.advance(time);
    }
}

/// A user who calls the ledger.
#[derive(Clone)]
pub struct User {
    pub user_id: Uuid,
    pub household_id: Uuid,
    token: String,
    transport: Transport,
}

impl User {
    pub async fn call<F: Future>(&self, call: F) -> F::Output {
        // Many concurrent calls are slow on a small machine.
        let deadline = Some(Instant::now() + Duration::from_mins(1));
        let context = Context { access_token: Some(self.token.clone()), deadline, ..Context::default() };
        context::scope(context, call).await
    }

    pub fn accounts(&self) -> AccountServiceClient<Transport> {
        AccountServiceClient::new(self.transport.clone())
    }

    pub fn categories(&self) -> CategoryServiceClient<Transport> {
        CategoryServiceClient::new(self.transport.clone())
    }

    pub fn transactions(&self) -> TransactionServiceClient<Transport> {
        TransactionServiceClient::new(self.transport.clone())
    }

    pub fn analytics(&self) -> AnalyticsServiceClient<Transport> {
        AnalyticsServiceClient::new(self.transport.clone())
    }

    pub fn recurring(&self) -> RecurringServiceClient<Transport> {
        RecurringServiceClient::new(self.transport.clone())
    }

    /// Returns a client of the service that only budget-svc may call.
    pub fn spending(&self) -> SpendingServiceClient<Transport> {
        SpendingServiceClient::new(self.transport.clone())
    }

    pub fn currencies(&self) -> CurrencyServiceClient<Transport> {
        CurrencyServiceClient::new(self.transport.clone())
    }

    pub async fn open(&self, request: pb::CreateAccountRequest) -> Result<pb::Account, Status> {
        let response = self.call(self.accounts().create_account(request)).await?;
        Ok(response.into_inner().account.expect("an account"))
    }

    /// Opens an account, by default in the household's currency.
    pub async fn account(&self, name: &str, currency: &str, balance: &str) -> pb::Account {
        let request = pb::CreateAccountRequest {
            name: name.into(),
            account_type: "bank".into(),
            currency_code: Some(currency.to_owned()).filter(|text| !text.is_empty()),
            balance: Some(balance.to_owned()).filter(|text| !text.is_empty()),
            ..Default::default()
        };
        self.open(request).await.expect("opened")
    }

    pub async fn balance(&self, account_id: &str) -> String {
        let request = pb::GetAccountRequest { account_id: account_id.into() };
        let response = self.call(self.accounts().get_account(request)).await.expect("an account");
        response.into_inner().account.expect("an account").balance
    }

    pub async fn change_account(
        &self,
        request: pb::UpdateAccountRequest,
        fields: &[&str],
    ) -> Result<pb::Account, Status> {
        let request = pb::UpdateAccountRequest { update_mask: Some(mask(fields)), ..request };
        let response = self.call(self.accounts().update_account(request)).await?;
        Ok(response.into_inner().account.expect("an account"))
    }

    pub async fn post(&self, request: pb::CreateTransactionRequest) -> Result<pb::Transaction, Status> {
        let response = self.call(self.transactions().create_transaction(request)).await?;
        Ok(response.into_inner().transaction.expect("a transaction"))
    }

    /// Posts with an idempotency key; returns whether the response was replayed.
    pub async fn post_with_key(
        &self,
        request: pb::CreateTransactionRequest,
        key: &str,
    ) -> Result<(pb::Transaction, bool), Status> {
        let mut request = Request::new(request);
        request.metadata_mut().insert(IDEMPOTENCY_KEY, key.parse().expect("a key"));
        let response = self.call(self.transactions().create_transaction(request)).await?;
        let replayed = response.metadata().contains_key(REPLAYED);
        Ok((response.into_inner().transaction.expect("a transaction"), replayed))
    }

    pub async fn edit(
        &self,
        transaction_id: &str,
        values: pb::CreateTransactionRequest,
        fields: &[&str],
    ) -> Result<pb::Transaction, Status> {
        self.edit_with_version(transaction_id, values, fields, None).await
    }

    pub async fn edit_with_version(
        &self,
        transaction_id: &str,
        values: pb::CreateTransactionRequest,
        fields: &[&str],
        expected_version: Option<i64>,
    ) -> Result<pb::Transaction, Status> {
        let request = pb::UpdateTransactionRequest {
            transaction_id: transaction_id.into(),
            expected_version,
            update_mask: Some(mask(fields)),
            transaction: Some(values),
        };
        let response = self.call(self.transactions().update_transaction(request)).await?;
        Ok(response.into_inner().transaction.expect("a transaction"))
    }

    pub async fn void(&self, transaction_id: &str) -> Result<(), Status> {
        let request =
            pb::VoidTransactionRequest { transaction_id: transaction_id.into(), expected_version: None };
        self.call(self.transactions().void_transaction(request)).await.map(|_| ())
    }

    pub async fn restore(&self, transaction_id: &str) -> Result<pb::Transaction, Status> {
        let request =
            pb::RestoreTransactionRequest { transaction_id: transaction_id.into(), expected_version: None };
        let response = self.call(self.transactions().restore_transaction(request)).await?;
        Ok(response.into_inner().transaction.expect("a transaction"))
    }

    pub async fn bulk(&self, mode: &str, operations: Vec<Op>) -> Result<Vec<pb::BulkResult>, Status> {
        let operations = operations.into_iter().map(|op| pb::BulkOperation { op: Some(op) }).collect();
        let request = pb::BulkTransactionsRequest { mode: mode.into(), operations };
        Ok(self.call(self.transactions().bulk_transactions(request)).await?.into_inner().results)
    }

    /// Deletes a category and merges it into `target`.
    pub async fn merge_category(&self, category_id: &str, target: &str) -> Result<(), Status> {
        let request = pb::DeleteCategoryRequest {
            category_id: category_id.into(),
            expected_version: None,
            move_to: Some(target.into()),
        };
        self.call(self.categories().delete_category(request)).await.map(|_| ())
    }

    pub async fn find(&self, transaction_id: &str) -> Result<pb::Transaction, Status> {
        let request = pb::GetTransactionRequest { transaction_id: transaction_id.into() };
        let response = self.call(self.transactions().get_transaction(request)).await?;
        Ok(response.into_inner().transaction.expect("a transaction"))
    }

    /// Lists all transactions, page by page.
    pub async fn list_all(&self, filter: pb::TransactionFilter, page_size: i32) -> Vec<pb::Transaction> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListTransactionsRequest {
                filter: Some(filter.clone()),
                page_size: Some(page_size),
                page_token,
            };
            let page = self.call(self.transactions().list_transactions(request)).await.expect("a page");
            let page = page.into_inner();
            assert!(page.transactions.len() <= usize::try_from(page_size).expect("a size"));
            all.extend(page.transactions);
            if page.next_page_token.is_empty() {
                return all;
            }
            page_token = page.next_page_token;
        }
    }

    pub async fn category(&self, name: &str, kind: &str) -> pb::Category {
        let request =
            pb::CreateCategoryRequest { name: name.into(), r#type: kind.into(), ..Default::default() };
        let response = self.call(self.categories().create_category(request)).await.expect("a category");
        response.into_inner().category.expect("a category")
    }
}

pub fn mask(fields: &[&str]) -> prost_types::FieldMask {
    prost_types::FieldMask { paths: fields.iter().map(|field| (*field).to_owned()).collect() }
}

/// Builds a request for income or an expense.
pub fn entry(account: &pb::Account, kind: &str, amount: &str) -> pb::CreateTransactionRequest {
    pb::CreateTransactionRequest {
        account_id: account.id.clone(),
        r#type: kind.into(),
        amount: amount.into(),
        ..Default::default()
    }
}

pub fn transfer(from: &pb::Account, to: &pb::Account, amount: &str) -> pb::CreateTransactionRequest {
    pb::CreateTransactionRequest { to_account_id: Some(to.id.clone()), ..entry(from, "transfer", amount) }
}

pub fn error_reason<T: std::fmt::Debug>(result: Result<T, Status>) -> String {
    reason(&result.expect_err("a rejection")).expect("a reason")
}

/// Returns the field and reason of every violation.
pub fn field_violations<T: std::fmt::Debug>(result: Result<T, Status>) -> Vec<(String, String)> {
    let details = result.expect_err("a rejection").get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    violations.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

/// Builds a query of the spending on categories in periods.
pub fn series(currency: &str, categories: &[&pb::Category], periods: &[(&str, &str)]) -> pb::SpendingSeries {
    let period = |(from, to): &(&str, &str)| pb::SpendingPeriod { from: (*from).into(), to: (*to).into() };
    pb::SpendingSeries {
        currency_code: currency.into(),
        category_ids: categories.iter().map(|category| category.id.clone()).collect(),
        periods: periods.iter().map(period).collect(),
    }
}
