//! The gRPC handlers: parse the request, call the use case, build the response.

mod budget;
mod convert;
mod goal;
mod notification_data;

use std::sync::Arc;

use fintrac_proto::budget::v1 as pb;
use tonic::service::Routes;

use crate::service::BudgetUseCases;

/// The implementation of all gRPC services of budget-svc.
#[derive(Debug, Clone)]
struct Rpc(Arc<BudgetUseCases>);

/// Adds all gRPC services of budget-svc to `routes`.
pub fn routes(routes: Routes, use_cases: &Arc<BudgetUseCases>) -> Routes {
    let rpc = Rpc(Arc::clone(use_cases));
    routes
        .add_service(pb::budget_service_server::BudgetServiceServer::new(rpc.clone()))
        .add_service(pb::goal_service_server::GoalServiceServer::new(rpc.clone()))
        .add_service(pb::notification_data_service_server::NotificationDataServiceServer::new(rpc))
}
