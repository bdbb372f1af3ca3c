//! The live events: what changed after a place, and everything as it comes.

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

/// How long entries are kept at least.
const RETENTION: TimeDelta = TimeDelta::hours(24);
/// How often the event stream is looked at when no bell rings.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Entries of one response or message.
const BATCH_SIZE: usize = 500;

/// The live events of all households.
#[derive(Debug, Clone)]
pub struct LiveEvents {
    pool: PgPool,
    clock: Clock,
    token_verifier: Arc<TokenVerifier>,
    /// Rung when something was appended.
    appended: WakeSignal,
    closing: CancellationToken,
}

/// What came after a place.
#[derive(Debug)]
pub struct LiveEventPage {
    pub entries: Vec<LiveEvent>,
    /// The place up to which this tells everything.
    pub until: i64,
    /// What came after the place is not known any more, or the place never was:
    /// whoever followed must read everything anew.
    pub is_reset: bool,
}

impl LiveEvents {
    pub fn new(deps: &ServiceDependencies, appended: WakeSignal) -> Self {
        let ServiceDependencies { pool, clock, token_verifier, closing, .. } = deps.clone();
        Self { pool, clock, token_verifier, appended, closing }
    }

    /// What the caller may know of what came after `after`; without it only where the event stream ends.
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
        // Between the place and the next entry there were others, or it lies beyond the end.
        if next != after {
            return Ok(LiveEventPage { entries: Vec::new(), until: last_seq.max(next), is_reset: true });
        }
        let until = entries.last().map_or(after, |last| last.seq);
        entries.retain(|entry| self.is_visible_to(&ctx.principal, entry));
        Ok(LiveEventPage { entries, until, is_reset: false })
    }

    /// Whether he is meant, and may read what changed.
    fn is_visible_to(&self, principal: &Principal, entry: &LiveEvent) -> bool {
        entry.user_id.is_none_or(|user_id| user_id == principal.user_id)
            && permission(&entry.entity)
                .is_some_and(|needed| self.token_verifier.has_permission(principal, needed))
    }

    /// Everything of everybody from now on. First comes an empty batch: what is
    /// appended after it will be told.
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

    /// Forgets what is old.
    pub async fn purge(&self) -> Result<(), sqlx::Error> {
        let before = self.clock.now() - RETENTION;
        while live_events::purge(&mut *self.pool.acquire().await?, before).await? > 0 {}
        Ok(())
    }
}
