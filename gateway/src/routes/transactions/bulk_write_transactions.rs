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

/// The operations of a bulk request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// The mode: `atomic` (all operations or none) or `partial` (each one on its own).
    #[schema(value_type = enums::BulkMode, required = true, example = "atomic")]
    #[serde(default)]
    mode: String,
    /// At most 1,000 operations, each on a different transaction.
    #[schema(required = true, value_type = Vec<BulkOperation>, min_items = 1, max_items = 1000)]
    #[serde(default)]
    operations: BoundedVec<StrictObject<BulkOperation>, 1000>,
}

/// An operation on a transaction.
///
/// `create` takes the fields of a new transaction except `recurring`; `update` takes an `id` and
/// the fields to change; `delete` takes an `id`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkOperation {
    /// The operation: `create`, `update` or `delete`.
    #[schema(value_type = enums::BulkOperationKind, required = true, example = "create")]
    #[serde(default)]
    op: String,
    /// The id of the transaction; only for `update` and `delete`.
    #[schema(nullable = false, format = Uuid)]
    #[serde(default, deserialize_with = "not_null")]
    id: Option<String>,
    /// The account from which, or to which, the money moves.
    #[schema(nullable = false, format = Uuid)]
    #[serde(default, deserialize_with = "not_null")]
    account_id: Option<String>,
    /// The type: `income`, `expense` or `transfer`.
    #[serde(rename = "type", default, deserialize_with = "not_null")]
    #[schema(value_type = Option<enums::NewTransactionType>, nullable = false, example = "expense")]
    kind: Option<String>,
    /// The amount, above zero, as a string or a number.
    #[schema(nullable = false, example = "12.50")]
    #[serde(default, deserialize_with = "not_null")]
    amount: Option<Amount>,
    /// The currency of `amount`; default for `create`: the account's currency.
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    currency_code: Option<String>,
    /// The category; only for income and expenses.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    category_id: Patch<String>,
    /// The account that receives the money; only for transfers.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    to_account_id: Patch<String>,
    /// The amount that arrives at `to_account_id`, in its currency.
    /// Required for a transfer between accounts of different currencies.
    #[schema(value_type = Option<Amount>)]
    #[serde(default)]
    to_amount: Patch<Amount>,
    /// The description, at most 500 characters; null: none.
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    description: Patch<String>,
    /// The reference number, at most 100 characters; null: none.
    #[schema(value_type = Option<String>, max_length = 100)]
    #[serde(default)]
    reference_number: Patch<String>,
    /// The notes, at most 4,000 characters; null: none.
    #[schema(value_type = Option<String>, max_length = 4000)]
    #[serde(default)]
    notes: Patch<String>,
    /// At most 20 tags of at most 50 characters each; default: none.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    tags: Patch<Vec<String>>,
    /// The day, or an RFC 3339 time of which only the date is used.
    /// Default for `create`: today in the household's time zone.
    #[schema(nullable = false, example = "2026-03-31")]
    #[serde(default, deserialize_with = "not_null")]
    transaction_date: Option<String>,
    /// At most 50 splits, instead of a category; their amounts sum to `amount`.
    #[schema(value_type = Option<Vec<SplitRequest>>)]
    #[serde(default)]
    splits: Patch<Splits>,
}

/// The results of a bulk request.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResponse {
    /// The results, in the order of the operations.
    results: Vec<BulkResult>,
}

/// The result of an operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResult {
    /// The outcome: `created`, `updated`, `deleted` or `refused` (rejected).
    #[schema(example = "created")]
    status: String,
    /// The transaction after the operation; null if it was deleted or rejected.
    transaction: Option<TransactionResponse>,
    /// The reasons for the rejection; absent unless rejected.
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
    /// Whether `op` is the operation.
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
            let text = "This operation has no such field. Remove it.";
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
    Problem::new("MALFORMED_BODY", "The body is invalid; see errors.")
}

/// Write several transactions
///
/// Creates, updates and voids transactions in one commit. In the mode `atomic`, a rejected
/// operation leaves everything unchanged, and the error names its field, e.g.
/// `operations[17].amount`. In the mode `partial`, every operation has its own result.
#[utoipa::path(post, path = "/transactions/bulk", tag = "transactions", security(("access_token" = ["transactions:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    request_body = BulkRequest,
    responses((status = 200, description = "One result per operation, in the order of the operations", body = BulkResponse,
        headers(("Idempotency-Replayed" = Option<String>, description = "`true` if this is the stored response of the first request with the same key; otherwise absent"))), WriteProblems))]
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
