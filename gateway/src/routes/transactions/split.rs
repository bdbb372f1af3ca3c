use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Amount, BoundedVec, StrictObject};

/// A part of the amount of a transaction, with its own category.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitRequest {
    /// The category of the split.
    #[schema(required = true, format = Uuid)]
    #[serde(default)]
    category_id: String,
    /// The amount of the split, above zero.
    #[schema(required = true, example = "4.50")]
    #[serde(default)]
    amount: Amount,
    /// The description, at most 500 characters; default: none.
    #[schema(max_length = 500)]
    description: Option<String>,
}

impl From<SplitRequest> for pb::Split {
    fn from(body: SplitRequest) -> Self {
        Self {
            category_id: body.category_id,
            amount: body.amount.0,
            description: body.description,
            ..Self::default()
        }
    }
}

/// The splits of one transaction.
pub type Splits = BoundedVec<StrictObject<SplitRequest>, 50>;

pub fn splits(BoundedVec(bodies): Splits) -> Vec<pb::Split> {
    bodies.into_iter().map(|StrictObject(body)| body.into()).collect()
}
