//! Sends queued emails.
//!
//! An email is leased, its recipient and secret are read from auth-svc, it is rendered and
//! delivered, and the result is recorded. No transaction is open meanwhile.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_kit::clock::Clock;
use fintrac_kit::error::reason;
use fintrac_kit::jobs::leased::Worker;
use fintrac_kit::module::ServiceDependencies;
use fintrac_kit::transport::Transport;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::email_data_service_client::EmailDataServiceClient;
use sqlx::PgPool;
use tonic::Status;

use super::account_message::{self, AccountMessage, none_if_not_found};
use super::report::{DateRange, Reports};
use crate::config::Config;
use crate::delivery::{Delivery, Envelope};
use crate::domain::email::Email;
use crate::domain::kind::NotificationKind;
use crate::domain::notification::Notification;
use crate::domain::retry;
use crate::error::RenderError;
use crate::render::{self, Content};
use crate::store::emails::{self, EmailResult};
use crate::store::{notifications, reports};

/// The timeout of one attempt, including its requests to other services.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(25);
/// Longer than an attempt. An email whose sender died waits until its lease ends.
const LEASE_DURATION: TimeDelta = TimeDelta::seconds(30);
/// The delay after an outage of another service, which is not counted as a failure.
const UNREACHABLE_RETRY_DELAY: TimeDelta = TimeDelta::seconds(2);

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

impl EmailDraft {
    /// Creates an email of a kind that cannot be disabled.
    fn new(recipient: Option<pb::Recipient>, content: Content) -> Option<Self> {
        Some(Self { recipient: recipient?, content, unsubscribe: None })
    }
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
        let frontend = self.has_frontend.then(|| format!("{}/login", self.link_base));
        let kind = email.kind;
        match kind {
            NotificationKind::Verification | NotificationKind::EmailChange => {
                Ok(self.with_link(email, "verify-email").await?)
            }
            NotificationKind::PasswordReset => Ok(self.with_link(email, "reset-password").await?),
            NotificationKind::Welcome => {
                let recipient = self.recipient(email).await?;
                let first_name = recipient.as_ref().map(|to| to.first_name.clone()).unwrap_or_default();
                Ok(EmailDraft::new(recipient, Content::Welcome { first_name, login: frontend }))
            }
            NotificationKind::AlreadyRegistered
            | NotificationKind::PasswordChanged
            | NotificationKind::MfaEnabled
            | NotificationKind::MfaDisabled
            | NotificationKind::RecoveryCodeUsed
            | NotificationKind::NewDevice
            | NotificationKind::AccountLocked
            | NotificationKind::AccountThrottled
            | NotificationKind::AccountDeletion
            | NotificationKind::AccountRestored => {
                let message =
                    account_message::load(&self.auth, kind, email.user_id, email.subject_id).await?;
                Ok(message.and_then(|AccountMessage { recipient, values }| {
                    EmailDraft::new(Some(recipient), Content::AccountEvent { kind, values, login: frontend })
                }))
            }
            NotificationKind::EmailChanged => {
                let challenge_id = email.subject_id.to_string();
                let request = pb::GetPreviousRecipientRequest { challenge_id };
                let response = none_if_not_found(self.auth.clone().get_previous_recipient(request).await)?;
                let content = Content::AccountEvent { kind, values: Vec::new(), login: None };
                Ok(EmailDraft::new(response.and_then(|response| response.recipient), content))
            }
            NotificationKind::BudgetThreshold
            | NotificationKind::BudgetExceeded
            | NotificationKind::GoalMilestone
            | NotificationKind::GoalReached
            | NotificationKind::GoalDeadline
            | NotificationKind::LargeTransaction
            | NotificationKind::RecurringPosted
            | NotificationKind::RecurringFailed
            | NotificationKind::MonthlyReport => {
                let Some(notification) = self.notification(email).await? else { return Ok(None) };
                let bars = self.bars(&notification).await?;
                let Notification { locale, title, body, .. } = notification;
                let app = self.has_frontend.then(|| self.link_base.clone());
                Ok(self
                    .with_unsubscribe_link(email, Content::Notification { locale, title, body, app, bars })
                    .await?)
            }
        }
    }

    /// Drafts an email with a link to `page` and a code.
    async fn with_link(&self, email: &Email, page: &str) -> Result<Option<EmailDraft>, Status> {
        let request = pb::GetChallengeDataRequest { challenge_id: email.subject_id.to_string() };
        let secrets = match self.auth.clone().get_challenge_data(request).await {
            Ok(secrets) => secrets.into_inner(),
            Err(status) if is_lapsed(&status) => return Ok(None),
            Err(status) => return Err(status),
        };
        let link = format!("{}/{page}#token={}", self.link_base, secrets.token);
        let code = Some(secrets.code).filter(|code| !code.is_empty());
        Ok(EmailDraft::new(secrets.recipient, Content::Link { kind: email.kind, link, code }))
    }

    /// Reads the notification that the email contains.
    async fn notification(&self, email: &Email) -> Result<Option<Notification>, Status> {
        let database = |error: sqlx::Error| fintrac_kit::error::database(&error);
        let mut connection = self.pool.acquire().await.map_err(database)?;
        notifications::find(&mut connection, email.user_id, email.subject_id).await.map_err(database)
    }

    /// Lists the category bars of a monthly report.
    async fn bars(&self, notification: &Notification) -> Result<Vec<(String, String, u8)>, RenderError> {
        if notification.kind != NotificationKind::MonthlyReport {
            return Ok(Vec::new());
        }
        let database = |error: sqlx::Error| fintrac_kit::error::database(&error);
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

    /// Drafts an email of a kind that the recipient may disable.
    async fn with_unsubscribe_link(
        &self,
        email: &Email,
        content: Content,
    ) -> Result<Option<EmailDraft>, Status> {
        let Some(response) = self.get_recipient(email).await? else { return Ok(None) };
        let token = Some(response.unsubscribe_token).filter(|token| !token.is_empty());
        let unsubscribe = token.map(|token| format!("{}/unsubscribe?token={token}", self.backend));
        Ok(response.recipient.map(|recipient| EmailDraft { recipient, content, unsubscribe }))
    }

    /// Reads the recipient; `None` if the user no longer exists.
    async fn recipient(&self, email: &Email) -> Result<Option<pb::Recipient>, Status> {
        Ok(self.get_recipient(email).await?.and_then(|response| response.recipient))
    }

    async fn get_recipient(&self, email: &Email) -> Result<Option<pb::GetRecipientResponse>, Status> {
        let (user_id, kind) = (email.user_id.to_string(), email.kind.name().to_owned());
        none_if_not_found(self.auth.clone().get_recipient(pb::GetRecipientRequest { user_id, kind }).await)
    }
}

fn is_lapsed(status: &Status) -> bool {
    reason(status).as_deref() == Some("CHALLENGE_LAPSED")
}

impl Worker for EmailSender {
    type Item = Email;

    async fn claim(&self, limit: i64) -> Result<Vec<Email>, sqlx::Error> {
        let now = self.clock.now();
        emails::claim(&mut *self.pool.acquire().await?, limit, now, now + LEASE_DURATION).await
    }

    async fn handle(&self, email: Email) -> Result<(), sqlx::Error> {
        let outcome = match tokio::time::timeout(ATTEMPT_TIMEOUT, self.attempt(&email)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Outcome::Failed("the email server timed out".to_owned()),
        };
        let now = self.clock.now();
        let mut connection = self.pool.acquire().await?;
        let (id, kind) = (email.id, email.kind.name());
        match outcome {
            Outcome::Sent => {
                tracing::info!(%id, kind, "email sent");
                emails::finish(&mut connection, id, EmailResult::Sent, None, now).await
            }
            Outcome::Dropped => {
                tracing::info!(%id, kind, "email dropped: no longer needed");
                emails::finish(&mut connection, id, EmailResult::Dropped, None, now).await
            }
            Outcome::Unreachable(error) => {
                tracing::warn!(%id, kind, error, "email postponed: another service is unavailable");
                emails::postpone(&mut connection, id, email.attempts, now + UNREACHABLE_RETRY_DELAY, &error)
                    .await
            }
            Outcome::Rejected(error) => {
                tracing::error!(%id, kind, error, "email failed permanently");
                emails::finish(&mut connection, id, EmailResult::Failed, Some(&error), now).await
            }
            Outcome::Failed(error) => {
                if let Some(delay) = retry::delay(email.attempts + 1) {
                    tracing::warn!(%id, kind, error, "email delivery failed, retrying");
                    emails::postpone(&mut connection, id, email.attempts + 1, now + delay, &error).await
                } else {
                    tracing::error!(%id, kind, error, "email given up");
                    emails::finish(&mut connection, id, EmailResult::Failed, Some(&error), now).await
                }
            }
        }
    }
}
