//! The wire form: parse, call, wrap.

mod budget;
mod convert;
mod export;
mod goal;
mod message_facts;

use std::sync::Arc;

use fintrac_proto::budget::v1 as pb;
use tonic::service::Routes;

use crate::service::Planning;

/// Budgets and goals as tonic sees them.
#[derive(Debug, Clone)]
struct Rpc(Arc<Planning>);

/// Adds all of budget-svc's gRPC services.
pub fn routes(routes: Routes, planning: &Arc<Planning>) -> Routes {
    let rpc = Rpc(Arc::clone(planning));
    routes
        .add_service(pb::budget_service_server::BudgetServiceServer::new(rpc.clone()))
        .add_service(pb::goal_service_server::GoalServiceServer::new(rpc.clone()))
        .add_service(pb::export_service_server::ExportServiceServer::new(rpc.clone()))
        .add_service(pb::message_facts_service_server::MessageFactsServiceServer::new(rpc))
}
