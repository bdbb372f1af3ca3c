//! Provisions a household on its first request.
//!
//! Its data is fetched from auth-svc, and it gets its default categories.

use fintrac_kit::access::RequestContext;
use fintrac_kit::error::{reason, unavailable};
use fintrac_money::{Currency, Household};
use fintrac_proto::auth::v1 as pb;
use tonic::{Code, Status};
use uuid::Uuid;

use super::LedgerUseCases;
use crate::defaults;
use crate::error::Error;
use crate::store::{categories, households};

impl LedgerUseCases {
    /// Returns the caller's household and provisions it if it is unknown.
    pub(crate) async fn household(&self, ctx: &RequestContext) -> Result<Household, Error> {
        let id = ctx.principal.household_id;
        if let Some(known) = self.households.get(&id) {
            return Ok(known);
        }
        let stored = households::find(&mut *self.pool.acquire().await?, id).await?;
        let household = match stored {
            Some(household) => household,
            None => self.provision_household(ctx, id).await?,
        };
        self.households.insert(id, household);
        Ok(household)
    }

    async fn provision_household(&self, ctx: &RequestContext, id: Uuid) -> Result<Household, Error> {
        let fetched = self.fetch_household(id).await?;
        let household = parse_household(&fetched)?;
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        if !households::insert(&mut transaction, &household, now).await? {
            return Ok(household);
        }
        for category in defaults::categories(&fetched.locale, now, &self.random) {
            categories::insert(&mut transaction, id, &category).await?;
        }
        self.record(&mut transaction, ctx, ("household", id, 1), "opened", &[]).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        // If the time zone changed after the fetch, its event found no row to update.
        match self.fetch_household(id).await.and_then(|fetched| parse_household(&fetched)) {
            Ok(current) if current != household => {
                let mut connection = self.pool.acquire().await?;
                households::set_timezone_if_unchanged(&mut connection, &household, &current).await?;
                Ok(current)
            }
            Ok(_same) => Ok(household),
            Err(error) => {
                tracing::warn!(household_id = %id, %error, "household not fetched again after provisioning");
                Ok(household)
            }
        }
    }

    /// Fetches a household from auth-svc.
    async fn fetch_household(&self, id: Uuid) -> Result<pb::Household, Error> {
        let request = pb::GetHouseholdRequest { household_id: id.to_string() };
        let response =
            self.auth.clone().get_household(request).await.map_err(|status| match status.code() {
                Code::NotFound => Error::not_found("household"),
                _ => auth_error(status),
            })?;
        response.into_inner().household.ok_or(Error::Internal("auth-svc sent no household".into()))
    }
}

/// Parses a household that auth-svc sent.
pub(super) fn parse_household(fetched: &pb::Household) -> Result<Household, Error> {
    let unknown = |what: &str| Error::Internal(format!("auth-svc sent an unknown {what}"));
    Ok(Household {
        id: Uuid::parse_str(&fetched.id).map_err(|_| unknown("id"))?,
        currency: Currency::from_code(&fetched.currency_code).ok_or_else(|| unknown("currency"))?,
        timezone: fetched.timezone.parse().map_err(|_| unknown("time zone"))?,
    })
}

/// Returns the error for a failed call to auth-svc.
pub(super) fn auth_error(status: Status) -> Error {
    match status.code() {
        Code::Unavailable if reason(&status).is_none() => {
            Error::Auth(unavailable("auth cannot be reached. Try again in a moment."))
        }
        _ => Error::Auth(status),
    }
}
