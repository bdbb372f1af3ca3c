//! Sending what is due: lease, ask auth-svc to whom and with which secret,
//! render, deliver, mark. No transaction is open meanwhile.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_kit::clock::Clock;
use fintrac_kit::error::reason;
use fintrac_kit::jobs::leased::Work;
use fintrac_kit::module::Deps;
use fintrac_kit::transport::Transport;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::mail_facts_service_client::MailFactsServiceClient;
use sqlx::PgPool;
use tonic::Status;

use super::account_facts::{self, Told, there};
use super::report::{Days, Reports};
use crate::config::Config;
use crate::delivery::{Delivery, Envelope};
use crate::domain::kind::Kind;
use crate::domain::mail::Mail;
use crate::domain::notification::Notification;
use crate::domain::retry;
use crate::error::Unsaid;
use crate::render::{self, Content};
use crate::store::mails::{self, End};
use crate::store::{notifications, reports};

/// How long one try may take, with all its questions.
const PATIENCE: Duration = Duration::from_secs(25);
/// Longer than a try: a mail whose sender died waits this long.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// A part out of reach is no failure of the mail.
const UNREACHABLE_PAUSE: TimeDelta = TimeDelta::seconds(2);

#[derive(Debug)]
pub struct SendMail {
    pool: PgPool,
    clock: Clock,
    auth: MailFactsServiceClient<Transport>,
    delivery: Arc<Delivery>,
    reports: Reports,
    link_base: String,
    backend: String,
    has_frontend: bool,
}

/// What a mail says, to whom, and where mails of its kind are ended.
struct Draft {
    recipient: pb::Recipient,
    content: Content,
    unsubscribe: Option<String>,
}

impl Draft {
    /// One that cannot be switched off.
    fn new(recipient: Option<pb::Recipient>, content: Content) -> Option<Self> {
        Some(Self { recipient: recipient?, content, unsubscribe: None })
    }
}

/// What became of one try.
enum Outcome {
    Sent,
    Dropped,
    /// Try again soon; the mail itself is not to blame.
    Unreachable(String),
    Failed(String),
    Refused(String),
}

impl SendMail {
    pub fn new(
        config: &Config,
        deps: &Deps,
        auth: Transport,
        delivery: Arc<Delivery>,
        reports: Reports,
    ) -> Self {
        Self {
            pool: deps.pool.clone(),
            clock: deps.clock.clone(),
            auth: MailFactsServiceClient::new(auth),
            delivery,
            reports,
            link_base: config.link_base.clone(),
            backend: config.backend.clone(),
            has_frontend: config.has_frontend,
        }
    }

    async fn attempt(&self, mail: &Mail) -> Outcome {
        let Draft { recipient, content, unsubscribe } = match self.draft(mail).await {
            Ok(Some(draft)) => draft,
            Ok(None) => return Outcome::Dropped,
            Err(Unsaid::Words(error)) => return Outcome::Refused(error.to_string()),
            Err(unsaid) => return Outcome::Unreachable(unsaid.to_string()),
        };
        let locale = content.locale().unwrap_or(&recipient.locale);
        let rendered = match render::render(locale, &content, unsubscribe.as_deref()) {
            Ok(rendered) => rendered,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        let (id, kind, to, date) = (mail.id, mail.kind, recipient.email, self.clock.now());
        let envelope = Envelope { id, kind, to, unsubscribe, date };
        match self.delivery.deliver(&envelope, &rendered).await {
            Ok(()) => Outcome::Sent,
            Err(error) if error.is_permanent() => Outcome::Refused(error.summary()),
            Err(error) => Outcome::Failed(error.summary()),
        }
    }

    /// To whom, and what to say; `None` when nothing is left to say.
    async fn draft(&self, mail: &Mail) -> Result<Option<Draft>, Unsaid> {
        let frontend = self.has_frontend.then(|| format!("{}/login", self.link_base));
        let kind = mail.kind;
        match kind {
            Kind::Verification | Kind::EmailChange => Ok(self.with_link(mail, "verify-email").await?),
            Kind::PasswordReset => Ok(self.with_link(mail, "reset-password").await?),
            Kind::Welcome => {
                let recipient = self.recipient(mail).await?;
                let first_name = recipient.as_ref().map(|to| to.first_name.clone()).unwrap_or_default();
                Ok(Draft::new(recipient, Content::Welcome { first_name, login: frontend }))
            }
            Kind::AlreadyRegistered
            | Kind::PasswordChanged
            | Kind::MfaEnabled
            | Kind::MfaDisabled
            | Kind::RecoveryCodeUsed
            | Kind::NewDevice
            | Kind::AccountLocked
            | Kind::AccountThrottled
            | Kind::AccountDeletion
            | Kind::AccountRestored => {
                let told = account_facts::told(&self.auth, kind, mail.user_id, mail.subject_id).await?;
                Ok(told.and_then(|Told { recipient, values }| {
                    Draft::new(Some(recipient), Content::Told { kind, values, login: frontend })
                }))
            }
            Kind::EmailChanged => {
                let challenge_id = mail.subject_id.to_string();
                let request = pb::GetFormerAddressRequest { challenge_id };
                let answer = there(self.auth.clone().get_former_address(request).await)?;
                let told = Content::Told { kind, values: Vec::new(), login: None };
                Ok(Draft::new(answer.and_then(|answer| answer.recipient), told))
            }
            Kind::BudgetThreshold
            | Kind::BudgetExceeded
            | Kind::GoalMilestone
            | Kind::GoalReached
            | Kind::GoalDeadline
            | Kind::LargeTransaction
            | Kind::RecurringPosted
            | Kind::RecurringFailed
            | Kind::MonthlyReport => {
                let Some(notification) = self.notification(mail).await? else { return Ok(None) };
                let bars = self.bars(&notification).await?;
                let Notification { locale, title, body, .. } = notification;
                let app = self.has_frontend.then(|| self.link_base.clone());
                Ok(self.that_may_end(mail, Content::Notice { locale, title, body, app, bars }).await?)
            }
        }
    }

    /// A mail with a link to `page` and a code.
    async fn with_link(&self, mail: &Mail, page: &str) -> Result<Option<Draft>, Status> {
        let request = pb::GetChallengeRequest { challenge_id: mail.subject_id.to_string() };
        let secrets = match self.auth.clone().get_challenge(request).await {
            Ok(secrets) => secrets.into_inner(),
            Err(status) if is_lapsed(&status) => return Ok(None),
            Err(status) => return Err(status),
        };
        let link = format!("{}/{page}#token={}", self.link_base, secrets.token);
        let code = Some(secrets.code).filter(|code| !code.is_empty());
        Ok(Draft::new(secrets.recipient, Content::Link { kind: mail.kind, link, code }))
    }

    /// The notification that a mail repeats.
    async fn notification(&self, mail: &Mail) -> Result<Option<Notification>, Status> {
        let database = |error: sqlx::Error| fintrac_kit::error::database(&error);
        let mut connection = self.pool.acquire().await.map_err(database)?;
        notifications::find(&mut connection, mail.user_id, mail.subject_id).await.map_err(database)
    }

    /// The categories of a month's report.
    async fn bars(&self, notification: &Notification) -> Result<Vec<(String, String, u8)>, Unsaid> {
        if notification.kind != Kind::MonthlyReport {
            return Ok(Vec::new());
        }
        let database = |error: sqlx::Error| fintrac_kit::error::database(&error);
        let mut connection = self.pool.acquire().await.map_err(database)?;
        let found = reports::find(&mut connection, notification.entity_id).await.map_err(database)?;
        drop(connection);
        let Some((household_id, days)) = found.and_then(|(id, month)| Some((id, Days::of_month(month)?)))
        else {
            return Ok(Vec::new());
        };
        let money = self.reports.get(household_id, days).await?.money;
        Ok(render::bars(&notification.locale, &money)?)
    }

    /// A mail of a kind that its reader may switch off.
    async fn that_may_end(&self, mail: &Mail, content: Content) -> Result<Option<Draft>, Status> {
        let Some(answer) = self.asked_for(mail).await? else { return Ok(None) };
        let token = Some(answer.unsubscribe_token).filter(|token| !token.is_empty());
        let unsubscribe = token.map(|token| format!("{}/unsubscribe?token={token}", self.backend));
        Ok(answer.recipient.map(|recipient| Draft { recipient, content, unsubscribe }))
    }

    /// `None` when the user is gone.
    async fn recipient(&self, mail: &Mail) -> Result<Option<pb::Recipient>, Status> {
        Ok(self.asked_for(mail).await?.and_then(|answer| answer.recipient))
    }

    async fn asked_for(&self, mail: &Mail) -> Result<Option<pb::GetRecipientResponse>, Status> {
        let (user_id, kind) = (mail.user_id.to_string(), mail.kind.name().to_owned());
        there(self.auth.clone().get_recipient(pb::GetRecipientRequest { user_id, kind }).await)
    }
}

fn is_lapsed(status: &Status) -> bool {
    reason(status).as_deref() == Some("CHALLENGE_LAPSED")
}

impl Work for SendMail {
    type Item = Mail;

    async fn claim(&self, limit: i64) -> Result<Vec<Mail>, sqlx::Error> {
        let now = self.clock.now();
        mails::claim(&mut *self.pool.acquire().await?, limit, now, now + LEASE).await
    }

    async fn perform(&self, mail: Mail) -> Result<(), sqlx::Error> {
        let outcome = match tokio::time::timeout(PATIENCE, self.attempt(&mail)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Outcome::Failed("the mail server took too long".to_owned()),
        };
        let now = self.clock.now();
        let mut connection = self.pool.acquire().await?;
        let (id, kind) = (mail.id, mail.kind.name());
        match outcome {
            Outcome::Sent => {
                tracing::info!(%id, kind, "mail sent");
                mails::settle(&mut connection, id, End::Sent, None, now).await
            }
            Outcome::Dropped => {
                tracing::info!(%id, kind, "mail dropped: its reason has lapsed");
                mails::settle(&mut connection, id, End::Dropped, None, now).await
            }
            Outcome::Unreachable(error) => {
                tracing::warn!(%id, kind, error, "mail waits for another part");
                mails::postpone(&mut connection, id, mail.attempts, now + UNREACHABLE_PAUSE, &error).await
            }
            Outcome::Refused(error) => {
                tracing::error!(%id, kind, error, "mail refused");
                mails::settle(&mut connection, id, End::Dead, Some(&error), now).await
            }
            Outcome::Failed(error) => {
                if let Some(pause) = retry::pause(mail.attempts + 1) {
                    tracing::warn!(%id, kind, error, "mail not delivered yet");
                    mails::postpone(&mut connection, id, mail.attempts + 1, now + pause, &error).await
                } else {
                    tracing::error!(%id, kind, error, "mail given up");
                    mails::settle(&mut connection, id, End::Dead, Some(&error), now).await
                }
            }
        }
    }
}
