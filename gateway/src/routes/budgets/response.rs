use chrono::{DateTime, Utc};
use fintrac_proto::budget::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A budget: a limit on the spending for categories in each period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Budget)]
pub struct BudgetResponse {
    #[schema(format = Uuid)]
    id: String,
    #[schema(example = "Food")]
    name: String,
    /// The limit that is in force now.
    #[schema(example = "300.00")]
    amount: String,
    /// The budget's currency (ISO 4217), in which all amounts are.
    #[schema(example = "EUR")]
    currency_code: String,
    /// The category if there is only one; otherwise null.
    #[schema(value_type = Option<uuid::Uuid>)]
    category_id: Option<String>,
    /// The categories; their subcategories are included.
    #[schema(value_type = Vec<uuid::Uuid>)]
    category_ids: Vec<String>,
    /// The frequency: `weekly`, `monthly`, `quarterly`, `yearly` or `custom`.
    #[schema(example = "monthly")]
    frequency: String,
    /// The day from which periods are counted.
    #[schema(value_type = NaiveDate)]
    start_date: String,
    /// The last day of the budget; null: none.
    #[schema(value_type = Option<NaiveDate>)]
    end_date: Option<String>,
    /// The rollover into the next period: `none`, `surplus`, `deficit` or `both`.
    #[schema(example = "none")]
    rollover: String,
    /// The alert thresholds in percent of the limit including the rollover.
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
