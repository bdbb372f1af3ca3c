//! The rows of the export, by section.
//!
//! Amounts are in minor units, each with its currency.

use fintrac_kit::export::PAGE_SIZE;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// An exported row as JSON.
#[derive(Debug)]
pub struct ExportRow {
    pub id: Uuid,
    pub json: Value,
}

/// Lists budgets with their terms and alerts.
pub async fn budgets(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: Uuid,
) -> Result<Vec<ExportRow>, sqlx::Error> {
    sqlx::query_as!(
        ExportRow,
        r#"select id, jsonb_build_object('id', id, 'name', name, 'currency_code', currency_code, 'frequency',
               frequency, 'start_date', start_date, 'end_date', end_date, 'alert_thresholds', alert_thresholds,
               'created_at', created_at, 'updated_at', updated_at, 'deleted_at', deleted_at,
               'terms', (
                   select coalesce(jsonb_agg(jsonb_build_object('valid_from', valid_from, 'amount', amount,
                       'currency_code', currency_code, 'category_ids', category_ids, 'rollover', rollover) order by valid_from), '[]')
                   from budget.budget_terms
                   where budget_terms.household_id = $1 and budget_id = budgets.id),
               'alerts', (
                   select coalesce(jsonb_agg(jsonb_build_object('period_start', period_start, 'period_end',
                       period_end, 'threshold', threshold, 'amount', amount, 'budgeted', budgeted, 'spent', spent,
                       'unpriced', unpriced, 'currency_code',
                       currency_code, 'fired_at', fired_at) order by fired_at), '[]')
                   from budget.alerts where alerts.household_id = $1 and budget_id = budgets.id)) as "json!"
           from budget.budgets where household_id = $1 and id > $2 order by id limit $3"#,
        household_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}

/// Lists goals with their milestones and reminders.
pub async fn goals(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: Uuid,
) -> Result<Vec<ExportRow>, sqlx::Error> {
    sqlx::query_as!(
        ExportRow,
        r#"select id, jsonb_build_object('id', id, 'name', name, 'currency_code', currency_code,
               'target_amount', target_amount, 'current_amount', current_amount, 'due_date', due_date,
               'account_id', account_id, 'completed_at', completed_at, 'cancelled_at', cancelled_at, 'created_at', created_at, 'updated_at',
               updated_at, 'deleted_at', deleted_at,
               'milestones', (
                   select coalesce(jsonb_agg(jsonb_build_object('percent', percent, 'current_amount',
                       milestones.current_amount, 'currency_code', currency_code, 'reached_at', reached_at)
                       order by percent), '[]')
                   from budget.milestones where milestones.household_id = $1 and goal_id = goals.id),
               'reminders', (
                   select coalesce(jsonb_agg(jsonb_build_object('due_date', reminders.due_date, 'days', days,
                       'created_at', reminders.created_at) order by reminders.created_at), '[]')
                   from budget.reminders
                   where reminders.household_id = $1 and goal_id = goals.id and is_notified)) as "json!"
           from budget.goals where household_id = $1 and id > $2 order by id limit $3"#,
        household_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}

pub async fn contributions(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: Uuid,
) -> Result<Vec<ExportRow>, sqlx::Error> {
    sqlx::query_as!(
        ExportRow,
        r#"select contributions.id, jsonb_build_object('id', contributions.id, 'goal_id', goal_id, 'direction',
               direction, 'amount', amount, 'currency_code', currency_code, 'account_id', contributions.account_id, 'goal_account_id',
               goal_account_id, 'note', note, 'state', state, 'created_at', contributions.created_at) as "json!"
           from budget.contributions
           join budget.goals on goals.household_id = contributions.household_id and goals.id = goal_id
           where contributions.household_id = $1 and contributions.id > $2
           order by contributions.id limit $3"#,
        household_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}
