use chrono::{DateTime, Utc};
use fintrac_proto::budget::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::wire::instant;

/// A goal: a target that money is set aside for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Goal)]
pub struct GoalView {
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
    /// active or completed.
    #[schema(example = "active")]
    status: String,
    /// The sum of the contributions.
    #[schema(example = "1250.00")]
    current_amount: String,
    /// Of the target, rounded down to two digits.
    #[schema(example = "25.00")]
    percent: String,
    completed_at: Option<DateTime<Utc>>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<pb::Goal> for GoalView {
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
            completed_at: goal.completed_at.and_then(instant),
            created_at: goal.created_at.and_then(instant),
            updated_at: goal.updated_at.and_then(instant),
        }
    }
}
