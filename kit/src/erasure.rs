//! Forgetting a person. auth-svc says in its log whom; each service notes it in
//! the transaction that moves its cursor, and a worker does the work in small
//! transactions, for as long as it takes. Numbers stay, words go.
//!
//! What a service's own words are, its function `erase_words` knows; the
//! plumbing's tables are done here. Whoever adds a column with words adds it there.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fintrac_proto::events::v1::Event;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::access::caller::Origin;
use crate::clock::Clock;
use crate::error::chain;
use crate::events::{self, Bell, Handler, HandlerError, NewEvent};
use crate::jobs::leased::{self, Work};
use crate::module::{Deps, Module};
use crate::random::Random;

/// How long a worker may go without a word before another takes over.
const LEASE: TimeDelta = TimeDelta::minutes(10);
/// After a failure the next try comes this much later.
const RETRY: TimeDelta = TimeDelta::minutes(1);
/// Rows changed in one transaction: an open one holds every feed back.
const BATCH: i32 = 1000;
/// Events looked at in one transaction.
const EVENTS: i32 = 5000;

/// Whom to erase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The event that asks for it.
    pub event_id: Uuid,
    pub user_id: Uuid,
    pub household_id: Option<Uuid>,
}

/// Whether an event of auth-svc asks to erase somebody. Such an event never becomes a dead letter.
pub fn is_asked_by(event: &Event) -> bool {
    event.entity == "user" && event.kind == "erased"
}

/// Notes what `event` asks for, in the transaction that moves the cursor.
pub async fn note_event(
    connection: &mut PgConnection,
    event: &Event,
    now: DateTime<Utc>,
) -> Result<(), HandlerError> {
    if !is_asked_by(event) {
        return Ok(());
    }
    let id = |text: &str| Uuid::parse_str(text).map_err(|error| HandlerError::Poison(error.to_string()));
    let household_id = if event.household_id.is_empty() { None } else { Some(id(&event.household_id)?) };
    let subject = Subject { event_id: id(&event.id)?, user_id: id(&event.user_id)?, household_id };
    Ok(note(connection, &subject, now).await?)
}

/// Notes whom to erase.
pub async fn note(
    connection: &mut PgConnection,
    subject: &Subject,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into erasures (event_id, user_id, household_id, requested_at) values ($1, $2, $3, $4)
           on conflict (event_id) do nothing"#,
        subject.event_id,
        subject.user_id,
        subject.household_id,
        now,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// The handler of a service that wants nothing else of auth's log.
#[derive(Debug)]
pub struct FollowErasures {
    pub clock: Clock,
    /// Rung when somebody is noted.
    pub erasures: Bell,
}

impl Handler for FollowErasures {
    type Prepared = ();

    async fn prepare(&self, _events: &[Event]) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        (): (),
    ) -> Result<(), HandlerError> {
        for event in events {
            note_event(connection, event, self.clock.now()).await?;
        }
        Ok(())
    }

    fn committed(&self, _events: &[Event]) {
        self.erasures.ring();
    }
}

/// Adds the worker that erases; `waiting` is rung when somebody is noted.
pub fn add_worker(module: &mut Module, deps: &Deps, waiting: Bell) {
    let Deps { pool, clock, random, bell, .. } = deps.clone();
    let work = Erase { service: module.name, pool, clock, random, bell };
    module.add_worker(move |shutdown: CancellationToken| leased::run(work, waiting, 1, shutdown));
}

struct Erase {
    service: &'static str,
    pool: PgPool,
    clock: Clock,
    random: Random,
    bell: Bell,
}

impl Work for Erase {
    type Item = Subject;

    async fn claim(&self, limit: i64) -> Result<Vec<Subject>, sqlx::Error> {
        let now = self.clock.now();
        sqlx::query_as!(
            Subject,
            r#"update erasures set leased_until = $2
               where event_id in (
                   select event_id from erasures
                   where erased_at is null and (leased_until is null or leased_until <= $1)
                   order by requested_at limit $3 for update skip locked)
               returning event_id, user_id, household_id"#,
            now,
            now + LEASE,
            limit,
        )
        .fetch_all(&self.pool)
        .await
    }

    async fn perform(&self, subject: Subject) -> Result<(), sqlx::Error> {
        let Err(error) = self.erase(&subject).await else {
            tracing::info!(service = self.service, user = %subject.user_id, "erased");
            self.bell.ring();
            return Ok(());
        };
        tracing::error!(service = self.service, user = %subject.user_id, error = %chain(&error), "not erased yet");
        metrics::counter!("fintrac_erasure_failures_total", "service" => self.service).increment(1);
        let retry_at = self.clock.now() + RETRY;
        sqlx::query!(
            "update erasures set leased_until = $2 where event_id = $1 and erased_at is null",
            subject.event_id,
            retry_at
        )
        .execute(&self.pool)
        .await
        .map(|_| ())
    }
}

impl Erase {
    async fn erase(&self, subject: &Subject) -> Result<(), sqlx::Error> {
        let (user_id, household_id) = (subject.user_id, subject.household_id);
        let now = self.clock.now();
        loop {
            let changed = sqlx::query_scalar!(
                r#"select erase_words($1, $2, $3, $4) as "changed!""#,
                user_id,
                household_id,
                now,
                BATCH
            )
            .fetch_one(&self.pool)
            .await?;
            if changed == 0 {
                break;
            }
        }
        self.erase_events(user_id, household_id).await?;
        sqlx::query!(
            "delete from idempotency_keys where user_id = $1 or household_id = $2",
            user_id,
            household_id
        )
        .execute(&self.pool)
        .await?;
        // A dead letter is an encoded event, which holds its user's id as text.
        sqlx::query!(
            r#"delete from event_dead_letters
               where position(convert_to($1, 'UTF8') in event) > 0
                  or position(convert_to($2, 'UTF8') in event) > 0"#,
            user_id.to_string(),
            household_id.unwrap_or(user_id).to_string(),
        )
        .execute(&self.pool)
        .await?;
        self.mark(subject).await
    }

    async fn erase_events(&self, user_id: Uuid, household_id: Option<Uuid>) -> Result<(), sqlx::Error> {
        let (mut epoch, mut transaction_id, mut position) = (0, 0, 0);
        loop {
            let reached = sqlx::query!(
                r#"select reached_epoch, reached_transaction, reached_position
                   from erase_events($1, $2, $3, $4, $5, $6)"#,
                user_id,
                household_id,
                EVENTS,
                epoch,
                transaction_id,
                position,
            )
            .fetch_one(&self.pool)
            .await?;
            let (Some(next_epoch), Some(next_transaction), Some(next_position)) =
                (reached.reached_epoch, reached.reached_transaction, reached.reached_position)
            else {
                return Ok(());
            };
            (epoch, transaction_id, position) = (next_epoch, next_transaction, next_position);
        }
    }

    /// Records that it is done. The event names no household: nobody's budgets need a look.
    async fn mark(&self, subject: &Subject) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        let done = sqlx::query!(
            "update erasures set erased_at = $2, leased_until = null where event_id = $1 and erased_at is null",
            subject.event_id,
            now
        )
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 1 {
            let origin = Origin { actor: self.service.to_owned(), ..Origin::default() };
            let event = NewEvent {
                id: self.random.id(now),
                household_id: None,
                user_id: Some(subject.user_id),
                entity: "erasure",
                entity_id: subject.event_id,
                version: 1,
                kind: "finished",
                changed: &[],
                origin: &origin,
                occurred_at: now,
            };
            events::append(&mut transaction, &event).await?;
        }
        transaction.commit().await
    }
}

/// How long the oldest erasure that is not done yet has waited, for the metric that alarms.
pub async fn oldest(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<Duration, sqlx::Error> {
    let oldest = sqlx::query_scalar!("select min(requested_at) from erasures where erased_at is null")
        .fetch_one(connection)
        .await?;
    Ok(oldest.and_then(|oldest| (now - oldest).to_std().ok()).unwrap_or_default())
}
