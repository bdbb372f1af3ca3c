use fintrac_money::Currency;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::currency_service_server::CurrencyService;
use kit_service::handler::{RpcResult, execute, read};
use tonic::{Request, Response};

use super::{Rpc, convert};
use crate::domain::rate::{PublishedRate, Rate};
use crate::error::Error;

impl From<&PublishedRate> for pb::SetExchangeRateResponse {
    fn from(published: &PublishedRate) -> Self {
        let rate = Rate { value: published.value, day: published.day, source: published.source };
        let currency_code = published.currency.code().to_owned();
        let rate = pb::ExchangeRate { currency_code, rate: Some((&rate).into()) };
        Self { base: published.base.code().to_owned(), rate: Some(rate) }
    }
}

#[tonic::async_trait]
impl CurrencyService for Rpc {
    async fn set_exchange_rate(
        &self,
        request: Request<pb::SetExchangeRateRequest>,
    ) -> RpcResult<pb::SetExchangeRateResponse> {
        execute(request, async |ctx, request| self.0.set_exchange_rate(&ctx, &request).await).await
    }

    async fn list_currencies(
        &self,
        request: Request<pb::ListCurrenciesRequest>,
    ) -> RpcResult<pb::ListCurrenciesResponse> {
        read(request)?;
        let currencies = Currency::all().map(convert::currency).collect();
        Ok(Response::new(pb::ListCurrenciesResponse { currencies }))
    }

    async fn get_currency(
        &self,
        request: Request<pb::GetCurrencyRequest>,
    ) -> RpcResult<pb::GetCurrencyResponse> {
        let (_, pb::GetCurrencyRequest { code }) = read(request)?;
        let currency = Currency::from_code(&code).ok_or_else(|| Error::not_found("currency"))?;
        Ok(Response::new(pb::GetCurrencyResponse { currency: Some(convert::currency(currency)) }))
    }

    async fn list_exchange_rates(
        &self,
        request: Request<pb::ListExchangeRatesRequest>,
    ) -> RpcResult<pb::ListExchangeRatesResponse> {
        let (ctx, pb::ListExchangeRatesRequest { base, date }) = read(request)?;
        let list = self.0.list_exchange_rates(&ctx, &base, &date).await?;
        let rates = list.rates.into_iter().map(|(currency, rate)| pb::ExchangeRate {
            currency_code: currency.code().to_owned(),
            rate: Some((&rate).into()),
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
    ) -> RpcResult<pb::ConvertAmountResponse> {
        let (ctx, pb::ConvertAmountRequest { from, to, amount, date }) = read(request)?;
        let conversion = self.0.convert_amount(&ctx, &from, &to, &amount, &date).await?;
        Ok(Response::new(pb::ConvertAmountResponse {
            from: conversion.amount.currency().code().to_owned(),
            to: conversion.result.currency().code().to_owned(),
            amount: conversion.amount.to_string(),
            result: conversion.result.to_string(),
            rate: Some((&conversion.rate).into()),
        }))
    }
}
