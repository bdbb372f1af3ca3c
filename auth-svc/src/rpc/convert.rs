//! Between domain and proto.

use fintrac_kit::clock::timestamp;
use fintrac_kit::mask::named;
use fintrac_proto::auth::v1 as pb;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::domain::preferences::{Channels, ChannelsChange, Kind, PreferencesChanges};
use crate::domain::profile::Draft;
use crate::service::{ChallengeSecrets, Me, Settings, TokenPair, TrustUpdate};
use crate::store::households::Household;
use crate::store::preferences::Listener;
use crate::store::signing_keys::SigningKey;
use crate::store::users::Recipient;

/// An id in a request between parts.
pub fn id(text: &str) -> Result<Uuid, Status> {
    let refusal =
        || fintrac_kit::error::Refusal::new(Code::InvalidArgument, "ID_INVALID", "An id is not a UUID.");
    Uuid::parse_str(text).map_err(|_| refusal().into())
}

/// What a device says of itself, as it is stored.
pub fn device(device: Option<pb::Device>) -> Option<serde_json::Value> {
    device.map(|device| {
        serde_json::json!({
            "device_id": device.device_id,
            "name": device.name,
            "platform": device.platform,
            "os_version": device.os_version,
            "app_version": device.app_version,
        })
    })
}

pub fn draft(request: pb::RegisterRequest, languages: String) -> Draft {
    Draft {
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

impl From<Me> for pb::User {
    fn from(me: Me) -> Self {
        let profile = me.profile;
        Self {
            id: profile.id.to_string(),
            email: profile.email,
            username: profile.username,
            first_name: profile.first_name,
            last_name: profile.last_name,
            phone_number: me.phone_number,
            household_id: me.household_id.to_string(),
            roles: profile.roles,
            created_at: Some(timestamp(profile.created_at)),
            updated_at: Some(timestamp(profile.updated_at)),
            version: profile.version,
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
        Self { email: recipient.email, first_name: recipient.first_name, locale: recipient.locale }
    }
}

impl From<ChallengeSecrets> for pb::GetChallengeResponse {
    fn from(secrets: ChallengeSecrets) -> Self {
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

/// Keys and revocations of an update.
pub fn trust(update: TrustUpdate) -> (Vec<pb::SigningKey>, Vec<pb::RevokedSession>) {
    let keys =
        update.keys.into_iter().map(|(kid, key)| pb::SigningKey { kid, public_key: key.to_vec().into() });
    let revoked = update.revoked.into_iter().map(|(session_id, forget_at)| pb::RevokedSession {
        session_id: session_id.to_string(),
        forget_at: Some(timestamp(forget_at)),
    });
    (keys.collect(), revoked.collect())
}

impl From<&Settings> for pb::Preferences {
    fn from(settings: &Settings) -> Self {
        let preferences = &settings.preferences;
        let channels = Kind::ALL.map(|kind| {
            let Channels { mail, inbox } = preferences.channels(kind);
            pb::Channels { kind: kind.as_str().to_owned(), mail, inbox }
        });
        Self {
            theme: preferences.theme.clone(),
            locale: preferences.locale.clone(),
            default_currency: preferences.default_currency.clone(),
            timezone: preferences.timezone.clone(),
            large_transaction_limit: settings.limit().map(|limit| limit.to_string()),
            notifications: channels.into(),
            version: preferences.version,
        }
    }
}

/// The fields that the mask names; one that cannot be cleared and has no value
/// is refused as an empty one.
pub fn preferences_changes(request: pb::UpdatePreferencesRequest) -> PreferencesChanges {
    let mask = request.update_mask;
    let has = |field| named(mask.as_ref(), field);
    let set = |field, value: Option<String>| has(field).then(|| value.unwrap_or_default());
    let notifications = request.notifications.into_iter().filter(|_| has("notifications"));
    PreferencesChanges {
        theme: set("theme", request.theme),
        locale: set("locale", request.locale),
        default_currency: set("default_currency", request.default_currency),
        timezone: set("timezone", request.timezone),
        large_transaction_limit: has("large_transaction_limit").then_some(request.large_transaction_limit),
        notifications: notifications
            .map(|it| ChannelsChange { kind: it.kind, mail: it.mail, inbox: it.inbox })
            .collect(),
    }
}

impl From<Listener> for pb::Listener {
    fn from(listener: Listener) -> Self {
        Self {
            user_id: listener.user_id.to_string(),
            locale: listener.locale,
            mail: listener.mail,
            inbox: listener.inbox,
        }
    }
}
