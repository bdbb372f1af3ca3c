//! The ledger's use cases, one per file.
//!
//! This module holds what they share: idempotency keys, events, and access to
//! the posting queue.

pub mod analytics;
mod auth_events;
mod backfill_search_index;
mod balance_history;
mod bulk;
mod compute_pool;
mod convert_amount;
mod create_account;
mod create_category;
mod create_first_occurrence;
mod create_recurring;
mod delete_account;
mod delete_category;
mod export_transactions;
mod fill_household_amounts;
mod find_recurring;
mod household_limit;
mod import_rates;
mod list_account_transactions;
mod list_exchange_rates;
mod notification_data;
mod post_occurrences;
mod post_transfer;
mod provision_household;
mod query_parser;
mod read_accounts;
mod read_categories;
mod read_transactions;
mod report;
mod restore_account;
mod set_category_references;
mod set_exchange_rate;
mod sum_spending;
mod sync_rates;
mod transaction_filter;
mod upcoming_spending;
mod update_category;
mod update_recurring;
mod verify;

use fintrac_kit::access::RequestContext;
use fintrac_kit::clock::Clock;
use fintrac_kit::error::ProblemCode;
use fintrac_kit::events::{self, NewEvent, WakeSignal};
use fintrac_kit::idempotency::{self, Claim, IdempotentResult, Key};
use fintrac_kit::module::ServiceDependencies;
use fintrac_kit::random::Random;
use fintrac_kit::transport::Transport;
use fintrac_proto::auth::v1::household_service_client::HouseholdServiceClient;
use moka::sync::Cache;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

pub use auth_events::AuthEventHandler;
pub use backfill_search_index::backfill_search_index;
pub use export_transactions::ExportPage;
pub use fill_household_amounts::fill_household_amounts;
pub use import_rates::{ImportError, import_ecb, store_bundled_rates};
pub use list_account_transactions::AccountTransaction;
pub use post_occurrences::PostOccurrences;
pub use post_transfer::{Transfer, TransferInput};
pub use report::Report;
pub use set_exchange_rate::RateInput;
pub use sum_spending::{Spending, SpendingSeries};
pub use sync_rates::sync_rates;
pub use upcoming_spending::SpendingQuery;
pub use update_recurring::RecurringAction;
pub use verify::verify;

use crate::domain::posting::{Command, CommandKind, Outcome};
use crate::error::Error;
use crate::posting::{CommandSet, PostingQueue, PostingResponse, Request};
use analytics::AnalysisPool;
use compute_pool::ComputePool;
use fintrac_money::Household;
use household_limit::HouseholdLimit;

/// Begins a read-only transaction whose statements all see the same state.
const BEGIN_SNAPSHOT: &str = "begin isolation level repeatable read read only";
/// Concurrent bulk requests of one household: a writer serves many households.
const MAX_CONCURRENT_BULKS_PER_HOUSEHOLD: usize = 1;
const HOUSEHOLD_CACHE_CAPACITY: u64 = 100_000;
/// Maximum time for which a cached time zone may be out of date.
const HOUSEHOLD_CACHE_TTL: std::time::Duration = std::time::Duration::from_secs(30);

/// The use cases of ledger-svc and the state that they share.
#[derive(Debug)]
pub struct LedgerUseCases {
    clock: Clock,
    random: Random,
    pub pool: PgPool,
    event_log_signal: WakeSignal,
    auth: HouseholdServiceClient<Transport>,
    households: Cache<Uuid, Household>,
    analyses: AnalysisPool,
    compute_pool: ComputePool,
    bulks: HouseholdLimit,
    posting_queue: PostingQueue,
    job_signal: WakeSignal,
}

/// Encodes the response that is stored for an idempotency key.
type Encode<T> = fn(&T) -> Vec<u8>;

/// The idempotency key of a request and the encoder of its stored response.
#[derive(Debug)]
pub struct Idempotency {
    pub key: Option<Key>,
    pub encode: Encode<Outcome>,
}

impl LedgerUseCases {
    pub fn new(deps: &ServiceDependencies, auth: Transport, posting_queue: PostingQueue) -> Self {
        Self {
            clock: deps.clock.clone(),
            random: deps.random.clone(),
            pool: deps.pool.clone(),
            event_log_signal: deps.event_log_signal.clone(),
            auth: HouseholdServiceClient::new(auth),
            households: Cache::builder()
                .max_capacity(HOUSEHOLD_CACHE_CAPACITY)
                .time_to_live(HOUSEHOLD_CACHE_TTL)
                .build(),
            analyses: AnalysisPool::new(&deps.pool),
            compute_pool: ComputePool::default(),
            bulks: HouseholdLimit::new(MAX_CONCURRENT_BULKS_PER_HOUSEHOLD),
            posting_queue,
            job_signal: deps.job_signal.clone(),
        }
    }

    fn new_id(&self) -> Uuid {
        self.random.id(self.clock.now())
    }

    /// Posts one command through the posting queue.
    pub async fn post(
        &self,
        ctx: &RequestContext,
        kind: CommandKind,
        idempotency: Idempotency,
    ) -> Result<PostingResponse, Error> {
        let household = self.household(ctx).await?;
        let now = self.clock.now();
        let command = Command::new(household, kind, self.random.id(now), now);
        let Idempotency { key, encode } = idempotency;
        let commands = CommandSet::One(Box::new(command));
        self.posting_queue.post(Request { commands, key, origin: ctx.origin.clone(), encode }).await
    }

    /// Returns the stored response of a known key.
    async fn replay(&self, key: Option<&Key>) -> Result<Option<Vec<u8>>, Error> {
        let mut transaction = self.pool.begin().await?;
        let response = self.claim_key(&mut transaction, key).await?;
        transaction.rollback().await?;
        Ok(response)
    }

    /// Claims a key at the start of a transaction, or returns its stored response.
    async fn claim_key(
        &self,
        connection: &mut PgConnection,
        key: Option<&Key>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(key) = key else { return Ok(None) };
        match idempotency::claim(connection, key, self.clock.now()).await? {
            Claim::New => Ok(None),
            Claim::Replay(response) => Ok(Some(response)),
            Claim::KeyMismatch => Err(ProblemCode::IdempotencyKeyReused.into()),
        }
    }

    /// Stores the response of a claimed key and commits.
    async fn commit(
        &self,
        mut transaction: sqlx::Transaction<'_, sqlx::Postgres>,
        key: Option<&Key>,
        response: Vec<u8>,
    ) -> Result<(), Error> {
        if let Some(key) = key {
            idempotency::store_all(&mut transaction, &[(key, response)]).await?;
        }
        transaction.commit().await?;
        self.event_log_signal.wake();
        Ok(())
    }

    /// Commits a write; returns `value`, whose response is stored for the key.
    async fn commit_with<T>(
        &self,
        transaction: sqlx::Transaction<'_, sqlx::Postgres>,
        (key, encode): (Option<Key>, Encode<T>),
        value: T,
    ) -> Result<IdempotentResult<T>, Error> {
        self.commit(transaction, key.as_ref(), encode(&value)).await?;
        Ok(IdempotentResult::New(value))
    }

    /// Records a change in the caller's household; see [`NewEvent`].
    async fn record(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        (entity, entity_id, version): (&'static str, Uuid, i64),
        kind: &'static str,
        changed: &[&str],
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let event = NewEvent {
            id: self.random.id(now),
            household_id: Some(ctx.principal.household_id),
            user_id: Some(ctx.principal.user_id),
            entity,
            entity_id,
            version,
            kind,
            changed,
            origin: &ctx.origin,
            occurred_at: now,
        };
        events::append(connection, &event).await
    }
}
