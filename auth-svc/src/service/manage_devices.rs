//! Lists, trusts and deletes a user's devices; deletion ends their sessions.

use fintrac_kit::access::RequestContext;
use fintrac_kit::error::ProblemCode;
use uuid::Uuid;

use super::{ChangeEvent, IdentityUseCases};
use crate::error::Error;
use crate::store::devices::{self, KnownDevice};
use crate::store::{sessions, users};

impl IdentityUseCases {
    /// Returns the devices, the most recently seen first, and the id of the current one.
    pub async fn list_devices(
        &self,
        ctx: &RequestContext,
    ) -> Result<(Vec<KnownDevice>, Option<Uuid>), Error> {
        let mut connection = self.pool.acquire().await?;
        let current_device_id = sessions::find_device(&mut connection, ctx.principal.session_id).await?;
        Ok((devices::list(&mut connection, ctx.principal.user_id).await?, current_device_id))
    }

    /// Returns the updated device and the id of the current device.
    pub async fn update_device(
        &self,
        ctx: &RequestContext,
        device_id: Uuid,
        is_trusted: Option<bool>,
        expected_version: Option<i64>,
    ) -> Result<(KnownDevice, Option<Uuid>), Error> {
        let user_id = ctx.principal.user_id;
        let mut transaction = self.pool.begin().await?;
        users::lock(&mut transaction, user_id).await?;
        let found = devices::lock(&mut transaction, user_id, device_id).await?;
        let mut device = found.ok_or(Error::NotFound("device"))?;
        if expected_version.is_some_and(|version| version != device.version) {
            return Err(ProblemCode::VersionMismatch.into());
        }
        if let Some(is_trusted) = is_trusted.filter(|is_trusted| *is_trusted != device.is_trusted) {
            self.ensure_reauthenticated(&mut transaction, ctx).await?;
            device.is_trusted = is_trusted;
            device.version = device.version.saturating_add(1);
            devices::set_trusted(&mut transaction, user_id, device_id, is_trusted, device.version).await?;
            let change = device_change(user_id, device_id, device.version, "updated", &["is_trusted"]);
            self.record(&mut transaction, change, &ctx.origin).await?;
        }
        let current_device_id = sessions::find_device(&mut transaction, ctx.principal.session_id).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        Ok((device, current_device_id))
    }

    pub async fn delete_device(
        &self,
        ctx: &RequestContext,
        device_id: Uuid,
        expected_version: Option<i64>,
    ) -> Result<(), Error> {
        let user_id = ctx.principal.user_id;
        let mut transaction = self.pool.begin().await?;
        users::lock(&mut transaction, user_id).await?;
        let found = devices::lock(&mut transaction, user_id, device_id).await?;
        let device = found.ok_or(Error::NotFound("device"))?;
        if expected_version.is_some_and(|version| version != device.version) {
            return Err(ProblemCode::VersionMismatch.into());
        }
        self.ensure_reauthenticated(&mut transaction, ctx).await?;
        for session_id in sessions::list_open_on_device(&mut transaction, user_id, device_id).await? {
            self.end_session(&mut transaction, user_id, session_id, &ctx.origin).await?;
        }
        devices::delete(&mut transaction, user_id, device_id).await?;
        let version = device.version.saturating_add(1);
        let change = device_change(user_id, device_id, version, "deleted", &[]);
        self.record(&mut transaction, change, &ctx.origin).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        self.publisher.refresh_now();
        Ok(())
    }
}

pub(super) fn device_change<'a>(
    user_id: Uuid,
    device_id: Uuid,
    version: i64,
    kind: &'static str,
    changed: &'a [&'a str],
) -> ChangeEvent<'a> {
    ChangeEvent {
        user_id,
        household_id: None,
        entity: "device",
        entity_id: device_id,
        version,
        kind,
        changed,
    }
}
