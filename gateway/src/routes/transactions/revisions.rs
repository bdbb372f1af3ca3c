use axum::extract::{Path, State};
use fintrac_proto::ledger::v1 as pb;

use crate::extract::{PageLink, RequirePermission, StrictQuery, permission};
use crate::problem::Problem;
use crate::response::PageOf;
use crate::state::AppState;

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
) -> Result<PageOf<pb::TransactionRevision>, Problem> {
    let request = pb::ListTransactionRevisionsRequest { transaction_id, ..query };
    Ok(link.page(state.transactions().list_transaction_revisions(request).await?))
}
