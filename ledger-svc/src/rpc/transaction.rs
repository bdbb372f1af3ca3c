use std::pin::Pin;
use std::sync::Arc;

use fintrac_kit::access::RequestContext;
use fintrac_kit::idempotency;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::transaction_service_server::TransactionService;
use futures::{Stream, TryStreamExt as _};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::domain::posting::{Outcome, Rejection};
use crate::service::Idempotency;

fn transaction(outcome: &Outcome) -> Option<pb::Transaction> {
    match outcome {
        Outcome::Transaction(transaction) | Outcome::Unchanged(transaction) => {
            Some(pb::Transaction::from(&**transaction))
        }
        Outcome::Account(_) | Outcome::Voided | Outcome::Many(_) => None,
    }
}

fn created(outcome: &Outcome) -> pb::CreateTransactionResponse {
    pb::CreateTransactionResponse { transaction: transaction(outcome) }
}

fn updated(outcome: &Outcome) -> pb::UpdateTransactionResponse {
    pb::UpdateTransactionResponse { transaction: transaction(outcome) }
}

fn restored(outcome: &Outcome) -> pb::RestoreTransactionResponse {
    pb::RestoreTransactionResponse { transaction: transaction(outcome) }
}

/// Maximum errors of one operation in the response to a bulk request.
const MAX_ERRORS_PER_OPERATION: usize = 5;

fn bulk(outcome: &Outcome) -> pb::BulkTransactionsResponse {
    let result = |outcome: &Result<Outcome, Rejection>| match outcome {
        Ok(Outcome::Voided) => pb::BulkResult { status: "deleted".to_owned(), ..Default::default() },
        Ok(outcome) => {
            let transaction = transaction(outcome);
            let changed = matches!(outcome, Outcome::Transaction(_));
            let is_new = changed && transaction.as_ref().is_some_and(|transaction| transaction.version == 1);
            let status = if is_new { "created" } else { "updated" };
            pb::BulkResult { status: status.to_owned(), transaction, errors: Vec::new() }
        }
        Err(rejection) => {
            let errors = rejection.clone().into_violations().into_iter();
            let errors = errors.take(MAX_ERRORS_PER_OPERATION).map(|violation| pb::BulkError {
                field: violation.field,
                code: violation.reason.to_owned(),
                detail: violation.description,
            });
            pb::BulkResult { status: "refused".to_owned(), transaction: None, errors: errors.collect() }
        }
    };
    let results = match outcome {
        Outcome::Many(outcomes) => outcomes.iter().map(result).collect(),
        Outcome::Transaction(_) | Outcome::Unchanged(_) | Outcome::Account(_) | Outcome::Voided => Vec::new(),
    };
    pb::BulkTransactionsResponse { results }
}

#[tonic::async_trait]
impl TransactionService for Rpc {
    type ExportTransactionsStream =
        Pin<Box<dyn Stream<Item = Result<pb::ExportTransactionsResponse, Status>> + Send>>;

    async fn list_transactions(
        &self,
        request: Request<pb::ListTransactionsRequest>,
    ) -> Result<Response<pb::ListTransactionsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListTransactionsRequest { filter, page_size, page_token } = request.into_inner();
        let page = self.0.list_transactions(&ctx, convert::filter(filter), page_size, &page_token).await?;
        let transactions = page.rows.iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListTransactionsResponse { transactions, next_page_token }))
    }

    async fn create_transaction(
        &self,
        request: Request<pb::CreateTransactionRequest>,
    ) -> Result<Response<pb::CreateTransactionResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "TransactionService/CreateTransaction")?;
        let idempotency = Idempotency { key, encode: |outcome| created(outcome).encode_to_vec() };
        let mut request = request.into_inner();
        let response = match request.recurring.take() {
            None => self.0.create_transaction(&ctx, request.into(), idempotency).await?,
            Some(schedule) => {
                self.0.create_first_occurrence(&ctx, request.into(), (*schedule).into(), idempotency).await?
            }
        };
        idempotency::response(response, |outcome| created(&outcome))
    }

    async fn get_transaction(
        &self,
        request: Request<pb::GetTransactionRequest>,
    ) -> Result<Response<pb::GetTransactionResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let id = convert::parse_id(&request.into_inner().transaction_id, "transaction")?;
        let transaction = self.0.get_transaction(&ctx, id).await?;
        Ok(Response::new(pb::GetTransactionResponse { transaction: Some((&transaction).into()) }))
    }

    async fn update_transaction(
        &self,
        request: Request<pb::UpdateTransactionRequest>,
    ) -> Result<Response<pb::UpdateTransactionResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "TransactionService/UpdateTransaction")?;
        let idempotency = Idempotency { key, encode: |outcome| updated(outcome).encode_to_vec() };
        let request = request.into_inner();
        let id = convert::parse_id(&request.transaction_id, "transaction")?;
        let changes = convert::transaction_changes(request.update_mask.as_ref(), request.transaction);
        let response =
            self.0.update_transaction(&ctx, id, changes, request.expected_version, idempotency).await?;
        idempotency::response(response, |outcome| updated(&outcome))
    }

    async fn void_transaction(
        &self,
        request: Request<pb::VoidTransactionRequest>,
    ) -> Result<Response<pb::VoidTransactionResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "TransactionService/VoidTransaction")?;
        let idempotency = Idempotency { key, encode: |_| pb::VoidTransactionResponse {}.encode_to_vec() };
        let pb::VoidTransactionRequest { transaction_id, expected_version } = request.into_inner();
        let id = convert::parse_id(&transaction_id, "transaction")?;
        let response = self.0.void_transaction(&ctx, id, expected_version, idempotency).await?;
        idempotency::response(response, |_| pb::VoidTransactionResponse {})
    }

    async fn restore_transaction(
        &self,
        request: Request<pb::RestoreTransactionRequest>,
    ) -> Result<Response<pb::RestoreTransactionResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "TransactionService/RestoreTransaction")?;
        let idempotency = Idempotency { key, encode: |outcome| restored(outcome).encode_to_vec() };
        let pb::RestoreTransactionRequest { transaction_id, expected_version } = request.into_inner();
        let id = convert::parse_id(&transaction_id, "transaction")?;
        let response = self.0.restore_transaction(&ctx, id, expected_version, idempotency).await?;
        idempotency::response(response, |outcome| restored(&outcome))
    }

    async fn bulk_transactions(
        &self,
        request: Request<pb::BulkTransactionsRequest>,
    ) -> Result<Response<pb::BulkTransactionsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "TransactionService/BulkTransactions")?;
        let idempotency = Idempotency { key, encode: |outcome| bulk(outcome).encode_to_vec() };
        let pb::BulkTransactionsRequest { mode, operations } = request.into_inner();
        let operations = operations.into_iter().map(Into::into).collect();
        let response = self.0.bulk(&ctx, &mode, operations, idempotency).await?;
        idempotency::response(response, |outcome| bulk(&outcome))
    }

    async fn export_transactions(
        &self,
        request: Request<pb::ExportTransactionsRequest>,
    ) -> Result<Response<Self::ExportTransactionsStream>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let filter = convert::filter(request.into_inner().filter);
        let pages = Arc::clone(&self.0).export_transactions(&ctx, filter).await?;
        Ok(Response::new(Box::pin(pages.map_ok(Into::into).map_err(Into::into))))
    }

    async fn list_transaction_revisions(
        &self,
        request: Request<pb::ListTransactionRevisionsRequest>,
    ) -> Result<Response<pb::ListTransactionRevisionsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListTransactionRevisionsRequest { transaction_id, page_size, page_token } =
            request.into_inner();
        let id = convert::parse_id(&transaction_id, "transaction")?;
        let page = self.0.list_revisions(&ctx, id, page_size, &page_token).await?;
        let revisions = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListTransactionRevisionsResponse { revisions, next_page_token }))
    }
}
