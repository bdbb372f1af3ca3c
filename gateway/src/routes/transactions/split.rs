use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{AmountText, BoundedVec, Object};

/// A part of the amount, with a category of its own.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = SplitRequest)]
#[serde(deny_unknown_fields)]
pub struct SplitBody {
    #[schema(required = true, format = Uuid)]
    #[serde(default)]
    category_id: String,
    #[schema(required = true, example = "4.50")]
    #[serde(default)]
    amount: AmountText,
    #[schema(max_length = 500)]
    description: Option<String>,
}

impl From<SplitBody> for pb::Split {
    fn from(body: SplitBody) -> Self {
        Self {
            category_id: body.category_id,
            amount: body.amount.0,
            description: body.description,
            ..Self::default()
        }
    }
}

/// The parts of one amount.
pub type Splits = BoundedVec<Object<SplitBody>, 50>;

pub fn splits(BoundedVec(bodies): Splits) -> Vec<pb::Split> {
    bodies.into_iter().map(|Object(body)| body.into()).collect()
}
