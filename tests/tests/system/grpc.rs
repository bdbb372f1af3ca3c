//! Clients of the gRPC ports.

use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::identity_service_client::IdentityServiceClient;
use fintrac_proto::auth::v1::user_service_client::UserServiceClient;
use fintrac_tests::system::System;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::support::{channel, logged_in, with_token};

pub async fn health_and_reflection(system: &System) {
    let channel = channel(&system.auth_grpc).await;
    let health =
        HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await.expect("health");
    assert_eq!(health.into_inner().status().as_str_name(), "SERVING");
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut responses = ServerReflectionClient::new(channel)
        .server_reflection_info(futures::stream::iter([list]))
        .await
        .expect("reflection")
        .into_inner();
    let response =
        responses.message().await.expect("a response").and_then(|response| response.message_response);
    let Some(MessageResponse::ListServicesResponse(services)) = response else {
        panic!("no list: {response:?}")
    };
    let names: Vec<_> = services.service.into_iter().map(|service| service.name).collect();
    assert!(names.iter().any(|name| name == "fintrac.auth.v1.UserService"), "{names:?}");
}

pub async fn clients_call_with_a_users_token(system: &System) {
    let login = logged_in(system, "program@example.com").await;
    let channel = channel(&system.auth_grpc).await;
    let ask = async |token: &str| {
        let request = with_token(token, pb::GetCurrentUserRequest {});
        UserServiceClient::new(channel.clone()).get_current_user(request).await
    };
    let me = ask(&login.text("access_token")).await.expect("me").into_inner().user.expect("a user");
    assert_eq!(me.email, "program@example.com");
    let forged = ask("forged").await.expect_err("a forged token");
    assert_eq!(forged.code(), Code::Unauthenticated);
    let anonymous = UserServiceClient::new(channel.clone())
        .get_current_user(pb::GetCurrentUserRequest {})
        .await
        .expect_err("no token");
    assert_eq!(anonymous.code(), Code::Unauthenticated);
    let register = IdentityServiceClient::new(channel).register(pb::RegisterRequest::default()).await;
    assert_eq!(register.expect_err("only the gateway may register users").code(), Code::Unauthenticated);
}
