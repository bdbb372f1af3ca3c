//! The wire form: parse, call, wrap.

mod budget;
mod convert;
mod export;
mod goal;
mod notification_data;

use std::sync::Arc;

use fintrac_proto::budget::v1 as pb;
use tonic::service::Routes;

use crate::service::BudgetUseCases;

/// Budgets and goals as tonic sees them.
#[derive(Debug, Clone)]
struct Rpc(Arc<BudgetUseCases>);

/// Adds all of budget-svc's gRPC services.
pub fn routes(routes: Routes, use_cases: &Arc<BudgetUseCases>) -> Routes {
    let rpc = Rpc(Arc::clone(use_cases));
    routes
        .add_service(pb::budget_service_server::BudgetServiceServer::new(rpc.clone()))
        .add_service(pb::goal_service_server::GoalServiceServer::new(rpc.clone()))
        .add_service(pb::export_service_server::ExportServiceServer::new(rpc.clone()))
        .add_service(pb::notification_data_service_server::NotificationDataServiceServer::new(rpc))
}
