//! The ledger's use cases, one per file.
//!
//! This module has their state.

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

use std::ops::Deref;

use fintrac_households::HouseholdClient;
use kit_access::caller::RequestOrigin;
use kit_access::{Principal, RequestContext};
use kit_db::idempotency::Key;
use kit_rpc::transport::Transport;
use kit_service::module::ServiceDependencies;
use kit_service::use_case::{UseCases, WriteContext};
use sha2::{Digest as _, Sha256};
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
pub use sum_spending::{Spending, SpendingSeries};
pub use sync_rates::sync_rates;
pub use upcoming_spending::SpendingQuery;
pub use update_recurring::RecurringAction;
pub use verify::verify;

use crate::domain::posting::{Command, CommandKind, Outcome};
use crate::error::Error;
use crate::posting::PostingQueue;
use analytics::AnalysisPool;
use compute_pool::ComputePool;
use household_limit::HouseholdLimit;

/// Begins a read-only transaction whose statements all see the same state.
const BEGIN_SNAPSHOT: &str = "begin isolation level repeatable read read only";
/// Concurrent bulk requests of one household: a writer serves many households.
const MAX_CONCURRENT_BULKS_PER_HOUSEHOLD: usize = 1;

/// The use cases of ledger-svc and the state that they share.
#[derive(Debug)]
pub struct LedgerUseCases {
    base: UseCases,
    households: HouseholdClient,
    analyses: AnalysisPool,
    compute_pool: ComputePool,
    bulks: HouseholdLimit,
    posting_queue: PostingQueue,
}

impl Deref for LedgerUseCases {
    type Target = UseCases;

    fn deref(&self) -> &UseCases {
        &self.base
    }
}

impl LedgerUseCases {
    pub fn new(deps: &ServiceDependencies, auth: Transport, posting_queue: PostingQueue) -> Self {
        Self {
            base: UseCases::new(deps),
            households: HouseholdClient::new(auth),
            analyses: AnalysisPool::new(&deps.pool),
            compute_pool: ComputePool::default(),
            bulks: HouseholdLimit::new(MAX_CONCURRENT_BULKS_PER_HOUSEHOLD),
            posting_queue,
        }
    }

    /// Posts one command through the posting queue.
    pub async fn post(&self, ctx: WriteContext<Outcome>, kind: CommandKind) -> Result<Outcome, Error> {
        let household = self.household(&ctx).await?;
        let now = self.clock.now();
        let command = Command::new(household, kind, self.random.id(now), now);
        self.posting_queue.post(command, ctx).await
    }
}

/// Returns the context of background work on behalf of a user.
fn user_context(household_id: Uuid, user_id: Uuid, origin: RequestOrigin) -> RequestContext {
    let principal = Principal { user_id, session_id: Uuid::nil(), household_id, roles: Vec::new() };
    RequestContext { principal, origin }
}

/// Returns the context in which a transaction with a known id is posted for a user.
///
/// The id finds a transaction that was posted; the key makes concurrent duplicates wait.
fn posting_context(
    household_id: Uuid,
    user_id: Uuid,
    origin: RequestOrigin,
    operation: &str,
    transaction_id: Uuid,
) -> WriteContext<Outcome> {
    let key = Key {
        household_id,
        user_id,
        operation: operation.to_owned(),
        key: transaction_id.to_string(),
        fingerprint: Sha256::digest(transaction_id.as_bytes()).into(),
    };
    let request = user_context(household_id, user_id, origin);
    WriteContext { request, key: Some(key), encode: |_| Vec::new() }
}
