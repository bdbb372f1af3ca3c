use chrono::{DateTime, Utc};
use fintrac_proto::budget::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A goal: a target that money is set aside for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Goal)]
pub struct GoalResponse {
    #[schema(format = Uuid)]
    id: String,
    #[schema(example = "Boat")]
    name: String,
    #[schema(example = "5000.00")]
    target_amount: String,
    #[schema(example = "EUR")]
    currency_code: String,
    #[schema(value_type = Option<NaiveDate>)]
    due_date: Option<String>,
    /// Where the money is kept.
    #[schema(value_type = Option<uuid::Uuid>)]
    account_id: Option<String>,
    /// active, completed or cancelled.
    #[schema(example = "active")]
    status: String,
    /// The sum of the contributions, less what was withdrawn.
    #[schema(example = "1250.00")]
    current_amount: String,
    /// Of the target, rounded down to two digits.
    #[schema(example = "25.00")]
    percent: String,
    /// To be set aside in each of the whole months left, at least one; null without a due date,
    /// after it, and when nothing is missing.
    #[schema(example = "312.50")]
    needed_per_month: Option<String>,
    /// Whether as much is set aside as if it had been in equal parts since the goal was made;
    /// null without a due date, and of a cancelled goal.
    #[schema(example = true)]
    on_track: Option<bool>,
    /// What of `current_amount` the account does not hold today: more is set aside than is there. An
    /// account's balance covers its goals in the order of their making. Null without an account.
    #[schema(example = "0.00")]
    unfunded: Option<String>,
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
