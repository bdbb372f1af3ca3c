//! Conversions between domain types and proto messages.

use fintrac_money::Money;
use fintrac_proto::budget::v1 as pb;
use fintrac_proto::ledger::v1 as ledger;
use kit_core::clock::timestamp;
use kit_core::field_mask;
use uuid::Uuid;

use crate::domain::budget::{Budget, BudgetChanges, BudgetInput, CategoryInput};
use crate::domain::contribution::{Contribution, ContributionInput};
use crate::domain::goal::{Goal, GoalChanges, GoalInput};
use crate::domain::percent;
use crate::service::{BudgetSummary, CurrencyTotal, GoalStatus, Progress};
use crate::store::alerts::Alert;
use crate::store::milestones::Milestone;
use crate::store::reminders::Reminder;

impl From<&Budget> for pb::Budget {
    fn from(budget: &Budget) -> Self {
        Self {
            id: budget.id.to_string(),
            name: budget.name.clone(),
            amount: budget.terms.amount.to_string(),
            currency_code: budget.currency.code().to_owned(),
            category_id: match budget.terms.category_ids.as_slice() {
                [only] => Some(only.to_string()),
                _ => None,
            },
            category_ids: budget.terms.category_ids.iter().map(Uuid::to_string).collect(),
            frequency: budget.schedule.frequency.as_str().to_owned(),
            start_date: budget.schedule.start.to_string(),
            end_date: budget.schedule.end.map(|end| end.to_string()),
            rollover: budget.terms.rollover.as_str().to_owned(),
            alert_thresholds: budget.thresholds.clone(),
            created_at: Some(timestamp(budget.created_at)),
            updated_at: Some(timestamp(budget.updated_at)),
            version: budget.version,
        }
    }
}

impl From<pb::CreateBudgetRequest> for BudgetInput {
    fn from(request: pb::CreateBudgetRequest) -> Self {
        Self {
            name: request.name,
            amount: request.amount,
            currency_code: request.currency_code,
            categories: CategoryInput {
                category_id: request.category_id,
                category_ids: request.category_ids,
            },
            frequency: request.frequency,
            start_date: request.start_date,
            end_date: request.end_date,
            rollover: request.rollover,
            thresholds: request.alert_thresholds.map(|thresholds| thresholds.percent),
        }
    }
}

/// Converts the fields that the update mask names.
/// A named field without a value becomes empty text, which validation rejects if the field cannot
/// be cleared.
pub fn budget_changes(request: pb::UpdateBudgetRequest) -> BudgetChanges {
    let mask = request.update_mask;
    let has = |field| field_mask::contains(mask.as_ref(), field);
    let if_named = |field, value: Option<String>| has(field).then(|| value.unwrap_or_default());
    let category_id = request.category_id.filter(|_| has("category_id"));
    let category_ids = if has("category_ids") { request.category_ids } else { Vec::new() };
    BudgetChanges {
        name: if_named("name", request.name),
        amount: if_named("amount", request.amount),
        currency_code: if_named("currency_code", request.currency_code),
        categories: (has("category_id") || has("category_ids"))
            .then_some(CategoryInput { category_id, category_ids }),
        frequency: if_named("frequency", request.frequency),
        start_date: if_named("start_date", request.start_date),
        end_date: has("end_date").then_some(request.end_date),
        rollover: if_named("rollover", request.rollover),
        thresholds: has("alert_thresholds")
            .then(|| request.alert_thresholds.map(|thresholds| thresholds.percent).unwrap_or_default()),
    }
}

impl From<&Progress> for pb::BudgetProgress {
    fn from(progress: &Progress) -> Self {
        let summary = &progress.summary;
        let rates = summary.spending.rates.iter().map(|rate| pb::ProgressRate {
            date: rate.date.clone(),
            currency_code: rate.currency_code.clone(),
            rate: rate.rate.clone(),
            rate_date: rate.rate_date.clone(),
            source: rate.source.clone(),
        });
        Self {
            budget_id: progress.budget_id.to_string(),
            budget_name: progress.budget_name.clone(),
            currency_code: summary.limit.currency().code().to_owned(),
            period_start: summary.period.start.to_string(),
            period_end: summary.period.end.to_string(),
            amount: summary.limit.to_string(),
            carried: summary.carried.to_string(),
            budgeted: summary.budgeted.to_string(),
            spent: summary.spending.amount.to_string(),
            remaining: summary.remaining.to_string(),
            percent: percent_of(summary.spending.amount, summary.budgeted),
            days_left: progress.days_left,
            projected_spend: progress.projected.to_string(),
            exhausted_on: progress.exhausted_on.map(|day| day.to_string()),
            status: summary.status.as_str().to_owned(),
            rates: rates.collect(),
            unpriced: convert_unpriced(&summary.spending.unpriced),
            carried_unpriced: convert_unpriced(&summary.carried_unpriced),
        }
    }
}

fn convert_unpriced(spending: &[ledger::UnpricedSpending]) -> Vec<pb::ProgressUnpriced> {
    let convert = |entry: &ledger::UnpricedSpending| pb::ProgressUnpriced {
        date: entry.date.clone(),
        currency_code: entry.currency_code.clone(),
        amount: entry.amount.clone(),
    };
    spending.iter().map(convert).collect()
}

/// Returns `part` in percent of `whole`; `None` unless `whole` is positive.
fn percent_of(part: Money, whole: Money) -> Option<String> {
    (whole.minor() > 0).then(|| percent::percentage(part.minor(), whole.minor()).to_string())
}

impl From<CurrencyTotal> for pb::BudgetTotal {
    fn from(total: CurrencyTotal) -> Self {
        Self {
            currency_code: total.budgeted.currency().code().to_owned(),
            budgeted: total.budgeted.to_string(),
            spent: total.spent.to_string(),
            remaining: total.remaining.to_string(),
            percent: percent_of(total.spent, total.budgeted),
            unpriced: convert_unpriced(&total.unpriced),
        }
    }
}

impl From<BudgetSummary> for pb::SummarizeBudgetsResponse {
    fn from(summary: BudgetSummary) -> Self {
        Self {
            date: summary.today.to_string(),
            budgets: summary.budgets.iter().map(Into::into).collect(),
            totals: summary.totals.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<&GoalStatus> for pb::Goal {
    fn from(GoalStatus { goal, projection, unfunded }: &GoalStatus) -> Self {
        Self {
            id: goal.id.to_string(),
            name: goal.name.clone(),
            target_amount: goal.target.to_string(),
            currency_code: goal.currency().code().to_owned(),
            due_date: goal.due_date.map(|day| day.to_string()),
            account_id: goal.account_id.map(|id| id.to_string()),
            status: goal.status().to_owned(),
            current_amount: goal.current.to_string(),
            percent: percent::percentage(goal.current.minor(), goal.target.minor()).to_string(),
            completed_at: goal.completed_at.map(timestamp),
            created_at: Some(timestamp(goal.created_at)),
            updated_at: Some(timestamp(goal.updated_at)),
            version: goal.version,
            needed_per_month: projection.needed_per_month.map(|money| money.to_string()),
            on_track: projection.on_track,
            unfunded: unfunded.map(|money| money.to_string()),
        }
    }
}

impl From<pb::CreateGoalRequest> for GoalInput {
    fn from(request: pb::CreateGoalRequest) -> Self {
        Self {
            name: request.name,
            target_amount: request.target_amount,
            currency_code: request.currency_code,
            due_date: request.due_date,
            account_id: request.account_id,
        }
    }
}

/// Converts the fields that the update mask names; see [`budget_changes`].
pub fn goal_changes(request: pb::UpdateGoalRequest) -> GoalChanges {
    let mask = request.update_mask;
    let has = |field| field_mask::contains(mask.as_ref(), field);
    let if_named = |field, value: Option<String>| has(field).then(|| value.unwrap_or_default());
    GoalChanges {
        name: if_named("name", request.name),
        target_amount: if_named("target_amount", request.target_amount),
        currency_code: if_named("currency_code", request.currency_code),
        due_date: has("due_date").then_some(request.due_date),
        account_id: has("account_id").then_some(request.account_id),
        status: if_named("status", request.status),
    }
}

impl From<pb::ContributeRequest> for ContributionInput {
    fn from(request: pb::ContributeRequest) -> Self {
        Self { amount: request.amount, account_id: request.account_id, note: request.note }
    }
}

impl From<pb::WithdrawRequest> for ContributionInput {
    fn from(request: pb::WithdrawRequest) -> Self {
        Self { amount: request.amount, account_id: request.account_id, note: request.note }
    }
}

impl From<&Contribution> for pb::Contribution {
    fn from(contribution: &Contribution) -> Self {
        Self {
            id: contribution.id.to_string(),
            goal_id: contribution.goal_id.to_string(),
            direction: contribution.direction.as_str().to_owned(),
            amount: contribution.amount.to_string(),
            currency_code: contribution.amount.currency().code().to_owned(),
            account_id: contribution.accounts.map(|accounts| accounts.account_id.to_string()),
            transaction_id: contribution.accounts.map(|_| contribution.id.to_string()),
            note: contribution.note.clone(),
            status: contribution.state.as_str().to_owned(),
            created_at: Some(timestamp(contribution.created_at)),
        }
    }
}

impl From<Alert> for pb::GetBudgetAlertResponse {
    fn from(alert: Alert) -> Self {
        Self {
            budget_id: alert.budget_id.to_string(),
            budget_name: alert.budget_name,
            threshold: alert.threshold,
            currency_code: alert.budgeted.currency().code().to_owned(),
            budgeted: alert.budgeted.to_string(),
            spent: alert.spent.to_string(),
            period_start: alert.period_start.to_string(),
            period_end: alert.period_end.to_string(),
            unpriced: alert
                .unpriced
                .into_iter()
                .map(|(currency_code, amount)| pb::ProgressUnpriced {
                    date: String::new(),
                    currency_code,
                    amount,
                })
                .collect(),
        }
    }
}

impl From<Milestone> for pb::GetGoalMilestoneResponse {
    fn from(milestone: Milestone) -> Self {
        Self {
            goal_id: milestone.goal_id.to_string(),
            goal_name: milestone.goal_name,
            percent: milestone.percent,
            currency_code: milestone.target.currency().code().to_owned(),
            target_amount: milestone.target.to_string(),
            current_amount: milestone.current.to_string(),
        }
    }
}

impl From<Reminder> for pb::GetGoalReminderResponse {
    fn from(reminder: Reminder) -> Self {
        Self {
            goal_id: reminder.goal_id.to_string(),
            goal_name: reminder.goal_name,
            due_date: reminder.due_date.to_string(),
            days_left: reminder.days_left,
            currency_code: reminder.target.currency().code().to_owned(),
            target_amount: reminder.target.to_string(),
            current_amount: reminder.current.to_string(),
        }
    }
}

impl From<Progress> for pb::BudgetData {
    fn from(progress: Progress) -> Self {
        let summary = progress.summary;
        Self {
            budget_id: progress.budget_id.to_string(),
            name: progress.budget_name,
            currency_code: summary.limit.currency().code().to_owned(),
            period_start: summary.period.start.to_string(),
            period_end: summary.period.end.to_string(),
            budgeted: summary.budgeted.to_string(),
            spent: summary.spending.amount.to_string(),
            remaining: summary.remaining.to_string(),
            percent: percent_of(summary.spending.amount, summary.budgeted),
            status: summary.status.as_str().to_owned(),
            unpriced: convert_unpriced(&summary.spending.unpriced),
        }
    }
}

impl From<&Goal> for pb::GoalData {
    fn from(goal: &Goal) -> Self {
        Self {
            goal_id: goal.id.to_string(),
            name: goal.name.clone(),
            currency_code: goal.currency().code().to_owned(),
            target_amount: goal.target.to_string(),
            current_amount: goal.current.to_string(),
            percent: percent::percentage(goal.current.minor(), goal.target.minor()).to_string(),
            status: goal.status().to_owned(),
            due_date: goal.due_date.map(|day| day.to_string()),
        }
    }
}
