use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use prost_types::FieldMask;
use serde::Deserialize;
use utoipa::ToSchema;

use super::response::TransactionResponse;
use super::split::{SplitRequest, Splits, splits};
use crate::extract::{
    Amount, FieldMaskBuilder, IdempotentJson, IfMatch, NoQuery, Patch, RequirePermission, not_null,
    permission,
};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::routes::http::etag;
use crate::state::AppState;

/// The changes to a transaction; absent fields stay.
///
/// Null clears an optional field.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTransactionRequest {
    /// The account from which, or to which, the money moves.
    #[schema(nullable = false, format = Uuid)]
    #[serde(default, deserialize_with = "not_null")]
    pub(super) account_id: Option<String>,
    /// The type: `income`, `expense` or `transfer`.
    #[serde(rename = "type", default, deserialize_with = "not_null")]
    #[schema(value_type = Option<enums::NewTransactionType>, nullable = false, example = "expense")]
    pub(super) kind: Option<String>,
    /// The amount, above zero, as a string or a number.
    #[schema(nullable = false, example = "13.50")]
    #[serde(default, deserialize_with = "not_null")]
    pub(super) amount: Option<Amount>,
    /// The currency of `amount`.
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    pub(super) currency_code: Option<String>,
    /// The category, which replaces the splits; null: none. Only for income and expenses.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    pub(super) category_id: Patch<String>,
    /// The account that receives the money; only for transfers.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    pub(super) to_account_id: Patch<String>,
    /// The amount that arrives at `to_account_id`, in its currency.
    /// Required for a transfer between accounts of different currencies.
    #[schema(value_type = Option<Amount>)]
    #[serde(default)]
    pub(super) to_amount: Patch<Amount>,
    /// The description, at most 500 characters; null: none.
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    pub(super) description: Patch<String>,
    /// The reference number, at most 100 characters; null: none.
    #[schema(value_type = Option<String>, max_length = 100)]
    #[serde(default)]
    pub(super) reference_number: Patch<String>,
    /// The notes, at most 4,000 characters; null: none.
    #[schema(value_type = Option<String>, max_length = 4000)]
    #[serde(default)]
    pub(super) notes: Patch<String>,
    /// The complete list of tags: at most 20 of at most 50 characters each; null: none.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    pub(super) tags: Patch<Vec<String>>,
    /// The day, or an RFC 3339 time of which only the date is used.
    #[schema(nullable = false, example = "2026-03-31")]
    #[serde(default, deserialize_with = "not_null")]
    pub(super) transaction_date: Option<String>,
    /// At most 50 splits, which replace the category; null: none.
    #[schema(value_type = Option<Vec<SplitRequest>>)]
    #[serde(default)]
    pub(super) splits: Patch<Splits>,
}

impl UpdateTransactionRequest {
    /// Returns the fields that are present and their values.
    pub fn into_changes(self) -> (FieldMask, pb::CreateTransactionRequest) {
        let mut mask = FieldMaskBuilder::default();
        let values = pb::CreateTransactionRequest {
            account_id: mask.set("account_id", self.account_id).unwrap_or_default(),
            r#type: mask.set("type", self.kind).unwrap_or_default(),
            amount: mask.set("amount", self.amount).unwrap_or_default().0,
            currency_code: mask.set("currency_code", self.currency_code),
            category_id: mask.patch("category_id", self.category_id),
            to_account_id: mask.patch("to_account_id", self.to_account_id),
            to_amount: mask.patch("to_amount", self.to_amount).map(|Amount(text)| text),
            description: mask.patch("description", self.description),
            reference_number: mask.patch("reference_number", self.reference_number),
            notes: mask.patch("notes", self.notes),
            tags: mask.patch("tags", self.tags).unwrap_or_default(),
            transaction_date: mask.set("transaction_date", self.transaction_date),
            splits: splits(mask.patch("splits", self.splits).unwrap_or_default()),
            recurring: None,
        };
        (mask.into_proto(), values)
    }
}

/// Update a transaction
///
/// PUT and PATCH are equivalent: they change only the fields that are present. Posts the reversal
/// of the current postings and the new postings; the revisions keep both.
#[utoipa::path(method(put, patch), path = "/transactions/{id}", tag = "transactions", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that the resource must have; otherwise the request is rejected with 412. Default: any.")),
    request_body = UpdateTransactionRequest,
    responses((status = 200, description = "The transaction", body = TransactionResponse, headers(("ETag" = String))), WriteProblems))]
pub async fn update_transaction(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    Path(transaction_id): Path<String>,
    IfMatch(expected_version): IfMatch,
    IdempotentJson(idempotency, body): IdempotentJson<UpdateTransactionRequest>,
) -> Result<impl IntoResponse, Problem> {
    let (update_mask, transaction) = body.into_changes();
    let request = pb::UpdateTransactionRequest {
        transaction_id,
        expected_version,
        update_mask: Some(update_mask),
        transaction: Some(transaction),
    };
    let response = state.transactions().update_transaction(idempotency.request(request)).await?;
    let transaction = response.into_inner().transaction.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(transaction.version))], axum::Json(TransactionResponse::from(transaction))))
}
