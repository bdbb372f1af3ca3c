use chrono::{DateTime, Utc};
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A category of income or expenses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Category)]
pub struct CategoryResponse {
    #[schema(format = Uuid)]
    id: String,
    /// The name, unique among the categories of the same type and parent.
    #[schema(example = "Groceries")]
    name: String,
    /// The type: `income` or `expense`.
    #[serde(rename = "type")]
    #[schema(example = "expense")]
    kind: String,
    /// The name of an icon, as defined by the client; null: none.
    #[schema(example = "shopping-basket")]
    icon: Option<String>,
    /// The color as `#RRGGBB`; null: none.
    #[schema(example = "#EF6C00")]
    color: Option<String>,
    /// The id of the parent category; null: a top-level category.
    #[schema(format = Uuid)]
    parent_id: Option<String>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<pb::Category> for CategoryResponse {
    fn from(category: pb::Category) -> Self {
        Self {
            id: category.id,
            name: category.name,
            kind: category.r#type,
            icon: category.icon,
            color: category.color,
            parent_id: category.parent_id,
            created_at: category.created_at.and_then(to_datetime),
            updated_at: category.updated_at.and_then(to_datetime),
        }
    }
}
