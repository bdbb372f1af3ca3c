//! Lists a household's live events after a position, and streams new ones.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_kit::access::token_verifier::TokenVerifier;
use fintrac_kit::access::{Principal, RequestContext};
use fintrac_kit::clock::Clock;
use fintrac_kit::events::WakeSignal;
use fintrac_kit::module::ServiceDependencies;
use futures::Stream;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::domain::live_event::permission;
use crate::error::Error;
use crate::store::live_events::{self, LiveEvent};

/// The minimum time for which live events are kept.
const RETENTION: TimeDelta = TimeDelta::hours(24);
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
    /// Whether the requested position is expired or was never assigned.
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
        let last_seq = live_events::last_seq(&mut connection, household_id).await?;
        let Some(after) = after else {
            return Ok(LiveEventPage { entries: Vec::new(), until: last_seq, is_reset: false });
        };
        let limit = i64::try_from(BATCH_SIZE).unwrap_or(i64::MAX);
        let mut entries = live_events::list(&mut connection, household_id, after, limit).await?;
        let next = entries.first().map_or(last_seq, |first| first.seq - 1);
        // Events after the position were deleted, or the position is past the end.
        if next != after {
            return Ok(LiveEventPage { entries: Vec::new(), until: last_seq.max(next), is_reset: true });
        }
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
        let mut subscription = appended.subscribe();
        async_stream::try_stream! {
            let mut from = live_events::horizon(&mut *pool.acquire().await?).await?;
            yield Vec::new();
            while !closing.is_cancelled() {
                let entries = {
                    let mut connection = pool.acquire().await?;
                    let to = live_events::horizon(&mut connection).await?;
                    let entries = live_events::list_between(&mut connection, from, to).await?;
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

    /// Deletes events that are older than the retention time.
    pub async fn purge(&self) -> Result<(), sqlx::Error> {
        let before = self.clock.now() - RETENTION;
        while live_events::purge(&mut *self.pool.acquire().await?, before).await? > 0 {}
        Ok(())
    }
}
