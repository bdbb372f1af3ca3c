//! Lists, trusts and deletes a user's devices; deletion ends their sessions.

use kit_access::RequestContext;
use kit_service::use_case::{EntityChange, WriteTransaction};
use uuid::Uuid;

use super::{IdentityUseCases, user_change};
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
        let (mut transaction, mut device) = self.begin_with_device(ctx, device_id, expected_version).await?;
        if let Some(is_trusted) = is_trusted.filter(|is_trusted| *is_trusted != device.is_trusted) {
            self.ensure_reauthenticated(&mut transaction, ctx).await?;
            device.is_trusted = is_trusted;
            device.version = device.version.saturating_add(1);
            devices::set_trusted(&mut transaction, user_id, device_id, is_trusted, device.version).await?;
            let change = device_change(user_id, device_id, device.version, "updated", &["is_trusted"]);
            transaction.record_change(change).await?;
        }
        let current_device_id = sessions::find_device(&mut transaction, ctx.principal.session_id).await?;
        transaction.commit().await?;
        Ok((device, current_device_id))
    }

    pub async fn delete_device(
        &self,
        ctx: &RequestContext,
        device_id: Uuid,
        expected_version: Option<i64>,
    ) -> Result<(), Error> {
        let user_id = ctx.principal.user_id;
        let (mut transaction, device) = self.begin_with_device(ctx, device_id, expected_version).await?;
        self.ensure_reauthenticated(&mut transaction, ctx).await?;
        for session_id in sessions::list_open_on_device(&mut transaction, user_id, device_id).await? {
            self.end_session(&mut transaction, user_id, session_id).await?;
        }
        devices::delete(&mut transaction, user_id, device_id).await?;
        let version = device.version.saturating_add(1);
        transaction.record_change(device_change(user_id, device_id, version, "deleted", &[])).await?;
        self.publish(transaction.commit()).await
    }

    /// Begins a transaction and locks the caller and one of the caller's devices.
    async fn begin_with_device(
        &self,
        ctx: &RequestContext,
        device_id: Uuid,
        expected_version: Option<i64>,
    ) -> Result<(WriteTransaction, KnownDevice), Error> {
        let mut transaction = self.begin(ctx).await?;
        users::lock(&mut transaction, ctx.principal.user_id).await?;
        let device = devices::lock(&mut transaction, ctx.principal.user_id, device_id).await?;
        let device = device.ok_or_else(|| Error::not_found("device"))?;
        Error::check_version(expected_version, device.version)?;
        Ok((transaction, device))
    }
}

pub(super) fn device_change<'a>(
    user_id: Uuid,
    device_id: Uuid,
    version: i64,
    kind: &'static str,
    changed: &'a [&'a str],
) -> EntityChange<'a> {
    EntityChange { entity: "device", entity_id: device_id, ..user_change(user_id, version, kind, changed) }
}
