//! Loads the data of account notifications from auth-svc.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use fintrac_proto::NotificationKind;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::email_data_service_client::EmailDataServiceClient;
use kit_rpc::transport::Transport;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::error::RenderError;
use crate::render;

/// The recipient and the values of an account notification.
/// The values are formatted in the recipient's locale.
#[derive(Debug)]
pub struct AccountMessage {
    pub recipient: pb::Recipient,
    pub values: Vec<(&'static str, String)>,
}

impl From<pb::Recipient> for AccountMessage {
    /// Creates a message without values of its own.
    fn from(recipient: pb::Recipient) -> Self {
        let values = vec![("name", recipient.first_name.clone())];
        Self { recipient, values }
    }
}

/// Loads a message; `None` if the user or the subject no longer exists.
pub async fn load(
    auth: &EmailDataServiceClient<Transport>,
    kind: NotificationKind,
    user_id: Uuid,
    subject_id: Uuid,
) -> Result<Option<AccountMessage>, RenderError> {
    match kind {
        NotificationKind::NewDevice => for_device(auth, user_id, subject_id).await,
        NotificationKind::AccountDeletion => for_deletion(auth, user_id).await,
        _ => {
            let request = pb::GetRecipientRequest { user_id: user_id.to_string(), kind: kind.name().into() };
            let response = none_if_not_found(auth.clone().get_recipient(request).await)?;
            Ok(response.and_then(|response| response.recipient).map(AccountMessage::from))
        }
    }
}

/// Loads a message to the email address before its change.
pub async fn load_for_previous_address(
    auth: &EmailDataServiceClient<Transport>,
    challenge_id: Uuid,
) -> Result<Option<AccountMessage>, RenderError> {
    let request = pb::GetPreviousRecipientRequest { challenge_id: challenge_id.to_string() };
    let response = none_if_not_found(auth.clone().get_previous_recipient(request).await)?;
    Ok(response.and_then(|response| response.recipient).map(AccountMessage::from))
}

async fn for_device(
    auth: &EmailDataServiceClient<Transport>,
    user_id: Uuid,
    device_id: Uuid,
) -> Result<Option<AccountMessage>, RenderError> {
    let request = pb::GetDeviceDataRequest { user_id: user_id.to_string(), device_id: device_id.to_string() };
    let Some(data) = none_if_not_found(auth.clone().get_device_data(request).await)? else {
        return Ok(None);
    };
    let Some(recipient) = data.recipient else { return Ok(None) };
    let time = match data.first_seen_at.and_then(instant) {
        Some(time) => render::format_time(&recipient.locale, time, zone(&recipient))?,
        None => String::new(),
    };
    let or_dash = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    let (device, address) = (or_dash(data.name), or_dash(data.client_ip));
    Ok(Some(AccountMessage {
        recipient,
        values: vec![("device", device), ("address", address), ("time", time)],
    }))
}

async fn for_deletion(
    auth: &EmailDataServiceClient<Transport>,
    user_id: Uuid,
) -> Result<Option<AccountMessage>, RenderError> {
    let request = pb::GetDeletionDataRequest { user_id: user_id.to_string() };
    let data = none_if_not_found(auth.clone().get_deletion_data(request).await)?.unwrap_or_default();
    // The user may have been restored already.
    let Some((recipient, time)) = data.recipient.zip(data.erased_at.and_then(instant)) else {
        return Ok(None);
    };
    let day = render::format_date(&recipient.locale, time, zone(&recipient))?;
    Ok(Some(AccountMessage { recipient, values: vec![("day", day)] }))
}

fn zone(recipient: &pb::Recipient) -> Tz {
    recipient.timezone.parse().unwrap_or(Tz::UTC)
}

fn instant(timestamp: prost_types::Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(timestamp.seconds, u32::try_from(timestamp.nanos).ok()?)
}

/// Unwraps a response; `None` if the requested entity no longer exists.
pub fn none_if_not_found<T>(response: Result<Response<T>, Status>) -> Result<Option<T>, Status> {
    match response {
        Ok(response) => Ok(Some(response.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}
