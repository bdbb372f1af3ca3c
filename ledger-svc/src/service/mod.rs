//! The use cases of the ledger, a file each. What they share is here: who
//! asks, the household that he asks for, and the way to the posting engine.

pub mod analytics;
mod balance_history;
mod bulk;
mod close_account;
mod computing;
mod convert_amount;
mod create_account;
mod create_category;
mod create_recurring;
mod create_transaction;
mod delete_category;
mod export;
mod export_transactions;
mod fill_household_amounts;
mod find_account;
mod find_categories;
mod find_recurring;
mod follow_feed;
mod follow_households;
mod gather_words;
mod get_account;
mod get_category;
mod get_transaction;
mod household_limit;
mod import_rates;
mod list_account_transactions;
mod list_accounts;
mod list_balances;
mod list_categories;
mod list_exchange_rates;
mod list_revisions;
mod list_transactions;
mod message_facts;
mod open_household;
mod post_occurrences;
mod post_transfer;
mod report;
mod restore_account;
mod restore_transaction;
mod set_category_references;
mod set_exchange_rate;
mod sum_spending;
mod transaction_filter;
mod upcoming_spending;
mod update_account;
mod update_category;
mod update_recurring;
mod update_transaction;
mod verify;
mod void_transaction;

use fintrac_kit::access::By;
use fintrac_kit::clock::Clock;
use fintrac_kit::events::{self, Bell, NewEvent};
use fintrac_kit::idempotency::{self, Claim, Key};
use fintrac_kit::module::Deps;
use fintrac_kit::random::Random;
use fintrac_kit::transport::Transport;
use fintrac_proto::auth::v1::household_service_client::HouseholdServiceClient;
use moka::sync::Cache;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

pub use bulk::Operation;
pub use export_transactions::ExportPage;
pub use fill_household_amounts::fill_household_amounts;
pub use follow_feed::follow_feed;
pub use follow_households::FollowHouseholds;
pub use gather_words::gather_words;
pub use import_rates::{ImportError, import_ecb, store_bundled};
pub use list_account_transactions::AccountTransaction;
pub use post_occurrences::PostOccurrences;
pub use post_transfer::{Transfer, TransferOrder};
pub use report::Report;
pub use set_exchange_rate::RateInput;
pub use sum_spending::{Spending, SpendingSeries};
pub use transaction_filter::FilterInput;
pub use upcoming_spending::SpendingQuery;
pub use update_recurring::{ScheduleChanges, Steering};
pub use verify::verify;

use crate::domain::posting::{Command, Order, Outcome};
use crate::error::Error;
use crate::posting::{Answer, Posting, Request, Work};
use analytics::AnalysisPool;
use computing::Computing;
use fintrac_money::Household;
use household_limit::HouseholdLimit;

/// Several statements of one reading see the same state.
const SNAPSHOT: &str = "begin isolation level repeatable read read only";
/// Bulks of one household that are posted at once: a lane serves many households.
const MAX_BULKS_PER_HOUSEHOLD: usize = 1;
/// Households whose facts are kept at hand.
const HOUSEHOLDS: u64 = 100_000;
/// How long a household's time zone may be out of date.
const HOUSEHOLD_AGE: std::time::Duration = std::time::Duration::from_secs(30);

/// The ledger.
#[derive(Debug)]
pub struct Ledger {
    clock: Clock,
    random: Random,
    pub pool: PgPool,
    bell: Bell,
    auth: HouseholdServiceClient<Transport>,
    households: Cache<Uuid, Household>,
    analyses: AnalysisPool,
    computing: Computing,
    bulks: HouseholdLimit,
    posting: Posting,
    /// Rung when an occurrence may be due.
    pub due: Bell,
}

/// A request that may come twice: its key and the form in which its answer is kept.
#[derive(Debug)]
pub struct Once {
    pub key: Option<Key>,
    pub encode: fn(&Outcome) -> Vec<u8>,
}

/// A change to record; see [`NewEvent`].
struct Change<'a> {
    entity: &'static str,
    entity_id: Uuid,
    version: i64,
    kind: &'static str,
    changed: &'a [&'a str],
}

impl Ledger {
    pub fn new(deps: &Deps, auth: Transport, posting: Posting) -> Self {
        Self {
            clock: deps.clock.clone(),
            random: deps.random.clone(),
            pool: deps.pool.clone(),
            bell: deps.bell.clone(),
            auth: HouseholdServiceClient::new(auth),
            households: Cache::builder().max_capacity(HOUSEHOLDS).time_to_live(HOUSEHOLD_AGE).build(),
            analyses: AnalysisPool::new(&deps.pool),
            computing: Computing::default(),
            bulks: HouseholdLimit::new(MAX_BULKS_PER_HOUSEHOLD),
            posting,
            due: Bell::default(),
        }
    }

    fn id(&self) -> Uuid {
        self.random.id(self.clock.now())
    }

    /// Puts an order into the posting engine.
    async fn post(&self, by: &By, order: Order, once: Once) -> Result<Answer, Error> {
        let household = self.household(by).await?;
        let now = self.clock.now();
        let command = Command::new(household, order, self.random.id(now), now);
        let Once { key, encode } = once;
        let work = Work::One(Box::new(command));
        self.posting.post(Request { work, key, origin: by.origin.clone(), encode }).await
    }

    /// Returns the stored answer to a key that came before.
    async fn replay(&self, key: Option<&Key>) -> Result<Option<Vec<u8>>, Error> {
        let mut transaction = self.pool.begin().await?;
        let reply = self.claim(&mut transaction, key).await?;
        transaction.rollback().await?;
        Ok(reply)
    }

    /// Claims a key at the beginning of a transaction; the kept answer if it came before.
    async fn claim(
        &self,
        connection: &mut PgConnection,
        key: Option<&Key>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(key) = key else { return Ok(None) };
        match idempotency::claim(connection, key, self.clock.now()).await? {
            Claim::Fresh => Ok(None),
            Claim::Replay(reply) => Ok(Some(reply)),
            Claim::Reused => Err(Error::KeyReused),
        }
    }

    /// Keeps the answer to a claimed key and commits.
    async fn commit(
        &self,
        mut transaction: sqlx::Transaction<'_, sqlx::Postgres>,
        key: Option<&Key>,
        reply: Vec<u8>,
    ) -> Result<(), Error> {
        if let Some(key) = key {
            idempotency::store_all(&mut transaction, &[(key, reply)]).await?;
        }
        transaction.commit().await?;
        self.bell.ring();
        Ok(())
    }

    /// Records a change of something of the caller's household.
    async fn record(
        &self,
        connection: &mut PgConnection,
        by: &By,
        change: Change<'_>,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let event = NewEvent {
            id: self.random.id(now),
            household_id: Some(by.principal.household_id),
            user_id: Some(by.principal.user_id),
            entity: change.entity,
            entity_id: change.entity_id,
            version: change.version,
            kind: change.kind,
            changed: change.changed,
            origin: &by.origin,
            occurred_at: now,
        };
        events::append(connection, &event).await
    }
}
