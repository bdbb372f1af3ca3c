//! The gRPC handlers: parse the request, call the use case, build the response.

mod admin;
mod convert;
mod email_data;
mod household;
mod identity;
mod mfa;
mod preferences;
mod security;
mod session;
mod trust;
mod user;

use std::sync::Arc;

use fintrac_proto::auth::v1 as pb;
use kit_access::Caller;
use kit_access::caller::RequestOrigin;
use tonic::Request;
use tonic::service::Routes;

use crate::service::IdentityUseCases;

/// The implementation of all gRPC services of auth-svc.
#[derive(Debug, Clone)]
struct Rpc(Arc<IdentityUseCases>);

/// Splits a request that needs no user into its origin and its message.
fn read_unauthenticated<M>(request: Request<M>) -> (RequestOrigin, M) {
    (Caller::from_request(&request).origin(), request.into_inner())
}

/// Adds all gRPC services of auth-svc to `routes`.
pub fn routes(routes: Routes, identity: &Arc<IdentityUseCases>) -> Routes {
    let rpc = Rpc(Arc::clone(identity));
    routes
        .add_service(pb::identity_service_server::IdentityServiceServer::new(rpc.clone()))
        .add_service(pb::user_service_server::UserServiceServer::new(rpc.clone()))
        .add_service(pb::preferences_service_server::PreferencesServiceServer::new(rpc.clone()))
        .add_service(pb::session_service_server::SessionServiceServer::new(rpc.clone()))
        .add_service(pb::mfa_service_server::MfaServiceServer::new(rpc.clone()))
        .add_service(pb::security_service_server::SecurityServiceServer::new(rpc.clone()))
        .add_service(pb::admin_service_server::AdminServiceServer::new(rpc.clone()))
        .add_service(pb::trust_service_server::TrustServiceServer::new(rpc.clone()))
        .add_service(pb::household_service_server::HouseholdServiceServer::new(rpc.clone()))
        .add_service(pb::email_data_service_server::EmailDataServiceServer::new(rpc))
}
