use std::collections::BTreeMap;

use chrono::NaiveDate;
use fintrac_money::{Currency, Money};
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::spending_service_server::SpendingService;
use kit_access::Caller;
use kit_core::date;
use kit_core::error::FieldViolation;
use kit_service::handler::{self, RpcResult, respond};
use tonic::{Request, Response};
use uuid::Uuid;

use super::Rpc;
use crate::domain::category::CategoryRef;
use crate::domain::interval::Span;
use crate::domain::rate::Rate;
use crate::error::Error;
use crate::service::{Spending, SpendingQuery, SpendingSeries, Transfer, TransferInput};
use crate::store::category_references::Referrer;

/// Returns the error for a request that does not follow the contract.
fn malformed(field: &str) -> Error {
    Error::query(vec![FieldViolation::parameter(field, "The value cannot be parsed.")])
}

fn parse_id(field: &str, text: &str) -> Result<Uuid, Error> {
    Uuid::parse_str(text).map_err(|_| malformed(field))
}

fn parse_ids(field: &str, texts: &[String]) -> Result<Vec<Uuid>, Error> {
    texts.iter().map(|text| parse_id(field, text)).collect()
}

fn parse_currency(code: &str) -> Result<Currency, Error> {
    Currency::from_code(code).ok_or_else(|| malformed("currency_code"))
}

fn parse_date(field: &str, text: &str) -> Result<NaiveDate, Error> {
    date::parse(text).ok_or_else(|| malformed(field))
}

fn query(query: &pb::SpendingQuery) -> Result<SpendingQuery, Error> {
    Ok(SpendingQuery {
        currency: parse_currency(&query.currency_code)?,
        category_ids: parse_ids("category_ids", &query.category_ids)?,
        from: parse_date("from", &query.from)?,
        to: parse_date("to", &query.to)?,
    })
}

fn series(series: &pb::SpendingSeries) -> Result<SpendingSeries, Error> {
    let period = |period: &pb::SpendingPeriod| {
        let (from, to) = (parse_date("from", &period.from)?, parse_date("to", &period.to)?);
        if to < from { Err(malformed("to")) } else { Ok(Span { from, to }) }
    };
    let periods: Vec<_> = series.periods.iter().map(period).collect::<Result<_, _>>()?;
    if !periods.is_sorted_by(|one, next| one.to < next.from) {
        return Err(malformed("periods"));
    }
    let currency = parse_currency(&series.currency_code)?;
    Ok(SpendingSeries { currency, category_ids: parse_ids("category_ids", &series.category_ids)?, periods })
}

impl From<Spending> for pb::Spending {
    fn from(spending: Spending) -> Self {
        let rate = |(date, currency, rate): (NaiveDate, Currency, Rate)| {
            let pb::Rate { rate, date: rate_date, source } = (&rate).into();
            let currency_code = currency.code().to_owned();
            pb::SpendingRate { date: date.to_string(), currency_code, rate, rate_date, source }
        };
        let unpriced = spending.unpriced.into_iter().map(|(date, money)| pb::UnpricedSpending {
            date: date.map(|day| day.to_string()).unwrap_or_default(),
            currency_code: money.currency().code().to_owned(),
            amount: money.to_string(),
        });
        Self {
            amount: spending.amount.to_string(),
            rates: spending.rates.into_iter().map(rate).collect(),
            unpriced: unpriced.collect(),
        }
    }
}

fn upcoming(days: BTreeMap<NaiveDate, Money>) -> pb::UpcomingSpendingList {
    let days = days
        .into_iter()
        .map(|(date, amount)| pb::UpcomingSpending { date: date.to_string(), amount: amount.to_string() });
    pb::UpcomingSpendingList { days: days.collect() }
}

fn resolved_categories(categories: Vec<(Uuid, CategoryRef)>) -> Vec<pb::ResolvedCategory> {
    let resolved = categories.into_iter().map(|(requested, category)| pb::ResolvedCategory {
        id: requested.to_string(),
        r#type: category.category_type.into_str().to_owned(),
        live_id: category.id.to_string(),
    });
    resolved.collect()
}

impl From<&Transfer> for pb::Transfer {
    fn from(transfer: &Transfer) -> Self {
        Self {
            status: transfer.status.into_str().to_owned(),
            change: transfer.change.to_string(),
            version: transfer.version,
            other_account_id: transfer.other_account_id.map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}

#[tonic::async_trait]
impl SpendingService for Rpc {
    async fn find_categories(
        &self,
        request: Request<pb::FindCategoriesRequest>,
    ) -> RpcResult<pb::FindCategoriesResponse> {
        let pb::FindCategoriesRequest { household_id, category_ids } = request.into_inner();
        let ids = parse_ids("category_ids", &category_ids)?;
        let categories = self.0.find_categories(parse_id("household_id", &household_id)?, &ids).await?;
        Ok(Response::new(pb::FindCategoriesResponse { categories: resolved_categories(categories) }))
    }

    async fn set_category_references(
        &self,
        request: Request<pb::SetCategoryReferencesRequest>,
    ) -> RpcResult<pb::SetCategoryReferencesResponse> {
        let service = Caller::from_request(&request).service.unwrap_or_default();
        let request = request.into_inner();
        let household_id = parse_id("household_id", &request.household_id)?;
        let entity_id = parse_id("entity_id", &request.entity_id)?;
        let referrer = Referrer { household_id, service, kind: request.kind, entity_id };
        let ids = parse_ids("category_ids", &request.category_ids)?;
        let (generation, remove_to) = (request.generation, request.remove_to_generation);
        let categories = self.0.set_category_references(&referrer, &ids, generation, remove_to).await?;
        Ok(Response::new(pb::SetCategoryReferencesResponse { categories: resolved_categories(categories) }))
    }

    async fn find_account(
        &self,
        request: Request<pb::FindAccountRequest>,
    ) -> RpcResult<pb::FindAccountResponse> {
        let pb::FindAccountRequest { household_id, account_id } = request.into_inner();
        let household_id = parse_id("household_id", &household_id)?;
        let account = self.0.find_account(household_id, handler::parse_id(&account_id, "account")?).await?;
        Ok(Response::new(pb::FindAccountResponse {
            currency_code: account.currency().code().to_owned(),
            is_open: account.accepts_postings(),
        }))
    }

    async fn sum_spending(
        &self,
        request: Request<pb::SumSpendingRequest>,
    ) -> RpcResult<pb::SumSpendingResponse> {
        let request = request.into_inner();
        let household_id = parse_id("household_id", &request.household_id)?;
        let queries: Vec<_> = request.series.iter().map(series).collect::<Result<_, _>>()?;
        let sums = self.0.sum_spending(household_id, queries, request.with_rates).await?;
        let sums = sums
            .into_iter()
            .map(|spending| pb::SpendingSums { spending: spending.into_iter().map(Into::into).collect() });
        Ok(Response::new(pb::SumSpendingResponse { sums: sums.collect() }))
    }

    async fn list_upcoming_spending(
        &self,
        request: Request<pb::ListUpcomingSpendingRequest>,
    ) -> RpcResult<pb::ListUpcomingSpendingResponse> {
        let pb::ListUpcomingSpendingRequest { household_id, from, queries } = request.into_inner();
        let queries: Vec<_> = queries.iter().map(query).collect::<Result<_, _>>()?;
        let (from, household_id) = (parse_date("from", &from)?, parse_id("household_id", &household_id)?);
        let found = self.0.list_upcoming_spending(household_id, from, queries).await?;
        let found = found.into_iter().map(upcoming).collect();
        Ok(Response::new(pb::ListUpcomingSpendingResponse { upcoming: found }))
    }

    async fn list_balances(
        &self,
        request: Request<pb::ListBalancesRequest>,
    ) -> RpcResult<pb::ListBalancesResponse> {
        let pb::ListBalancesRequest { household_id, account_ids } = request.into_inner();
        let ids = parse_ids("account_ids", &account_ids)?;
        let states = self.0.list_balances(parse_id("household_id", &household_id)?, &ids).await?;
        let balances = states.into_iter().map(|state| pb::list_balances_response::AccountBalance {
            account_id: state.account.id.to_string(),
            currency_code: state.account.currency().code().to_owned(),
            balance: state.balance.to_string(),
        });
        Ok(Response::new(pb::ListBalancesResponse { balances: balances.collect() }))
    }

    async fn post_transfer(
        &self,
        request: Request<pb::PostTransferRequest>,
    ) -> RpcResult<pb::PostTransferResponse> {
        let request_id = Caller::from_request(&request).origin().request_id;
        let request = request.into_inner();
        let input = TransferInput {
            household_id: parse_id("household_id", &request.household_id)?,
            user_id: parse_id("user_id", &request.user_id)?,
            transaction_id: parse_id("transaction_id", &request.transaction_id)?,
            account_id: parse_id("account_id", &request.account_id)?,
            to_account_id: parse_id("to_account_id", &request.to_account_id)?,
            amount: request.amount,
            is_source_amount: request.is_source_amount,
            description: request.description,
            date: request.transaction_date,
        };
        respond(&self.0.post_transfer(input, request_id).await?)
    }

    async fn find_transfer(
        &self,
        request: Request<pb::FindTransferRequest>,
    ) -> RpcResult<pb::FindTransferResponse> {
        let pb::FindTransferRequest { household_id, transaction_id, account_id } = request.into_inner();
        let found = self.0.find_transfer(
            parse_id("household_id", &household_id)?,
            parse_id("transaction_id", &transaction_id)?,
            parse_id("account_id", &account_id)?,
        );
        respond(&found.await?)
    }
}
