use axum::extract::State;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::bulk_operation::{Delete, Op, Update};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::split::{SplitBody, Splits};
use super::update_transaction::UpdateTransactionBody;
use super::view::TransactionView;
use crate::extract::{
    AmountText, BoundedVec, Change, NoParams, Object, OnceJson, Permitted, not_null, permission,
};
use crate::openapi::{WriteProblems, words};
use crate::problem::Problem;
use crate::problem::body::FieldBody;
use crate::state::AppState;

/// Many changes at once.
#[derive(Deserialize, ToSchema)]
#[schema(as = BulkRequest)]
#[serde(deny_unknown_fields)]
pub struct BulkBody {
    /// atomic: all or none; partial: each for itself.
    #[schema(value_type = words::BulkMode, required = true, example = "atomic")]
    #[serde(default)]
    mode: String,
    /// At most 1,000; no two of them name the same transaction.
    #[schema(required = true, value_type = Vec<OperationBody>, min_items = 1, max_items = 1000)]
    #[serde(default)]
    operations: BoundedVec<Object<OperationBody>, 1000>,
}

/// One change: `create` takes the fields of a new transaction (but `recurring`), `update` an `id` and the fields to
/// change, `delete` an `id`.
#[derive(Deserialize, ToSchema)]
#[schema(as = BulkOperation)]
#[serde(deny_unknown_fields)]
pub struct OperationBody {
    /// create, update or delete.
    #[schema(value_type = words::BulkOp, required = true, example = "create")]
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
    #[schema(value_type = Option<words::NewTransactionType>, nullable = false, example = "expense")]
    kind: Option<String>,
    #[schema(nullable = false, example = "12.50")]
    #[serde(default, deserialize_with = "not_null")]
    amount: Option<AmountText>,
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    currency_code: Option<String>,
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    category_id: Change<String>,
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    to_account_id: Change<String>,
    #[schema(value_type = Option<AmountText>)]
    #[serde(default)]
    to_amount: Change<AmountText>,
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    description: Change<String>,
    #[schema(value_type = Option<String>, max_length = 100)]
    #[serde(default)]
    reference_number: Change<String>,
    #[schema(value_type = Option<String>, max_length = 4000)]
    #[serde(default)]
    notes: Change<String>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    tags: Change<Vec<String>>,
    #[schema(nullable = false, example = "2026-03-31")]
    #[serde(default, deserialize_with = "not_null")]
    transaction_date: Option<String>,
    #[schema(value_type = Option<Vec<SplitBody>>)]
    #[serde(default)]
    splits: Change<Splits>,
}

/// What became of the operations, one each, in order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkResults)]
pub struct BulkView {
    results: Vec<ResultView>,
}

/// What became of one operation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkResult)]
pub struct ResultView {
    /// created, updated, deleted or refused.
    #[schema(example = "created")]
    status: String,
    /// As it stands now; null when it was deleted or refused.
    transaction: Option<TransactionView>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldBody>,
}

impl From<pb::BulkResult> for ResultView {
    fn from(result: pb::BulkResult) -> Self {
        let errors = result.errors.into_iter().map(|it| FieldBody::new(it.field, it.code, it.detail));
        Self {
            status: result.status,
            transaction: result.transaction.map(Into::into),
            errors: errors.collect(),
        }
    }
}

impl OperationBody {
    /// Whether the operation is one of `kind`.
    fn is(&self, kind: &str) -> bool {
        self.op.trim().eq_ignore_ascii_case(kind)
    }

    fn into_proto(self, at: usize, problem: &mut Option<Problem>) -> pb::BulkOperation {
        let (creates, deletes) = (self.is("create"), self.is("delete"));
        let known = creates || deletes || self.is("update");
        let id = self.id;
        let changes = UpdateTransactionBody {
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
        let surplus = match mask.paths.first() {
            Some(field) if deletes => Some(field.as_str()),
            _ => id.as_ref().filter(|_| creates).map(|_| "id"),
        };
        if let Some(field) = surplus {
            let text = "This operation has no such field.";
            let refused = problem.take().unwrap_or_else(malformed);
            *problem = Some(refused.field(format!("operations[{at}].{field}"), "UNKNOWN_FIELD", text));
        }
        let id = id.unwrap_or_default();
        let op = if creates {
            Op::Create(values)
        } else if deletes {
            Op::Delete(Delete { id })
        } else {
            Op::Update(Update { id, update_mask: Some(mask), transaction: Some(values) })
        };
        pb::BulkOperation { op: known.then_some(op) }
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
    request_body = BulkBody,
    responses((status = 200, description = "One result each, in order", body = BulkView,
        headers(("Idempotency-Replayed" = Option<String>, description = "true on an answer kept from the first request with this key"))), WriteProblems))]
pub async fn bulk(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::TransactionsWrite>,
    OnceJson(once, body): OnceJson<BulkBody>,
) -> Result<Response, Problem> {
    let mut problem = None;
    let numbered = body.operations.0.into_iter().enumerate();
    let operations = numbered.map(|(at, Object(operation))| operation.into_proto(at, &mut problem)).collect();
    if let Some(problem) = problem {
        return Err(problem);
    }
    let request = pb::BulkTransactionsRequest { mode: body.mode, operations };
    let mut answer = state.transactions().bulk_transactions(once.request(request)).await?;
    let results = std::mem::take(&mut answer.get_mut().results).into_iter().map(Into::into).collect();
    Ok(once.mark(&answer, axum::Json(BulkView { results })))
}
