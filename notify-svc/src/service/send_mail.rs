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
use tonic::{Code, Status};

use crate::config::Config;
use crate::delivery::{Delivery, Envelope};
use crate::domain::kind::Kind;
use crate::domain::mail::Mail;
use crate::domain::notification::Notification;
use crate::domain::retry;
use crate::render::{self, Content};
use crate::store::mails::{self, End};
use crate::store::notifications;

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
    link_base: String,
    has_frontend: bool,
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
    pub fn new(config: &Config, deps: &Deps, auth: Transport, delivery: Arc<Delivery>) -> Self {
        Self {
            pool: deps.pool.clone(),
            clock: deps.clock.clone(),
            auth: MailFactsServiceClient::new(auth),
            delivery,
            link_base: config.link_base.clone(),
            has_frontend: config.has_frontend,
        }
    }

    async fn attempt(&self, mail: &Mail) -> Outcome {
        let (recipient, content) = match self.content(mail).await {
            Ok(Some((recipient, content))) => (recipient, content),
            Ok(None) => return Outcome::Dropped,
            Err(status) => return Outcome::Unreachable(format!("{}: {}", status.code(), status.message())),
        };
        let locale = content.locale().unwrap_or(&recipient.locale);
        let rendered = match render::render(locale, &content) {
            Ok(rendered) => rendered,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        let envelope = Envelope { id: mail.id, kind: mail.kind, to: recipient.email, date: self.clock.now() };
        match self.delivery.deliver(&envelope, &rendered).await {
            Ok(()) => Outcome::Sent,
            Err(error) if error.is_permanent() => Outcome::Refused(error.summary()),
            Err(error) => Outcome::Failed(error.summary()),
        }
    }

    /// To whom, and what to say; `None` when nothing is left to say.
    async fn content(&self, mail: &Mail) -> Result<Option<(pb::Recipient, Content)>, Status> {
        let mut auth = self.auth.clone();
        let frontend = self.has_frontend.then(|| format!("{}/login", self.link_base));
        let (recipient, content) = match mail.kind {
            Kind::Verification => {
                let challenge_id = mail.subject_id.to_string();
                let secrets = match auth.get_challenge(pb::GetChallengeRequest { challenge_id }).await {
                    Ok(secrets) => secrets.into_inner(),
                    Err(status) if is_lapsed(&status) => return Ok(None),
                    Err(status) => return Err(status),
                };
                let link = format!("{}/verify-email?token={}", self.link_base, secrets.token);
                let code = Some(secrets.code).filter(|code| !code.is_empty());
                (secrets.recipient, Content::Verification { link, code })
            }
            Kind::AlreadyRegistered => {
                (self.recipient(mail).await?, Content::AlreadyRegistered { login: frontend })
            }
            Kind::Welcome => {
                let recipient = self.recipient(mail).await?;
                let first_name = recipient.as_ref().map(|to| to.first_name.clone()).unwrap_or_default();
                (recipient, Content::Welcome { first_name, login: frontend })
            }
            Kind::BudgetThreshold | Kind::BudgetExceeded | Kind::GoalMilestone | Kind::GoalReached => {
                let Some(notification) = self.notification(mail).await? else { return Ok(None) };
                let Notification { locale, title, body, .. } = notification;
                let app = self.has_frontend.then(|| self.link_base.clone());
                (self.recipient(mail).await?, Content::Notice { locale, title, body, app })
            }
        };
        Ok(recipient.map(|recipient| (recipient, content)))
    }

    /// The notification that a mail repeats.
    async fn notification(&self, mail: &Mail) -> Result<Option<Notification>, Status> {
        let database = |error: sqlx::Error| fintrac_kit::error::database(&error);
        let mut connection = self.pool.acquire().await.map_err(database)?;
        notifications::find(&mut connection, mail.user_id, mail.subject_id).await.map_err(database)
    }

    /// `None` when the user is gone.
    async fn recipient(&self, mail: &Mail) -> Result<Option<pb::Recipient>, Status> {
        let request = pb::GetRecipientRequest { user_id: mail.user_id.to_string() };
        match self.auth.clone().get_recipient(request).await {
            Ok(response) => Ok(response.into_inner().recipient),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status),
        }
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
