use axum::extract::State;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::response::TransactionResponse;
use super::split::{SplitRequest, Splits};
use super::update_transaction::UpdateTransactionRequest;
use crate::extract::{
    Amount, BoundedVec, IdempotentJson, NoQuery, Patch, RequirePermission, StrictObject, not_null, permission,
};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::problem::details::FieldProblemDetails;
use crate::state::AppState;

/// Many changes at once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// atomic: all or none; partial: each for itself.
    #[schema(value_type = enums::BulkMode, required = true, example = "atomic")]
    #[serde(default)]
    mode: String,
    /// At most 1,000; no two of them name the same transaction.
    #[schema(required = true, value_type = Vec<BulkOperation>, min_items = 1, max_items = 1000)]
    #[serde(default)]
    operations: BoundedVec<StrictObject<BulkOperation>, 1000>,
}

/// One change: `create` takes the fields of a new transaction (but `recurring`), `update` an `id` and the fields to
/// change, `delete` an `id`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkOperation {
    /// create, update or delete.
    #[schema(value_type = enums::BulkOperationKind, required = true, example = "create")]
    #[serde(default)]
    op: String,
    #[schema(nullable = false, format = Uuid)]
    #[serde(default, deserialize_with = "not_null")]
    id: Option<String>,
    #[schema(nullable = false, format = Uuid)]
    #[serde(default, deserialize_with = "not_null")]
    account_id: Option<String>,
    /// income, expense or transfer.
    #[serde(rename = "type", default, deserialize_with = "not_null")]
    #[schema(value_type = Option<enums::NewTransactionType>, nullable = false, example = "expense")]
    kind: Option<String>,
    #[schema(nullable = false, example = "12.50")]
    #[serde(default, deserialize_with = "not_null")]
    amount: Option<Amount>,
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    currency_code: Option<String>,
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    category_id: Patch<String>,
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    to_account_id: Patch<String>,
    #[schema(value_type = Option<Amount>)]
    #[serde(default)]
    to_amount: Patch<Amount>,
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    description: Patch<String>,
    #[schema(value_type = Option<String>, max_length = 100)]
    #[serde(default)]
    reference_number: Patch<String>,
    #[schema(value_type = Option<String>, max_length = 4000)]
    #[serde(default)]
    notes: Patch<String>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    tags: Patch<Vec<String>>,
    #[schema(nullable = false, example = "2026-03-31")]
    #[serde(default, deserialize_with = "not_null")]
    transaction_date: Option<String>,
    #[schema(value_type = Option<Vec<SplitRequest>>)]
    #[serde(default)]
    splits: Patch<Splits>,
}

/// What became of the operations, one each, in order.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResponse {
    results: Vec<BulkResult>,
}

/// What became of one operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResult {
    /// created, updated, deleted or refused.
    #[schema(example = "created")]
    status: String,
    /// As it stands now; null when it was deleted or refused.
    transaction: Option<TransactionResponse>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblemDetails>,
}

impl From<pb::BulkResult> for BulkResult {
    fn from(result: pb::BulkResult) -> Self {
        let errors = result
            .errors
            .into_iter()
            .map(|error| FieldProblemDetails::new(error.field, error.code, error.detail));
        Self {
            status: result.status,
            transaction: result.transaction.map(Into::into),
            errors: errors.collect(),
        }
    }
}

impl BulkOperation {
    /// Whether the operation is one of `op`.
    fn is_op(&self, op: &str) -> bool {
        self.op.trim().eq_ignore_ascii_case(op)
    }

    fn into_proto(self, index: usize, problem: &mut Option<Problem>) -> pb::BulkOperation {
        let (is_create, is_delete) = (self.is_op("create"), self.is_op("delete"));
        let is_known = is_create || is_delete || self.is_op("update");
        let id = self.id;
        let changes = UpdateTransactionRequest {
            account_id: self.account_id,
            kind: self.kind,
            amount: self.amount,
            currency_code: self.currency_code,
            category_id: self.category_id,
            to_account_id: self.to_account_id,
            to_amount: self.to_amount,
            description: self.description,
            reference_number: self.reference_number,
            notes: self.notes,
            tags: self.tags,
            transaction_date: self.transaction_date,
            splits: self.splits,
        };
        let (mask, values) = changes.into_changes();
        let unexpected = match mask.paths.first() {
            Some(field) if is_delete => Some(field.as_str()),
            _ => id.as_ref().filter(|_| is_create).map(|_| "id"),
        };
        if let Some(field) = unexpected {
            let text = "This operation has no such field.";
            let rejection = problem.take().unwrap_or_else(malformed);
            *problem = Some(rejection.field(format!("operations[{index}].{field}"), "UNKNOWN_FIELD", text));
        }
        let id = id.unwrap_or_default();
        let op = if is_create {
            pb::bulk_operation::Op::Create(values)
        } else if is_delete {
            pb::bulk_operation::Op::Delete(pb::bulk_operation::Delete { id })
        } else {
            pb::bulk_operation::Op::Update(pb::bulk_operation::Update {
                id,
                update_mask: Some(mask),
                transaction: Some(values),
            })
        };
        pb::BulkOperation { op: is_known.then_some(op) }
    }
}

fn malformed() -> Problem {
    Problem::new("MALFORMED_BODY", "The body cannot be read; see errors.")
}

/// Create, change and void many transactions in one commit
///
/// With `atomic` a refusal leaves everything as it was and names `operations[17].amount`; with
/// `partial` every operation has its own result.
#[utoipa::path(post, path = "/transactions/bulk", tag = "transactions", security(("access_token" = ["transactions:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body again: the first answer again")),
    request_body = BulkRequest,
    responses((status = 200, description = "One result each, in order", body = BulkResponse,
        headers(("Idempotency-Replayed" = Option<String>, description = "true on an answer kept from the first request with this key"))), WriteProblems))]
pub async fn bulk_write_transactions(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<BulkRequest>,
) -> Result<Response, Problem> {
    let mut problem = None;
    let numbered = body.operations.0.into_iter().enumerate();
    let operations =
        numbered.map(|(index, StrictObject(operation))| operation.into_proto(index, &mut problem)).collect();
    if let Some(problem) = problem {
        return Err(problem);
    }
    let request = pb::BulkTransactionsRequest { mode: body.mode, operations };
    let mut response = state.transactions().bulk_transactions(idempotency.request(request)).await?;
    let results = std::mem::take(&mut response.get_mut().results).into_iter().map(Into::into).collect();
    Ok(idempotency.mark_replayed(&response, axum::Json(BulkResponse { results })))
}
