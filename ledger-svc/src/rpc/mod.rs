//! The wire form: parse, call, wrap.

mod account;
mod category;
mod convert;
mod currency;
mod once;
mod transaction;

use std::sync::Arc;

use fintrac_kit::access::Caller;
use fintrac_proto::ledger::v1 as pb;
use tonic::service::Routes;
use tonic::{Request, Status};

use crate::service::{By, Ledger};

/// The ledger as tonic sees it.
#[derive(Debug, Clone)]
struct Rpc(Arc<Ledger>);

/// Adds all of the ledger's gRPC services.
pub fn routes(routes: Routes, ledger: &Arc<Ledger>) -> Routes {
    let rpc = Rpc(Arc::clone(ledger));
    routes
        .add_service(pb::account_service_server::AccountServiceServer::new(rpc.clone()))
        .add_service(pb::category_service_server::CategoryServiceServer::new(rpc.clone()))
        .add_service(pb::transaction_service_server::TransactionServiceServer::new(rpc.clone()))
        .add_service(pb::currency_service_server::CurrencyServiceServer::new(rpc))
}

/// The user who calls: whatever he asks for is of his household.
fn by<T>(request: &Request<T>) -> Result<By, Status> {
    let caller = Caller::of(request);
    Ok(By { principal: caller.user()?.clone(), origin: caller.origin() })
}
