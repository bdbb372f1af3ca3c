//! Turns ledger events into notifications of large and recurring transactions.
//!
//! A user is notified once per large transaction, whichever change raised it above the limit.

use std::collections::{BTreeSet, HashMap};

use fintrac_proto::NotificationKind;
use fintrac_proto::auth::v1 as auth;
use fintrac_proto::events::v1::Event;
use fintrac_proto::ledger::v1 as ledger;
use fintrac_proto::ledger::v1::notification_data_service_client::NotificationDataServiceClient;
use kit_events::{Handler, HandlerError};
use kit_rpc::transport::Transport;
use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::account_message::none_if_not_found;
use super::dispatcher::{NotificationDispatcher, PreparedNotification, join_bounded};
use super::parse_id;
use crate::render::NotificationData;

/// Turns ledger events into notifications and queued emails.
#[derive(Debug)]
pub struct LedgerEventHandler {
    dispatcher: NotificationDispatcher,
    ledger: NotificationDataServiceClient<Transport>,
}

/// Returns whether an event may have raised a transaction above a user's limit.
fn may_exceed_limit(event: &Event) -> bool {
    event.entity == "transaction" && event.kind != "voided"
}

/// Returns whether an event reports a posted occurrence of a recurring transaction.
fn is_posted_occurrence(event: &Event) -> bool {
    event.entity == "transaction" && event.kind == "created" && event.actor == "recurring"
}

/// Returns the deduplication key of a large transaction's notification.
fn large_transaction_key(transaction_id: Uuid) -> Uuid {
    let digest = Sha256::digest([b"large ", transaction_id.as_bytes().as_slice()].concat());
    uuid::Builder::from_custom_bytes(digest.first_chunk::<16>().copied().unwrap_or_default()).into_uuid()
}

impl LedgerEventHandler {
    pub fn new(dispatcher: NotificationDispatcher, ledger: Transport) -> Self {
        Self { dispatcher, ledger: NotificationDataServiceClient::new(ledger) }
    }

    /// Prepares notifications of a recurring transaction that could not be posted.
    ///
    /// Returns none if it was resumed or deleted meanwhile.
    async fn failure_notifications(&self, event: &Event) -> Result<Vec<PreparedNotification>, HandlerError> {
        let (household_id, recurring_id) = (event.household_id.clone(), event.entity_id.clone());
        let request = ledger::GetRecurringDataRequest { household_id, recurring_id: recurring_id.clone() };
        let data = none_if_not_found(self.ledger.clone().get_recurring_data(request).await)?;
        let Some(data) = data.filter(|data| !data.paused_reason.is_empty()) else { return Ok(Vec::new()) };
        let data = NotificationData::RecurringFailed { id: recurring_id, data };
        let kind = NotificationKind::RecurringFailed;
        self.dispatcher.for_household(parse_id(&event.id)?, &event.household_id, kind, &data).await
    }

    /// Prepares notifications of the occurrences that were posted.
    async fn occurrence_notifications(
        &self,
        events: &[Event],
    ) -> Result<Vec<PreparedNotification>, HandlerError> {
        let occurrences = events.iter().filter(|event| is_posted_occurrence(event));
        let by_id: HashMap<_, _> = occurrences.map(|event| (event.entity_id.as_str(), event)).collect();
        let keys = by_id.values().map(|event| ledger::TransactionKey {
            household_id: event.household_id.clone(),
            transaction_id: event.entity_id.clone(),
        });
        let found = self.transaction_data(keys.collect()).await?;
        let mut compositions = Vec::new();
        for data in found {
            let Some(event) = by_id.get(data.transaction_id.as_str()) else { continue };
            let (event_id, kind) = (parse_id(&event.id)?, NotificationKind::RecurringPosted);
            let data = NotificationData::RecurringPosted(data);
            compositions.push(async move {
                self.dispatcher.for_household(event_id, &event.household_id, kind, &data).await
            });
        }
        join_bounded(compositions).await
    }

    async fn transaction_data(
        &self,
        transactions: Vec<ledger::TransactionKey>,
    ) -> Result<Vec<ledger::TransactionData>, HandlerError> {
        if transactions.is_empty() {
            return Ok(Vec::new());
        }
        let request = ledger::ListTransactionDataRequest { transactions };
        Ok(self.ledger.clone().list_transaction_data(request).await?.into_inner().transactions)
    }

    /// Prepares notifications of transactions above a user's limit.
    ///
    /// Reads the limits first, and then only the transactions of households that have one.
    async fn large_transaction_notifications(
        &self,
        events: &[Event],
    ) -> Result<Vec<PreparedNotification>, HandlerError> {
        let keys: BTreeSet<_> = events
            .iter()
            .filter(|event| may_exceed_limit(event))
            .map(|event| (event.household_id.clone(), event.entity_id.clone()))
            .collect();
        let households: BTreeSet<_> = keys.iter().map(|(household, _)| household.clone()).collect();
        if households.is_empty() {
            return Ok(Vec::new());
        }
        let request =
            auth::ListLargeTransactionLimitsRequest { household_ids: households.into_iter().collect() };
        let limits = self.dispatcher.auth().list_large_transaction_limits(request).await?.into_inner().limits;
        let mut limits_by_household: HashMap<&str, Vec<&auth::LargeTransactionLimit>> = HashMap::new();
        for limit in &limits {
            limits_by_household.entry(&limit.household_id).or_default().push(limit);
        }
        let with_limits =
            keys.into_iter().filter(|(household, _)| limits_by_household.contains_key(household.as_str()));
        let transactions: Vec<_> = with_limits
            .map(|(household_id, transaction_id)| ledger::TransactionKey { household_id, transaction_id })
            .collect();
        let mut compositions = Vec::new();
        for data in self.transaction_data(transactions).await? {
            let limits = limits_by_household.get(data.household_id.as_str()).into_iter().flatten();
            let data_by_user: HashMap<_, _> = limits
                .filter(|limit| exceeds(&data.household_amount, &limit.limit))
                .map(|limit| {
                    let (data, limit_text) = (data.clone(), limit.limit.clone());
                    (limit.user_id.clone(), NotificationData::LargeTransaction { data, limit: limit_text })
                })
                .collect();
            if data_by_user.is_empty() {
                continue;
            }
            let (event_id, household_id) =
                (large_transaction_key(parse_id(&data.transaction_id)?), data.household_id);
            compositions.push(async move {
                self.dispatcher
                    .for_users(event_id, &household_id, NotificationKind::LargeTransaction, &data_by_user)
                    .await
            });
        }
        join_bounded(compositions).await
    }
}

fn exceeds(amount: &str, limit: &str) -> bool {
    let parse = |text: &str| text.parse::<Decimal>().ok();
    parse(amount).zip(parse(limit)).is_some_and(|(amount, limit)| amount > limit)
}

impl Handler for LedgerEventHandler {
    type Preparation = Vec<PreparedNotification>;

    async fn prepare(&self, events: &[Event]) -> Result<Vec<PreparedNotification>, HandlerError> {
        let is_failure = |event: &&Event| {
            NotificationKind::from_event(&event.entity, &event.kind)
                == Some(NotificationKind::RecurringFailed)
        };
        let failures = events.iter().filter(is_failure).map(|event| self.failure_notifications(event));
        let mut prepared = join_bounded(failures.collect()).await?;
        prepared.extend(self.occurrence_notifications(events).await?);
        prepared.extend(self.large_transaction_notifications(events).await?);
        Ok(prepared)
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        prepared: Vec<PreparedNotification>,
    ) -> Result<(), HandlerError> {
        Ok(self.dispatcher.dispatch(connection, "ledger", events, prepared).await?)
    }

    fn on_commit(&self, _events: &[Event]) {
        self.dispatcher.wake_workers();
    }

    /// Stores the change, so clients read it; the notification is lost.
    async fn on_dead_letter(&self, connection: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        Ok(self.dispatcher.dispatch(connection, "ledger", std::slice::from_ref(event), Vec::new()).await?)
    }
}
