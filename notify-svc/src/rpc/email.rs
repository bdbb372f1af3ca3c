use fintrac_kit::access::Caller;
use fintrac_kit::clock::{Clock, timestamp};
use fintrac_kit::error::{self, FieldViolation, RpcError};
use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::email_service_server::EmailService;
use sqlx::PgPool;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::store::emails::FailedEmail;
use crate::{failed_emails, retry_emails};

/// Implements the gRPC service of failed emails.
#[derive(Debug, Clone)]
pub struct EmailRpc {
    pub pool: PgPool,
    pub clock: Clock,
}

impl From<FailedEmail> for pb::FailedEmail {
    fn from(email: FailedEmail) -> Self {
        Self {
            id: email.id.to_string(),
            user_id: email.user_id.to_string(),
            kind: email.kind,
            attempts: email.attempts,
            last_error: email.last_error.unwrap_or_default(),
            created_at: Some(timestamp(email.created_at)),
        }
    }
}

#[tonic::async_trait]
impl EmailService for EmailRpc {
    async fn list_failed_emails(
        &self,
        _request: Request<pb::ListFailedEmailsRequest>,
    ) -> Result<Response<pb::ListFailedEmailsResponse>, Status> {
        let emails = failed_emails(&self.pool).await.map_err(|error| error::database(&error))?;
        Ok(Response::new(pb::ListFailedEmailsResponse {
            emails: emails.into_iter().map(Into::into).collect(),
        }))
    }

    async fn retry_failed_emails(
        &self,
        request: Request<pb::RetryFailedEmailsRequest>,
    ) -> Result<Response<pb::RetryFailedEmailsResponse>, Status> {
        let actor = Caller::from_request(&request).origin().actor;
        let ids = ids(&request.into_inner().email_ids).map_err(RpcError::invalid)?;
        let retried = retry_emails(&self.pool, &ids, self.clock.now()).await;
        let retried = retried.map_err(|error| error::database(&error))?;
        tracing::info!(retried, actor, "failed emails queued for retry");
        Ok(Response::new(pb::RetryFailedEmailsResponse { retried }))
    }
}

fn ids(texts: &[String]) -> Result<Vec<Uuid>, Vec<FieldViolation>> {
    let read = |(index, text): (usize, &String)| {
        Uuid::parse_str(text).map_err(|_| {
            FieldViolation::new(
                format!("email_ids[{index}]"),
                "ID_INVALID",
                "The id must be from ListFailedEmails.",
            )
        })
    };
    let (good, bad): (Vec<_>, Vec<_>) = texts.iter().enumerate().map(read).partition(Result::is_ok);
    if bad.is_empty() {
        Ok(good.into_iter().flatten().collect())
    } else {
        Err(bad.into_iter().filter_map(Result::err).collect())
    }
}
