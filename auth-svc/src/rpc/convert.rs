//! Conversions between domain types and protocol buffers.

use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::{NotificationChannels, NotificationKind};
use kit_access::token_verifier::TrustUpdate;
use kit_access::{DeniedCall, EnforcedIpRule};
use kit_core::clock::timestamp;
use kit_core::context::Client;
use kit_core::error::{FieldViolation, ProblemCode};
use kit_core::field_mask;
use uuid::Uuid;

use crate::domain::device::Device;
use crate::domain::preferences::{ChannelsChange, PreferencesChanges};
use crate::domain::profile::{ProfileChanges, RegistrationInput};
use crate::domain::role::{Role, all_permissions};
use crate::error::Error;
use crate::service::{CurrentUser, Settings, TokenPair};
use crate::store::devices::KnownDevice;
use crate::store::households::Household;
use crate::store::ip_rules::IpRule;
use crate::store::managed_users::ManagedUser;
use crate::store::preferences::Subscriber;
use crate::store::security_events::{SecurityEventFilter, SecurityEventRow};
use crate::store::sessions::SessionSummary;
use crate::store::signing_keys::SigningKey;
use crate::store::users::Recipient;

/// Parses an id in a request of another service.
pub fn parse_id(text: &str) -> Result<Uuid, Error> {
    Uuid::parse_str(text).map_err(|_| ProblemCode::IdInvalid.into())
}

/// Parses an id in a filter; an empty text matches any id.
fn parse_filter_id(field: &str, text: &str) -> Result<Option<Uuid>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let hint = "The id must be a UUID. Correct it, or leave it out.";
    Uuid::parse_str(text).map(Some).map_err(|_| Error::query(vec![FieldViolation::parameter(field, hint)]))
}

fn parse_timestamp(timestamp: Option<prost_types::Timestamp>) -> Option<DateTime<Utc>> {
    let timestamp = timestamp?;
    DateTime::from_timestamp(timestamp.seconds, u32::try_from(timestamp.nanos).ok()?)
}

/// Converts the device that the client describes.
pub fn device(device: Option<pb::Device>) -> Device {
    let pb::Device { device_id, name, platform, os_version, app_version } = device.unwrap_or_default();
    Device { device_id, name, platform, os_version, app_version }
}

pub fn registration_input(request: pb::RegisterRequest, languages: String) -> RegistrationInput {
    RegistrationInput {
        email: request.email,
        password: request.password,
        first_name: request.first_name,
        last_name: request.last_name,
        username: request.username,
        phone_number: request.phone_number,
        locale: request.locale,
        theme: request.theme,
        default_currency: request.default_currency,
        timezone: request.timezone,
        device: device(request.device),
        languages,
    }
}

impl From<&TokenPair> for pb::TokenPair {
    fn from(pair: &TokenPair) -> Self {
        Self {
            access_token: pair.access_token.clone(),
            refresh_token: pair.refresh_token.clone(),
            expires_in: pair.expires_in.num_seconds(),
            session_id: pair.session_id.to_string(),
            refresh_expires_at: Some(timestamp(pair.refresh_expires_at)),
        }
    }
}

impl From<&CurrentUser> for pb::User {
    fn from(current_user: &CurrentUser) -> Self {
        let profile = &current_user.profile;
        Self {
            id: profile.id.to_string(),
            email: profile.email.clone(),
            username: profile.username.clone(),
            first_name: profile.first_name.clone(),
            last_name: profile.last_name.clone(),
            phone_number: current_user.phone_number.clone(),
            household_id: current_user.household_id.to_string(),
            roles: profile.roles.clone(),
            created_at: Some(timestamp(profile.created_at)),
            updated_at: Some(timestamp(profile.updated_at)),
            version: profile.version,
            pending_email: current_user.pending_email.clone(),
            mfa_enabled: profile.mfa_enabled,
        }
    }
}

impl From<&Household> for pb::Household {
    fn from(household: &Household) -> Self {
        Self {
            id: household.id.to_string(),
            currency_code: household.currency_code.clone(),
            timezone: household.timezone.clone(),
            locale: household.locale.clone(),
        }
    }
}

impl From<&Recipient> for pb::Recipient {
    fn from(recipient: &Recipient) -> Self {
        Self {
            email: recipient.email.clone(),
            first_name: recipient.first_name.clone(),
            locale: recipient.locale.clone(),
            timezone: recipient.timezone.clone(),
            household_id: id_text(recipient.household_id),
        }
    }
}

impl From<&SigningKey> for pb::SigningKey {
    fn from(key: &SigningKey) -> Self {
        Self { kid: key.kid.clone(), public_key: key.public_key.clone().into() }
    }
}

/// Converts an update to a snapshot.
pub fn snapshot(update: TrustUpdate) -> pb::TrustSnapshot {
    let pb::TrustDelta { keys, revoked, roles, ip_rules } = delta(update);
    pb::TrustSnapshot { keys, revoked, roles, ip_rules }
}

/// Converts an update to a delta.
pub fn delta(update: TrustUpdate) -> pb::TrustDelta {
    let key = |(kid, key): (String, [u8; 32])| pb::SigningKey { kid, public_key: key.to_vec().into() };
    let revoked = |(session_id, expires_at): (Uuid, DateTime<Utc>)| pb::RevokedSession {
        session_id: session_id.to_string(),
        expires_at: Some(timestamp(expires_at)),
    };
    let role = |(name, permissions)| pb::RolePermissions { name, permissions };
    let rule = |rule: EnforcedIpRule| pb::EnforcedIpRule {
        user_id: id_text(rule.user_id),
        cidr: rule.network.to_string(),
        allow: rule.allow,
    };
    pb::TrustDelta {
        keys: update.keys.into_iter().map(key).collect(),
        revoked: update.revoked.into_iter().map(revoked).collect(),
        roles: update.roles.map(|roles| pb::RoleSet { roles: roles.into_iter().map(role).collect() }),
        ip_rules: update
            .ip_rules
            .map(|rules| pb::EnforcedIpRuleSet { rules: rules.into_iter().map(rule).collect() }),
    }
}

/// Converts a denied call that another process reports.
/// Returns `None` if a field is not valid.
pub fn denied_call(call: pb::DeniedCall) -> Option<DeniedCall> {
    // Only known permissions, because the text is stored.
    let permission = all_permissions().into_iter().find(|permission| **permission == call.permission)?;
    Some(DeniedCall {
        user_id: Uuid::parse_str(&call.user_id).ok()?,
        session_id: Uuid::parse_str(&call.session_id).ok()?,
        permission,
        client: Client { ip: call.client_ip.parse().ok(), user_agent: call.user_agent, ..Client::default() },
        request_id: call.request_id,
        denied_at: parse_timestamp(call.denied_at)?,
    })
}

/// Returns the fields of a profile that the mask names.
pub fn profile_changes(request: pb::UpdateCurrentUserRequest) -> ProfileChanges {
    let mask = request.update_mask;
    let has = |field| field_mask::contains(mask.as_ref(), field);
    let if_named = |field, value: Option<String>| has(field).then(|| value.unwrap_or_default());
    ProfileChanges {
        email: if_named("email", request.email),
        first_name: if_named("first_name", request.first_name),
        last_name: if_named("last_name", request.last_name),
        username: has("username").then_some(request.username),
        phone_number: has("phone_number").then_some(request.phone_number),
    }
}

impl From<&SessionSummary> for pb::Session {
    fn from(session: &SessionSummary) -> Self {
        Self {
            id: session.id.to_string(),
            device_id: id_text(session.device_id),
            device_name: device_name(&session.device_name, &session.user_agent),
            client_ip: session.client_ip.clone().unwrap_or_default(),
            user_agent: session.user_agent.clone(),
            created_at: Some(timestamp(session.created_at)),
            last_seen_at: Some(timestamp(session.last_seen_at)),
            expires_at: Some(timestamp(session.expires_at)),
            is_current: false,
        }
    }
}

impl From<&KnownDevice> for pb::KnownDevice {
    fn from(device: &KnownDevice) -> Self {
        Self {
            id: device.id.to_string(),
            name: device_name(&device.name, &device.user_agent),
            platform: device.platform.clone(),
            os_version: device.os_version.clone(),
            app_version: device.app_version.clone(),
            client_ip: device.client_ip.clone().unwrap_or_default(),
            user_agent: device.user_agent.clone(),
            is_trusted: device.is_trusted,
            first_seen_at: Some(timestamp(device.first_seen_at)),
            last_seen_at: Some(timestamp(device.last_seen_at)),
            is_current: false,
            version: device.version,
        }
    }
}

/// Returns the name of a device, or its user agent if it has none.
pub fn device_name(name: &str, user_agent: &str) -> String {
    if name.is_empty() { user_agent.to_owned() } else { name.to_owned() }
}

impl From<&SecurityEventRow> for pb::SecurityEvent {
    fn from(event: &SecurityEventRow) -> Self {
        Self {
            id: event.id.to_string(),
            kind: event.kind.clone(),
            user_id: id_text(event.user_id),
            session_id: id_text(event.session_id),
            detail: event.detail.clone(),
            client_ip: event.client_ip.clone().unwrap_or_default(),
            user_agent: event.user_agent.clone(),
            request_id: event.request_id.clone(),
            occurred_at: Some(timestamp(event.occurred_at)),
        }
    }
}

/// Converts the filter of the request.
pub fn security_filter(request: &pb::ListSecurityEventsRequest) -> Result<SecurityEventFilter, Error> {
    Ok(SecurityEventFilter {
        user_id: parse_filter_id("user_id", &request.user_id)?,
        kind: Some(request.kind.clone()).filter(|kind| !kind.is_empty()),
        from: parse_timestamp(request.from),
        to: parse_timestamp(request.to),
    })
}

impl From<&ManagedUser> for pb::ManagedUser {
    fn from(user: &ManagedUser) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.clone(),
            username: user.username.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            status: user.status.clone(),
            roles: user.roles.clone(),
            mfa_enabled: user.mfa_enabled,
            open_sessions: i32::try_from(user.open_sessions).unwrap_or(i32::MAX),
            created_at: Some(timestamp(user.created_at)),
            last_seen_at: user.last_seen_at.map(timestamp),
            locked_at: user.locked_at.map(timestamp),
            erased_at: user.erase_at.map(timestamp),
            version: user.version,
        }
    }
}

impl From<&Role> for pb::Role {
    fn from(role: &Role) -> Self {
        Self {
            name: role.name.clone(),
            permissions: role.permissions.iter().cloned().collect(),
            is_built_in: role.is_built_in,
            version: role.version,
        }
    }
}

impl From<&IpRule> for pb::IpRule {
    fn from(rule: &IpRule) -> Self {
        Self {
            id: rule.id.to_string(),
            action: rule.action.as_str().to_owned(),
            cidr: rule.cidr.clone(),
            user_id: id_text(rule.user_id),
            note: rule.note.clone(),
            created_at: Some(timestamp(rule.created_at)),
        }
    }
}

impl From<&Settings> for pb::Preferences {
    fn from(settings: &Settings) -> Self {
        let preferences = &settings.preferences;
        let channels = NotificationKind::configurable().map(|kind| {
            let NotificationChannels { email, inbox } = preferences.channels(kind);
            pb::Channels { kind: kind.name().to_owned(), email, inbox }
        });
        Self {
            theme: preferences.theme.clone(),
            locale: preferences.locale.clone(),
            default_currency: preferences.default_currency.clone(),
            timezone: preferences.timezone.clone(),
            large_transaction_limit: settings.limit().map(|limit| limit.to_string()),
            notifications: channels.collect(),
            version: preferences.version,
        }
    }
}

/// Returns the fields of the preferences that the mask names.
/// A field without a value becomes an empty text, which is rejected unless the field can be
/// cleared.
pub fn preferences_changes(request: pb::UpdatePreferencesRequest) -> PreferencesChanges {
    let mask = request.update_mask;
    let has = |field| field_mask::contains(mask.as_ref(), field);
    let if_named = |field, value: Option<String>| has(field).then(|| value.unwrap_or_default());
    let notifications = request.notifications.into_iter().filter(|_| has("notifications"));
    PreferencesChanges {
        theme: if_named("theme", request.theme),
        locale: if_named("locale", request.locale),
        default_currency: if_named("default_currency", request.default_currency),
        timezone: if_named("timezone", request.timezone),
        large_transaction_limit: has("large_transaction_limit").then_some(request.large_transaction_limit),
        notifications: notifications
            .map(|change| ChannelsChange { kind: change.kind, email: change.email, inbox: change.inbox })
            .collect(),
    }
}

impl From<&Subscriber> for pb::Subscriber {
    fn from(subscriber: &Subscriber) -> Self {
        Self {
            user_id: subscriber.user_id.to_string(),
            locale: subscriber.locale.clone(),
            email: subscriber.email,
            inbox: subscriber.inbox,
        }
    }
}

/// Returns the text of an optional id; empty if there is none.
fn id_text(id: Option<Uuid>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}
