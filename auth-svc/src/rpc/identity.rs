use fintrac_kit::access::{Caller, RequestContext};
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::identity_service_server::IdentityService;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::service::{ChallengeProof, Login};

#[tonic::async_trait]
impl IdentityService for Rpc {
    async fn register(
        &self,
        request: Request<pb::RegisterRequest>,
    ) -> Result<Response<pb::RegisterResponse>, Status> {
        let origin = Caller::from_request(&request).origin();
        let input = convert::registration_input(request.into_inner(), origin.client.language.clone());
        self.0.register(input, &origin).await?;
        Ok(Response::new(pb::RegisterResponse {}))
    }

    async fn verify_email(
        &self,
        request: Request<pb::VerifyEmailRequest>,
    ) -> Result<Response<pb::VerifyEmailResponse>, Status> {
        let origin = Caller::from_request(&request).origin();
        let pb::VerifyEmailRequest { token, email, code } = request.into_inner();
        self.0.verify_email(ChallengeProof::new(token, email, code), &origin).await?;
        Ok(Response::new(pb::VerifyEmailResponse {}))
    }

    async fn resend_verification(
        &self,
        request: Request<pb::ResendVerificationRequest>,
    ) -> Result<Response<pb::ResendVerificationResponse>, Status> {
        let origin = Caller::from_request(&request).origin();
        self.0.resend_verification(&request.into_inner().email, &origin).await?;
        Ok(Response::new(pb::ResendVerificationResponse {}))
    }

    async fn login(&self, request: Request<pb::LoginRequest>) -> Result<Response<pb::LoginResponse>, Status> {
        let origin = Caller::from_request(&request).origin();
        let pb::LoginRequest { email, username, password, device, code } = request.into_inner();
        let (password, device) = (password.into(), convert::device(device));
        let login = Login { email, username, password, device, code };
        let outcome = self.0.login(login, &origin).await?;
        let (tokens, user) = (Some(outcome.tokens.into()), Some(outcome.current_user.into()));
        Ok(Response::new(pb::LoginResponse { tokens, user }))
    }

    async fn refresh(
        &self,
        request: Request<pb::RefreshRequest>,
    ) -> Result<Response<pb::RefreshResponse>, Status> {
        let origin = Caller::from_request(&request).origin();
        let tokens = self.0.refresh(&request.into_inner().refresh_token, &origin).await?;
        Ok(Response::new(pb::RefreshResponse { tokens: Some(tokens.into()) }))
    }

    async fn forgot_password(
        &self,
        request: Request<pb::ForgotPasswordRequest>,
    ) -> Result<Response<pb::ForgotPasswordResponse>, Status> {
        let origin = Caller::from_request(&request).origin();
        self.0.forgot_password(&request.into_inner().email, &origin).await?;
        Ok(Response::new(pb::ForgotPasswordResponse {}))
    }

    async fn reset_password(
        &self,
        request: Request<pb::ResetPasswordRequest>,
    ) -> Result<Response<pb::ResetPasswordResponse>, Status> {
        let origin = Caller::from_request(&request).origin();
        let pb::ResetPasswordRequest { token, email, code, new_password } = request.into_inner();
        self.0.reset_password(ChallengeProof::new(token, email, code), &new_password, &origin).await?;
        Ok(Response::new(pb::ResetPasswordResponse {}))
    }

    async fn logout(
        &self,
        request: Request<pb::LogoutRequest>,
    ) -> Result<Response<pb::LogoutResponse>, Status> {
        let caller = Caller::from_request(&request);
        let refresh_token = request.into_inner().refresh_token;
        self.0.logout(caller.user()?, &refresh_token, &caller.origin()).await?;
        Ok(Response::new(pb::LogoutResponse {}))
    }

    async fn logout_all(
        &self,
        request: Request<pb::LogoutAllRequest>,
    ) -> Result<Response<pb::LogoutAllResponse>, Status> {
        self.0.logout_all(&RequestContext::from_request(&request)?).await?;
        Ok(Response::new(pb::LogoutAllResponse {}))
    }
}
