//! The use cases of budget-svc, one file each.
//!
//! This module has what they share: the caller's household, idempotency keys, and the recording of
//! events.

mod compute_periods;
mod contribute;
mod create_budget;
mod create_goal;
mod delete_budget;
mod delete_goal;
mod evaluate_budgets;
mod finish_contribution;
mod get_budget;
mod get_goal;
mod get_notification_data;
mod get_progress;
mod goal_account;
mod goal_status;
mod ledger_events;
mod list_budgets;
mod list_contributions;
mod list_goals;
mod list_periods;
mod list_summaries;
mod record_milestones;
mod record_reminders;
mod reference_categories;
mod sum_spending;
mod summarize;
mod upcoming_spending;
mod update_budget;
mod update_goal;

use std::time::Duration;

use fintrac_kit::access::RequestContext;
use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::clock::Clock;
use fintrac_kit::error::{FieldViolation, ProblemCode};
use fintrac_kit::events::{self, NewEvent, WakeSignal};
use fintrac_kit::idempotency::{self, Claim, Key};
use fintrac_kit::module::ServiceDependencies;
use fintrac_kit::random::Random;
use fintrac_kit::transport::Transport;
use fintrac_money::{Currency, Household};
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::auth::v1::household_service_client::HouseholdServiceClient;
use fintrac_proto::ledger::v1::spending_service_client::SpendingServiceClient;
use moka::sync::Cache;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tonic::Code;
use uuid::Uuid;

pub use evaluate_budgets::{BUDGET_EVALUATIONS, BudgetEvaluator, request_all_evaluations};
pub use finish_contribution::{ContributionFinisher, GOAL_TRANSFERS};
pub use get_progress::Progress;
pub use goal_status::GoalStatus;
pub use ledger_events::LedgerEventHandler;
pub use record_reminders::request_due_goal_evaluations;
pub use reference_categories::complete_reference_updates;
pub use summarize::{BudgetSummary, CurrencyTotal};

use crate::error::Error;

/// The maximum number of households in the cache.
const HOUSEHOLD_CACHE_CAPACITY: u64 = 100_000;
/// The time for which a cached household may be out of date.
const HOUSEHOLD_CACHE_TTL: Duration = Duration::from_secs(30);

/// The use cases of budgets and goals.
#[derive(Debug)]
pub struct BudgetUseCases {
    clock: Clock,
    random: Random,
    pub pool: PgPool,
    /// The signal that wakes the readers of the event log.
    event_log_signal: WakeSignal,
    auth: HouseholdServiceClient<Transport>,
    ledger: SpendingServiceClient<Transport>,
    households: Cache<Uuid, Household>,
    /// The signal that wakes the workers.
    job_signal: WakeSignal,
}

/// A change to record; see [`NewEvent`].
struct EntityChange<'a> {
    entity: &'static str,
    entity_id: Uuid,
    version: i64,
    kind: &'static str,
    changed: &'a [&'a str],
}

/// The author of a change in a household: a user, or this service.
#[derive(Debug, Clone)]
struct Actor {
    household_id: Uuid,
    user_id: Option<Uuid>,
    origin: RequestOrigin,
}

impl From<&RequestContext> for Actor {
    fn from(ctx: &RequestContext) -> Self {
        let (household_id, user_id) = (ctx.principal.household_id, ctx.principal.user_id);
        Self { household_id, user_id: Some(user_id), origin: ctx.origin.clone() }
    }
}

impl Actor {
    /// Returns this service as the author.
    fn service(household_id: Uuid) -> Self {
        let origin = RequestOrigin { actor: "budget".to_owned(), ..RequestOrigin::default() };
        Self { household_id, user_id: None, origin }
    }
}

impl BudgetUseCases {
    pub fn new(deps: &ServiceDependencies, auth: Transport, ledger: Transport) -> Self {
        Self {
            clock: deps.clock.clone(),
            random: deps.random.clone(),
            pool: deps.pool.clone(),
            event_log_signal: deps.event_log_signal.clone(),
            auth: HouseholdServiceClient::new(auth),
            ledger: SpendingServiceClient::new(ledger),
            households: Cache::builder()
                .max_capacity(HOUSEHOLD_CACHE_CAPACITY)
                .time_to_live(HOUSEHOLD_CACHE_TTL)
                .build(),
            job_signal: deps.job_signal.clone(),
        }
    }

    fn new_id(&self) -> Uuid {
        self.random.id(self.clock.now())
    }

    /// Returns a household, from the cache or auth-svc.
    async fn household(&self, id: Uuid) -> Result<Household, Error> {
        if let Some(known) = self.households.get(&id) {
            return Ok(known);
        }
        let request = auth::GetHouseholdRequest { household_id: id.to_string() };
        let response =
            self.auth.clone().get_household(request).await.map_err(|status| match status.code() {
                Code::NotFound => Error::NotFound("household"),
                _ => Error::Upstream("auth", status),
            })?;
        let message = response.into_inner().household.unwrap_or_default();
        let unknown = |what: &str| Error::Internal(format!("auth-svc sent an unknown {what}"));
        let household = Household {
            id,
            currency: Currency::from_code(&message.currency_code).ok_or_else(|| unknown("currency"))?,
            timezone: message.timezone.parse().map_err(|_| unknown("time zone"))?,
        };
        self.households.insert(id, household);
        Ok(household)
    }

    /// Returns the user's default currency, for input without a currency.
    async fn default_currency(&self, ctx: &RequestContext) -> Result<Currency, Error> {
        let request = auth::GetMemberRequest {
            household_id: ctx.principal.household_id.to_string(),
            user_id: ctx.principal.user_id.to_string(),
        };
        let response = self.auth.clone().get_member(request).await;
        let code = response.map_err(|status| Error::Upstream("auth", status))?.into_inner().default_currency;
        Currency::from_code(&code).ok_or_else(|| Error::Internal("auth-svc sent an unknown currency".into()))
    }

    /// Claims a key at the beginning of a transaction.
    /// Returns the stored response if the key was used before.
    async fn claim_key(
        &self,
        connection: &mut PgConnection,
        key: Option<&Key>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(key) = key else { return Ok(None) };
        match idempotency::claim(connection, key, self.clock.now()).await? {
            Claim::New => Ok(None),
            Claim::Replay(response) => Ok(Some(response)),
            Claim::KeyMismatch => Err(ProblemCode::IdempotencyKeyReused.into()),
        }
    }

    /// Stores the response of a claimed key and commits.
    async fn commit(
        &self,
        mut transaction: Transaction<'_, Postgres>,
        key: Option<&Key>,
        response: &[u8],
    ) -> Result<(), Error> {
        if let Some(key) = key {
            idempotency::store(&mut transaction, key, response).await?;
        }
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.job_signal.wake();
        Ok(())
    }

    async fn record(
        &self,
        connection: &mut PgConnection,
        actor: &Actor,
        change: EntityChange<'_>,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let event = NewEvent {
            id: self.random.id(now),
            household_id: Some(actor.household_id),
            user_id: actor.user_id,
            entity: change.entity,
            entity_id: change.entity_id,
            version: change.version,
            kind: change.kind,
            changed: change.changed,
            origin: &actor.origin,
            occurred_at: now,
        };
        events::append(connection, &event).await
    }
}

/// Merges the violations of the input with other violations.
fn merge_violations<T>(
    result: Result<T, Vec<FieldViolation>>,
    mut others: Vec<FieldViolation>,
) -> Result<T, Vec<FieldViolation>> {
    match result {
        Ok(value) if others.is_empty() => Ok(value),
        Ok(_) => Err(others),
        Err(mut violations) => {
            violations.append(&mut others);
            Err(violations)
        }
    }
}
