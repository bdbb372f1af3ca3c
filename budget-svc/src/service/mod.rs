//! The use cases of budget-svc, a file each. What they share is here: the
//! household of who asks, what is asked of the ledger, and recording.

mod contribute;
mod count_periods;
mod create_budget;
mod create_goal;
mod delete_budget;
mod delete_goal;
mod export;
mod finish_contribution;
mod follow_ledger;
mod get_budget;
mod get_goal;
mod get_message_facts;
mod get_progress;
mod goal_account;
mod goal_today;
mod list_budgets;
mod list_contributions;
mod list_goals;
mod list_periods;
mod list_plans;
mod look_at_budgets;
mod reach_milestones;
mod reference_categories;
mod remind;
mod sum_spending;
mod summarize;
mod upcoming_spending;
mod update_budget;
mod update_goal;

use std::time::Duration;

use chrono::TimeDelta;
use fintrac_kit::access::By;
use fintrac_kit::access::caller::Origin;
use fintrac_kit::clock::Clock;
use fintrac_kit::error::Violation;
use fintrac_kit::events::{self, Bell, NewEvent};
use fintrac_kit::idempotency::{self, Claim, Key};
use fintrac_kit::module::Deps;
use fintrac_kit::random::Random;
use fintrac_kit::transport::Transport;
use fintrac_money::{Currency, Household};
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::auth::v1::household_service_client::HouseholdServiceClient;
use fintrac_proto::ledger::v1::budgeting_service_client::BudgetingServiceClient;
use moka::sync::Cache;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tonic::Code;
use uuid::Uuid;

pub use finish_contribution::FinishContributions;
pub use follow_ledger::FollowLedger;
pub use get_progress::Progress;
pub use goal_today::GoalToday;
pub use look_at_budgets::{LookAtBudgets, look_at_all};
pub use reference_categories::complete_reference_updates;
pub use remind::look_at_due_goals;
pub use summarize::{Summary, Total};

use crate::error::Error;

/// Failures in a row, a second apart, that are taken for an outage.
const PATIENT: i32 = 600;
/// Households whose facts are kept at hand.
const HOUSEHOLDS: u64 = 100_000;
/// How long a household's time zone may be out of date.
const HOUSEHOLD_AGE: Duration = Duration::from_secs(30);

/// Budgets and goals.
#[derive(Debug)]
pub struct Planning {
    clock: Clock,
    random: Random,
    pub pool: PgPool,
    bell: Bell,
    auth: HouseholdServiceClient<Transport>,
    ledger: BudgetingServiceClient<Transport>,
    households: Cache<Uuid, Household>,
    /// Rung when budgets wait to be looked at.
    looks: Bell,
}

/// A change to record; see [`NewEvent`].
struct Change<'a> {
    entity: &'static str,
    entity_id: Uuid,
    version: i64,
    kind: &'static str,
    changed: &'a [&'a str],
}

/// Who did something in a household: a user, or this service by itself.
#[derive(Debug, Clone)]
struct Actor {
    household_id: Uuid,
    user_id: Option<Uuid>,
    origin: Origin,
}

impl From<&By> for Actor {
    fn from(by: &By) -> Self {
        let (household_id, user_id) = (by.principal.household_id, by.principal.user_id);
        Self { household_id, user_id: Some(user_id), origin: by.origin.clone() }
    }
}

impl Actor {
    /// This service, by itself.
    fn service(household_id: Uuid) -> Self {
        let origin = Origin { actor: "budget".to_owned(), ..Origin::default() };
        Self { household_id, user_id: None, origin }
    }
}

/// How long to wait after `failures` and one more: a part that cannot be
/// reached is asked again soon, a defect ever more seldom.
fn pause(error: &Error, failures: i32) -> TimeDelta {
    match error {
        Error::UnderWay | Error::Part(..) if failures < PATIENT => TimeDelta::seconds(1),
        _ => TimeDelta::seconds(1_i64 << failures.clamp(0, 6)),
    }
}

impl Planning {
    /// `looks` is rung when budgets wait to be looked at.
    pub fn new(deps: &Deps, auth: Transport, ledger: Transport, looks: Bell) -> Self {
        Self {
            clock: deps.clock.clone(),
            random: deps.random.clone(),
            pool: deps.pool.clone(),
            bell: deps.bell.clone(),
            auth: HouseholdServiceClient::new(auth),
            ledger: BudgetingServiceClient::new(ledger),
            households: Cache::builder().max_capacity(HOUSEHOLDS).time_to_live(HOUSEHOLD_AGE).build(),
            looks,
        }
    }

    fn id(&self) -> Uuid {
        self.random.id(self.clock.now())
    }

    /// A household as auth-svc tells of it.
    async fn household(&self, id: Uuid) -> Result<Household, Error> {
        if let Some(known) = self.households.get(&id) {
            return Ok(known);
        }
        let request = auth::GetHouseholdRequest { household_id: id.to_string() };
        let answer =
            self.auth.clone().get_household(request).await.map_err(|status| match status.code() {
                Code::NotFound => Error::NotFound("household"),
                _ => Error::Part("auth", status),
            })?;
        let facts = answer.into_inner().household.unwrap_or_default();
        let unknown = |what: &str| Error::Internal(format!("auth-svc sent an unknown {what}"));
        let household = Household {
            id,
            currency: Currency::from_code(&facts.currency_code).ok_or_else(|| unknown("currency"))?,
            timezone: facts.timezone.parse().map_err(|_| unknown("time zone"))?,
        };
        self.households.insert(id, household);
        Ok(household)
    }

    /// Returns the currency of what a user creates without one.
    async fn default_currency(&self, by: &By) -> Result<Currency, Error> {
        let request = auth::GetMemberRequest {
            household_id: by.principal.household_id.to_string(),
            user_id: by.principal.user_id.to_string(),
        };
        let answer = self.auth.clone().get_member(request).await;
        let code = answer.map_err(|status| Error::Part("auth", status))?.into_inner().default_currency;
        Currency::from_code(&code).ok_or_else(|| Error::Internal("auth-svc sent an unknown currency".into()))
    }

    /// Claims a key at the beginning of a transaction; the kept answer if it came before.
    async fn claim(
        &self,
        connection: &mut PgConnection,
        key: Option<&Key>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(key) = key else { return Ok(None) };
        match idempotency::claim(connection, key, self.clock.now()).await? {
            Claim::Fresh => Ok(None),
            Claim::Replay(reply) => Ok(Some(reply)),
            Claim::Reused => Err(Error::KeyReused),
        }
    }

    /// Keeps the answer to a claimed key and commits.
    async fn commit(
        &self,
        mut transaction: Transaction<'_, Postgres>,
        key: Option<&Key>,
        reply: &[u8],
    ) -> Result<(), Error> {
        if let Some(key) = key {
            idempotency::store(&mut transaction, key, reply).await?;
        }
        transaction.commit().await?;
        self.bell.ring();
        self.looks.ring();
        Ok(())
    }

    async fn record(
        &self,
        connection: &mut PgConnection,
        actor: &Actor,
        change: Change<'_>,
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

/// Returns all that is wrong, in what was read and otherwise.
fn merged<T>(read: Result<T, Vec<Violation>>, mut others: Vec<Violation>) -> Result<T, Vec<Violation>> {
    match read {
        Ok(read) if others.is_empty() => Ok(read),
        Ok(_) => Err(others),
        Err(mut violations) => {
            violations.append(&mut others);
            Err(violations)
        }
    }
}
