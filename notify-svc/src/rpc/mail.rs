use fintrac_kit::access::Caller;
use fintrac_kit::clock::{Clock, timestamp};
use fintrac_kit::error::{self, Refusal, Violation};
use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::mail_service_server::MailService;
use sqlx::PgPool;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::store::mails::DeadMail;
use crate::{dead_mails, retry_mails};

/// Mails that were given up, as tonic sees them.
#[derive(Debug, Clone)]
pub struct MailRpc {
    pub pool: PgPool,
    pub clock: Clock,
}

impl From<DeadMail> for pb::DeadMail {
    fn from(mail: DeadMail) -> Self {
        Self {
            id: mail.id.to_string(),
            user_id: mail.user_id.to_string(),
            kind: mail.kind,
            attempts: mail.attempts,
            last_error: mail.last_error.unwrap_or_default(),
            created_at: Some(timestamp(mail.created_at)),
        }
    }
}

#[tonic::async_trait]
impl MailService for MailRpc {
    async fn list_dead_mails(
        &self,
        _request: Request<pb::ListDeadMailsRequest>,
    ) -> Result<Response<pb::ListDeadMailsResponse>, Status> {
        let mails = dead_mails(&self.pool).await.map_err(|error| error::database(&error))?;
        Ok(Response::new(pb::ListDeadMailsResponse { mails: mails.into_iter().map(Into::into).collect() }))
    }

    async fn retry_dead_mails(
        &self,
        request: Request<pb::RetryDeadMailsRequest>,
    ) -> Result<Response<pb::RetryDeadMailsResponse>, Status> {
        let actor = Caller::of(&request).origin().actor;
        let ids = ids(&request.into_inner().mail_ids).map_err(Refusal::invalid)?;
        let retried = retry_mails(&self.pool, &ids, self.clock.now()).await;
        let retried = retried.map_err(|error| error::database(&error))?;
        tracing::info!(retried, actor, "mails that were given up are tried again");
        Ok(Response::new(pb::RetryDeadMailsResponse { retried }))
    }
}

fn ids(texts: &[String]) -> Result<Vec<Uuid>, Vec<Violation>> {
    let read = |(at, text): (usize, &String)| {
        Uuid::parse_str(text).map_err(|_| {
            Violation::new(format!("mail_ids[{at}]"), "ID_INVALID", "Send an id that ListDeadMails told.")
        })
    };
    let (good, bad): (Vec<_>, Vec<_>) = texts.iter().enumerate().map(read).partition(Result::is_ok);
    if bad.is_empty() {
        Ok(good.into_iter().flatten().collect())
    } else {
        Err(bad.into_iter().filter_map(Result::err).collect())
    }
}
