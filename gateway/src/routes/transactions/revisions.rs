use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{PageLink, RequirePermission, StrictQuery, permission};
use crate::http::to_datetime;
use crate::problem::Problem;
use crate::response::PageOf;
use crate::state::AppState;

/// A revision of a transaction.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionRevision {
    /// The number of the revision, starting with 1.
    #[schema(example = 2)]
    revision: i64,
    /// The kind of change: `created`, `updated`, `voided` or `restored`.
    #[schema(example = "updated")]
    kind: String,
    /// The user id, or the name of the service that made the change.
    actor: String,
    /// The time of the change.
    recorded_at: Option<DateTime<Utc>>,
    /// The fields that changed.
    changes: Vec<FieldChange>,
}

/// The change of one field.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldChange {
    /// The name of the field.
    #[schema(example = "amount")]
    field: String,
    /// The value before the change, as JSON; null: none.
    #[schema(value_type = Option<String>, example = "12.50")]
    before: Value,
    /// The value after the change, as JSON; null: none.
    #[schema(value_type = Option<String>, example = "13.50")]
    after: Value,
}

impl From<pb::TransactionRevision> for TransactionRevision {
    fn from(revision: pb::TransactionRevision) -> Self {
        let value = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        let changes = revision.changes.into_iter().map(|change| FieldChange {
            before: value(&change.before),
            after: value(&change.after),
            field: change.field,
        });
        Self {
            revision: revision.revision,
            kind: revision.kind,
            actor: revision.actor,
            recorded_at: revision.recorded_at.and_then(to_datetime),
            changes: changes.collect(),
        }
    }
}

/// List a transaction's revisions
///
/// Lists all revisions, oldest first, each with its author, time and changes.
#[utoipa::path(get, path = "/transactions/{id}/history", tag = "transactions")]
pub async fn list_transaction_revisions(
    State(state): State<AppState>,
    _user: RequirePermission<permission::TransactionsRead>,
    Path(transaction_id): Path<String>,
    link: PageLink,
    StrictQuery(query): StrictQuery<pb::ListTransactionRevisionsRequest>,
) -> Result<PageOf<TransactionRevision>, Problem> {
    let request = pb::ListTransactionRevisionsRequest { transaction_id, ..query };
    let page = state.transactions().list_transaction_revisions(request).await?.into_inner();
    Ok(link.list(page.revisions, page.next_page_token))
}
