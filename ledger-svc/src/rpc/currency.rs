use fintrac_kit::access::RequestContext;
use fintrac_kit::idempotency;
use fintrac_money::Currency;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::currency_service_server::CurrencyService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::domain::rate::{PublishedRate, Rate};
use crate::error::Error;
use crate::service::RateInput;

fn set_response(published: &PublishedRate) -> pb::SetExchangeRateResponse {
    let rate = Rate { value: published.value, day: published.day, source: published.source };
    pb::SetExchangeRateResponse {
        base: published.base.code().to_owned(),
        rate: Some(pb::ExchangeRate {
            currency_code: published.currency.code().to_owned(),
            rate: Some(rate.into()),
        }),
    }
}

#[tonic::async_trait]
impl CurrencyService for Rpc {
    async fn set_exchange_rate(
        &self,
        request: Request<pb::SetExchangeRateRequest>,
    ) -> Result<Response<pb::SetExchangeRateResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "CurrencyService/SetExchangeRate")?;
        let pb::SetExchangeRateRequest { base, currency_code, rate, date } = request.into_inner();
        let input = RateInput { base, currency_code, rate, date };
        let encode = |published: &PublishedRate| set_response(published).encode_to_vec();
        let stored = self.0.set_exchange_rate(&ctx, input, key, encode).await?;
        idempotency::response(stored, |published| set_response(&published))
    }

    async fn list_currencies(
        &self,
        request: Request<pb::ListCurrenciesRequest>,
    ) -> Result<Response<pb::ListCurrenciesResponse>, Status> {
        RequestContext::from_request(&request)?;
        let currencies = Currency::all().map(convert::currency).collect();
        Ok(Response::new(pb::ListCurrenciesResponse { currencies }))
    }

    async fn get_currency(
        &self,
        request: Request<pb::GetCurrencyRequest>,
    ) -> Result<Response<pb::GetCurrencyResponse>, Status> {
        RequestContext::from_request(&request)?;
        let found = Currency::from_code(&request.into_inner().code);
        let currency = found.ok_or_else(|| Error::not_found("currency"))?;
        Ok(Response::new(pb::GetCurrencyResponse { currency: Some(convert::currency(currency)) }))
    }

    async fn list_exchange_rates(
        &self,
        request: Request<pb::ListExchangeRatesRequest>,
    ) -> Result<Response<pb::ListExchangeRatesResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListExchangeRatesRequest { base, date } = request.into_inner();
        let list = self.0.list_exchange_rates(&ctx, &base, &date).await?;
        let rates = list.rates.into_iter().map(|(currency, rate)| pb::ExchangeRate {
            currency_code: currency.code().to_owned(),
            rate: Some(rate.into()),
        });
        Ok(Response::new(pb::ListExchangeRatesResponse {
            base: list.base.code().to_owned(),
            date: list.day.to_string(),
            rates: rates.collect(),
        }))
    }

    async fn convert_amount(
        &self,
        request: Request<pb::ConvertAmountRequest>,
    ) -> Result<Response<pb::ConvertAmountResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ConvertAmountRequest { from, to, amount, date } = request.into_inner();
        let conversion = self.0.convert_amount(&ctx, &from, &to, &amount, &date).await?;
        Ok(Response::new(pb::ConvertAmountResponse {
            from: conversion.amount.currency().code().to_owned(),
            to: conversion.result.currency().code().to_owned(),
            amount: conversion.amount.to_string(),
            result: conversion.result.to_string(),
            rate: Some(conversion.rate.into()),
        }))
    }
}
