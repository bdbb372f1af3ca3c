//! Lists a household's live events after a position, and streams new ones.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::Stream;
use kit_access::token_verifier::TokenVerifier;
use kit_access::{Principal, RequestContext};
use kit_core::clock::Clock;
use kit_core::wake_signal::WakeSignal;
use kit_service::module::ServiceDependencies;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::domain::change::permission;
use crate::error::Error;
use crate::store::changes::{self, LiveEvent};

/// The maximum number of events that a client can have missed.
/// Behind more of them, it must read everything again, which is faster.
const MAX_MISSED_EVENTS: i64 = 10_000;
/// The longest time for which a transaction that inserts live events can be open.
const MAX_TRANSACTION_DURATION: TimeDelta = TimeDelta::minutes(1);
/// The interval between reads when no wake signal arrives.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The maximum number of events per response or stream message.
const BATCH_SIZE: usize = 500;

/// The live events of all households.
#[derive(Debug, Clone)]
pub struct LiveEvents {
    pool: PgPool,
    clock: Clock,
    token_verifier: Arc<TokenVerifier>,
    /// Woken when live events were appended.
    appended: WakeSignal,
    closing: CancellationToken,
}

/// The live events after a position.
#[derive(Debug)]
pub struct LiveEventPage {
    pub entries: Vec<LiveEvent>,
    /// The position up to which the page is complete.
    pub until: i64,
    /// Whether the requested position is too far behind or was never assigned.
    /// The client must then read everything again.
    pub is_reset: bool,
}

impl LiveEvents {
    pub fn new(deps: &ServiceDependencies, appended: WakeSignal) -> Self {
        let ServiceDependencies { pool, clock, token_verifier, closing, .. } = deps.clone();
        Self { pool, clock, token_verifier, appended, closing }
    }

    /// Lists the events after `after` that the caller may read.
    ///
    /// Without `after` it returns only the position of the last event.
    pub async fn list(&self, ctx: &RequestContext, after: Option<i64>) -> Result<LiveEventPage, Error> {
        let household_id = ctx.principal.household_id;
        let mut connection = self.pool.acquire().await?;
        let last_seq = changes::last_seq(&mut connection, household_id).await?;
        let Some(after) = after else {
            return Ok(LiveEventPage { entries: Vec::new(), until: last_seq, is_reset: false });
        };
        if after > last_seq || last_seq - after > MAX_MISSED_EVENTS {
            return Ok(LiveEventPage { entries: Vec::new(), until: last_seq, is_reset: true });
        }
        let limit = i64::try_from(BATCH_SIZE).unwrap_or(i64::MAX);
        let mut entries = changes::list_live_events(&mut connection, household_id, after, limit).await?;
        let until = entries.last().map_or(after, |last| last.seq);
        entries.retain(|entry| self.is_visible_to(&ctx.principal, entry));
        Ok(LiveEventPage { entries, until, is_reset: false })
    }

    /// Whether the event concerns the user, and the user may read the entity.
    fn is_visible_to(&self, principal: &Principal, entry: &LiveEvent) -> bool {
        entry.user_id.is_none_or(|user_id| user_id == principal.user_id)
            && permission(&entry.entity)
                .is_some_and(|needed| self.token_verifier.has_permission(principal, needed))
    }

    /// Streams all events of all households from now on.
    ///
    /// The first batch is empty: it confirms that later events will be in the stream.
    pub fn stream(&self) -> impl Stream<Item = Result<Vec<LiveEvent>, sqlx::Error>> + Send + use<> {
        let Self { pool, appended, closing, .. } = self.clone();
        let since = self.clock.now() - MAX_TRANSACTION_DURATION;
        let mut subscription = appended.subscribe();
        async_stream::try_stream! {
            let mut from = changes::horizon(&mut *pool.acquire().await?).await?;
            yield Vec::new();
            while !closing.is_cancelled() {
                let entries = {
                    let mut connection = pool.acquire().await?;
                    let to = changes::horizon(&mut connection).await?;
                    let entries = changes::list_live_events_between(&mut connection, from, to, since).await?;
                    from = to;
                    entries
                };
                for batch in entries.chunks(BATCH_SIZE) {
                    yield batch.to_vec();
                }
                let _closing = closing.run_until_cancelled(subscription.wait(POLL_INTERVAL)).await;
            }
        }
    }
}
