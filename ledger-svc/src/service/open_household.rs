//! A household's facts; at first sight they are asked of auth-svc, and the
//! household gets its default categories.

use fintrac_kit::access::By;
use fintrac_kit::error::{reason, unavailable};
use fintrac_money::{Currency, Household};
use fintrac_proto::auth::v1 as pb;
use tonic::{Code, Status};
use uuid::Uuid;

use super::{Change, Ledger};
use crate::defaults;
use crate::error::Error;
use crate::store::{categories, households};

impl Ledger {
    /// The caller's household.
    pub(crate) async fn household(&self, by: &By) -> Result<Household, Error> {
        let id = by.principal.household_id;
        if let Some(known) = self.households.get(&id) {
            return Ok(known);
        }
        let stored = households::find(&mut *self.pool.acquire().await?, id).await?;
        let household = match stored {
            Some(household) => household,
            None => self.open_household(by, id).await?,
        };
        self.households.insert(id, household);
        Ok(household)
    }

    async fn open_household(&self, by: &By, id: Uuid) -> Result<Household, Error> {
        let facts = self.facts(id).await?;
        let household = household(&facts)?;
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        if !households::insert(&mut transaction, &household, now).await? {
            return Ok(household);
        }
        for category in defaults::categories(&facts.locale, now, &self.random) {
            categories::insert(&mut transaction, id, &category).await?;
        }
        let change = Change { entity: "household", entity_id: id, version: 1, kind: "opened", changed: &[] };
        self.record(&mut transaction, by, change).await?;
        transaction.commit().await?;
        self.bell.ring();
        // It may have moved since it was asked about, and its event found no row here.
        match self.facts(id).await.and_then(|facts| self::household(&facts)) {
            Ok(again) if again != household => {
                let mut connection = self.pool.acquire().await?;
                households::move_from(&mut connection, &household, &again).await?;
                Ok(again)
            }
            Ok(_same) => Ok(household),
            Err(error) => {
                tracing::warn!(household_id = %id, %error, "a household was asked about only once");
                Ok(household)
            }
        }
    }

    /// What auth-svc says of a household.
    async fn facts(&self, id: Uuid) -> Result<pb::Household, Error> {
        let request = pb::GetHouseholdRequest { household_id: id.to_string() };
        let answer =
            self.auth.clone().get_household(request).await.map_err(|status| match status.code() {
                Code::NotFound => Error::not_found("household"),
                _ => auth_error(status),
            })?;
        answer.into_inner().household.ok_or(Error::Internal("no household in the answer".into()))
    }
}

/// A household as auth-svc tells of it.
pub(super) fn household(facts: &pb::Household) -> Result<Household, Error> {
    let unknown = |what: &str| Error::Internal(format!("auth-svc sent an unknown {what}"));
    Ok(Household {
        id: Uuid::parse_str(&facts.id).map_err(|_| unknown("id"))?,
        currency: Currency::from_code(&facts.currency_code).ok_or_else(|| unknown("currency"))?,
        timezone: facts.timezone.parse().map_err(|_| unknown("time zone"))?,
    })
}

/// Returns the error for a failed call to auth-svc.
pub(super) fn auth_error(status: Status) -> Error {
    match status.code() {
        Code::Unavailable if reason(&status).is_none() => {
            Error::Auth(unavailable("auth cannot be reached; try again in a moment."))
        }
        _ => Error::Auth(status),
    }
}
