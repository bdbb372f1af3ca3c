//! One batch in one database transaction: a number of statements that does not
//! depend on how many commands there are.
//!
//! The order is the lock order, and the same everywhere: idempotency keys,
//! households, transactions, accounts, what recurs, nominal accounts, days; each in
//! key order.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use fintrac_kit::clock::Clock;
use fintrac_kit::error::Violation;
use fintrac_kit::events::{self, NewEvent};
use fintrac_kit::idempotency::{self, Claim, Key};
use fintrac_kit::random::Random;
use sqlx::PgConnection;
use uuid::Uuid;

use super::columns::Rows;
use super::{Answer, Request, Submission, Work};
use crate::domain::posting::{
    AccountEffect, Book, BookedLater, Command, Effects, Outcome, Rejection, Resolved, Standing, plan,
    rates_needed, resolve,
};
use crate::domain::rate::Quotes;
use crate::error::Error;
use crate::store;

/// A batch that waits for its commit.
pub(super) struct Written {
    /// One a submission, in order.
    pub answers: Vec<Result<Answer, Error>>,
    /// To ask for the commit's fate; none when nothing changed.
    pub proof: Option<Proof>,
    /// Nominal accounts that are there after the commit.
    pub nominal: Vec<Uuid>,
    /// False: there is nothing to commit.
    pub changed: bool,
}

/// What a committed batch left: an event of its own, in its transaction.
pub(super) struct Proof {
    transaction_id: i64,
    event_id: Uuid,
    occurred_at: DateTime<Utc>,
}

/// Writes everything in the transaction that was begun; the commit is the caller's.
pub(super) async fn write(
    connection: &mut PgConnection,
    batch: &[Submission],
    known_nominal: &HashSet<Uuid>,
    clock: &Clock,
    random: &Random,
) -> Result<Written, Error> {
    let mut answers = claim(connection, batch, clock).await?;
    let open: Vec<usize> = (0..batch.len()).filter(|at| answers[*at].is_none()).collect();
    let commands: Vec<&Command> = open.iter().flat_map(|at| batch[*at].request.work.commands()).collect();

    let mut book = read(connection, &commands).await?;
    let resolved: Vec<Result<Resolved, Rejection>> =
        commands.iter().map(|command| resolve(&book, command)).collect();
    let words = commands.iter().zip(&resolved);
    let words = words.filter_map(|(command, resolved)| Some((*command, resolved.as_ref().ok()?)));
    let needed = rates_needed(&book, words);
    let quotes = if needed.is_empty() {
        Quotes::default()
    } else {
        store::exchange_rates::newest(connection, needed.into_iter()).await?
    };

    let mut done: Vec<Done<'_>> = Vec::with_capacity(commands.len());
    let mut released: Vec<&Key> = Vec::new();
    let mut kept: Vec<(&Key, Vec<u8>)> = Vec::new();
    let mut resolved = resolved.into_iter();
    for at in open {
        let request = &batch[at].request;
        let effects_before = done.len();
        match carry_out(&mut book, request, &mut resolved, &quotes, &mut done) {
            Ok(outcome) => {
                kept.extend(request.key.as_ref().map(|key| (key, (request.encode)(&outcome))));
                answers[at] = Some(Ok(Answer::Fresh(outcome)));
            }
            Err(rejection) => {
                done.truncate(effects_before);
                released.extend(&request.key);
                answers[at] = Some(Err(rejection.into()));
            }
        }
    }
    if !released.is_empty() {
        idempotency::release_all(connection, &released).await?;
    }
    let (proof, nominal) = apply(connection, &done, known_nominal, random).await?;
    if !kept.is_empty() {
        idempotency::store_all(connection, &kept).await?;
    }
    let changed = !done.is_empty() || !kept.is_empty();
    let unanswered = || Err(Error::Internal("a command got no answer".into()));
    let answers = answers.into_iter().map(|answer| answer.unwrap_or_else(unanswered)).collect();
    Ok(Written { answers, proof, nominal, changed })
}

/// A command that was carried out on the book, and what it writes.
struct Done<'a> {
    request: &'a Request,
    command: &'a Command,
    effects: Effects,
}

/// Plans a request's commands on `book`; on a refusal the book is as before.
fn carry_out<'a>(
    book: &mut Book,
    request: &'a Request,
    resolved: &mut impl Iterator<Item = Result<Resolved, Rejection>>,
    quotes: &Quotes,
    done: &mut Vec<Done<'a>>,
) -> Result<Outcome, Rejection> {
    let commands = request.work.commands();
    let before = match &request.work {
        Work::Atomic(_) => Some(book.clone()),
        Work::One(_) | Work::Partial(_) => None,
    };
    let mut outcomes = Vec::with_capacity(commands.len());
    for (command, resolved) in commands.iter().zip(resolved) {
        let planned = resolved.and_then(|resolved| plan(book, command, &resolved, quotes));
        outcomes.push(planned.map(|(effects, outcome)| {
            done.push(Done { request, command, effects });
            outcome
        }));
    }
    let too_large = too_large(&outcomes);
    match (&request.work, before) {
        (Work::Atomic(_), Some(before)) if too_large => {
            *book = before;
            Err(too_much_text())
        }
        (Work::Partial(_), _) if too_large => Err(too_much_text()),
        (Work::One(_), _) => outcomes.pop().unwrap_or_else(|| Err(Rejection::Invalid(Vec::new()))),
        (Work::Atomic(_), Some(before)) if outcomes.iter().any(Result::is_err) => {
            *book = before;
            Err(Rejection::Invalid(refusals(outcomes)))
        }
        (Work::Atomic(_) | Work::Partial(_), _) => Ok(Outcome::Many(outcomes)),
    }
}

/// Bytes of the texts that one reply carries.
const MAX_REPLY_TEXT: usize = 8 * 1024 * 1024;

fn too_large(outcomes: &[Result<Outcome, Rejection>]) -> bool {
    let bytes = outcomes.iter().map(|outcome| match outcome {
        Ok(Outcome::Transaction(it) | Outcome::Unchanged(it)) => it.text_bytes(),
        _ => 0,
    });
    bytes.sum::<usize>() > MAX_REPLY_TEXT
}

fn too_much_text() -> Rejection {
    let text = "These transactions have too much text for one reply; send fewer operations.";
    Rejection::field("operations", "TOO_MANY", text)
}

/// What is wrong with each command of a bulk.
fn refusals(outcomes: Vec<Result<Outcome, Rejection>>) -> Vec<Violation> {
    let refused = outcomes.into_iter().enumerate().filter_map(|(at, outcome)| Some((at, outcome.err()?)));
    let named = refused.flat_map(|(at, rejection)| {
        let violations = rejection.into_violations().into_iter();
        violations.map(move |it| Violation { field: format!("operations[{at}].{}", it.field), ..it })
    });
    named.collect()
}

/// Claims the batch's keys; answers those that came before.
async fn claim(
    connection: &mut PgConnection,
    batch: &[Submission],
    clock: &Clock,
) -> Result<Vec<Option<Result<Answer, Error>>>, sqlx::Error> {
    let mut answers: Vec<_> = batch.iter().map(|_| None).collect();
    let keyed: Vec<(usize, &Key)> = batch
        .iter()
        .enumerate()
        .filter_map(|(at, submission)| Some((at, submission.request.key.as_ref()?)))
        .collect();
    if keyed.is_empty() {
        return Ok(answers);
    }
    let keys: Vec<_> = keyed.iter().map(|(_, key)| *key).collect();
    let claims = idempotency::claim_all(connection, &keys, clock.now()).await?;
    for ((at, _), claim) in keyed.into_iter().zip(claims) {
        answers[at] = match claim {
            Claim::Fresh => None,
            Claim::Replay(reply) => Some(Ok(Answer::Replayed(reply))),
            Claim::Reused => Some(Err(Error::KeyReused)),
        };
    }
    Ok(answers)
}

/// Locks and reads what the commands name.
async fn read(connection: &mut PgConnection, commands: &[&Command]) -> Result<Book, sqlx::Error> {
    let mut book = Book::default();
    // Names of accounts are given one after the other, and not while a category is deleted.
    let naming = commands.iter().filter(|it| it.gives_name());
    let naming: BTreeSet<_> = naming.map(|command| command.household.id).collect();
    if !naming.is_empty() {
        store::households::lock(connection, &naming.into_iter().collect::<Vec<_>>()).await?;
    }
    let named = commands.iter().filter_map(|it| Some((it.household.id, it.names_transaction()?)));
    let transactions: BTreeSet<_> = named.collect();
    let transactions: Vec<_> = transactions.into_iter().collect();
    let mut accounts = BTreeSet::new();
    for command in commands {
        accounts.extend(command.names_accounts().into_iter().map(|id| (command.household.id, id)));
    }
    if !transactions.is_empty() {
        accounts.extend(store::transactions::lock(connection, &transactions).await?);
    }
    if !accounts.is_empty() {
        let keys: Vec<_> = accounts.into_iter().collect();
        for (household, account) in store::accounts::lock(connection, &keys).await? {
            book.accounts.insert((household, account.id), account);
        }
    }
    let told = commands.iter().filter_map(|it| Some((it.household.id, it.tells_balance_of()?, it.today())));
    let told: Vec<_> = told.collect();
    if !told.is_empty() {
        let later = store::accounts::booked_after(connection, &told).await?;
        for (household, account, today) in told {
            let change = later.get(&(household, account, today)).copied().unwrap_or_default();
            book.booked_later.insert((household, account), BookedLater { today, change });
        }
    }
    let recurring = commands.iter().filter_map(|it| Some((it.household.id, it.names_recurring()?)));
    let recurring: Vec<_> = recurring.collect();
    if !recurring.is_empty() {
        book.recurring = store::recurring::hold(connection, &recurring).await?.into_iter().collect();
    }
    if !transactions.is_empty() {
        read_transactions(connection, &transactions, &mut book).await?;
    }

    // Read after the accounts are locked: whoever deletes a category locks them too.
    let mut categories = BTreeSet::new();
    for command in commands {
        categories.extend(command.names_categories().into_iter().map(|id| (command.household.id, id)));
    }
    for ((household, _), standing) in &book.transactions {
        let splits = standing.transaction.splits.iter().map(|split| split.category_id);
        categories
            .extend(standing.transaction.category_id.into_iter().chain(splits).map(|id| (*household, id)));
    }
    if !categories.is_empty() {
        let keys: Vec<_> = categories.into_iter().collect();
        book.categories = store::categories::live(connection, &keys).await?.into_iter().collect();
    }
    let opening = commands.iter().filter(|it| it.opens_account()).map(|it| it.household.id);
    let opening: Vec<_> = opening.collect();
    if !opening.is_empty() {
        book.accounts_counted = store::accounts::count(connection, &opening).await?.into_iter().collect();
    }
    let names = commands.iter().filter_map(|it| Some((it.household.id, it.names_account_key()?)));
    let names: Vec<_> = names.collect();
    if !names.is_empty() {
        book.names_taken = store::accounts::names_taken(connection, &names).await?.into_iter().collect();
    }
    Ok(book)
}

/// Reads transactions, which are locked, with the legs that stand.
async fn read_transactions(
    connection: &mut PgConnection,
    keys: &[(Uuid, Uuid)],
    book: &mut Book,
) -> Result<(), sqlx::Error> {
    // Read after the lock: before it, two replicas would reverse the same legs twice.
    let transactions = store::transactions::find_many(connection, keys).await?;
    let mut legs = store::postings::standing(connection, &transactions).await?;
    for (household, transaction) in transactions {
        let key = (household, transaction.id);
        let legs = legs.remove(&key).unwrap_or_default();
        book.transactions.insert(key, Standing { transaction, legs });
    }
    Ok(())
}

/// Writes all effects; returns their proof and the nominal accounts.
async fn apply(
    connection: &mut PgConnection,
    done: &[Done<'_>],
    known_nominal: &HashSet<Uuid>,
    random: &Random,
) -> Result<(Option<Proof>, Vec<Uuid>), Error> {
    let mut rows = Rows::default();
    for Done { request, command, effects } in done {
        rows.add(command, &request.origin.actor, effects).ok_or(Rejection::OutOfRange)?;
    }
    let nominal: BTreeMap<_, _> =
        rows.nominal.iter().filter(|it| !known_nominal.contains(&it.id)).map(|it| (it.id, *it)).collect();
    // Changes first: a name that one gives up is free for another.
    if !rows.changed.is_empty() {
        store::accounts::update(connection, &rows.changed).await?;
    }
    if !rows.opened.is_empty() {
        store::accounts::insert(connection, &rows.opened).await?;
    }
    let closed: Vec<_> = done.iter().filter(|it| it.effects.closes_account()).collect();
    let paused = pause_recurring(connection, &closed, random).await?;
    if !nominal.is_empty() {
        let missing: Vec<_> = nominal.values().copied().collect();
        store::nominal_accounts::insert_missing(connection, &missing).await?;
    }
    if !rows.new.is_empty() {
        store::transactions::insert(connection, &rows.new).await?;
    }
    if !rows.updated.is_empty() {
        store::transactions::update(connection, &rows.updated).await?;
    }
    if !rows.split.is_empty() {
        store::splits::replace(connection, &rows.split).await?;
    }
    if !rows.revisions.is_empty() {
        store::revisions::insert(connection, &rows.revisions).await?;
    }
    if !rows.postings.is_empty() {
        store::postings::insert(connection, &rows.postings).await?;
        store::accounts::move_balances(connection, &rows.moves).await?;
        store::daily_changes::add(connection, &rows.moves).await?;
    }
    for recurring in &rows.recurring {
        store::recurring::save(connection, recurring).await?;
    }
    let events = done
        .iter()
        .flat_map(|it| it.effects.events.iter().map(move |event| (it.request, it.command, event)))
        .map(|(request, command, event)| NewEvent {
            id: random.id(command.now),
            household_id: Some(command.household.id),
            user_id: request.origin.actor.parse().ok(),
            entity: event.entity,
            entity_id: event.entity_id,
            version: event.version,
            kind: event.kind,
            changed: &event.changed,
            origin: &request.origin,
            occurred_at: command.now,
        });
    let events: Vec<_> = events.chain(paused).collect();
    let transaction_id = events::append_all(connection, &events).await?;
    let proof = transaction_id.zip(events.first()).map(|(transaction_id, event)| Proof {
        transaction_id,
        event_id: event.id,
        occurred_at: event.occurred_at,
    });
    Ok((proof, nominal.into_keys().collect()))
}

/// Pauses what recurs on accounts that are archived; returns an event for each.
async fn pause_recurring<'a>(
    connection: &mut PgConnection,
    closed: &[&'a Done<'a>],
    random: &Random,
) -> Result<Vec<NewEvent<'a>>, Error> {
    let mut events = Vec::new();
    for Done { request, command, effects } in closed.iter().copied() {
        let Some(AccountEffect::Changed(account)) = &effects.account else { continue };
        let accounts = [(command.household.id, account.id)];
        let paused = store::recurring::pause_on(connection, &accounts, command.now).await?;
        events.extend(paused.into_iter().map(|(household_id, entity_id, version)| NewEvent {
            id: random.id(command.now),
            household_id: Some(household_id),
            user_id: request.origin.actor.parse().ok(),
            entity: "recurring",
            entity_id,
            version,
            kind: "failed",
            changed: &[],
            origin: &request.origin,
            occurred_at: command.now,
        }));
    }
    Ok(events)
}

/// Whether a transaction was committed; none while it is still going on. Its
/// event decides, not its number alone: after a crash the number of a
/// transaction that never reached the disk is given out again.
pub(super) async fn is_committed(
    connection: &mut PgConnection,
    proof: &Proof,
) -> Result<Option<bool>, sqlx::Error> {
    let status = sqlx::query_scalar!("select pg_xact_status($1::int8::text::xid8)", proof.transaction_id)
        .fetch_one(&mut *connection)
        .await;
    match status {
        Ok(status) if status.as_deref() == Some("in progress") => return Ok(None),
        Ok(_) => {}
        // "in the future": this server has not given the number out yet.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("22023") => {}
        Err(error) => return Err(error),
    }
    sqlx::query_scalar!(
        r#"select exists (
               select from ledger.events
               where epoch = (select max(epoch) from ledger.event_epochs)
                 and transaction_id = $1::int8::text::xid8 and id = $2 and occurred_at = $3) as "there!""#,
        proof.transaction_id,
        proof.event_id,
        proof.occurred_at,
    )
    .fetch_one(connection)
    .await
    .map(Some)
}
