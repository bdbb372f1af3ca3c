use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use prost_types::FieldMask;
use serde::Deserialize;
use utoipa::ToSchema;

use super::split::{SplitBody, Splits, splits};
use super::view::TransactionView;
use crate::extract::{
    AmountText, Change, IfMatch, Mask, NoParams, OnceJson, Permitted, not_null, permission,
};
use crate::openapi::{WriteProblems, words};
use crate::problem::Problem;
use crate::routes::wire::etag;
use crate::state::AppState;

/// What is to change; absent fields stay, `null` clears an optional one.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateTransactionRequest)]
#[serde(deny_unknown_fields)]
pub struct UpdateTransactionBody {
    #[schema(nullable = false, format = Uuid)]
    #[serde(default, deserialize_with = "not_null")]
    pub(super) account_id: Option<String>,
    /// income, expense or transfer.
    #[serde(rename = "type", default, deserialize_with = "not_null")]
    #[schema(value_type = Option<words::NewTransactionType>, nullable = false, example = "expense")]
    pub(super) kind: Option<String>,
    #[schema(nullable = false, example = "13.50")]
    #[serde(default, deserialize_with = "not_null")]
    pub(super) amount: Option<AmountText>,
    #[schema(nullable = false, example = "EUR")]
    #[serde(default, deserialize_with = "not_null")]
    pub(super) currency_code: Option<String>,
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    pub(super) category_id: Change<String>,
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    pub(super) to_account_id: Change<String>,
    #[schema(value_type = Option<AmountText>)]
    #[serde(default)]
    pub(super) to_amount: Change<AmountText>,
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    pub(super) description: Change<String>,
    #[schema(value_type = Option<String>, max_length = 100)]
    #[serde(default)]
    pub(super) reference_number: Change<String>,
    #[schema(value_type = Option<String>, max_length = 4000)]
    #[serde(default)]
    pub(super) notes: Change<String>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    pub(super) tags: Change<Vec<String>>,
    #[schema(nullable = false, example = "2026-03-31")]
    #[serde(default, deserialize_with = "not_null")]
    pub(super) transaction_date: Option<String>,
    /// They take the place of a category, and a category theirs.
    #[schema(value_type = Option<Vec<SplitBody>>)]
    #[serde(default)]
    pub(super) splits: Change<Splits>,
}

impl UpdateTransactionBody {
    /// The fields present and their values.
    pub fn into_changes(self) -> (FieldMask, pb::CreateTransactionRequest) {
        let mut mask = Mask::default();
        let values = pb::CreateTransactionRequest {
            account_id: mask.set("account_id", self.account_id).unwrap_or_default(),
            r#type: mask.set("type", self.kind).unwrap_or_default(),
            amount: mask.set("amount", self.amount).unwrap_or_default().0,
            currency_code: mask.set("currency_code", self.currency_code),
            category_id: mask.change("category_id", self.category_id),
            to_account_id: mask.change("to_account_id", self.to_account_id),
            to_amount: mask.change("to_amount", self.to_amount).map(|AmountText(text)| text),
            description: mask.change("description", self.description),
            reference_number: mask.change("reference_number", self.reference_number),
            notes: mask.change("notes", self.notes),
            tags: mask.change("tags", self.tags).unwrap_or_default(),
            transaction_date: mask.set("transaction_date", self.transaction_date),
            splits: splits(mask.change("splits", self.splits).unwrap_or_default()),
            recurring: None,
        };
        (mask.into_proto(), values)
    }
}

/// Edit a transaction
///
/// Posts the reversal of what stands and the new legs; the history keeps both.
/// PUT and PATCH do the same: only the fields present change.
#[utoipa::path(method(put, patch), path = "/transactions/{id}", tag = "transactions", security(("access_token" = ["transactions:write"])),
    params(("id" = uuid::Uuid, Path), ("If-Match" = Option<String>, Header, description = "Refused with 412 unless this is the ETag")),
    request_body = UpdateTransactionBody,
    responses((status = 200, description = "The transaction", body = TransactionView, headers(("ETag" = String))), WriteProblems))]
pub async fn update_transaction(
    State(state): State<AppState>,
    _query: NoParams,
    _user: Permitted<permission::TransactionsWrite>,
    Path(transaction_id): Path<String>,
    IfMatch(if_version): IfMatch,
    OnceJson(once, body): OnceJson<UpdateTransactionBody>,
) -> Result<impl IntoResponse, Problem> {
    let (update_mask, transaction) = body.into_changes();
    let request = pb::UpdateTransactionRequest {
        transaction_id,
        if_version,
        update_mask: Some(update_mask),
        transaction: Some(transaction),
    };
    let answer = state.transactions().update_transaction(once.request(request)).await?;
    let transaction = answer.into_inner().transaction.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(transaction.version))], axum::Json(TransactionView::from(transaction))))
}
