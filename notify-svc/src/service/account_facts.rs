//! What there is to say of what happened to somebody's account, asked of auth-svc.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use fintrac_kit::transport::Transport;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::mail_facts_service_client::MailFactsServiceClient;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::domain::kind::Kind;
use crate::error::Unsaid;
use crate::render;

/// To whom, and what the words need, as he writes it.
#[derive(Debug)]
pub struct Told {
    pub recipient: pb::Recipient,
    pub values: Vec<(&'static str, String)>,
}

/// `None` when the user, or what there was to say, is gone.
pub async fn told(
    auth: &MailFactsServiceClient<Transport>,
    kind: Kind,
    user_id: Uuid,
    subject_id: Uuid,
) -> Result<Option<Told>, Unsaid> {
    match kind {
        Kind::NewDevice => of_device(auth, user_id, subject_id).await,
        Kind::AccountDeletion => of_deletion(auth, user_id).await,
        _ => {
            let request = pb::GetRecipientRequest { user_id: user_id.to_string(), kind: kind.name().into() };
            let answer = there(auth.clone().get_recipient(request).await)?;
            let recipient = answer.and_then(|answer| answer.recipient);
            Ok(recipient.map(|recipient| Told { recipient, values: Vec::new() }))
        }
    }
}

async fn of_device(
    auth: &MailFactsServiceClient<Transport>,
    user_id: Uuid,
    device_id: Uuid,
) -> Result<Option<Told>, Unsaid> {
    let request =
        pb::GetDeviceFactsRequest { user_id: user_id.to_string(), device_id: device_id.to_string() };
    let Some(facts) = there(auth.clone().get_device_facts(request).await)? else { return Ok(None) };
    let Some(recipient) = facts.recipient else { return Ok(None) };
    let time = match facts.first_seen_at.and_then(instant) {
        Some(at) => render::minute(&recipient.locale, at, zone(&recipient))?,
        None => String::new(),
    };
    let or_dash = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    let (device, address) = (or_dash(facts.name), or_dash(facts.client_ip));
    Ok(Some(Told { recipient, values: vec![("device", device), ("address", address), ("time", time)] }))
}

async fn of_deletion(
    auth: &MailFactsServiceClient<Transport>,
    user_id: Uuid,
) -> Result<Option<Told>, Unsaid> {
    let request = pb::GetDeletionFactsRequest { user_id: user_id.to_string() };
    let facts = there(auth.clone().get_deletion_facts(request).await)?.unwrap_or_default();
    // The user may be back already.
    let Some((recipient, at)) = facts.recipient.zip(facts.erased_at.and_then(instant)) else {
        return Ok(None);
    };
    let day = render::day(&recipient.locale, at, zone(&recipient))?;
    Ok(Some(Told { recipient, values: vec![("day", day)] }))
}

fn zone(recipient: &pb::Recipient) -> Tz {
    recipient.timezone.parse().unwrap_or(Tz::UTC)
}

fn instant(timestamp: prost_types::Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(timestamp.seconds, u32::try_from(timestamp.nanos).ok()?)
}

/// An answer; `None` when what was asked about is gone.
pub fn there<T>(answer: Result<Response<T>, Status>) -> Result<Option<T>, Status> {
    match answer {
        Ok(response) => Ok(Some(response.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}
