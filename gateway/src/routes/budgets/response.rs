use chrono::{DateTime, Utc};
use fintrac_proto::budget::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A budget: a limit on what is spent on categories in each period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Budget)]
pub struct BudgetResponse {
    #[schema(format = Uuid)]
    id: String,
    #[schema(example = "Food")]
    name: String,
    /// The limit in force now.
    #[schema(example = "300.00")]
    amount: String,
    #[schema(example = "EUR")]
    currency_code: String,
    /// The category, when it is only one.
    #[schema(value_type = Option<uuid::Uuid>)]
    category_id: Option<String>,
    /// Everything below these counts too.
    #[schema(value_type = Vec<uuid::Uuid>)]
    category_ids: Vec<String>,
    /// weekly, monthly, quarterly, yearly or custom.
    #[schema(example = "monthly")]
    frequency: String,
    /// Periods are counted from it.
    #[schema(value_type = NaiveDate)]
    start_date: String,
    /// The last day.
    #[schema(value_type = Option<NaiveDate>)]
    end_date: Option<String>,
    /// What a period leaves to the next one: none, surplus, deficit or both.
    #[schema(example = "none")]
    rollover: String,
    /// Percent of what is budgeted.
    #[schema(example = json!([80, 100]))]
    alert_thresholds: Vec<i32>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<pb::Budget> for BudgetResponse {
    fn from(budget: pb::Budget) -> Self {
        let category_id = match budget.category_ids.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        Self {
            id: budget.id,
            name: budget.name,
            amount: budget.amount,
            currency_code: budget.currency_code,
            category_id,
            category_ids: budget.category_ids,
            frequency: budget.frequency,
            start_date: budget.start_date,
            end_date: budget.end_date,
            rollover: budget.rollover,
            alert_thresholds: budget.alert_thresholds,
            created_at: budget.created_at.and_then(to_datetime),
            updated_at: budget.updated_at.and_then(to_datetime),
        }
    }
}
