//! A user's devices: the list, whether one is trusted, and forgetting one,
//! which ends its sessions.

use fintrac_kit::access::By;
use uuid::Uuid;

use super::{Change, Identity};
use crate::error::Error;
use crate::store::devices::{self, KnownDevice};
use crate::store::{sessions, users};

impl Identity {
    /// The one seen last first, and the device of the caller's session.
    pub async fn list_devices(&self, by: &By) -> Result<(Vec<KnownDevice>, Option<Uuid>), Error> {
        let mut connection = self.pool.acquire().await?;
        let current = sessions::device_of(&mut connection, by.principal.session_id).await?;
        Ok((devices::list(&mut connection, by.principal.user_id).await?, current))
    }

    /// The device as it is then, and the device of the caller's session.
    pub async fn update_device(
        &self,
        by: &By,
        device_id: Uuid,
        is_trusted: Option<bool>,
        if_version: Option<i64>,
    ) -> Result<(KnownDevice, Option<Uuid>), Error> {
        let user_id = by.principal.user_id;
        let mut transaction = self.pool.begin().await?;
        users::lock(&mut transaction, user_id).await?;
        let found = devices::lock(&mut transaction, user_id, device_id).await?;
        let mut device = found.ok_or(Error::NotFound("device"))?;
        if if_version.is_some_and(|version| version != device.version) {
            return Err(Error::VersionMismatch);
        }
        if let Some(is_trusted) = is_trusted.filter(|is_trusted| *is_trusted != device.is_trusted) {
            self.ensure_reauthenticated(&mut transaction, by).await?;
            device.is_trusted = is_trusted;
            device.version = device.version.saturating_add(1);
            devices::set_trusted(&mut transaction, user_id, device_id, is_trusted, device.version).await?;
            let change = of_device(user_id, device_id, device.version, "updated", &["is_trusted"]);
            self.record(&mut transaction, change, &by.origin).await?;
        }
        let current = sessions::device_of(&mut transaction, by.principal.session_id).await?;
        transaction.commit().await?;
        self.bell.ring();
        Ok((device, current))
    }

    pub async fn forget_device(
        &self,
        by: &By,
        device_id: Uuid,
        if_version: Option<i64>,
    ) -> Result<(), Error> {
        let user_id = by.principal.user_id;
        let mut transaction = self.pool.begin().await?;
        users::lock(&mut transaction, user_id).await?;
        let found = devices::lock(&mut transaction, user_id, device_id).await?;
        let device = found.ok_or(Error::NotFound("device"))?;
        if if_version.is_some_and(|version| version != device.version) {
            return Err(Error::VersionMismatch);
        }
        self.ensure_reauthenticated(&mut transaction, by).await?;
        for session_id in sessions::of_device(&mut transaction, user_id, device_id).await? {
            self.end_session(&mut transaction, user_id, session_id, &by.origin).await?;
        }
        devices::delete(&mut transaction, user_id, device_id).await?;
        let version = device.version.saturating_add(1);
        let change = of_device(user_id, device_id, version, "forgotten", &[]);
        self.record(&mut transaction, change, &by.origin).await?;
        transaction.commit().await?;
        self.bell.ring();
        self.publisher.look_now();
        Ok(())
    }
}

pub(super) fn of_device<'a>(
    user_id: Uuid,
    device_id: Uuid,
    version: i64,
    kind: &'static str,
    changed: &'a [&'a str],
) -> Change<'a> {
    Change { user_id, household_id: None, entity: "device", entity_id: device_id, version, kind, changed }
}
