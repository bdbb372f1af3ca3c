//! The use cases of budget-svc, one file each.
//!
//! This module has their state.

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

use std::ops::Deref;

use fintrac_households::HouseholdClient;
use fintrac_proto::ledger::v1::spending_service_client::SpendingServiceClient;
use kit_core::error::FieldViolation;
use kit_rpc::transport::Transport;
use kit_service::module::ServiceDependencies;
use kit_service::use_case::{Actor, UseCases};
use uuid::Uuid;

pub use evaluate_budgets::{BUDGET_EVALUATIONS, BudgetEvaluator, request_all_evaluations};
pub use finish_contribution::{ContributionFinisher, GOAL_TRANSFERS};
pub use get_progress::Progress;
pub use goal_status::GoalStatus;
pub use ledger_events::LedgerEventHandler;
pub use record_reminders::request_due_goal_evaluations;
pub use reference_categories::complete_reference_updates;
pub use summarize::{BudgetSummary, CurrencyTotal};

/// The use cases of budgets and goals.
#[derive(Debug)]
pub struct BudgetUseCases {
    base: UseCases,
    households: HouseholdClient,
    ledger: SpendingServiceClient<Transport>,
}

impl Deref for BudgetUseCases {
    type Target = UseCases;

    fn deref(&self) -> &UseCases {
        &self.base
    }
}

impl BudgetUseCases {
    pub fn new(deps: &ServiceDependencies, auth: Transport, ledger: Transport) -> Self {
        Self {
            base: UseCases::new(deps),
            households: HouseholdClient::new(auth),
            ledger: SpendingServiceClient::new(ledger),
        }
    }
}

/// Returns this service as the author of changes in a household.
fn service_actor(household_id: Uuid) -> Actor {
    Actor::service("budget", household_id)
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
