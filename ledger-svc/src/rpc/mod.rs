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

use fintrac_kit::access::RequestContext;
use fintrac_kit::idempotency::{self, IdempotentResult, Key};
use fintrac_proto::ledger::v1 as pb;
use prost::Message;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::domain::posting::{CommandKind, Outcome};
use crate::service::{Idempotency, LedgerUseCases};

type RpcResult<T> = Result<Response<T>, Status>;

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

/// Splits a request into its context and its message.
fn read<T>(request: Request<T>) -> Result<(RequestContext, T), Status> {
    Ok((RequestContext::from_request(&request)?, request.into_inner()))
}

/// Splits a request of `rpc` into its context, its idempotency key and its message.
fn write<T: Message>(request: Request<T>, rpc: &str) -> Result<(RequestContext, Option<Key>, T), Status> {
    let ctx = RequestContext::from_request(&request)?;
    let key = idempotency::key(&request, &ctx, rpc)?;
    Ok((ctx, key, request.into_inner()))
}

/// Encodes the response that is stored for an idempotency key.
fn encode<T, R: Message + for<'a> From<&'a T>>(value: &T) -> Vec<u8> {
    R::from(value).encode_to_vec()
}

/// Responds with a new value, or with the stored response.
fn respond<T, R>(stored: IdempotentResult<T>) -> RpcResult<R>
where
    R: Message + Default + for<'a> From<&'a T>,
{
    idempotency::response(stored, |value| R::from(&value))
}

impl Rpc {
    /// Posts a command and responds with its outcome.
    async fn post<R>(&self, ctx: &RequestContext, kind: CommandKind, key: Option<Key>) -> RpcResult<R>
    where
        R: Message + Default + for<'a> From<&'a Outcome>,
    {
        let idempotency = Idempotency { key, encode: encode::<_, R> };
        respond(self.0.post(ctx, kind, idempotency).await?)
    }
}

/// Implements the conversion of a value into responses that contain only it.
macro_rules! one_field_responses {
    ($source:ty => $field:ident; $($response:ident),*) => {
        $(
            impl From<&$source> for pb::$response {
                fn from(source: &$source) -> Self {
                    Self { $field: Some(source.into()) }
                }
            }
        )*
    };
    ($source:ty => $field:ident: $convert:path; $($response:ident),*) => {
        $(
            impl From<&$source> for pb::$response {
                fn from(source: &$source) -> Self {
                    Self { $field: $convert(source) }
                }
            }
        )*
    };
}
use one_field_responses;
