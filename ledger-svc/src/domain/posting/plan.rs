//! What each command does, or why not.

use fintrac_kit::error::Violation;
use fintrac_kit::text::name_key;
use fintrac_money::{AmountError, Money};
use uuid::Uuid;

use super::book::{Book, Standing};
use super::effects::{AccountEffect, Effects, Event, Outcome, TransactionEffect};
use super::legs::{Leg, Legs, Rates, TooLarge, legs};
use super::rejection::{Rejection, name_taken};
use super::resolve::{Resolved, SplitTerms, Terms, known, standing};
use super::{Command, Order};
use crate::domain::account::{Account, AccountChanges, AccountInput, Changed};
use crate::domain::rate::{Quotes, Rate};
use crate::domain::transaction::{
    FieldChange, Revision, RevisionKind, Split, Status, Texts, Transaction, TransactionType, differences,
};

/// Carries `command` out on `book`: all of its effects, or none and the reason.
pub fn plan(
    book: &mut Book,
    command: &Command,
    resolved: &Resolved,
    quotes: &Quotes,
) -> Result<(Effects, Outcome), Rejection> {
    let planner = Planner { book, command, quotes };
    let (effects, planned) = match (&command.order, resolved) {
        (Order::Create(_), Resolved::Create(terms)) => transaction(planner.create(terms)?),
        (Order::Edit { transaction_id, if_version, .. }, Resolved::Edit(terms)) => transaction(
            planner.edit(standing(book, command.household.id, *transaction_id, *if_version)?, terms)?,
        ),
        (Order::Restore { transaction_id, if_version }, Resolved::Restore(terms)) => transaction(
            planner.restore(known(book, command.household.id, *transaction_id, *if_version)?, terms)?,
        ),
        (Order::Void { transaction_id, if_version }, Resolved::Plain) => {
            transaction(planner.void(known(book, command.household.id, *transaction_id, *if_version)?))
        }
        (Order::OpenAccount { account_id, input }, Resolved::Plain) => {
            (planner.open_account(*account_id, input)?, Planned::Account(*account_id))
        }
        (Order::ChangeAccount { account_id, changes, if_version }, Resolved::Plain) => {
            (planner.change_account(*account_id, changes, *if_version)?, Planned::Account(*account_id))
        }
        // `resolve` gives each order its own form.
        _ => return Err(Rejection::Invalid(Vec::new())),
    };
    if let Some(transaction) = &effects.transaction
        && !book.holds(command.household.id, &transaction.legs)
    {
        return Err(Rejection::OutOfRange);
    }
    book.apply(command.household.id, command.today(), &effects);
    Ok((effects, with_balance(book, command, planned)?))
}

/// Accounts that a household may have at once, and may ever have had: every total
/// of its money reads all of them.
const MAX_ACCOUNTS: i64 = 500;
const MAX_ACCOUNTS_EVER: i64 = 2000;

/// What a command leads to, before its effects are applied.
enum Planned {
    Outcome(Outcome),
    /// The account's response shows the balances after its own adjustment.
    Account(Uuid),
}

fn with_balance(book: &Book, command: &Command, planned: Planned) -> Result<Outcome, Rejection> {
    match planned {
        Planned::Outcome(outcome) => Ok(outcome),
        Planned::Account(id) => {
            let account = book.account(command.household.id, id).cloned();
            let state = account.and_then(|account| book.account_state(command.household.id, account));
            state.map(|state| Outcome::Account(Box::new(state))).ok_or(Rejection::OutOfRange)
        }
    }
}

fn transaction((effects, outcome): (Effects, Outcome)) -> (Effects, Planned) {
    (effects, Planned::Outcome(outcome))
}

struct Planner<'a> {
    book: &'a Book,
    command: &'a Command,
    quotes: &'a Quotes,
}

/// A transaction's numbers, computed from its terms.
struct Booking {
    change: Money,
    to_change: Option<Money>,
    rate: Option<Rate>,
    legs: Legs,
}

impl Booking {
    /// Writes its numbers on the transaction.
    fn enter(&self, transaction: &mut Transaction) {
        transaction.account_change = self.change;
        transaction.to_account_change = self.to_change;
        transaction.rate = self.rate;
        transaction.household_amount = size(&self.legs.legs);
    }
}

impl Planner<'_> {
    fn fresh(&self) -> Rates<'_> {
        Rates { quotes: self.quotes, kept: None, kept_valuations: Vec::new() }
    }

    fn book(&self, terms: &Terms, rates: &Rates<'_>) -> Result<Booking, Rejection> {
        let in_account = if terms.amount.currency() == terms.account_currency {
            (terms.amount, None)
        } else {
            let converted =
                rates.convert(terms.amount, terms.account_currency, terms.date).map_err(too_large)?;
            let (money, rate) = converted.ok_or_else(|| {
                let text = format!(
                    "No rate from {} to {} is known for that day; send the amount in {}.",
                    terms.amount.currency(),
                    terms.account_currency,
                    terms.account_currency
                );
                Rejection::field("currency_code", "RATE_UNKNOWN", text)
            })?;
            (money, Some(rate))
        };
        let (money, rate) = in_account;
        if money.is_zero() {
            let text = format!("This comes to nothing in {}; send a larger amount.", terms.account_currency);
            return Err(Rejection::field("amount", "AMOUNT_TOO_SMALL", text));
        }
        let change = terms.transaction_type.change(money);
        let to_change = terms.to_account_id.map(|_| terms.to_amount.unwrap_or(money));
        let household = self.command.household;
        let legs =
            legs(household.id, household.currency, terms, change, to_change, rates).map_err(too_large)?;
        Ok(Booking { change, to_change, rate, legs })
    }

    /// Refuses new legs on closed accounts.
    fn open(&self, terms: &Terms) -> Result<(), Rejection> {
        let household = self.command.household.id;
        let closed = |id| self.book.account(household, id).is_some_and(|account| !account.takes_new_legs());
        let mut fields = Vec::new();
        if closed(terms.account_id) {
            fields.push("account_id");
        }
        if terms.to_account_id.is_some_and(closed) {
            fields.push("to_account_id");
        }
        if fields.is_empty() { Ok(()) } else { Err(Rejection::AccountClosed(fields)) }
    }

    fn create(&self, terms: &Terms) -> Result<(Effects, Outcome), Rejection> {
        self.open(terms)?;
        let mut effects = self.record(terms)?;
        if let Some(recurring) = &self.command.begins {
            effects.events.push(event("recurring", recurring.id, recurring.version, "created", Vec::new()));
            effects.recurring = Some(recurring.clone());
        }
        let outcome = effects.transaction.as_ref().map(|it| Box::new(it.transaction.clone()));
        Ok((effects, outcome.map_or(Outcome::Voided, Outcome::Transaction)))
    }

    /// A new transaction of these terms.
    fn record(&self, terms: &Terms) -> Result<Effects, Rejection> {
        let booking = self.book(terms, &self.fresh())?;
        let transaction = Transaction {
            id: self.command.transaction_id,
            transaction_type: terms.transaction_type,
            status: Status::Posted,
            account_id: terms.account_id,
            to_account_id: terms.to_account_id,
            category_id: terms.category.map(|category| category.id),
            splits: splits(terms),
            amount: terms.amount,
            to_amount: terms.to_amount,
            account_change: booking.change,
            to_account_change: booking.to_change,
            household_amount: size(&booking.legs.legs),
            household_currency: self.command.household.currency,
            rate: booking.rate,
            texts: terms.texts.clone(),
            date: terms.date,
            recurring_id: self.command.occurrence_of.map(|it| it.recurring_id),
            version: 1,
            posted_revision: Some(1),
            created_at: self.command.now,
            updated_at: self.command.now,
        };
        let revision = Revision { revision: 1, kind: RevisionKind::Created, changes: Vec::new() };
        let event = event("transaction", transaction.id, 1, "created", Vec::new());
        Ok(Effects {
            account: None,
            transaction: Some(TransactionEffect {
                transaction,
                is_new: true,
                had_splits: false,
                revision,
                legs: booking.legs.legs,
            }),
            recurring: None,
            nominal: booking.legs.nominal,
            events: vec![event],
        })
    }

    fn edit(&self, standing: &Standing, terms: &Terms) -> Result<(Effects, Outcome), Rejection> {
        let before = &standing.transaction;
        let mut after = Transaction {
            transaction_type: terms.transaction_type,
            account_id: terms.account_id,
            to_account_id: terms.to_account_id,
            category_id: terms.category.map(|category| category.id),
            splits: splits(terms),
            amount: terms.amount,
            to_amount: terms.to_amount,
            texts: terms.texts.clone(),
            date: terms.date,
            ..before.clone()
        };
        let same_money = same_money(before, &after);
        let mut effects = Effects::default();
        let mut legs = Vec::new();
        if !same_money {
            // Another category moves nothing on an account.
            if !same_movement(before, &after) {
                self.open(terms)?;
            }
            let booking = self.book(terms, &self.kept(standing, terms))?;
            booking.enter(&mut after);
            legs = standing.legs.iter().map(Leg::reversed).collect();
            legs.extend(booking.legs.legs);
            effects.nominal = booking.legs.nominal;
        }
        let changes = differences(before, &after);
        if changes.is_empty() && same_money {
            return Ok((effects, Outcome::Unchanged(Box::new(after))));
        }
        after.version = before.version.saturating_add(1);
        after.updated_at = self.command.now;
        if !same_money {
            after.posted_revision = Some(after.version);
        }
        let outcome = Outcome::Transaction(Box::new(after.clone()));
        revise(&mut effects, before, after, RevisionKind::Updated, changes, legs);
        Ok((effects, outcome))
    }

    /// One that is not voided stays as it is.
    fn restore(&self, standing: &Standing, terms: &Terms) -> Result<(Effects, Outcome), Rejection> {
        let before = &standing.transaction;
        if before.status == Status::Posted {
            return Ok((Effects::default(), Outcome::Unchanged(Box::new(before.clone()))));
        }
        // What was voided comes back whatever became of its accounts.
        let booking = self.book(terms, &self.kept(standing, terms))?;
        let version = before.version.saturating_add(1);
        let mut after = Transaction {
            status: Status::Posted,
            category_id: terms.category.map(|category| category.id),
            splits: splits(terms),
            version,
            posted_revision: Some(version),
            updated_at: self.command.now,
            ..before.clone()
        };
        booking.enter(&mut after);
        let changes = differences(before, &after);
        let outcome = Outcome::Transaction(Box::new(after.clone()));
        let mut effects = Effects { nominal: booking.legs.nominal, ..Effects::default() };
        revise(&mut effects, before, after, RevisionKind::Restored, changes, booking.legs.legs);
        Ok((effects, outcome))
    }

    fn void(&self, standing: &Standing) -> (Effects, Outcome) {
        let before = &standing.transaction;
        if before.status == Status::Voided {
            return (Effects::default(), Outcome::Voided);
        }
        let after = Transaction {
            status: Status::Voided,
            posted_revision: None,
            version: before.version.saturating_add(1),
            updated_at: self.command.now,
            ..before.clone()
        };
        let changes = differences(before, &after);
        let legs = standing.legs.iter().map(Leg::reversed).collect();
        let mut effects = Effects::default();
        revise(&mut effects, before, after, RevisionKind::Voided, changes, legs);
        (effects, Outcome::Voided)
    }

    /// An edit takes new rates only where currency or date changed.
    fn kept(&self, standing: &Standing, terms: &Terms) -> Rates<'_> {
        let mut rates = self.fresh();
        let before = &standing.transaction;
        if before.date != terms.date {
            return rates;
        }
        rates.kept =
            before.rate.map(|rate| (before.amount.currency(), before.account_change.currency(), rate));
        // Only the value of an own leg was converted from the leg's currency.
        let valued = standing.legs.iter().filter(|leg| leg.is_own).filter_map(|leg| {
            let rate = leg.household.and_then(|value| value.rate)?;
            Some((leg.amount.currency(), rate))
        });
        rates.kept_valuations = valued.collect();
        rates
    }

    fn open_account(&self, account_id: Uuid, input: &AccountInput) -> Result<Effects, Rejection> {
        let household = self.command.household;
        let name = (household.id, name_key(&input.name));
        let taken = self.book.names_taken.contains(&name).then(name_taken);
        let (live, all) = self.book.accounts_counted.get(&household.id).copied().unwrap_or_default();
        if live >= MAX_ACCOUNTS || all >= MAX_ACCOUNTS_EVER {
            let text = format!("You have {live} accounts, {all} with those deleted; change one instead.");
            return Err(Rejection::Invalid(vec![Violation::new("name", "TOO_MANY", text)]));
        }
        let resolved = input.resolve(account_id, household.currency, self.command.now);
        let (account, opening) = match (resolved, taken) {
            (Ok(resolved), None) => resolved,
            (Ok(_), Some(taken)) => return Err(Rejection::Invalid(vec![taken])),
            (Err(violations), taken) => {
                return Err(Rejection::Invalid(taken.into_iter().chain(violations).collect()));
            }
        };
        let mut effects = Effects::default();
        if !opening.is_zero() {
            effects = self.record(&self.system(TransactionType::Opening, &account, opening))?;
        }
        effects.events.insert(0, event("account", account.id, 1, "created", Vec::new()));
        effects.account = Some(AccountEffect::Opened(account));
        Ok(effects)
    }

    fn change_account(
        &self,
        account_id: Uuid,
        changes: &AccountChanges,
        if_version: Option<i64>,
    ) -> Result<Effects, Rejection> {
        let household = self.command.household.id;
        let found = self.book.account(household, account_id).filter(|account| account.deleted_at.is_none());
        let account = found.ok_or(Rejection::NotFound("account"))?;
        if if_version.is_some_and(|version| version != account.version) {
            return Err(Rejection::VersionMismatch);
        }
        let Changed { account: after, balance: wanted, fields: changed } =
            changes.apply(account, self.command.now).map_err(Rejection::Invalid)?;
        let key = name_key(&after.name);
        if key != name_key(&account.name) && self.book.names_taken.contains(&(household, key)) {
            return Err(Rejection::name_taken());
        }
        let state = self.book.account_state(household, account.clone()).ok_or(Rejection::OutOfRange)?;
        let difference = wanted.map(|wanted| wanted.checked_sub(state.balance).ok_or(Rejection::OutOfRange));
        let mut effects = Effects::default();
        if let Some(difference) = difference.transpose()?.filter(|difference| !difference.is_zero()) {
            // Archiving sets the balance first, bringing back afterwards.
            if !account.takes_new_legs() && !after.takes_new_legs() {
                return Err(Rejection::AccountClosed(vec!["balance"]));
            }
            effects = self.record(&self.system(TransactionType::Adjustment, account, difference))?;
        }
        if !changed.is_empty() {
            effects.events.insert(0, event("account", after.id, after.version, "updated", changed));
            effects.account = Some(AccountEffect::Changed(after));
        }
        Ok(effects)
    }

    fn system(&self, transaction_type: TransactionType, account: &Account, amount: Money) -> Terms {
        Terms {
            transaction_type,
            account_id: account.id,
            account_currency: account.currency(),
            to_account_id: None,
            to_currency: None,
            category: None,
            splits: Vec::new(),
            amount,
            to_amount: None,
            texts: Texts::default(),
            date: self.command.today(),
        }
    }
}

fn event(
    entity: &'static str,
    entity_id: Uuid,
    version: i64,
    kind: &'static str,
    changed: Vec<&'static str>,
) -> Event {
    Event { entity, entity_id, version, kind, changed }
}

/// The refusal of an amount that is too large in another currency.
fn too_large(_: TooLarge) -> Rejection {
    Rejection::Invalid(vec![AmountError::TooLarge.at("amount")])
}

/// The size in the household's currency: that of the first leg.
fn size(legs: &[Leg]) -> Option<Money> {
    legs.first().and_then(|leg| leg.household).map(|value| value.amount.abs())
}

fn splits(terms: &Terms) -> Vec<Split> {
    let split = |SplitTerms { category, amount, description }: &SplitTerms| Split {
        category_id: category.id,
        amount: *amount,
        description: description.clone(),
    };
    terms.splits.iter().map(split).collect()
}

/// No amount, account, category, currency or date differs.
fn same_money(before: &Transaction, after: &Transaction) -> bool {
    let parts = |it: &Transaction| {
        it.splits.iter().map(|split| (split.category_id, split.amount)).collect::<Vec<_>>()
    };
    same_movement(before, after) && before.category_id == after.category_id && parts(before) == parts(after)
}

/// Whether the own accounts are moved by the same amounts on the same day.
fn same_movement(before: &Transaction, after: &Transaction) -> bool {
    before.transaction_type == after.transaction_type
        && before.account_id == after.account_id
        && before.to_account_id == after.to_account_id
        && before.amount == after.amount
        && before.to_amount == after.to_amount
        && before.date == after.date
}

/// Adds the next revision of a transaction.
fn revise(
    effects: &mut Effects,
    before: &Transaction,
    after: Transaction,
    kind: RevisionKind,
    changes: Vec<FieldChange>,
    legs: Vec<Leg>,
) {
    let changed = changes.iter().map(|change| change.field).collect();
    effects.events.push(event("transaction", after.id, after.version, kind.as_str(), changed));
    let revision = Revision { revision: after.version, kind, changes };
    let had_splits = !before.splits.is_empty();
    effects.transaction =
        Some(TransactionEffect { transaction: after, is_new: false, had_splits, revision, legs });
}
