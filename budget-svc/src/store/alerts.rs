//! Alerts, one for each threshold that the spending of a budget reached.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use fintrac_money::Money;
use serde_json::json;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::currency;

/// An alert for a threshold that is reached now.
#[derive(Debug, Clone)]
pub struct NewAlert {
    pub id: Uuid,
    pub budget_id: Uuid,
    pub period_start: NaiveDate,
    pub period_end: NaiveDate,
    pub threshold: i32,
    /// The limit in force, without a carried amount.
    pub limit: Money,
    /// The limit with the amount carried over into the period.
    pub budgeted: Money,
    pub spent: Money,
    /// The unpriced spending: currency code to decimal amount.
    pub unpriced: BTreeMap<String, String>,
    /// Whether the alert notifies: only the highest reached threshold does.
    pub is_notified: bool,
}

/// The identity of an alert: budget, start of the period, threshold, limit.
pub type AlertKey = (Uuid, NaiveDate, i32, i64);

impl NewAlert {
    pub fn key(&self) -> AlertKey {
        (self.budget_id, self.period_start, self.threshold, self.limit.minor())
    }
}

/// Lists the alerts that fired in the budgets and periods of `alerts`.
pub async fn list_fired(
    connection: &mut PgConnection,
    household_id: Uuid,
    alerts: &[NewAlert],
) -> Result<HashSet<AlertKey>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select budget_id, period_start, threshold, amount from budget.alerts
           where household_id = $1 and (budget_id, period_start) in (
               select * from unnest($2::uuid[], $3::date[]))"#,
        household_id,
        &alerts.iter().map(|alert| alert.budget_id).collect::<Vec<_>>(),
        &alerts.iter().map(|alert| alert.period_start).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.budget_id, row.period_start, row.threshold, row.amount)).collect())
}

/// Inserts the alerts that never fired before; returns their ids.
pub async fn insert_new(
    connection: &mut PgConnection,
    household_id: Uuid,
    alerts: &[NewAlert],
    now: DateTime<Utc>,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"insert into budget.alerts (household_id, budget_id, period_start, threshold, amount, id, is_notified,
                                      spent, period_end, budgeted, unpriced, fired_at)
           select $1, budget_id, period_start, threshold, amount, id, is_notified, spent, period_end, budgeted,
                  unpriced, $2
           from unnest($3::uuid[], $4::date[], $5::int4[], $6::int8[], $7::uuid[], $8::bool[], $9::int8[],
                       $10::date[], $11::int8[], $12::jsonb[])
               as new (budget_id, period_start, threshold, amount, id, is_notified, spent, period_end, budgeted,
                       unpriced)
           on conflict (household_id, budget_id, period_start, threshold, amount) do nothing
           returning id"#,
        household_id,
        now,
        &alerts.iter().map(|alert| alert.budget_id).collect::<Vec<_>>(),
        &alerts.iter().map(|alert| alert.period_start).collect::<Vec<_>>(),
        &alerts.iter().map(|alert| alert.threshold).collect::<Vec<_>>(),
        &alerts.iter().map(|alert| alert.limit.minor()).collect::<Vec<_>>(),
        &alerts.iter().map(|alert| alert.id).collect::<Vec<_>>(),
        &alerts.iter().map(|alert| alert.is_notified).collect::<Vec<_>>(),
        &alerts.iter().map(|alert| alert.spent.minor()).collect::<Vec<_>>(),
        &alerts.iter().map(|alert| alert.period_end).collect::<Vec<_>>(),
        &alerts.iter().map(|alert| alert.budgeted.minor()).collect::<Vec<_>>(),
        &alerts.iter().map(|alert| json!(alert.unpriced)).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().collect())
}

/// A stored alert with its budget's name.
#[derive(Debug)]
pub struct Alert {
    pub budget_id: Uuid,
    pub budget_name: String,
    pub threshold: i32,
    /// The limit with the amount carried over into the period.
    pub budgeted: Money,
    pub spent: Money,
    pub unpriced: BTreeMap<String, String>,
    pub period_start: NaiveDate,
    pub period_end: NaiveDate,
}

/// Finds an alert; `None` also if its budget is deleted.
pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    alert_id: Uuid,
) -> Result<Option<Alert>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select budget_id, name, currency_code, threshold, budgeted, spent,
                  unpriced as "unpriced: Json<BTreeMap<String, String>>", period_start, period_end
           from budget.alerts
           join budget.budgets on budgets.household_id = alerts.household_id and budgets.id = budget_id
           where alerts.household_id = $1 and alerts.id = $2 and deleted_at is null"#,
        household_id,
        alert_id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let currency = currency(&row.currency_code)?;
        Ok(Alert {
            budget_id: row.budget_id,
            budget_name: row.name,
            threshold: row.threshold,
            budgeted: Money::new(row.budgeted, currency),
            spent: Money::new(row.spent, currency),
            unpriced: row.unpriced.0,
            period_start: row.period_start,
            period_end: row.period_end,
        })
    })
    .transpose()
}
