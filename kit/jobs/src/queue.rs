use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A queue of jobs, at most one for each key.
pub struct Queue<K> {
    /// Name of the queue in `fintrac jobs`, in metrics and in logs.
    pub name: &'static str,
    key: PhantomData<fn() -> K>,
}

/// The key of a queue that has a single job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Singleton;

impl fmt::Display for Singleton {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl FromStr for Singleton {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() { Ok(Self) } else { Err("the queue has a single job, without a key") }
    }
}

/// The key of a job for an entity of a household.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityKey {
    /// Household that the entity belongs to.
    pub household_id: Uuid,
    /// Id of the entity.
    pub id: Uuid,
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.household_id, self.id)
    }
}

impl FromStr for EntityKey {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (household_id, id) = text.split_once('/').unwrap_or_default();
        Ok(Self { household_id: household_id.parse()?, id: id.parse()? })
    }
}

impl<K> fmt::Debug for Queue<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Queue").field(&self.name).finish()
    }
}

impl<K: fmt::Display> Queue<K> {
    /// Declares a queue.
    pub const fn new(name: &'static str) -> Self {
        Self { name, key: PhantomData }
    }

    /// Requests a run for each key at `run_at`, or earlier if one is requested already.
    ///
    /// The jobs become visible with the caller's commit; wake the job signal afterwards. A job that
    /// is running runs once more, because it may have missed the change. A job that was given up is
    /// tried again.
    pub async fn enqueue(
        &self,
        connection: &mut PgConnection,
        keys: impl IntoIterator<Item = K>,
        run_at: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        // Sorted, so that concurrent callers lock in the same order.
        let keys: BTreeSet<_> = keys.into_iter().map(|key| key.to_string()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            r#"insert into jobs (queue, key, run_at)
               select $1, key, $3 from unnest($2::text[]) as requested (key)
               on conflict (queue, key) do update
               set run_at = case when jobs.failed_at is not null then excluded.run_at
                                 when jobs.lease_id is null then least(jobs.run_at, excluded.run_at)
                                 else jobs.run_at end,
                   rerun_at = case when jobs.lease_id is not null
                                   then least(jobs.rerun_at, excluded.run_at) end,
                   attempts = case when jobs.failed_at is null then jobs.attempts else 0 end,
                   failed_at = null"#,
            self.name,
            &keys.into_iter().collect::<Vec<_>>(),
            run_at,
        )
        .execute(connection)
        .await
        .map(|_| ())
    }

    /// Sets the time of the next run for each key, whatever was requested before.
    ///
    /// A job that is running runs once more at that time.
    pub async fn schedule(
        &self,
        connection: &mut PgConnection,
        jobs: impl IntoIterator<Item = (K, DateTime<Utc>)>,
    ) -> Result<(), sqlx::Error> {
        let jobs: BTreeMap<_, _> = jobs.into_iter().map(|(key, run_at)| (key.to_string(), run_at)).collect();
        if jobs.is_empty() {
            return Ok(());
        }
        let (keys, times): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        sqlx::query!(
            r#"insert into jobs (queue, key, run_at)
               select $1, key, run_at from unnest($2::text[], $3::timestamptz[]) as scheduled (key, run_at)
               on conflict (queue, key) do update
               set run_at = case when jobs.lease_id is null then excluded.run_at else jobs.run_at end,
                   rerun_at = case when jobs.lease_id is not null then excluded.run_at end,
                   attempts = 0, failed_at = null"#,
            self.name,
            &keys,
            &times,
        )
        .execute(connection)
        .await
        .map(|_| ())
    }

    /// Cancels the run at `run_at`, unless an earlier one was requested or the job is running.
    pub async fn cancel(
        &self,
        connection: &mut PgConnection,
        key: K,
        run_at: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "delete from jobs where queue = $1 and key = $2 and run_at = $3 and lease_id is null",
            self.name,
            key.to_string(),
            run_at,
        )
        .execute(connection)
        .await
        .map(|_| ())
    }
}
