use chrono::{DateTime, Utc};
use fintrac_proto::budget::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A contribution to a goal, or a withdrawal from it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contribution)]
pub struct ContributionResponse {
    #[schema(format = Uuid)]
    id: String,
    /// The id of the goal.
    #[schema(format = Uuid)]
    goal_id: String,
    /// The direction: `contribution` or `withdrawal`.
    #[schema(example = "contribution")]
    direction: String,
    /// The current amount in the goal's currency, above zero.
    #[schema(example = "250.00")]
    amount: String,
    /// The goal's currency.
    #[schema(example = "EUR")]
    currency_code: String,
    /// The account from which or to which the money was transferred; null: none.
    #[schema(value_type = Option<uuid::Uuid>)]
    account_id: Option<String>,
    /// The transfer of the money; null: none.
    /// If the transfer is changed or voided, `amount` and `status` follow.
    #[schema(value_type = Option<uuid::Uuid>)]
    transaction_id: Option<String>,
    /// The note; null: none.
    note: Option<String>,
    /// The status: `done`, `pending` or `voided`.
    /// `pending`: the transfer is not posted yet; `voided`: the transfer was voided.
    #[schema(example = "done")]
    status: String,
    created_at: Option<DateTime<Utc>>,
}

impl From<pb::Contribution> for ContributionResponse {
    fn from(contribution: pb::Contribution) -> Self {
        Self {
            id: contribution.id,
            goal_id: contribution.goal_id,
            direction: contribution.direction,
            amount: contribution.amount,
            currency_code: contribution.currency_code,
            account_id: contribution.account_id,
            transaction_id: contribution.transaction_id,
            note: contribution.note,
            status: contribution.status,
            created_at: contribution.created_at.and_then(to_datetime),
        }
    }
}
