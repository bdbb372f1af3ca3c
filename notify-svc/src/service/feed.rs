//! The live feed: what changed after a place, and everything as it comes.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_kit::access::trust::Trust;
use fintrac_kit::access::{By, Principal};
use fintrac_kit::clock::Clock;
use fintrac_kit::events::Bell;
use fintrac_kit::module::Deps;
use futures::Stream;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::domain::feed::permission;
use crate::error::Error;
use crate::store::feed::{self, Entry};

/// How long entries are kept at least.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How often the feed is looked at when no bell rings.
const POLL: Duration = Duration::from_millis(50);
/// Entries of one answer or message.
const BATCH: usize = 500;

/// The feeds of all households.
#[derive(Debug, Clone)]
pub struct Feed {
    pool: PgPool,
    clock: Clock,
    trust: Arc<Trust>,
    /// Rung when something was appended.
    told: Bell,
    closing: CancellationToken,
}

/// What came after a place.
#[derive(Debug)]
pub struct News {
    pub entries: Vec<Entry>,
    /// The place up to which this tells everything.
    pub until: i64,
    /// What came after the place is not known any more, or the place never was:
    /// whoever followed must read everything anew.
    pub is_reset: bool,
}

impl Feed {
    pub fn new(deps: &Deps, told: Bell) -> Self {
        let Deps { pool, clock, trust, closing, .. } = deps.clone();
        Self { pool, clock, trust, told, closing }
    }

    /// What the caller may know of what came after `after`; without it only where the feed ends.
    pub async fn list(&self, by: &By, after: Option<i64>) -> Result<News, Error> {
        let household_id = by.principal.household_id;
        let mut connection = self.pool.acquire().await?;
        let head = feed::head(&mut connection, household_id).await?;
        let Some(after) = after else {
            return Ok(News { entries: Vec::new(), until: head, is_reset: false });
        };
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let mut entries = feed::list(&mut connection, household_id, after, limit).await?;
        let next = entries.first().map_or(head, |first| first.seq - 1);
        // Between the place and the next entry there were others, or it lies beyond the end.
        if next != after {
            return Ok(News { entries: Vec::new(), until: head.max(next), is_reset: true });
        }
        let until = entries.last().map_or(after, |last| last.seq);
        entries.retain(|entry| self.concerns(&by.principal, entry));
        Ok(News { entries, until, is_reset: false })
    }

    /// Whether he is meant, and may read what changed.
    fn concerns(&self, who: &Principal, entry: &Entry) -> bool {
        entry.user_id.is_none_or(|user_id| user_id == who.user_id)
            && permission(&entry.entity).is_some_and(|needed| self.trust.may(who, needed))
    }

    /// Everything of everybody from now on. First comes an empty batch: what is
    /// appended after it will be told.
    pub fn follow(&self) -> impl Stream<Item = Result<Vec<Entry>, sqlx::Error>> + Send + use<> {
        let Self { pool, told, closing, .. } = self.clone();
        let mut listener = told.listen();
        async_stream::try_stream! {
            let mut from = feed::horizon(&mut *pool.acquire().await?).await?;
            yield Vec::new();
            while !closing.is_cancelled() {
                let entries = {
                    let mut connection = pool.acquire().await?;
                    let to = feed::horizon(&mut connection).await?;
                    let entries = feed::between(&mut connection, from, to).await?;
                    from = to;
                    entries
                };
                for batch in entries.chunks(BATCH) {
                    yield batch.to_vec();
                }
                let _closing = closing.run_until_cancelled(listener.wait(POLL)).await;
            }
        }
    }

    /// Forgets what is old.
    pub async fn purge(&self) -> Result<(), sqlx::Error> {
        let before = self.clock.now() - KEPT;
        while feed::purge(&mut *self.pool.acquire().await?, before).await? > 0 {}
        Ok(())
    }
}
