//! Reads households from auth-svc, which owns them.

#![warn(missing_docs)]

use std::time::Duration;

use fintrac_money::{Currency, Household};
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::household_service_client::HouseholdServiceClient;
use kit_access::RequestContext;
use kit_rpc::transport::Transport;
use kit_service::use_case::Error;
use moka::sync::Cache;
use tonic::Code;
use uuid::Uuid;

const CACHE_CAPACITY: u64 = 100_000;
/// The time for which a cached household may be out of date.
const CACHE_TTL: Duration = Duration::from_secs(30);

/// A client for households, with a cache.
#[derive(Debug)]
pub struct HouseholdClient {
    auth: HouseholdServiceClient<Transport>,
    cache: Cache<Uuid, Household>,
}

impl HouseholdClient {
    /// Creates a client; `auth` is the transport to auth-svc.
    pub fn new(auth: Transport) -> Self {
        let cache = Cache::builder().max_capacity(CACHE_CAPACITY).time_to_live(CACHE_TTL).build();
        Self { auth: HouseholdServiceClient::new(auth), cache }
    }

    /// Returns a household, from the cache or auth-svc.
    pub async fn get(&self, id: Uuid) -> Result<Household, Error> {
        if let Some(known) = self.cached(id) {
            return Ok(known);
        }
        let household = Self::parse(&self.fetch(id).await?)?;
        self.store(household);
        Ok(household)
    }

    /// Returns a household from the cache.
    pub fn cached(&self, id: Uuid) -> Option<Household> {
        self.cache.get(&id)
    }

    /// Stores a household in the cache.
    pub fn store(&self, household: Household) {
        self.cache.insert(household.id, household);
    }

    /// Removes a household from the cache after a change.
    pub fn invalidate(&self, id: Uuid) {
        self.cache.invalidate(&id);
    }

    /// Fetches a household from auth-svc.
    pub async fn fetch(&self, id: Uuid) -> Result<pb::Household, Error> {
        let request = pb::GetHouseholdRequest { household_id: id.to_string() };
        let response = self.auth.clone().get_household(request).await;
        let response = response.map_err(|status| match status.code() {
            Code::NotFound => Error::not_found("household"),
            _ => Error::Upstream("auth", status),
        })?;
        response.into_inner().household.ok_or(Error::Internal("auth-svc sent no household".into()))
    }

    /// Parses a household that auth-svc sent.
    pub fn parse(message: &pb::Household) -> Result<Household, Error> {
        let unknown = |what: &str| Error::Internal(format!("auth-svc sent an unknown {what}"));
        Ok(Household {
            id: Uuid::parse_str(&message.id).map_err(|_| unknown("id"))?,
            currency: Currency::from_code(&message.currency_code).ok_or_else(|| unknown("currency"))?,
            timezone: message.timezone.parse().map_err(|_| unknown("time zone"))?,
        })
    }

    /// Returns the user's default currency, for input without a currency.
    pub async fn default_currency(&self, ctx: &RequestContext) -> Result<Currency, Error> {
        let request = pb::GetMemberRequest {
            household_id: ctx.principal.household_id.to_string(),
            user_id: ctx.principal.user_id.to_string(),
        };
        let response = self.auth.clone().get_member(request).await;
        let code = response.map_err(|status| Error::Upstream("auth", status))?.into_inner().default_currency;
        Currency::from_code(&code).ok_or_else(|| Error::Internal("auth-svc sent an unknown currency".into()))
    }
}
