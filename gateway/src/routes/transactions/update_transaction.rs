use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::IntoResponse;
use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::TransactionView;
use crate::extract::{
    AmountText, Change, IfMatch, Mask, NoParams, OnceJson, Permitted, not_null, permission,
};
use crate::openapi::WriteProblems;
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
    account_id: Option<String>,
    /// income, expense or transfer.
    #[serde(rename = "type", default, deserialize_with = "not_null")]
    #[schema(nullable = false, example = "expense")]
    kind: Option<String>,
    #[schema(nullable = false, example = "13.50")]
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
}

fn request(
    transaction_id: String,
    if_version: Option<i64>,
    body: UpdateTransactionBody,
) -> pb::UpdateTransactionRequest {
    let mut mask = Mask::default();
    let transaction = pb::CreateTransactionRequest {
        account_id: mask.set("account_id", body.account_id).unwrap_or_default(),
        r#type: mask.set("type", body.kind).unwrap_or_default(),
        amount: mask.set("amount", body.amount).unwrap_or_default().0,
        currency_code: mask.set("currency_code", body.currency_code),
        category_id: mask.change("category_id", body.category_id),
        to_account_id: mask.change("to_account_id", body.to_account_id),
        to_amount: mask.change("to_amount", body.to_amount).map(|AmountText(text)| text),
        description: mask.change("description", body.description),
        reference_number: mask.change("reference_number", body.reference_number),
        notes: mask.change("notes", body.notes),
        tags: mask.change("tags", body.tags).unwrap_or_default(),
        transaction_date: mask.set("transaction_date", body.transaction_date),
    };
    let update_mask = Some(mask.into_proto());
    pb::UpdateTransactionRequest { transaction_id, if_version, update_mask, transaction: Some(transaction) }
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
    let request = request(transaction_id, if_version, body);
    let call = async |request| state.transactions().update_transaction(request).await;
    let answer = once.send(request, call).await?;
    let transaction = answer.into_inner().transaction.ok_or_else(Problem::internal)?;
    Ok(([(ETAG, etag(transaction.version))], axum::Json(TransactionView::from(transaction))))
}
