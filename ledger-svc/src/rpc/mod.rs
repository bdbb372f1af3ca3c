//! The gRPC handlers: parse the request, call the use case, build the response.

mod account;
mod analytics;
mod category;
mod convert;
mod currency;
mod notification_data;
mod recurring;
mod spending;
mod transaction;

use std::sync::Arc;

use fintrac_proto::ledger::v1 as pb;
use kit_service::handler::{RpcResult, execute};
use prost::Message;
use tonic::Request;
use tonic::service::Routes;

use crate::domain::posting::{CommandKind, Outcome};
use crate::error::Error;
use crate::service::LedgerUseCases;

/// Maximum bytes of a bulk request: 8 MiB of JSON take no more as protobuf.
const MAX_BULK_REQUEST_BYTES: usize = 12 * 1024 * 1024;

/// The implementation of all gRPC services of ledger-svc.
#[derive(Debug, Clone)]
struct Rpc(Arc<LedgerUseCases>);

/// Adds all gRPC services of ledger-svc to `routes`.
pub fn routes(routes: Routes, ledger: &Arc<LedgerUseCases>) -> Routes {
    let rpc = Rpc(Arc::clone(ledger));
    routes
        .add_service(pb::account_service_server::AccountServiceServer::new(rpc.clone()))
        .add_service(pb::category_service_server::CategoryServiceServer::new(rpc.clone()))
        .add_service(
            pb::transaction_service_server::TransactionServiceServer::new(rpc.clone())
                .max_decoding_message_size(MAX_BULK_REQUEST_BYTES),
        )
        .add_service(pb::recurring_service_server::RecurringServiceServer::new(rpc.clone()))
        .add_service(pb::analytics_service_server::AnalyticsServiceServer::new(rpc.clone()))
        .add_service(pb::notification_data_service_server::NotificationDataServiceServer::new(rpc.clone()))
        .add_service(pb::spending_service_server::SpendingServiceServer::new(rpc.clone()))
        .add_service(pb::currency_service_server::CurrencyServiceServer::new(rpc))
}

impl Rpc {
    /// Posts the command of a request and responds with its outcome.
    async fn post<M, R>(
        &self,
        request: Request<M>,
        command: impl FnOnce(M) -> Result<CommandKind, Error> + Send,
    ) -> RpcResult<R>
    where
        M: Message,
        R: Message + Default + for<'a> From<&'a Outcome>,
    {
        execute(request, async |ctx, message| self.0.post(ctx, command(message)?).await).await
    }
}
