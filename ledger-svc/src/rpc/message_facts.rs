use fintrac_money::Amount;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::message_facts_service_server::MessageFactsService;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};

#[tonic::async_trait]
impl MessageFactsService for Rpc {
    async fn list_transaction_facts(
        &self,
        request: Request<pb::ListTransactionFactsRequest>,
    ) -> Result<Response<pb::ListTransactionFactsResponse>, Status> {
        let mut keys = Vec::new();
        for key in request.into_inner().transactions {
            let household_id = convert::id(&key.household_id, "household")?;
            keys.push((household_id, convert::id(&key.transaction_id, "transaction")?));
        }
        let found = self.0.list_transaction_facts(&keys).await?;
        let facts = found.into_iter().map(|(household_id, it)| pb::TransactionFacts {
            household_id: household_id.to_string(),
            transaction_id: it.id.to_string(),
            amount: it.amount.to_string(),
            currency_code: it.amount.currency().code().to_owned(),
            household_amount: it.household_amount.map(|amount| amount.to_string()).unwrap_or_default(),
            household_currency_code: it.household_currency.code().to_owned(),
            description: it.texts.description.unwrap_or_default(),
            transaction_date: it.date.to_string(),
            recurring_id: it.recurring_id.map(|id| id.to_string()).unwrap_or_default(),
        });
        Ok(Response::new(pb::ListTransactionFactsResponse { transactions: facts.collect() }))
    }

    async fn get_recurring_facts(
        &self,
        request: Request<pb::GetRecurringFactsRequest>,
    ) -> Result<Response<pb::GetRecurringFactsResponse>, Status> {
        let pb::GetRecurringFactsRequest { household_id, recurring_id } = request.into_inner();
        let household_id = convert::id(&household_id, "household")?;
        let id = convert::id(&recurring_id, "recurring transaction")?;
        let (it, currency) = self.0.get_recurring_facts(household_id, id).await?;
        let day = |occurrence| it.schedule.dated(occurrence).to_string();
        // As amounts are printed everywhere.
        let amount = Amount::parse(&it.template.amount).and_then(|amount| amount.in_currency(currency));
        Ok(Response::new(pb::GetRecurringFactsResponse {
            description: it.template.description.clone().unwrap_or_default(),
            amount: amount.map_or_else(|_| it.template.amount.clone(), |amount| amount.to_string()),
            currency_code: currency.code().to_owned(),
            next_date: it.next.map(day).unwrap_or_default(),
            paused_reason: it.paused_reason.clone().unwrap_or_default(),
        }))
    }
}
