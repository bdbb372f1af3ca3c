use std::pin::Pin;
use std::sync::Arc;

use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::transaction_service_server::TransactionService;
use futures::{Stream, TryStreamExt as _};
use tonic::{Request, Response, Status};

use super::convert::parse_id;
use super::{Rpc, RpcResult, convert, encode, one_field_responses, read, respond, write};
use crate::domain::posting::{CommandKind, Outcome, Rejection};
use crate::service::Idempotency;

fn transaction(outcome: &Outcome) -> Option<pb::Transaction> {
    match outcome {
        Outcome::Transaction(transaction) | Outcome::Unchanged(transaction) => {
            Some(pb::Transaction::from(&**transaction))
        }
        Outcome::Account(_) | Outcome::Voided | Outcome::Many(_) => None,
    }
}

one_field_responses!(Outcome => transaction: transaction;
    CreateTransactionResponse, UpdateTransactionResponse, RestoreTransactionResponse);
one_field_responses!(Outcome => results: bulk_results; BulkTransactionsResponse);

impl From<&Outcome> for pb::VoidTransactionResponse {
    fn from(_: &Outcome) -> Self {
        Self {}
    }
}

/// Maximum errors of one operation in the response to a bulk request.
const MAX_ERRORS_PER_OPERATION: usize = 5;

fn bulk_results(outcome: &Outcome) -> Vec<pb::BulkResult> {
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
                code: violation.code.to_string(),
                detail: violation.description,
            });
            pb::BulkResult { status: "refused".to_owned(), transaction: None, errors: errors.collect() }
        }
    };
    match outcome {
        Outcome::Many(outcomes) => outcomes.iter().map(result).collect(),
        Outcome::Transaction(_) | Outcome::Unchanged(_) | Outcome::Account(_) | Outcome::Voided => Vec::new(),
    }
}

#[tonic::async_trait]
impl TransactionService for Rpc {
    type ExportTransactionsStream =
        Pin<Box<dyn Stream<Item = Result<pb::ExportTransactionsResponse, Status>> + Send>>;

    async fn list_transactions(
        &self,
        request: Request<pb::ListTransactionsRequest>,
    ) -> RpcResult<pb::ListTransactionsResponse> {
        let (ctx, pb::ListTransactionsRequest { filter, page_size, page_token }) = read(request)?;
        let filter = filter.unwrap_or_default();
        let page = self.0.list_transactions(&ctx, filter, page_size, &page_token).await?;
        Ok(Response::new(pb::ListTransactionsResponse {
            transactions: page.rows.iter().map(Into::into).collect(),
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }

    async fn create_transaction(
        &self,
        request: Request<pb::CreateTransactionRequest>,
    ) -> RpcResult<pb::CreateTransactionResponse> {
        let (ctx, key, mut request) = write(request, "TransactionService/CreateTransaction")?;
        let Some(schedule) = request.recurring.take() else {
            return self.post(&ctx, CommandKind::Create(request.into()), key).await;
        };
        let idempotency = Idempotency { key, encode: encode::<_, pb::CreateTransactionResponse> };
        let (input, schedule) = (request.into(), (*schedule).into());
        respond(self.0.create_first_occurrence(&ctx, input, schedule, idempotency).await?)
    }

    async fn get_transaction(
        &self,
        request: Request<pb::GetTransactionRequest>,
    ) -> RpcResult<pb::GetTransactionResponse> {
        let (ctx, request) = read(request)?;
        let id = parse_id(&request.transaction_id, "transaction")?;
        let transaction = self.0.get_transaction(&ctx, id).await?;
        Ok(Response::new(pb::GetTransactionResponse { transaction: Some((&transaction).into()) }))
    }

    async fn update_transaction(
        &self,
        request: Request<pb::UpdateTransactionRequest>,
    ) -> RpcResult<pb::UpdateTransactionResponse> {
        let (ctx, key, request) = write(request, "TransactionService/UpdateTransaction")?;
        let transaction_id = parse_id(&request.transaction_id, "transaction")?;
        let changes = convert::changes(request.update_mask, request.transaction.unwrap_or_default());
        let expected_version = request.expected_version;
        self.post(&ctx, CommandKind::Edit { transaction_id, changes, expected_version }, key).await
    }

    async fn void_transaction(
        &self,
        request: Request<pb::VoidTransactionRequest>,
    ) -> RpcResult<pb::VoidTransactionResponse> {
        let (ctx, key, request) = write(request, "TransactionService/VoidTransaction")?;
        let pb::VoidTransactionRequest { transaction_id, expected_version } = request;
        let transaction_id = parse_id(&transaction_id, "transaction")?;
        self.post(&ctx, CommandKind::Void { transaction_id, expected_version }, key).await
    }

    async fn restore_transaction(
        &self,
        request: Request<pb::RestoreTransactionRequest>,
    ) -> RpcResult<pb::RestoreTransactionResponse> {
        let (ctx, key, request) = write(request, "TransactionService/RestoreTransaction")?;
        let pb::RestoreTransactionRequest { transaction_id, expected_version } = request;
        let transaction_id = parse_id(&transaction_id, "transaction")?;
        self.post(&ctx, CommandKind::Restore { transaction_id, expected_version }, key).await
    }

    async fn bulk_transactions(
        &self,
        request: Request<pb::BulkTransactionsRequest>,
    ) -> RpcResult<pb::BulkTransactionsResponse> {
        let (ctx, key, request) = write(request, "TransactionService/BulkTransactions")?;
        let idempotency = Idempotency { key, encode: encode::<_, pb::BulkTransactionsResponse> };
        respond(self.0.bulk(&ctx, &request.mode, request.operations, idempotency).await?)
    }

    async fn export_transactions(
        &self,
        request: Request<pb::ExportTransactionsRequest>,
    ) -> RpcResult<Self::ExportTransactionsStream> {
        let (ctx, request) = read(request)?;
        let pages = Arc::clone(&self.0).export_transactions(&ctx, request.filter.unwrap_or_default()).await?;
        Ok(Response::new(Box::pin(pages.map_ok(Into::into).map_err(Into::into))))
    }

    async fn list_transaction_revisions(
        &self,
        request: Request<pb::ListTransactionRevisionsRequest>,
    ) -> RpcResult<pb::ListTransactionRevisionsResponse> {
        let (ctx, request) = read(request)?;
        let id = parse_id(&request.transaction_id, "transaction")?;
        let page = self.0.list_revisions(&ctx, id, request.page_size, &request.page_token).await?;
        Ok(Response::new(pb::ListTransactionRevisionsResponse {
            revisions: page.rows.into_iter().map(Into::into).collect(),
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }
}
