//! Conversions between domain types and protocol buffers.

use chrono::{DateTime, Utc};
use fintrac_kit::access::token_verifier::TrustUpdate;
use fintrac_kit::access::{DeniedCall, EnforcedIpRule};
use fintrac_kit::clock::timestamp;
use fintrac_kit::context::Client;
use fintrac_kit::error::{FieldViolation, ProblemCode};
use fintrac_kit::field_mask;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::{NotificationChannels, NotificationKind};
use tonic::Status;
use uuid::Uuid;

use crate::domain::device::Device;
use crate::domain::preferences::{ChannelsChange, PreferencesChanges};
use crate::domain::profile::{ProfileChanges, RegistrationInput};
use crate::domain::role::{Role, all_permissions};
use crate::domain::second_factor::Enrollment;
use crate::error::Error;
use crate::service::{ChallengeData, CurrentUser, PageQuery, Settings, TokenPair, UserChanges, UserQuery};
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
pub fn parse_id(text: &str) -> Result<Uuid, Status> {
    Uuid::parse_str(text).map_err(|_| ProblemCode::IdInvalid.into())
}

/// Parses an id in a path; without a UUID the resource does not exist.
pub fn parse_path_id(text: &str, what: &'static str) -> Result<Uuid, Error> {
    Uuid::parse_str(text).map_err(|_| Error::NotFound(what))
}

/// Parses an id in a filter; an empty text matches any id.
fn parse_filter_id(field: &str, text: &str) -> Result<Option<Uuid>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let rejection = |_| {
        Error::Query(vec![FieldViolation::parameter(
            field,
            "The id must be a UUID. Correct it, or leave it out.",
        )])
    };
    Uuid::parse_str(text).map(Some).map_err(rejection)
}

pub fn parse_timestamp(timestamp: Option<prost_types::Timestamp>) -> Option<DateTime<Utc>> {
    let timestamp = timestamp?;
    DateTime::from_timestamp(timestamp.seconds, u32::try_from(timestamp.nanos).ok()?)
}

/// Converts the device that the client describes.
pub fn device(device: Option<pb::Device>) -> Device {
    let device = device.unwrap_or_default();
    Device {
        device_id: device.device_id,
        name: device.name,
        platform: device.platform,
        os_version: device.os_version,
        app_version: device.app_version,
    }
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

impl From<TokenPair> for pb::TokenPair {
    fn from(pair: TokenPair) -> Self {
        Self {
            access_token: pair.access_token,
            refresh_token: pair.refresh_token,
            expires_in: pair.expires_in.num_seconds(),
            session_id: pair.session_id.to_string(),
            refresh_expires_at: Some(timestamp(pair.refresh_expires_at)),
        }
    }
}

impl From<CurrentUser> for pb::User {
    fn from(current_user: CurrentUser) -> Self {
        let profile = current_user.profile;
        Self {
            id: profile.id.to_string(),
            email: profile.email,
            username: profile.username,
            first_name: profile.first_name,
            last_name: profile.last_name,
            phone_number: current_user.phone_number,
            household_id: current_user.household_id.to_string(),
            roles: profile.roles,
            created_at: Some(timestamp(profile.created_at)),
            updated_at: Some(timestamp(profile.updated_at)),
            version: profile.version,
            pending_email: current_user.pending_email,
            mfa_enabled: profile.mfa_enabled,
        }
    }
}

impl From<Household> for pb::Household {
    fn from(household: Household) -> Self {
        Self {
            id: household.id.to_string(),
            currency_code: household.currency_code,
            timezone: household.timezone,
            locale: household.locale,
        }
    }
}

impl From<Recipient> for pb::Recipient {
    fn from(recipient: Recipient) -> Self {
        Self {
            email: recipient.email,
            first_name: recipient.first_name,
            locale: recipient.locale,
            timezone: recipient.timezone,
            household_id: recipient.household_id.map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}

impl From<ChallengeData> for pb::GetChallengeDataResponse {
    fn from(secrets: ChallengeData) -> Self {
        Self {
            recipient: Some(secrets.recipient.into()),
            token: secrets.token,
            code: secrets.code.unwrap_or_default(),
        }
    }
}

impl From<SigningKey> for pb::SigningKey {
    fn from(key: SigningKey) -> Self {
        Self { kid: key.kid, public_key: key.public_key.into() }
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
        user_id: rule.user_id.map(|id| id.to_string()).unwrap_or_default(),
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

impl From<SessionSummary> for pb::Session {
    fn from(session: SessionSummary) -> Self {
        let name = Some(session.device_name).filter(|name| !name.is_empty());
        Self {
            id: session.id.to_string(),
            device_id: session.device_id.map(|id| id.to_string()).unwrap_or_default(),
            device_name: name.unwrap_or_else(|| session.user_agent.clone()),
            client_ip: session.client_ip.unwrap_or_default(),
            user_agent: session.user_agent,
            created_at: Some(timestamp(session.created_at)),
            last_seen_at: Some(timestamp(session.last_seen_at)),
            expires_at: Some(timestamp(session.expires_at)),
            is_current: false,
        }
    }
}

impl From<KnownDevice> for pb::KnownDevice {
    fn from(device: KnownDevice) -> Self {
        let name = Some(device.name).filter(|name| !name.is_empty());
        Self {
            id: device.id.to_string(),
            name: name.unwrap_or_else(|| device.user_agent.clone()),
            platform: device.platform,
            os_version: device.os_version,
            app_version: device.app_version,
            client_ip: device.client_ip.unwrap_or_default(),
            user_agent: device.user_agent,
            is_trusted: device.is_trusted,
            first_seen_at: Some(timestamp(device.first_seen_at)),
            last_seen_at: Some(timestamp(device.last_seen_at)),
            is_current: false,
            version: device.version,
        }
    }
}

impl From<Enrollment> for pb::EnrollTotpResponse {
    fn from(enrollment: Enrollment) -> Self {
        let Enrollment { secret, otpauth_uri, qr_svg } = enrollment;
        Self { secret, otpauth_uri, qr_svg }
    }
}

impl From<SecurityEventRow> for pb::SecurityEvent {
    fn from(event: SecurityEventRow) -> Self {
        let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        Self {
            id: event.id.to_string(),
            kind: event.kind,
            user_id: id(event.user_id),
            session_id: id(event.session_id),
            detail: event.detail,
            client_ip: event.client_ip.unwrap_or_default(),
            user_agent: event.user_agent,
            request_id: event.request_id,
            occurred_at: Some(timestamp(event.occurred_at)),
        }
    }
}

/// Returns the filter and the page of the request.
pub fn security_filter(
    request: pb::ListSecurityEventsRequest,
) -> Result<(SecurityEventFilter, PageQuery), Error> {
    let filter = SecurityEventFilter {
        user_id: parse_filter_id("user_id", &request.user_id)?,
        kind: Some(request.kind).filter(|kind| !kind.is_empty()),
        from: parse_timestamp(request.from),
        to: parse_timestamp(request.to),
    };
    Ok((filter, PageQuery { size: request.page_size, token: request.page_token }))
}

impl From<ManagedUser> for pb::ManagedUser {
    fn from(user: ManagedUser) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email,
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            status: user.status,
            roles: user.roles,
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

pub fn user_query(request: pb::ListUsersRequest) -> (UserQuery, PageQuery) {
    let query = UserQuery { query: request.query, status: request.status, role: request.role };
    (query, PageQuery { size: request.page_size, token: request.page_token })
}

pub fn user_changes(request: pb::UpdateUserRequest) -> UserChanges {
    UserChanges {
        is_locked: request.is_locked,
        roles: request.roles.map(|roles| roles.names),
        end_sessions: request.end_sessions,
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
            user_id: rule.user_id.map(|id| id.to_string()).unwrap_or_default(),
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

impl From<Subscriber> for pb::Subscriber {
    fn from(subscriber: Subscriber) -> Self {
        Self {
            user_id: subscriber.user_id.to_string(),
            locale: subscriber.locale,
            email: subscriber.email,
            inbox: subscriber.inbox,
        }
    }
}
