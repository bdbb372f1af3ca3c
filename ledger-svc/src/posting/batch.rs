//! Executes one batch in one database transaction.
//!
//! The number of statements does not depend on the number of commands. Their order
//! is the lock order, which is the same everywhere: idempotency keys, households,
//! transactions, accounts, recurring transactions, nominal accounts, daily totals;
//! each in key order.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use kit_access::caller::RequestOrigin;
use kit_core::clock::Clock;
use kit_core::error::{FieldCode, FieldViolation, ProblemCode};
use kit_core::random::Random;
use kit_db::idempotency::{self, Claim, Key};
use kit_events::NewEvent;
use sqlx::PgConnection;
use uuid::Uuid;

use super::columns::Rows;
use super::request::{CommandSet, Submission};
use crate::domain::posting::{
    BatchState, Command, Effects, Event, FutureChange, Outcome, Rejection, ResolvedTransaction,
    StoredTransaction, plan, rates_needed, resolve,
};
use crate::domain::rate::Quotes;
use crate::error::Error;
use crate::store;

/// The responses of a batch, one per submission, in order.
pub(super) type Responses = Vec<Result<Outcome, Error>>;

/// A batch that is written but not committed.
pub(super) struct StagedBatch {
    pub responses: Responses,
    /// The marker to check a commit whose response is lost. None if nothing changed.
    pub commit_marker: Option<CommitMarker>,
    /// Nominal accounts that exist after the commit.
    pub nominal_accounts: Vec<Uuid>,
    /// Whether there is anything to commit.
    pub changed: bool,
}

/// Evidence of a committed batch: an event written in its transaction.
pub(super) struct CommitMarker {
    transaction_id: i64,
    event_id: Uuid,
    occurred_at: DateTime<Utc>,
}

/// Plans and writes a batch in the caller's transaction, which the caller commits.
pub(super) async fn stage(
    connection: &mut PgConnection,
    batch: &[Submission],
    known_nominal: &HashSet<Uuid>,
    clock: &Clock,
    random: &Random,
) -> Result<StagedBatch, Error> {
    let mut responses = claim(connection, batch, clock).await?;
    let unclaimed: Vec<usize> = (0..batch.len()).filter(|index| responses[*index].is_none()).collect();
    let commands: Vec<&Command> =
        unclaimed.iter().flat_map(|index| batch[*index].commands.as_slice()).collect();

    let mut state = load_state(connection, &commands).await?;
    let resolved: Vec<_> = commands.iter().map(|command| resolve(&state, command)).collect();
    let resolved_commands = commands.iter().zip(&resolved);
    let resolved_commands = resolved_commands
        .filter_map(|(command, resolved)| Some((*command, resolved.as_ref().ok()?.as_ref())));
    let needed = rates_needed(&state, resolved_commands);
    let quotes = if needed.is_empty() {
        Quotes::default()
    } else {
        store::exchange_rates::newest(connection, needed.into_iter()).await?
    };

    let mut planned_commands: Vec<PlannedCommand<'_>> = Vec::with_capacity(commands.len());
    let mut released_keys: Vec<&Key> = Vec::new();
    let mut replies: Vec<(&Key, Vec<u8>)> = Vec::new();
    let mut resolved = resolved.into_iter();
    for index in unclaimed {
        let submission = &batch[index];
        let (ctx, effects_before) = (&submission.ctx, planned_commands.len());
        let planned = plan_submission(&mut state, submission, &mut resolved, &quotes, &mut planned_commands);
        if let Ok(outcome) = &planned {
            replies.extend(ctx.key.as_ref().map(|key| (key, (ctx.encode)(outcome))));
        } else {
            planned_commands.truncate(effects_before);
            released_keys.extend(&ctx.key);
        }
        responses[index] = Some(planned.map_err(Error::from));
    }
    if !released_keys.is_empty() {
        idempotency::release_all(connection, &released_keys).await?;
    }
    let (commit_marker, nominal_accounts) =
        write_effects(connection, &planned_commands, known_nominal, random).await?;
    if !replies.is_empty() {
        idempotency::store_all(connection, &replies).await?;
    }
    let changed = !planned_commands.is_empty() || !replies.is_empty();
    let missing_response = || Err(Error::Internal("every command must have a response".into()));
    let responses = responses.into_iter().map(|response| response.unwrap_or_else(missing_response)).collect();
    Ok(StagedBatch { responses, commit_marker, nominal_accounts, changed })
}

/// A command that was applied to the state, with the effects to write.
struct PlannedCommand<'a> {
    origin: &'a RequestOrigin,
    command: &'a Command,
    effects: Effects,
}

/// Plans a submission's commands on `state`; a rejection leaves the state unchanged.
fn plan_submission<'a>(
    state: &mut BatchState,
    submission: &'a Submission,
    resolved: &mut impl Iterator<Item = Result<Option<ResolvedTransaction>, Rejection>>,
    quotes: &Quotes,
    planned_commands: &mut Vec<PlannedCommand<'a>>,
) -> Result<Outcome, Rejection> {
    let commands = submission.commands.as_slice();
    let before = match &submission.commands {
        CommandSet::Atomic(_) => Some(state.clone()),
        CommandSet::One(_) | CommandSet::Partial(_) => None,
    };
    let mut outcomes = Vec::with_capacity(commands.len());
    for (command, resolved) in commands.iter().zip(resolved) {
        let planned = resolved.and_then(|resolved| plan(state, command, resolved.as_ref(), quotes));
        outcomes.push(planned.map(|(effects, outcome)| {
            planned_commands.push(PlannedCommand { origin: &submission.ctx.origin, command, effects });
            outcome
        }));
    }
    let too_large = too_large(&outcomes);
    match (&submission.commands, before) {
        (CommandSet::Atomic(_), Some(before)) if too_large => {
            *state = before;
            Err(reply_too_large())
        }
        (CommandSet::Partial(_), _) if too_large => Err(reply_too_large()),
        (CommandSet::One(_), _) => outcomes.pop().unwrap_or_else(|| Err(Rejection::Invalid(Vec::new()))),
        (CommandSet::Atomic(_), Some(before)) if outcomes.iter().any(Result::is_err) => {
            *state = before;
            Err(Rejection::Invalid(field_violations(outcomes)))
        }
        (CommandSet::Atomic(_) | CommandSet::Partial(_), _) => Ok(Outcome::Many(outcomes)),
    }
}

/// The maximum size of the texts in one response.
const MAX_REPLY_TEXT_BYTES: usize = 8 * 1024 * 1024;

fn too_large(outcomes: &[Result<Outcome, Rejection>]) -> bool {
    let bytes = outcomes.iter().map(|outcome| match outcome {
        Ok(Outcome::Transaction(transaction) | Outcome::Unchanged(transaction)) => transaction.text_bytes(),
        _ => 0,
    });
    bytes.sum::<usize>() > MAX_REPLY_TEXT_BYTES
}

fn reply_too_large() -> Rejection {
    let text = "The texts of one response must be at most 8 MiB. Send fewer operations.";
    Rejection::field("operations", FieldCode::TooManyItems, text)
}

/// Returns the violations of a bulk request, by index of the operation.
fn field_violations(outcomes: Vec<Result<Outcome, Rejection>>) -> Vec<FieldViolation> {
    let rejected =
        outcomes.into_iter().enumerate().filter_map(|(index, outcome)| Some((index, outcome.err()?)));
    let violations = rejected.flat_map(|(index, rejection)| {
        let violations = rejection.into_violations().into_iter();
        violations.map(move |violation| FieldViolation {
            field: format!("operations[{index}].{}", violation.field),
            ..violation
        })
    });
    violations.collect()
}

/// Claims the idempotency keys; returns the stored responses of reused keys.
async fn claim(
    connection: &mut PgConnection,
    batch: &[Submission],
    clock: &Clock,
) -> Result<Vec<Option<Result<Outcome, Error>>>, sqlx::Error> {
    let mut responses: Vec<_> = batch.iter().map(|_| None).collect();
    let keyed: Vec<(usize, &Key)> = batch
        .iter()
        .enumerate()
        .filter_map(|(index, submission)| Some((index, submission.ctx.key.as_ref()?)))
        .collect();
    if keyed.is_empty() {
        return Ok(responses);
    }
    let keys: Vec<_> = keyed.iter().map(|(_, key)| *key).collect();
    let claims = idempotency::claim_all(connection, &keys, clock.now()).await?;
    for ((index, _), claim) in keyed.into_iter().zip(claims) {
        responses[index] = match claim {
            Claim::New => None,
            Claim::Replay(response) => Some(Err(Error::Replayed(response))),
            Claim::KeyMismatch => Some(Err(ProblemCode::IdempotencyKeyReused.into())),
        };
    }
    Ok(responses)
}

/// Locks and reads the rows that the commands refer to.
async fn load_state(connection: &mut PgConnection, commands: &[&Command]) -> Result<BatchState, sqlx::Error> {
    let mut state = BatchState::default();
    // This lock serializes account names, also with the deletion of categories.
    let naming = commands.iter().filter(|command| command.sets_account_name());
    let naming: BTreeSet<_> = naming.map(|command| command.household.id).collect();
    if !naming.is_empty() {
        store::households::lock(connection, &naming.into_iter().collect::<Vec<_>>()).await?;
    }
    let transactions: Vec<_> = keys(commands, Command::transaction_to_lock).into_iter().collect();
    let mut accounts = keys(commands, Command::referenced_accounts);
    if !transactions.is_empty() {
        accounts.extend(store::transactions::lock(connection, &transactions).await?);
    }
    if !accounts.is_empty() {
        let keys: Vec<_> = accounts.into_iter().collect();
        for (household, account) in store::accounts::lock(connection, &keys).await? {
            state.accounts.insert((household, account.id), account);
        }
    }
    let balance_accounts = commands
        .iter()
        .filter_map(|command| Some((command.household.id, command.balance_account()?, command.today())));
    let balance_accounts: Vec<_> = balance_accounts.collect();
    if !balance_accounts.is_empty() {
        let later = store::accounts::changes_after(connection, &balance_accounts).await?;
        for (household, account, today) in balance_accounts {
            let change = later.get(&(household, account, today)).copied().unwrap_or_default();
            state.future_changes.insert((household, account), FutureChange { today, change });
        }
    }
    let recurring: Vec<_> = keys(commands, Command::recurring_to_lock).into_iter().collect();
    if !recurring.is_empty() {
        state.recurring =
            store::recurring::lock_versions(connection, &recurring).await?.into_iter().collect();
    }
    if !transactions.is_empty() {
        read_transactions(connection, &transactions, &mut state).await?;
    }

    // Read after the accounts are locked: deleting a category locks them too.
    let mut categories = keys(commands, Command::referenced_categories);
    for ((household, _), stored) in &state.transactions {
        let splits = stored.transaction.splits.iter().map(|split| split.category_id);
        categories
            .extend(stored.transaction.category_id.into_iter().chain(splits).map(|id| (*household, id)));
    }
    if !categories.is_empty() {
        let keys: Vec<_> = categories.into_iter().collect();
        state.categories = store::categories::find_live(connection, &keys).await?.into_iter().collect();
    }
    let opening =
        commands.iter().filter(|command| command.opens_account()).map(|command| command.household.id);
    let opening: Vec<_> = opening.collect();
    if !opening.is_empty() {
        state.account_counts = store::accounts::count(connection, &opening).await?.into_iter().collect();
    }
    let names =
        commands.iter().filter_map(|command| Some((command.household.id, command.account_name_key()?)));
    let names: Vec<_> = names.collect();
    if !names.is_empty() {
        state.names_taken = store::accounts::names_taken(connection, &names).await?.into_iter().collect();
    }
    Ok(state)
}

/// Lists the (household, id) pairs of the commands, in key order.
fn keys<I: IntoIterator<Item = Uuid>>(
    commands: &[&Command],
    ids: impl Fn(&Command) -> I,
) -> BTreeSet<(Uuid, Uuid)> {
    let pairs =
        commands.iter().flat_map(|command| ids(command).into_iter().map(|id| (command.household.id, id)));
    pairs.collect()
}

/// Reads locked transactions with their current postings.
async fn read_transactions(
    connection: &mut PgConnection,
    keys: &[(Uuid, Uuid)],
    state: &mut BatchState,
) -> Result<(), sqlx::Error> {
    // Read after the lock: otherwise two replicas could reverse the same postings twice.
    let transactions = store::transactions::find_many(connection, keys).await?;
    let mut postings = store::postings::current(connection, &transactions).await?;
    for (household, transaction) in transactions {
        let key = (household, transaction.id);
        let postings = postings.remove(&key).unwrap_or_default();
        state.transactions.insert(key, StoredTransaction { transaction, postings });
    }
    Ok(())
}

/// Writes rows by a function of the store, unless there are none.
macro_rules! write_unless_empty {
    ($connection:expr, $rows:expr, $write:path) => {
        if !$rows.is_empty() {
            $write($connection, &$rows).await?;
        }
    };
}

/// Writes all effects; returns the commit marker and the nominal accounts.
async fn write_effects(
    connection: &mut PgConnection,
    planned_commands: &[PlannedCommand<'_>],
    known_nominal: &HashSet<Uuid>,
    random: &Random,
) -> Result<(Option<CommitMarker>, Vec<Uuid>), Error> {
    let mut rows = Rows::default();
    for PlannedCommand { origin, command, effects } in planned_commands {
        rows.add(command, &origin.actor, effects).ok_or(Rejection::OutOfRange)?;
    }
    let nominal: BTreeMap<_, _> = rows
        .nominal
        .iter()
        .filter(|account| !known_nominal.contains(&account.id))
        .map(|account| (account.id, *account))
        .collect();
    let missing: Vec<_> = nominal.values().copied().collect();
    // Changes come first: a name that one account gives up is then free for another.
    write_unless_empty!(connection, rows.changed, store::accounts::update);
    write_unless_empty!(connection, rows.opened, store::accounts::insert);
    let paused = pause_recurring(connection, planned_commands).await?;
    write_unless_empty!(connection, missing, store::nominal_accounts::insert_missing);
    write_unless_empty!(connection, rows.new, store::transactions::insert);
    write_unless_empty!(connection, rows.updated, store::transactions::update);
    write_unless_empty!(connection, rows.split, store::splits::replace);
    write_unless_empty!(connection, rows.revisions, store::revisions::insert);
    if !rows.postings.is_empty() {
        store::postings::insert(connection, &rows.postings).await?;
        store::accounts::apply_balance_deltas(connection, &rows.deltas).await?;
        store::daily_totals::add(connection, &rows.deltas).await?;
    }
    for recurring in &rows.recurring {
        store::recurring::save(connection, recurring).await?;
    }
    let planned_events = planned_commands.iter().flat_map(|planned| {
        let events = planned.effects.events.iter();
        events.map(move |event| (planned, event))
    });
    let events = planned_events.chain(paused.iter().map(|(planned, event)| (*planned, event)));
    let events = events.map(|(PlannedCommand { origin, command, .. }, event)| NewEvent {
        id: random.id(command.now),
        household_id: Some(command.household.id),
        user_id: origin.actor.parse().ok(),
        entity: event.entity,
        entity_id: event.entity_id,
        version: event.version,
        kind: event.kind,
        changed: &event.changed,
        origin,
        occurred_at: command.now,
    });
    let events: Vec<_> = events.collect();
    let transaction_id = kit_events::append_all(connection, &events).await?;
    let marker = transaction_id.zip(events.first()).map(|(transaction_id, event)| CommitMarker {
        transaction_id,
        event_id: event.id,
        occurred_at: event.occurred_at,
    });
    Ok((marker, nominal.into_keys().collect()))
}

/// Pauses recurring transactions on archived accounts; returns an event for each.
async fn pause_recurring<'a>(
    connection: &mut PgConnection,
    planned_commands: &'a [PlannedCommand<'a>],
) -> Result<Vec<(&'a PlannedCommand<'a>, Event)>, sqlx::Error> {
    let mut events = Vec::new();
    for planned in planned_commands {
        let Some(account) = planned.effects.closed_account() else { continue };
        let (household_id, now) = (planned.command.household.id, planned.command.now);
        let paused = store::recurring::pause_for_account(connection, household_id, account.id, now).await?;
        let event = |(entity_id, version)| Event {
            entity: "recurring",
            entity_id,
            version,
            kind: "failed",
            changed: Vec::new(),
        };
        events.extend(paused.into_iter().map(|row| (planned, event(row))));
    }
    Ok(events)
}

/// Returns whether a transaction was committed; `None` while it is in progress.
///
/// Its event decides, not its transaction id alone: after a crash PostgreSQL
/// reuses the id of a transaction that never reached the disk.
pub(super) async fn is_committed(
    connection: &mut PgConnection,
    marker: &CommitMarker,
) -> Result<Option<bool>, sqlx::Error> {
    let status = sqlx::query_scalar!("select pg_xact_status($1::int8::text::xid8)", marker.transaction_id)
        .fetch_one(&mut *connection)
        .await;
    match status {
        Ok(status) if status.as_deref() == Some("in progress") => return Ok(None),
        Ok(_) => {}
        // "in the future": this server has not assigned the id yet.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("22023") => {}
        Err(error) => return Err(error),
    }
    sqlx::query_scalar!(
        r#"select exists (
               select from ledger.events
               where epoch = (select max(epoch) from ledger.event_epochs)
                 and transaction_id = $1::int8::text::xid8 and id = $2 and occurred_at = $3) as "is_committed!""#,
        marker.transaction_id,
        marker.event_id,
        marker.occurred_at,
    )
    .fetch_one(connection)
    .await
    .map(Some)
}
