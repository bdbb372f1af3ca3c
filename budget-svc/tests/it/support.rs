//! A running budget-svc with users, and a clock that the test moves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use budget_svc::SCHEMA;
use chrono::{DateTime, TimeDelta};
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::auth::v1::household_service_server::{HouseholdService, HouseholdServiceServer};
use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::budget_service_client::BudgetServiceClient;
use fintrac_proto::budget::v1::goal_service_client::GoalServiceClient;
use fintrac_proto::budget::v1::notification_data_service_client::NotificationDataServiceClient;
use kit_core::clock::Clock;
use kit_core::error::reason;
use kit_core::headers::{IDEMPOTENCY_KEY, REPLAYED};
use kit_rpc::transport::Transport;
use kit_testing::{FakeEventLog, TestDatabase, TestService, TestUser, deps};
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::ledger::Ledger;

/// A fake auth-svc: households in euros and in Madrid.
/// Some users prefer another currency.
#[derive(Clone, Default)]
pub struct Households(Arc<Mutex<HashMap<String, &'static str>>>);

#[tonic::async_trait]
impl HouseholdService for Households {
    async fn get_household(
        &self,
        request: Request<auth::GetHouseholdRequest>,
    ) -> Result<Response<auth::GetHouseholdResponse>, Status> {
        let household = auth::Household {
            id: request.into_inner().household_id,
            currency_code: "EUR".into(),
            timezone: "Europe/Madrid".into(),
            locale: "en".into(),
        };
        Ok(Response::new(auth::GetHouseholdResponse { household: Some(household) }))
    }

    async fn get_member(
        &self,
        request: Request<auth::GetMemberRequest>,
    ) -> Result<Response<auth::GetMemberResponse>, Status> {
        let preferred = self.0.lock().expect("no panic");
        let default_currency = preferred.get(&request.into_inner().user_id).copied().unwrap_or("EUR").into();
        Ok(Response::new(auth::GetMemberResponse { default_currency }))
    }
}

/// One replica of budget-svc.
pub struct Budgets {
    pub clock: Clock,
    pub ledger: Ledger,
    /// The event log of auth-svc.
    pub auth_log: FakeEventLog,
    households: Households,
    pub pool: PgPool,
    database: TestDatabase,
    service: TestService,
}

impl Budgets {
    /// Starts a replica on 22 September 2026.
    pub async fn start() -> Self {
        let clock = Clock::manual(DateTime::from_timestamp(1_790_080_000, 0).expect("an instant"));
        let database = TestDatabase::new(&[&SCHEMA], &clock).await;
        let budgets = Self::on(database, clock, Ledger::default()).await;
        // The daily check runs at once, here before there is anything to evaluate.
        let checked = "select count(finished_at)::text from budget.jobs where queue = 'budget-check'";
        budgets.wait_for(checked, &["1"]).await;
        budgets
    }

    /// Starts another replica on the same database.
    pub async fn replica(&self) -> Self {
        Self::on(self.database.clone(), self.clock.clone(), self.ledger.clone()).await
    }

    async fn on(database: TestDatabase, clock: Clock, ledger: Ledger) -> Self {
        let pool = database.pool(&SCHEMA, &clock).await;
        let auth_log = FakeEventLog::default();
        let routes = Routes::new(auth_log.clone().into_service());
        let households = Households::default();
        let routes = routes.add_service(HouseholdServiceServer::new(households.clone()));
        let to_auth = TestService::fake("auth", routes, &clock).transport("budget");
        let module = budget_svc::build(&deps(&pool, &clock), to_auth, ledger.transport(&clock));
        let service = TestService::start(module, &clock);
        Self { clock, ledger, auth_log, households, pool, database, service }
    }

    pub fn client(&self) -> TestClient {
        TestClient { user: TestUser::new(&self.clock), transport: self.service.transport("gateway") }
    }

    /// Returns the same client, connected to this replica.
    pub fn connect(&self, client: &TestClient) -> TestClient {
        TestClient { user: client.user.clone(), transport: self.service.transport("gateway") }
    }

    /// Sets the currency that a client prefers from now on.
    pub fn set_preferred_currency(&self, client: &TestClient, currency: &'static str) {
        let mut preferred = self.households.0.lock().expect("no panic");
        preferred.insert(client.user.user_id.to_string(), currency);
    }

    pub fn notification_data(&self) -> NotificationDataServiceClient<Transport> {
        NotificationDataServiceClient::new(self.service.transport("notify"))
    }

    pub fn advance(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// Runs statements as the superuser.
    pub async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut self.database.connect().await).await.expect("statements");
    }

    /// Returns the rows of one text column, as the superuser.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_all(&mut self.database.connect().await)
            .await
            .expect(sql);
        rows.iter().map(|row| row.try_get::<String, _>(0).expect("text")).collect()
    }

    /// Waits until a query returns `expected`.
    pub async fn wait_for(&self, sql: &str, expected: &[&str]) {
        let mut seen = Vec::new();
        let reached = async {
            while seen != expected {
                seen = self.texts(sql).await;
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_mins(1), reached).await;
        assert!(in_time.is_ok(), "{sql}: {seen:?} is not {expected:?}");
    }

    /// Waits until all events of the ledger are applied and no evaluation is due.
    pub async fn wait_for_events(&self, events: i64) {
        let sql =
            "select (coalesce((select position from budget.event_cursors where source = 'ledger'), 0) >= $1
                   and not exists (select from budget.jobs where queue = 'budget-evaluations'))::text"
                .replace("$1", &events.to_string());
        self.wait_for(&sql, &["true"]).await;
    }

    /// Lists the kinds of the events that notify, in order.
    pub async fn notification_events(&self) -> Vec<String> {
        self.texts(
            "select kind from budget.events where entity in ('alert', 'milestone', 'reminder') order by transaction_id, position",
        )
        .await
    }
}

/// A client of budget-svc.
#[derive(Clone)]
pub struct TestClient {
    pub user: TestUser,
    transport: Transport,
}

impl TestClient {
    pub fn budgets(&self) -> BudgetServiceClient<Transport> {
        BudgetServiceClient::new(self.transport.clone())
    }

    pub fn goals(&self) -> GoalServiceClient<Transport> {
        GoalServiceClient::new(self.transport.clone())
    }

    pub async fn create(&self, request: pb::CreateBudgetRequest) -> Result<pb::Budget, Status> {
        let response = self.user.call(self.budgets().create_budget(request)).await?;
        Ok(response.into_inner().budget.expect("a budget"))
    }

    /// Creates a monthly budget that starts this calendar month.
    pub async fn budget(&self, category: &str, amount: &str, thresholds: &[i32]) -> pb::Budget {
        let request = pb::CreateBudgetRequest {
            name: "Food".into(),
            amount: amount.into(),
            category_id: Some(category.into()),
            frequency: "monthly".into(),
            alert_thresholds: Some(pb::Thresholds { percent: thresholds.to_vec() }),
            ..Default::default()
        };
        self.create(request).await.expect("created")
    }

    pub async fn get(&self, budget_id: &str) -> Result<pb::Budget, Status> {
        let request = pb::GetBudgetRequest { budget_id: budget_id.into() };
        let response = self.user.call(self.budgets().get_budget(request)).await?;
        Ok(response.into_inner().budget.expect("a budget"))
    }

    /// Updates the fields named.
    pub async fn change(
        &self,
        request: pb::UpdateBudgetRequest,
        fields: &[&str],
    ) -> Result<pb::Budget, Status> {
        let request = pb::UpdateBudgetRequest { update_mask: Some(mask(fields)), ..request };
        let response = self.user.call(self.budgets().update_budget(request)).await?;
        Ok(response.into_inner().budget.expect("a budget"))
    }

    pub async fn set_amount(&self, budget_id: &str, amount: &str) {
        let request = pb::UpdateBudgetRequest {
            budget_id: budget_id.into(),
            amount: Some(amount.into()),
            ..Default::default()
        };
        self.change(request, &["amount"]).await.expect("changed");
    }

    pub async fn progress(&self, budget_id: &str, date: &str) -> Result<pb::BudgetProgress, Status> {
        let request = pb::GetBudgetProgressRequest { budget_id: budget_id.into(), date: date.into() };
        let response = self.user.call(self.budgets().get_budget_progress(request)).await?;
        Ok(response.into_inner().progress.expect("progress"))
    }

    pub async fn goal(&self, target: &str, account: Option<&str>) -> pb::Goal {
        let request = pb::CreateGoalRequest {
            name: "Boat".into(),
            target_amount: target.into(),
            account_id: account.map(str::to_owned),
            ..Default::default()
        };
        let response = self.user.call(self.goals().create_goal(request)).await.expect("created");
        response.into_inner().goal.expect("a goal")
    }

    pub async fn get_goal(&self, goal_id: &str) -> Result<pb::Goal, Status> {
        let request = pb::GetGoalRequest { goal_id: goal_id.into() };
        let response = self.user.call(self.goals().get_goal(request)).await?;
        Ok(response.into_inner().goal.expect("a goal"))
    }

    pub async fn change_goal(
        &self,
        request: pb::UpdateGoalRequest,
        fields: &[&str],
    ) -> Result<pb::Goal, Status> {
        let request = pb::UpdateGoalRequest { update_mask: Some(mask(fields)), ..request };
        let response = self.user.call(self.goals().update_goal(request)).await?;
        Ok(response.into_inner().goal.expect("a goal"))
    }

    pub async fn contribute(
        &self,
        goal_id: &str,
        amount: &str,
        account: Option<&str>,
    ) -> Result<pb::Contribution, Status> {
        self.contribute_once(goal_id, amount, account, None).await.map(|(contribution, _)| contribution)
    }

    /// Contributes with an idempotency key; returns whether it was replayed.
    pub async fn contribute_once(
        &self,
        goal_id: &str,
        amount: &str,
        account: Option<&str>,
        key: Option<&str>,
    ) -> Result<(pb::Contribution, bool), Status> {
        let mut request = Request::new(pb::ContributeRequest {
            goal_id: goal_id.into(),
            amount: amount.into(),
            account_id: account.map(str::to_owned),
            note: Some("From the drawer:\nall of it".into()),
        });
        if let Some(key) = key {
            request.metadata_mut().insert(IDEMPOTENCY_KEY, key.parse().expect("a key"));
        }
        let response = self.user.call(self.goals().contribute(request)).await?;
        let replayed = response.metadata().contains_key(REPLAYED);
        Ok((response.into_inner().contribution.expect("a contribution"), replayed))
    }

    pub async fn withdraw(
        &self,
        goal_id: &str,
        amount: &str,
        account: Option<&str>,
    ) -> Result<pb::Contribution, Status> {
        let request = pb::WithdrawRequest {
            goal_id: goal_id.into(),
            amount: amount.into(),
            account_id: account.map(str::to_owned),
            note: Some("The mast".into()),
        };
        let response = self.user.call(self.goals().withdraw(request)).await?;
        Ok(response.into_inner().contribution.expect("a withdrawal"))
    }

    pub async fn contributions(&self, goal_id: &str) -> Vec<pb::Contribution> {
        let (mut rows, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                pb::ListContributionsRequest { goal_id: goal_id.into(), page_size: Some(3), page_token };
            let page = self.user.call(self.goals().list_contributions(request)).await;
            let page = page.expect("a page").into_inner();
            rows.extend(page.contributions);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return rows;
            }
        }
    }
}

pub fn mask(fields: &[&str]) -> prost_types::FieldMask {
    prost_types::FieldMask { paths: fields.iter().map(|field| (*field).to_owned()).collect() }
}

/// Returns the reason of a rejection, and its fields with their reasons.
pub fn rejection_of(result: Result<impl std::fmt::Debug, Status>) -> (String, Vec<String>) {
    let status = result.expect_err("a rejection");
    let fields = status.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
    let fields =
        fields.into_iter().map(|violation| format!("{} {}", violation.field, violation.reason)).collect();
    (reason(&status).expect("a reason"), fields)
}
