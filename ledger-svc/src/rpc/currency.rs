use fintrac_kit::access::By;
use fintrac_kit::idempotency;
use fintrac_money::Currency;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::currency_service_server::CurrencyService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::domain::rate::{Published, Rate};
use crate::error::Error;
use crate::service::RateInput;

fn set(it: &Published) -> pb::SetExchangeRateResponse {
    let rate = Rate { value: it.value, day: it.day, source: it.source };
    pb::SetExchangeRateResponse {
        base: it.base.code().to_owned(),
        rate: Some(pb::ExchangeRate {
            currency_code: it.currency.code().to_owned(),
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
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "CurrencyService/SetExchangeRate")?;
        let pb::SetExchangeRateRequest { base, currency_code, rate, date } = request.into_inner();
        let input = RateInput { base, currency_code, rate, date };
        let encode = |it: &Published| set(it).encode_to_vec();
        let kept = self.0.set_exchange_rate(&by, input, key, encode).await?;
        idempotency::answer(kept, |it| set(&it))
    }

    async fn list_currencies(
        &self,
        request: Request<pb::ListCurrenciesRequest>,
    ) -> Result<Response<pb::ListCurrenciesResponse>, Status> {
        By::of(&request)?;
        let currencies = Currency::all().map(convert::currency).collect();
        Ok(Response::new(pb::ListCurrenciesResponse { currencies }))
    }

    async fn get_currency(
        &self,
        request: Request<pb::GetCurrencyRequest>,
    ) -> Result<Response<pb::GetCurrencyResponse>, Status> {
        By::of(&request)?;
        let found = Currency::from_code(&request.into_inner().code);
        let currency = found.ok_or_else(|| Error::not_found("currency"))?;
        Ok(Response::new(pb::GetCurrencyResponse { currency: Some(convert::currency(currency)) }))
    }

    async fn list_exchange_rates(
        &self,
        request: Request<pb::ListExchangeRatesRequest>,
    ) -> Result<Response<pb::ListExchangeRatesResponse>, Status> {
        let by = By::of(&request)?;
        let pb::ListExchangeRatesRequest { base, date } = request.into_inner();
        let list = self.0.list_exchange_rates(&by, &base, &date).await?;
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
        let by = By::of(&request)?;
        let pb::ConvertAmountRequest { from, to, amount, date } = request.into_inner();
        let done = self.0.convert_amount(&by, &from, &to, &amount, &date).await?;
        Ok(Response::new(pb::ConvertAmountResponse {
            from: done.amount.currency().code().to_owned(),
            to: done.result.currency().code().to_owned(),
            amount: done.amount.to_string(),
            result: done.result.to_string(),
            rate: Some(done.rate.into()),
        }))
    }
}
