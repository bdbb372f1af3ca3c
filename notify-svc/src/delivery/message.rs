//! Builds the MIME message of an email (RFC 5322).

use chrono::{DateTime, Utc};
use fintrac_proto::NotificationKind;
use lettre::address::AddressError;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use uuid::Uuid;

use super::error::DeliveryError;
use crate::render::RenderedEmail;

const KIND: HeaderName = HeaderName::new_from_ascii_str("X-FinTrac-Kind");
const LIST_UNSUBSCRIBE: HeaderName = HeaderName::new_from_ascii_str("List-Unsubscribe");
const LIST_UNSUBSCRIBE_POST: HeaderName = HeaderName::new_from_ascii_str("List-Unsubscribe-Post");
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// The metadata of an email.
#[derive(Debug)]
pub struct Envelope {
    pub id: Uuid,
    pub kind: NotificationKind,
    pub to: String,
    /// The URL that unsubscribes from emails of this kind.
    pub unsubscribe: Option<String>,
    pub date: DateTime<Utc>,
}

pub fn build(
    from: &Mailbox,
    envelope: &Envelope,
    rendered: &RenderedEmail,
) -> Result<Message, DeliveryError> {
    // The id does not change when an email is sent again, so that clients recognize the duplicate.
    let message_id = format!("<{}@{}>", envelope.id, from.email.domain());
    let body = MultiPart::alternative_plain_html(rendered.text.clone(), rendered.html.clone());
    let mut builder = Message::builder();
    if let Some(url) = &envelope.unsubscribe {
        // One-click unsubscribe in the email client (RFC 8058).
        builder = builder
            .raw_header(HeaderValue::new(LIST_UNSUBSCRIBE, format!("<{url}>")))
            .raw_header(HeaderValue::new(LIST_UNSUBSCRIBE_POST, "List-Unsubscribe=One-Click".to_owned()));
    }
    let to = recipient(&envelope.to)?;
    // The envelope is set explicitly: lettre would drop non-ASCII letters when it reads the headers.
    let route = lettre::address::Envelope::new(Some(from.email.clone()), vec![to.clone()])?;
    Ok(builder
        .envelope(route)
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(rendered.subject.clone())
        .date(envelope.date.into())
        .message_id(Some(message_id))
        .raw_header(HeaderValue::new(KIND, envelope.kind.public_name().to_owned()))
        .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
        .multipart(body)?)
}

/// Returns the address with its domain in ASCII (IDNA).
///
/// Servers without SMTPUTF8 (RFC 6531) can then deliver to it, if its local part is ASCII.
fn recipient(text: &str) -> Result<Address, AddressError> {
    let (local, domain) = text.rsplit_once('@').ok_or(AddressError::MissingParts)?;
    let domain = idna::domain_to_ascii(domain).map_err(|_| AddressError::InvalidDomain)?;
    // lettre's own check rejects combining marks of non-Latin scripts.
    let is_plain = !local.is_empty()
        && local.chars().all(|letter| {
            !letter.is_control() && !letter.is_whitespace() && !"()<>[]:;@\\,\"".contains(letter)
        });
    if !is_plain {
        return Err(AddressError::InvalidUser);
    }
    Address::new("a", &domain)?;
    Ok(Address::new_dangerous(local, domain))
}
