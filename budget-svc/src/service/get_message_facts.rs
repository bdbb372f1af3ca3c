//! What events on alerts and milestones are about, for those who tell people.

use uuid::Uuid;

use super::Planning;
use crate::error::Error;
use crate::store::alerts::{self, Alert};
use crate::store::milestones::{self, Milestone};

impl Planning {
    pub async fn get_alert(&self, household_id: Uuid, alert_id: Uuid) -> Result<Alert, Error> {
        let found = alerts::find(&mut *self.pool.acquire().await?, household_id, alert_id).await?;
        found.ok_or(Error::NotFound("alert"))
    }

    pub async fn get_milestone(&self, household_id: Uuid, milestone_id: Uuid) -> Result<Milestone, Error> {
        let found = milestones::find(&mut *self.pool.acquire().await?, household_id, milestone_id).await?;
        found.ok_or(Error::NotFound("milestone"))
    }
}
