//! A fake ledger-svc: its event log and the data for notifications.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use fintrac_proto::events::v1::Event;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::notification_data_service_server::{
    NotificationDataService, NotificationDataServiceServer,
};
use kit_core::clock::Clock;
use kit_core::error::{FieldViolation, RpcError};
use kit_rpc::transport::Transport;
use kit_testing::{FakeEventLog, TestService};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// A household without transactions.
pub const EMPTY: Uuid = Uuid::from_u128(404);

/// The state of the fake ledger-svc.
#[derive(Clone, Default)]
pub struct Ledger {
    log: FakeEventLog,
    /// Household amounts by transaction id.
    pub amounts: Arc<Mutex<HashMap<String, String>>>,
    /// The reason why the recurring transaction is paused; `None` if it was deleted.
    pub paused_reason: Arc<Mutex<Option<String>>>,
}

impl Ledger {
    pub fn append(&self, event: Event) {
        self.log.append(event);
    }

    pub fn transport(&self, clock: &Clock) -> Transport {
        let routes = Routes::new(self.log.clone().into_service());
        let routes = routes.add_service(NotificationDataServiceServer::new(self.clone()));
        TestService::fake("ledger", routes, clock).transport("notify")
    }
}

#[tonic::async_trait]
impl NotificationDataService for Ledger {
    async fn list_transaction_data(
        &self,
        request: Request<pb::ListTransactionDataRequest>,
    ) -> Result<Response<pb::ListTransactionDataResponse>, Status> {
        let amounts = self.amounts.lock().expect("no panic");
        let data = |key: pb::TransactionKey| {
            let household_amount = amounts.get(&key.transaction_id)?.clone();
            Some(pb::TransactionData {
                household_id: key.household_id,
                transaction_id: key.transaction_id,
                amount: "1250.00".into(),
                currency_code: "USD".into(),
                household_amount,
                household_currency_code: "EUR".into(),
                description: "Laptop <i>".into(),
                transaction_date: "2026-09-03".into(),
                recurring_id: Uuid::from_u128(9).to_string(),
            })
        };
        let transactions = request.into_inner().transactions.into_iter().filter_map(data).collect();
        Ok(Response::new(pb::ListTransactionDataResponse { transactions }))
    }

    async fn get_recurring_data(
        &self,
        _request: Request<pb::GetRecurringDataRequest>,
    ) -> Result<Response<pb::GetRecurringDataResponse>, Status> {
        let Some(paused_reason) = self.paused_reason.lock().expect("no panic").clone() else {
            return Err(RpcError::not_found("recurring transaction").into());
        };
        Ok(Response::new(pb::GetRecurringDataResponse {
            description: "Rent".into(),
            amount: "900.00".into(),
            currency_code: "EUR".into(),
            next_date: "2026-10-01".into(),
            paused_reason,
        }))
    }

    async fn get_report_data(
        &self,
        request: Request<pb::GetReportDataRequest>,
    ) -> Result<Response<pb::GetReportDataResponse>, Status> {
        let pb::GetReportDataRequest { household_id, from, to } = request.into_inner();
        if from > to {
            let violation =
                FieldViolation::parameter("to", "The last day must not be before from. Send a later day.");
            return Err(RpcError::query(vec![violation]).into());
        }
        let category = |name: &str, amount: &str| pb::ReportCategory {
            name: name.into(),
            amount: amount.into(),
            ..pb::ReportCategory::default()
        };
        let is_empty = household_id == EMPTY.to_string();
        let data = pb::ReportData {
            from,
            to,
            currency_code: "EUR".into(),
            income: if is_empty { "0.00".into() } else { "2000.00".into() },
            expense: if is_empty { "0.00".into() } else { "400.50".into() },
            net: "1599.50".into(),
            net_worth: "12345.67".into(),
            categories: vec![category("Rent <b>", "300.00"), category("", "100.50")],
            ..pb::ReportData::default()
        };
        Ok(Response::new(pb::GetReportDataResponse { report: Some(data) }))
    }
}
