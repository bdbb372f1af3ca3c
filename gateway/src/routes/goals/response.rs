use chrono::{DateTime, Utc};
use fintrac_proto::budget::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A goal: a target amount for which money is set aside.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Goal)]
pub struct GoalResponse {
    #[schema(format = Uuid)]
    id: String,
    #[schema(example = "Boat")]
    name: String,
    /// The target amount.
    #[schema(example = "5000.00")]
    target_amount: String,
    /// The goal's currency (ISO 4217), in which all amounts are.
    #[schema(example = "EUR")]
    currency_code: String,
    /// The day by which the target is to be reached; null: none.
    #[schema(value_type = Option<NaiveDate>)]
    due_date: Option<String>,
    /// The account that holds the money; null: none.
    #[schema(value_type = Option<uuid::Uuid>)]
    account_id: Option<String>,
    /// The status: `active`, `completed` or `cancelled`.
    #[schema(example = "active")]
    status: String,
    /// The sum of the contributions minus the withdrawals.
    #[schema(example = "1250.00")]
    current_amount: String,
    /// The percentage of the target, rounded down to two decimals.
    #[schema(example = "25.00")]
    percent: String,
    /// The amount to set aside in each remaining whole month, or in one if there is none.
    /// Null without a due date, after the due date, and if the target is reached.
    #[schema(example = "312.50")]
    needed_per_month: Option<String>,
    /// Whether the goal is on track.
    /// True if at least as much is set aside as with equal amounts since the creation of the goal.
    /// Null without a due date, and for a cancelled goal.
    #[schema(example = true)]
    on_track: Option<bool>,
    /// The part of `current_amount` that the account does not hold today.
    /// The balance of an account covers its goals in the order of their creation. Null without an
    /// account.
    #[schema(example = "0.00")]
    unfunded: Option<String>,
    /// The time at which the target was reached; null: not reached.
    completed_at: Option<DateTime<Utc>>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<pb::Goal> for GoalResponse {
    fn from(goal: pb::Goal) -> Self {
        Self {
            id: goal.id,
            name: goal.name,
            target_amount: goal.target_amount,
            currency_code: goal.currency_code,
            due_date: goal.due_date,
            account_id: goal.account_id,
            status: goal.status,
            current_amount: goal.current_amount,
            percent: goal.percent,
            needed_per_month: goal.needed_per_month,
            on_track: goal.on_track,
            unfunded: goal.unfunded,
            completed_at: goal.completed_at.and_then(to_datetime),
            created_at: goal.created_at.and_then(to_datetime),
            updated_at: goal.updated_at.and_then(to_datetime),
        }
    }
}
