//! Gets the data of alerts, milestones and reminders for notifications.

use uuid::Uuid;

use super::BudgetUseCases;
use crate::error::Error;
use crate::store::alerts::{self, Alert};
use crate::store::milestones::{self, Milestone};
use crate::store::reminders::{self, Reminder};

impl BudgetUseCases {
    pub async fn get_alert(&self, household_id: Uuid, alert_id: Uuid) -> Result<Alert, Error> {
        let found = alerts::find(&mut *self.pool.acquire().await?, household_id, alert_id).await?;
        found.ok_or_else(|| Error::not_found("alert"))
    }

    pub async fn get_milestone(&self, household_id: Uuid, milestone_id: Uuid) -> Result<Milestone, Error> {
        let found = milestones::find(&mut *self.pool.acquire().await?, household_id, milestone_id).await?;
        found.ok_or_else(|| Error::not_found("milestone"))
    }

    pub async fn get_reminder(&self, household_id: Uuid, reminder_id: Uuid) -> Result<Reminder, Error> {
        let found = reminders::find(&mut *self.pool.acquire().await?, household_id, reminder_id).await?;
        found.ok_or_else(|| Error::not_found("reminder"))
    }
}
