//! Sends queued emails.
//!
//! The recipient and the secret are read from auth-svc, the email is rendered and delivered, and the
//! result is recorded. No transaction is open meanwhile.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_proto::NotificationKind;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::email_data_service_client::EmailDataServiceClient;
use kit_core::clock::Clock;
use kit_core::error::{ProblemCode, reason};
use kit_jobs::{Job, JobError, Queue, Worker};
use kit_rpc::transport::Transport;
use kit_service::module::ServiceDependencies;
use sqlx::PgPool;
use tonic::Status;
use uuid::Uuid;

use super::account_message::{self, AccountMessage, none_if_not_found};
use super::report::{DateRange, Reports};
use crate::config::Config;
use crate::delivery::{Delivery, Envelope};
use crate::domain::email::{Email, retry_delay};
use crate::domain::notification::Notification;
use crate::error::RenderError;
use crate::render::{self, Content};
use crate::store::emails::{self, EMAILS, EmailResult, QueuedEmail};
use crate::store::{notifications, reports};

/// The timeout of one attempt, including its requests to other services.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(25);

#[derive(Debug)]
pub struct EmailSender {
    pool: PgPool,
    clock: Clock,
    auth: EmailDataServiceClient<Transport>,
    delivery: Arc<Delivery>,
    reports: Reports,
    link_base: String,
    backend: String,
    has_frontend: bool,
}

/// An email before it is rendered.
struct EmailDraft {
    recipient: pb::Recipient,
    content: Content,
    unsubscribe: Option<String>,
}

/// The outcome of one attempt.
enum Outcome {
    Sent,
    Dropped,
    /// Another service is unavailable; retry soon without counting a failure.
    Unreachable(String),
    Failed(String),
    Rejected(String),
}

impl EmailSender {
    pub fn new(
        config: &Config,
        deps: &ServiceDependencies,
        auth: Transport,
        delivery: Arc<Delivery>,
        reports: Reports,
    ) -> Self {
        Self {
            pool: deps.pool.clone(),
            clock: deps.clock.clone(),
            auth: EmailDataServiceClient::new(auth),
            delivery,
            reports,
            link_base: config.link_base.clone(),
            backend: config.backend.clone(),
            has_frontend: config.has_frontend,
        }
    }

    async fn attempt(&self, email: &Email) -> Outcome {
        let EmailDraft { recipient, content, unsubscribe } = match self.draft(email).await {
            Ok(Some(draft)) => draft,
            Ok(None) => return Outcome::Dropped,
            Err(RenderError::Template(error)) => return Outcome::Rejected(error.to_string()),
            Err(error) => return Outcome::Unreachable(error.to_string()),
        };
        let locale = content.locale().unwrap_or(&recipient.locale);
        let rendered = match render::render(locale, &content, unsubscribe.as_deref()) {
            Ok(rendered) => rendered,
            Err(error) => return Outcome::Rejected(error.to_string()),
        };
        let (id, kind, to, date) = (email.id, email.kind, recipient.email, self.clock.now());
        let envelope = Envelope { id, kind, to, unsubscribe, date };
        match self.delivery.deliver(&envelope, &rendered).await {
            Ok(()) => Outcome::Sent,
            Err(error) if error.is_permanent() => Outcome::Rejected(error.summary()),
            Err(error) => Outcome::Failed(error.summary()),
        }
    }

    /// Collects recipient and content; `None` if the email is no longer needed.
    async fn draft(&self, email: &Email) -> Result<Option<EmailDraft>, RenderError> {
        if email.kind.is_configurable() {
            self.with_notification(email).await
        } else if let Some(page) = email.kind.link_page() {
            Ok(self.with_link(email, page).await?)
        } else {
            self.with_account_message(email).await
        }
    }

    /// Drafts an email about the user's account.
    async fn with_account_message(&self, email: &Email) -> Result<Option<EmailDraft>, RenderError> {
        let (kind, subject_id) = (email.kind, email.subject_id);
        let mut url = self.has_frontend.then(|| format!("{}/login", self.link_base));
        let message = if kind == NotificationKind::EmailChanged {
            // The owner of the previous address may have no account.
            url = None;
            account_message::load_for_previous_address(&self.auth, subject_id).await?
        } else {
            account_message::load(&self.auth, kind, email.user_id, subject_id).await?
        };
        Ok(message.map(|AccountMessage { recipient, values }| {
            let content = Content::Account { kind, values, url, code: None };
            EmailDraft { recipient, content, unsubscribe: None }
        }))
    }

    /// Drafts an email with a link to `page` and a code.
    async fn with_link(&self, email: &Email, page: &str) -> Result<Option<EmailDraft>, Status> {
        let request = pb::GetChallengeDataRequest { challenge_id: email.subject_id.to_string() };
        let secrets = match self.auth.clone().get_challenge_data(request).await {
            Ok(secrets) => secrets.into_inner(),
            Err(status) if is_lapsed(&status) => return Ok(None),
            Err(status) => return Err(status),
        };
        let url = Some(format!("{}/{page}#token={}", self.link_base, secrets.token));
        let code = Some(secrets.code).filter(|code| !code.is_empty());
        // The email contains no name: the person who entered the address may have chosen it.
        let content = Content::Account { kind: email.kind, values: Vec::new(), url, code };
        Ok(secrets.recipient.map(|recipient| EmailDraft { recipient, content, unsubscribe: None }))
    }

    /// Drafts an email with a notification, which the recipient may disable.
    async fn with_notification(&self, email: &Email) -> Result<Option<EmailDraft>, RenderError> {
        let Some(notification) = self.notification(email).await? else { return Ok(None) };
        let bars = self.bars(&notification).await?;
        let (user_id, kind) = (email.user_id.to_string(), email.kind.name().to_owned());
        let request = pb::GetRecipientRequest { user_id, kind };
        let response = none_if_not_found(self.auth.clone().get_recipient(request).await)?;
        let Some(pb::GetRecipientResponse { recipient: Some(recipient), unsubscribe_token }) = response
        else {
            return Ok(None);
        };
        let token = Some(unsubscribe_token).filter(|token| !token.is_empty());
        let unsubscribe = token.map(|token| format!("{}/unsubscribe?token={token}", self.backend));
        let Notification { locale, title, body, .. } = notification;
        let app = self.has_frontend.then(|| self.link_base.clone());
        let content = Content::Notification { locale, title, body, app, bars };
        Ok(Some(EmailDraft { recipient, content, unsubscribe }))
    }

    /// Reads the notification that the email contains.
    async fn notification(&self, email: &Email) -> Result<Option<Notification>, Status> {
        let database = |error: sqlx::Error| kit_db::error_status(&error);
        let mut connection = self.pool.acquire().await.map_err(database)?;
        notifications::find(&mut connection, email.user_id, email.subject_id).await.map_err(database)
    }

    /// Lists the category bars of a monthly report.
    async fn bars(&self, notification: &Notification) -> Result<Vec<(String, String, u8)>, RenderError> {
        if notification.kind != NotificationKind::MonthlyReport {
            return Ok(Vec::new());
        }
        let database = |error: sqlx::Error| kit_db::error_status(&error);
        let mut connection = self.pool.acquire().await.map_err(database)?;
        let found = reports::find(&mut connection, notification.entity_id).await.map_err(database)?;
        drop(connection);
        let Some((household_id, days)) =
            found.and_then(|(id, month)| Some((id, DateRange::from_month(month)?)))
        else {
            return Ok(Vec::new());
        };
        let money = self.reports.get(household_id, days).await?.money;
        Ok(render::category_bars(&notification.locale, &money)?)
    }
}

fn is_lapsed(status: &Status) -> bool {
    reason(status).as_deref() == Some(ProblemCode::ChallengeLapsed.as_str())
}

impl Worker for EmailSender {
    type Key = Uuid;

    const QUEUE: Queue<Uuid> = EMAILS;
    const TIMEOUT: Duration = Duration::from_mins(1);
    /// A second attempt at the same time would send the email twice.
    const LEASE: TimeDelta = TimeDelta::seconds(30);

    async fn handle(&self, job: Job<Uuid>) -> Result<(), JobError> {
        let found = emails::find(&mut *self.pool.acquire().await?, job.key).await?;
        let Some(QueuedEmail { id, user_id, kind, subject_id }) = found else { return Ok(()) };
        let Some(kind) = NotificationKind::from_name(&kind) else {
            // A newer replica knows the kind.
            return Err(JobError::Unavailable(format!("unknown kind {kind}")));
        };
        let email = Email { id, user_id, kind, subject_id };
        let outcome = match tokio::time::timeout(ATTEMPT_TIMEOUT, self.attempt(&email)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Outcome::Failed("the email server timed out".to_owned()),
        };
        let describe = |error: String| format!("{} to user {user_id}: {error}", kind.name());
        let (result, error) = match outcome {
            Outcome::Sent => (EmailResult::Sent, None),
            Outcome::Dropped => (EmailResult::Dropped, None),
            Outcome::Unreachable(error) => return Err(JobError::Unavailable(describe(error))),
            Outcome::Failed(error) => match retry_delay(job.attempts + 1) {
                Some(delay) => return Err(JobError::RetryAfter(delay, describe(error))),
                None => (EmailResult::Failed, Some(error)),
            },
            Outcome::Rejected(error) => (EmailResult::Failed, Some(error)),
        };
        emails::finish(&mut *self.pool.acquire().await?, id, result, self.clock.now()).await?;
        if let Some(error) = error {
            return Err(JobError::Permanent(describe(error)));
        }
        tracing::info!(%id, kind = kind.name(), result = result.name(), "email finished");
        Ok(())
    }
}
