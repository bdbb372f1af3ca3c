//! Posting what recurs as it falls due: each occurrence exactly once, however
//! many replicas run and however long none did.
//!
//! An occurrence's transaction has an id that follows from it, and a key that
//! makes twins wait; the next occurrence is due only afterwards. Whoever dies in
//! between is found to have posted.

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use fintrac_kit::access::caller::Origin;
use fintrac_kit::access::{By, Principal};
use fintrac_kit::context::{self, Context};
use fintrac_kit::events::{self, NewEvent};
use fintrac_kit::idempotency::Key;
use fintrac_kit::jobs::leased::Work as Leased;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::Ledger;
use crate::domain::posting::{Command, Occurrence, Order, Rejection};
use crate::domain::recurring::{Recurring, Status};
use crate::error::Error;
use crate::posting::{Request, Work};
use crate::store::{recurring, transactions};

/// How long one replica may work on one that is due.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How long one posting may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The queue of recurring transactions that are due.
#[derive(Debug)]
pub struct PostOccurrences(pub Arc<Ledger>);

/// What became of an occurrence.
enum Outcome {
    Posted(Uuid),
    Refused(Rejection),
    /// Somebody changed what recurs meanwhile.
    Overtaken,
}

impl Leased for PostOccurrences {
    type Item = (Uuid, Uuid);

    async fn claim(&self, limit: i64) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
        let now = self.0.clock.now();
        let mut connection = self.0.pool.acquire().await?;
        recurring::claim(&mut connection, limit, now, now + LEASE).await
    }

    async fn perform(&self, (household_id, id): (Uuid, Uuid)) -> Result<(), sqlx::Error> {
        let ledger = &self.0;
        let found = recurring::find(&mut *ledger.pool.acquire().await?, household_id, id).await?;
        let Some(it) = found else { return Ok(()) };
        let Some(occurrence) = it.next.filter(|_| it.due_at().is_some_and(|due| due <= ledger.clock.now()))
        else {
            return Ok(());
        };
        match ledger.post_occurrence(&it, occurrence).await {
            Ok(outcome) => ledger.settle(&it, occurrence, outcome).await,
            Err(Error::Database(error)) => {
                tracing::warn!(%id, %error, "an occurrence waits");
                Ok(())
            }
            // Its lease runs out and it is tried again.
            Err(error) => {
                tracing::warn!(%id, %error, "an occurrence waits");
                Ok(())
            }
        }
    }
}

impl Ledger {
    async fn post_occurrence(&self, it: &Recurring, occurrence: NaiveDate) -> Result<Outcome, Error> {
        let transaction_id = it.transaction_id(occurrence);
        let household_id = it.household.id;
        let known =
            transactions::find(&mut *self.pool.acquire().await?, household_id, transaction_id).await?;
        if known.is_some() {
            return Ok(Outcome::Posted(transaction_id));
        }
        let (user_id, origin) = (it.user_id, origin());
        let principal = Principal { user_id, session_id: Uuid::nil(), household_id, roles: Vec::new() };
        let household = self.household(&By { principal, origin: origin.clone() }).await?;
        let key = Key {
            household_id,
            user_id,
            operation: "recurring".to_owned(),
            key: transaction_id.to_string(),
            fingerprint: Sha256::digest(transaction_id.as_bytes()).into(),
        };
        let order = Order::Create(it.input(occurrence));
        let command = Command::new(household, order, transaction_id, self.clock.now());
        let occurrence_of = Some(Occurrence { recurring_id: it.id, if_version: Some(it.version) });
        let work = Work::One(Box::new(Command { occurrence_of, ..command }));
        let request = Request { work, key: Some(key), origin, encode: |_| Vec::new() };
        let context = Context { deadline: Some(Instant::now() + PATIENCE), ..Context::default() };
        match context::scope(context, self.posting.post(request)).await {
            Ok(_) => Ok(Outcome::Posted(transaction_id)),
            Err(Error::Rejected(Rejection::VersionMismatch)) => Ok(Outcome::Overtaken),
            Err(Error::Rejected(rejection)) => Ok(Outcome::Refused(rejection)),
            Err(error) => Err(error),
        }
    }

    /// Goes on to the next occurrence, or pauses; unless somebody changed it meanwhile.
    async fn settle(
        &self,
        seen: &Recurring,
        occurrence: NaiveDate,
        outcome: Outcome,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let household_id = seen.household.id;
        let mut transaction = self.pool.begin().await?;
        recurring::lock(&mut transaction, household_id, seen.id).await?;
        let Some(mut it) = recurring::find(&mut transaction, household_id, seen.id).await? else {
            return Ok(());
        };
        if it.next != Some(occurrence) {
            return Ok(());
        }
        let kind = match outcome {
            Outcome::Posted(transaction_id) => {
                it.last = Some(occurrence);
                it.last_transaction_id = Some(transaction_id);
                it.go_on_after(occurrence);
                // Nothing that a client may edit.
                "posted"
            }
            Outcome::Refused(rejection) => {
                let reason = rejection.into_violations().first().map_or("VALIDATION_FAILED", |it| it.reason);
                it.status = Status::Paused;
                it.paused_reason = Some(reason.to_owned());
                it.version += 1;
                "failed"
            }
            Outcome::Overtaken => return Ok(()),
        };
        it.updated_at = now;
        recurring::save(&mut transaction, &it).await?;
        let event = NewEvent {
            id: self.random.id(now),
            household_id: Some(household_id),
            user_id: None,
            entity: "recurring",
            entity_id: it.id,
            version: it.version,
            kind,
            changed: &[],
            origin: &origin(),
            occurred_at: now,
        };
        events::append(&mut transaction, &event).await?;
        transaction.commit().await?;
        self.bell.ring();
        // It may be due again at once.
        self.due.ring();
        Ok(())
    }
}

/// Nobody's request.
fn origin() -> Origin {
    Origin { actor: "recurring".to_owned(), ..Origin::default() }
}
