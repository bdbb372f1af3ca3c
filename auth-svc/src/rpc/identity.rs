use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::identity_service_server::IdentityService;
use kit_service::handler::{RpcResult, read, respond};
use tonic::{Request, Response};

use super::{Rpc, convert, read_unauthenticated};
use crate::service::{ChallengeProof, Login};

#[tonic::async_trait]
impl IdentityService for Rpc {
    async fn register(&self, request: Request<pb::RegisterRequest>) -> RpcResult<pb::RegisterResponse> {
        let (origin, request) = read_unauthenticated(request);
        let input = convert::registration_input(request, origin.client.language.clone());
        respond(&self.0.register(input, &origin).await?)
    }

    async fn verify_email(
        &self,
        request: Request<pb::VerifyEmailRequest>,
    ) -> RpcResult<pb::VerifyEmailResponse> {
        let (origin, pb::VerifyEmailRequest { token, email, code }) = read_unauthenticated(request);
        respond(&self.0.verify_email(ChallengeProof::new(token, email, code), &origin).await?)
    }

    async fn resend_verification(
        &self,
        request: Request<pb::ResendVerificationRequest>,
    ) -> RpcResult<pb::ResendVerificationResponse> {
        let (origin, pb::ResendVerificationRequest { email }) = read_unauthenticated(request);
        respond(&self.0.resend_verification(&email, &origin).await?)
    }

    async fn login(&self, request: Request<pb::LoginRequest>) -> RpcResult<pb::LoginResponse> {
        let (origin, pb::LoginRequest { email, username, password, device, code }) =
            read_unauthenticated(request);
        let (password, device) = (password.into(), convert::device(device));
        let login = Login { email, username, password, device, code };
        let (tokens, user) = self.0.login(login, &origin).await?;
        Ok(Response::new(pb::LoginResponse { tokens: Some((&tokens).into()), user: Some((&user).into()) }))
    }

    async fn refresh(&self, request: Request<pb::RefreshRequest>) -> RpcResult<pb::RefreshResponse> {
        let (origin, pb::RefreshRequest { refresh_token }) = read_unauthenticated(request);
        respond(&self.0.refresh(&refresh_token, &origin).await?)
    }

    async fn forgot_password(
        &self,
        request: Request<pb::ForgotPasswordRequest>,
    ) -> RpcResult<pb::ForgotPasswordResponse> {
        let (origin, pb::ForgotPasswordRequest { email }) = read_unauthenticated(request);
        respond(&self.0.forgot_password(&email, &origin).await?)
    }

    async fn reset_password(
        &self,
        request: Request<pb::ResetPasswordRequest>,
    ) -> RpcResult<pb::ResetPasswordResponse> {
        let (origin, request) = read_unauthenticated(request);
        let pb::ResetPasswordRequest { token, email, code, new_password } = request;
        let proof = ChallengeProof::new(token, email, code);
        respond(&self.0.reset_password(proof, &new_password, &origin).await?)
    }

    async fn logout(&self, request: Request<pb::LogoutRequest>) -> RpcResult<pb::LogoutResponse> {
        let (ctx, pb::LogoutRequest { refresh_token }) = read(request)?;
        respond(&self.0.logout(&ctx, &refresh_token).await?)
    }

    async fn logout_all(&self, request: Request<pb::LogoutAllRequest>) -> RpcResult<pb::LogoutAllResponse> {
        let (ctx, pb::LogoutAllRequest {}) = read(request)?;
        respond(&self.0.logout_all(&ctx).await?)
    }
}
