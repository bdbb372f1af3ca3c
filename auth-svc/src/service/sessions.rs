//! The start and the end of sessions, shared by login, refresh and logout.

use chrono::{DateTime, TimeDelta, Utc};
use kit_access::network_key;
use kit_access::token::{AUDIENCE, Claims};
use kit_service::use_case::{EntityChange, WriteTransaction};
use uuid::Uuid;

use super::manage_devices::device_change;
use super::{IdentityUseCases, user_change};
use crate::domain::device::Device;
use crate::domain::role;
use crate::domain::secret::Secrets;
use crate::error::Error;
use crate::store::devices::{self, DeviceLogin};
use crate::store::sessions::{self, Session};
use crate::store::users::{Credentials, Profile};
use crate::store::{refresh_tokens, revocations};

/// The time for which verifiers reject an ended session after its last token.
/// The margin covers verifiers whose clocks are behind.
const REVOCATION_MARGIN: TimeDelta = TimeDelta::minutes(5);
/// The maximum number of stored devices without a session.
const MAX_UNUSED_DEVICES: i64 = 50;

/// The tokens that a client gets for its session.
#[derive(Debug)]
pub struct TokenPair {
    pub access_token: String,
    pub refresh_token: String,
    pub expires_in: TimeDelta,
    pub session_id: Uuid,
    pub refresh_expires_at: DateTime<Utc>,
}

impl IdentityUseCases {
    /// Starts a session on a device and ends the oldest sessions beyond the limit.
    /// The user is notified of a new device, except the first one. The caller holds the user's
    /// lock.
    pub(super) async fn begin_session(
        &self,
        transaction: &mut WriteTransaction,
        user: &Credentials,
        household_id: Uuid,
        device: &Device,
    ) -> Result<(Session, String), Error> {
        let (user_id, now) = (user.id, self.clock.now());
        let keep = usize::try_from(self.config.sessions_per_user - 1).unwrap_or_default();
        for surplus in sessions::lock_open(transaction, user_id).await?.into_iter().skip(keep) {
            self.end_session(transaction, user_id, surplus).await?;
        }
        let expires_at = now + self.config.session_lifetime;
        let session = Session {
            id: self.random.id(now),
            user_id,
            household_id,
            idle_expires_at: (now + self.config.refresh_token_lifetime).min(expires_at),
            expires_at,
            access_expires_at: now + self.config.access_token_lifetime,
            device_id: Some(self.upsert_device(transaction, user, device).await?),
            ended_at: None,
        };
        let origin = transaction.actor().origin.clone();
        sessions::insert(transaction, &session, &origin, now).await?;
        let token = Secrets::first_refresh_token(&self.random);
        refresh_tokens::insert(transaction, &self.secrets.refresh_hash(&token), session.id, now).await?;
        transaction.record_change(session_change(&session, 1, "started")).await?;
        Ok((session, token))
    }

    async fn upsert_device(
        &self,
        transaction: &mut WriteTransaction,
        user: &Credentials,
        device: &Device,
    ) -> Result<Uuid, Error> {
        let (user_id, now) = (user.id, self.clock.now());
        let origin = &transaction.actor().origin.clone();
        let fingerprint_input = device.fingerprint_input(origin, &network_key(origin.client.ip));
        let fingerprint = self.secrets.fingerprint(user_id, &fingerprint_input);
        let id = self.random.id(now);
        let login = DeviceLogin { user_id, id, fingerprint, device, origin, now };
        let (device_id, is_new) = devices::upsert(transaction, &login).await?;
        if !is_new {
            return Ok(device_id);
        }
        // Deleting all devices does not make the next one the first.
        let is_first = user.last_login_at.is_none();
        for (id, version) in devices::delete_surplus(transaction, user_id, MAX_UNUSED_DEVICES).await? {
            let version = version.saturating_add(1);
            transaction.record_change(device_change(user_id, id, version, "deleted", &[])).await?;
        }
        let kind = if is_first { "first_seen" } else { "added" };
        transaction.record_change(device_change(user_id, device_id, 1, kind, &[])).await?;
        if !is_first {
            self.record_security_event(transaction, Some(user_id), "new_device", None).await?;
        }
        Ok(device_id)
    }

    /// Ends a session; its tokens are rejected everywhere within a second.
    pub(super) async fn end_session(
        &self,
        transaction: &mut WriteTransaction,
        user_id: Uuid,
        session_id: Uuid,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let Some(session) = sessions::lock(transaction, session_id).await? else { return Ok(()) };
        if session.user_id != user_id || !sessions::end(transaction, session_id, now).await? {
            return Ok(());
        }
        let expires_at = session.access_expires_at.max(now) + REVOCATION_MARGIN;
        revocations::insert(transaction, session_id, now, expires_at).await?;
        Ok(transaction.record_change(session_change(&session, 2, "ended")).await?)
    }

    /// Ends all sessions of a user.
    pub(super) async fn end_all_sessions(
        &self,
        transaction: &mut WriteTransaction,
        user_id: Uuid,
    ) -> Result<(), Error> {
        for session_id in sessions::lock_open(transaction, user_id).await? {
            self.end_session(transaction, user_id, session_id).await?;
        }
        Ok(())
    }

    /// Builds the token pair of a session with its current `refresh_token`.
    pub(super) fn token_pair(
        &self,
        session: &Session,
        profile: &Profile,
        refresh_token: String,
    ) -> Result<TokenPair, Error> {
        let now = self.clock.now();
        let expires_at = (now + self.config.access_token_lifetime).min(session.expires_at);
        let claims = Claims {
            iss: self.config.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: session.user_id,
            sid: session.id,
            hh: session.household_id,
            roles: self.effective_roles(profile),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
        };
        Ok(TokenPair {
            access_token: self.signer.sign(&claims, now)?,
            refresh_token,
            expires_in: expires_at - now,
            session_id: session.id,
            refresh_expires_at: session.idle_expires_at,
        })
    }

    /// Returns the roles that a token names.
    /// If a second factor is required of staff, `admin` and `support` are left out until the user
    /// has one. The first refresh after the enrollment adds them.
    fn effective_roles(&self, profile: &Profile) -> Vec<String> {
        let needs_factor = self.config.require_staff_mfa && !profile.mfa_enabled;
        let holds = |name: &&String| !(needs_factor && [role::ADMIN, role::SUPPORT].contains(&name.as_str()));
        profile.roles.iter().filter(holds).cloned().collect()
    }
}

/// Builds the event of a session: version 1 at its start, version 2 at its end.
fn session_change(session: &Session, version: i64, kind: &'static str) -> EntityChange<'static> {
    let household_id = Some(session.household_id);
    let change = user_change(session.user_id, version, kind, &[]);
    EntityChange { household_id, entity: "session", entity_id: session.id, ..change }
}
