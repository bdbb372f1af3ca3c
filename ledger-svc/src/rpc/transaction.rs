use std::pin::Pin;
use std::sync::Arc;

use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::transaction_service_server::TransactionService;
use futures::{Stream, TryStreamExt as _};
use kit_service::handler::{RpcResult, execute, parse_id, read, respond, respond_page};
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::domain::posting::CommandKind;

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
        respond_page(&self.0.list_transactions(&ctx, filter, page_size, &page_token).await?)
    }

    async fn create_transaction(
        &self,
        request: Request<pb::CreateTransactionRequest>,
    ) -> RpcResult<pb::CreateTransactionResponse> {
        execute(request, async |ctx, mut request| match request.recurring.take() {
            None => self.0.post(ctx, CommandKind::Create(request.into())).await,
            Some(schedule) => self.0.create_first_occurrence(ctx, request.into(), (*schedule).into()).await,
        })
        .await
    }

    async fn get_transaction(
        &self,
        request: Request<pb::GetTransactionRequest>,
    ) -> RpcResult<pb::GetTransactionResponse> {
        let (ctx, pb::GetTransactionRequest { transaction_id }) = read(request)?;
        respond(&self.0.get_transaction(&ctx, parse_id(&transaction_id, "transaction")?).await?)
    }

    async fn update_transaction(
        &self,
        request: Request<pb::UpdateTransactionRequest>,
    ) -> RpcResult<pb::UpdateTransactionResponse> {
        self.post(request, |request| {
            let transaction_id = parse_id(&request.transaction_id, "transaction")?;
            let changes = convert::changes(request.update_mask, request.transaction.unwrap_or_default());
            let expected_version = request.expected_version;
            Ok(CommandKind::Edit { transaction_id, changes, expected_version })
        })
        .await
    }

    async fn void_transaction(
        &self,
        request: Request<pb::VoidTransactionRequest>,
    ) -> RpcResult<pb::VoidTransactionResponse> {
        self.post(request, |pb::VoidTransactionRequest { transaction_id, expected_version }| {
            let transaction_id = parse_id(&transaction_id, "transaction")?;
            Ok(CommandKind::Void { transaction_id, expected_version })
        })
        .await
    }

    async fn restore_transaction(
        &self,
        request: Request<pb::RestoreTransactionRequest>,
    ) -> RpcResult<pb::RestoreTransactionResponse> {
        self.post(request, |pb::RestoreTransactionRequest { transaction_id, expected_version }| {
            let transaction_id = parse_id(&transaction_id, "transaction")?;
            Ok(CommandKind::Restore { transaction_id, expected_version })
        })
        .await
    }

    async fn bulk_transactions(
        &self,
        request: Request<pb::BulkTransactionsRequest>,
    ) -> RpcResult<pb::BulkTransactionsResponse> {
        execute(request, async |ctx, pb::BulkTransactionsRequest { mode, operations }| {
            self.0.bulk(ctx, &mode, operations).await
        })
        .await
    }

    async fn export_transactions(
        &self,
        request: Request<pb::ExportTransactionsRequest>,
    ) -> RpcResult<Self::ExportTransactionsStream> {
        let (ctx, pb::ExportTransactionsRequest { filter }) = read(request)?;
        let pages = Arc::clone(&self.0).export_transactions(&ctx, filter.unwrap_or_default()).await?;
        Ok(Response::new(Box::pin(pages.map_ok(Into::into).map_err(Into::into))))
    }

    async fn list_transaction_revisions(
        &self,
        request: Request<pb::ListTransactionRevisionsRequest>,
    ) -> RpcResult<pb::ListTransactionRevisionsResponse> {
        let (ctx, request) = read(request)?;
        let pb::ListTransactionRevisionsRequest { transaction_id, page_size, page_token } = request;
        let id = parse_id(&transaction_id, "transaction")?;
        respond_page(&self.0.list_revisions(&ctx, id, page_size, &page_token).await?)
    }
}
