//! Plans the effects of a command, or rejects it.

use fintrac_kit::error::FieldViolation;
use fintrac_kit::text::name_key;
use fintrac_money::{AmountError, Money};
use uuid::Uuid;

use super::batch_state::{BatchState, StoredTransaction};
use super::effects::{AccountEffect, Effects, Event, Outcome, TransactionEffect};
use super::postings::{PostingSet, Rates, TooLarge, build_postings};
use super::rejection::{Rejection, name_taken};
use super::resolve::{ResolvedCommand, ResolvedSplit, ResolvedTransaction, find_posted, find_transaction};
use super::signed_posting::Posting;
use super::{Command, CommandKind};
use crate::domain::account::{Account, AccountChanges, AccountInput, AccountUpdate};
use crate::domain::rate::{Quotes, Rate};
use crate::domain::transaction::{
    FieldChange, Revision, RevisionKind, Split, Texts, Transaction, TransactionStatus, TransactionType,
    differences,
};

/// Plans `command` and applies it to `state`, or rejects it without an effect.
pub fn plan(
    state: &mut BatchState,
    command: &Command,
    resolved: &ResolvedCommand,
    quotes: &Quotes,
) -> Result<(Effects, Outcome), Rejection> {
    let planner = Planner { state, command, quotes };
    let (effects, planned) = match (&command.kind, resolved) {
        (CommandKind::Create(_), ResolvedCommand::Create(resolved)) => transaction(planner.create(resolved)?),
        (CommandKind::Edit { transaction_id, expected_version, .. }, ResolvedCommand::Edit(resolved)) => {
            transaction(planner.edit(
                find_posted(state, command.household.id, *transaction_id, *expected_version)?,
                resolved,
            )?)
        }
        (CommandKind::Restore { transaction_id, expected_version }, ResolvedCommand::Restore(resolved)) => {
            transaction(planner.restore(
                find_transaction(state, command.household.id, *transaction_id, *expected_version)?,
                resolved,
            )?)
        }
        (CommandKind::Void { transaction_id, expected_version }, ResolvedCommand::NoAmountChange) => {
            transaction(planner.void(find_transaction(
                state,
                command.household.id,
                *transaction_id,
                *expected_version,
            )?))
        }
        (CommandKind::OpenAccount { account_id, input }, ResolvedCommand::NoAmountChange) => {
            (planner.open_account(*account_id, input)?, PlannedOutcome::Account(*account_id))
        }
        (
            CommandKind::ChangeAccount { account_id, changes, expected_version },
            ResolvedCommand::NoAmountChange,
        ) => (
            planner.change_account(*account_id, changes, *expected_version)?,
            PlannedOutcome::Account(*account_id),
        ),
        // Unreachable: `resolve` returns the variant of the command's kind.
        _ => return Err(Rejection::Invalid(Vec::new())),
    };
    if let Some(transaction) = &effects.transaction
        && !state.balances_fit(command.household.id, &transaction.postings)
    {
        return Err(Rejection::OutOfRange);
    }
    state.apply(command.household.id, command.today(), &effects);
    Ok((effects, with_balance(state, command, planned)?))
}

/// The maximum number of live accounts of a household.
const MAX_ACCOUNTS: i64 = 500;
/// The maximum number of accounts including deleted ones: totals read all of them.
const MAX_ACCOUNTS_EVER: i64 = 2000;

/// The outcome of a command before its effects are applied.
enum PlannedOutcome {
    Outcome(Outcome),
    /// An account, whose response shows its balances after its own adjustment.
    Account(Uuid),
}

fn with_balance(
    state: &BatchState,
    command: &Command,
    planned: PlannedOutcome,
) -> Result<Outcome, Rejection> {
    match planned {
        PlannedOutcome::Outcome(outcome) => Ok(outcome),
        PlannedOutcome::Account(id) => {
            let account = state.account(command.household.id, id).cloned();
            let state = account.and_then(|account| state.account_state(command.household.id, account));
            state.map(|state| Outcome::Account(Box::new(state))).ok_or(Rejection::OutOfRange)
        }
    }
}

fn transaction((effects, outcome): (Effects, Outcome)) -> (Effects, PlannedOutcome) {
    (effects, PlannedOutcome::Outcome(outcome))
}

struct Planner<'a> {
    state: &'a BatchState,
    command: &'a Command,
    quotes: &'a Quotes,
}

/// The computed amounts and postings of a transaction.
struct ComputedAmounts {
    change: Money,
    to_change: Option<Money>,
    rate: Option<Rate>,
    posting_set: PostingSet,
}

impl ComputedAmounts {
    /// Sets the computed amounts on the transaction.
    fn apply_to(&self, transaction: &mut Transaction) {
        transaction.account_change = self.change;
        transaction.to_account_change = self.to_change;
        transaction.rate = self.rate;
        transaction.household_amount = household_amount(&self.posting_set.postings);
    }
}

impl Planner<'_> {
    fn current_rates(&self) -> Rates<'_> {
        Rates { quotes: self.quotes, pinned_rate: None, pinned_valuations: Vec::new() }
    }

    fn compute(
        &self,
        resolved: &ResolvedTransaction,
        rates: &Rates<'_>,
    ) -> Result<ComputedAmounts, Rejection> {
        let in_account = if resolved.amount.currency() == resolved.account_currency {
            (resolved.amount, None)
        } else {
            let converted = rates
                .convert(resolved.amount, resolved.account_currency, resolved.date)
                .map_err(too_large)?;
            let (money, rate) = converted.ok_or_else(|| {
                let text = format!(
                    "No exchange rate from {} to {} is known for that day. Send the amount in {}.",
                    resolved.amount.currency(),
                    resolved.account_currency,
                    resolved.account_currency
                );
                Rejection::field("currency_code", "RATE_NOT_FOUND", text)
            })?;
            (money, Some(rate))
        };
        let (money, rate) = in_account;
        if money.is_zero() {
            let text =
                format!("The amount rounds to zero in {}. Send a larger amount.", resolved.account_currency);
            return Err(Rejection::field("amount", "AMOUNT_TOO_SMALL", text));
        }
        let change = resolved.transaction_type.change(money);
        let to_change = resolved.to_account_id.map(|_| resolved.to_amount.unwrap_or(money));
        let household = self.command.household;
        let posting_set =
            build_postings(household.id, household.currency, resolved, change, to_change, rates)
                .map_err(too_large)?;
        Ok(ComputedAmounts { change, to_change, rate, posting_set })
    }

    /// Rejects new postings on archived and deleted accounts.
    fn check_accounts_open(&self, resolved: &ResolvedTransaction) -> Result<(), Rejection> {
        let household = self.command.household.id;
        let closed =
            |id| self.state.account(household, id).is_some_and(|account| !account.accepts_postings());
        let mut fields = Vec::new();
        if closed(resolved.account_id) {
            fields.push("account_id");
        }
        if resolved.to_account_id.is_some_and(closed) {
            fields.push("to_account_id");
        }
        if fields.is_empty() { Ok(()) } else { Err(Rejection::AccountClosed(fields)) }
    }

    fn create(&self, resolved: &ResolvedTransaction) -> Result<(Effects, Outcome), Rejection> {
        self.check_accounts_open(resolved)?;
        let mut effects = self.new_transaction(resolved)?;
        if let Some(recurring) = &self.command.new_recurring {
            effects.events.push(event("recurring", recurring.id, recurring.version, "created", Vec::new()));
            effects.recurring = Some(recurring.clone());
        }
        let outcome = effects.transaction.as_ref().map(|effect| Box::new(effect.transaction.clone()));
        Ok((effects, outcome.map_or(Outcome::Voided, Outcome::Transaction)))
    }

    /// Plans a new transaction.
    fn new_transaction(&self, resolved: &ResolvedTransaction) -> Result<Effects, Rejection> {
        let computed = self.compute(resolved, &self.current_rates())?;
        let transaction = Transaction {
            id: self.command.transaction_id,
            transaction_type: resolved.transaction_type,
            status: TransactionStatus::Posted,
            account_id: resolved.account_id,
            to_account_id: resolved.to_account_id,
            category_id: resolved.category.map(|category| category.id),
            splits: splits(resolved),
            amount: resolved.amount,
            to_amount: resolved.to_amount,
            account_change: computed.change,
            to_account_change: computed.to_change,
            household_amount: household_amount(&computed.posting_set.postings),
            household_currency: self.command.household.currency,
            rate: computed.rate,
            texts: resolved.texts.clone(),
            date: resolved.date,
            recurring_id: self.command.occurrence_of.map(|occurrence| occurrence.recurring_id),
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
                postings: computed.posting_set.postings,
            }),
            recurring: None,
            nominal: computed.posting_set.nominal,
            events: vec![event],
        })
    }

    fn edit(
        &self,
        stored: &StoredTransaction,
        resolved: &ResolvedTransaction,
    ) -> Result<(Effects, Outcome), Rejection> {
        let before = &stored.transaction;
        let mut after = Transaction {
            transaction_type: resolved.transaction_type,
            account_id: resolved.account_id,
            to_account_id: resolved.to_account_id,
            category_id: resolved.category.map(|category| category.id),
            splits: splits(resolved),
            amount: resolved.amount,
            to_amount: resolved.to_amount,
            texts: resolved.texts.clone(),
            date: resolved.date,
            ..before.clone()
        };
        let same_money = same_money(before, &after);
        let mut effects = Effects::default();
        let mut postings = Vec::new();
        if !same_money {
            // A change of the category does not change the accounts.
            if !same_movement(before, &after) {
                self.check_accounts_open(resolved)?;
            }
            let computed = self.compute(resolved, &self.pinned_rates(stored, resolved))?;
            computed.apply_to(&mut after);
            postings = stored.postings.iter().map(Posting::reversed).collect();
            postings.extend(computed.posting_set.postings);
            effects.nominal = computed.posting_set.nominal;
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
        revise(&mut effects, before, after, RevisionKind::Updated, changes, postings);
        Ok((effects, outcome))
    }

    /// Plans the restoration of a voided transaction; does nothing if it is posted.
    fn restore(
        &self,
        stored: &StoredTransaction,
        resolved: &ResolvedTransaction,
    ) -> Result<(Effects, Outcome), Rejection> {
        let before = &stored.transaction;
        if before.status == TransactionStatus::Posted {
            return Ok((Effects::default(), Outcome::Unchanged(Box::new(before.clone()))));
        }
        // A transaction can be restored on archived and deleted accounts.
        let computed = self.compute(resolved, &self.pinned_rates(stored, resolved))?;
        let version = before.version.saturating_add(1);
        let mut after = Transaction {
            status: TransactionStatus::Posted,
            category_id: resolved.category.map(|category| category.id),
            splits: splits(resolved),
            version,
            posted_revision: Some(version),
            updated_at: self.command.now,
            ..before.clone()
        };
        computed.apply_to(&mut after);
        let changes = differences(before, &after);
        let outcome = Outcome::Transaction(Box::new(after.clone()));
        let mut effects = Effects { nominal: computed.posting_set.nominal, ..Effects::default() };
        revise(&mut effects, before, after, RevisionKind::Restored, changes, computed.posting_set.postings);
        Ok((effects, outcome))
    }

    fn void(&self, stored: &StoredTransaction) -> (Effects, Outcome) {
        let before = &stored.transaction;
        if before.status == TransactionStatus::Voided {
            return (Effects::default(), Outcome::Voided);
        }
        let after = Transaction {
            status: TransactionStatus::Voided,
            posted_revision: None,
            version: before.version.saturating_add(1),
            updated_at: self.command.now,
            ..before.clone()
        };
        let changes = differences(before, &after);
        let postings = stored.postings.iter().map(Posting::reversed).collect();
        let mut effects = Effects::default();
        revise(&mut effects, before, after, RevisionKind::Voided, changes, postings);
        (effects, Outcome::Voided)
    }

    /// Returns the rates for an edit: new ones only if the currency or date changed.
    fn pinned_rates(&self, stored: &StoredTransaction, resolved: &ResolvedTransaction) -> Rates<'_> {
        let mut rates = self.current_rates();
        let before = &stored.transaction;
        if before.date != resolved.date {
            return rates;
        }
        rates.pinned_rate =
            before.rate.map(|rate| (before.amount.currency(), before.account_change.currency(), rate));
        // Only own postings were converted from the posting's currency.
        let valued = stored.postings.iter().filter(|posting| posting.is_own).filter_map(|posting| {
            let rate = posting.household.and_then(|value| value.rate)?;
            Some((posting.amount.currency(), rate))
        });
        rates.pinned_valuations = valued.collect();
        rates
    }

    fn open_account(&self, account_id: Uuid, input: &AccountInput) -> Result<Effects, Rejection> {
        let household = self.command.household;
        let name = (household.id, name_key(&input.name));
        let taken = self.state.names_taken.contains(&name).then(name_taken);
        let (live, all) = self.state.account_counts.get(&household.id).copied().unwrap_or_default();
        if live >= MAX_ACCOUNTS || all >= MAX_ACCOUNTS_EVER {
            let text = format!(
                "A household can have at most {MAX_ACCOUNTS} accounts, or {MAX_ACCOUNTS_EVER} including deleted ones. Change an existing account instead."
            );
            return Err(Rejection::Invalid(vec![FieldViolation::new("name", "TOO_MANY_ITEMS", text)]));
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
            effects =
                self.new_transaction(&self.system_transaction(TransactionType::Opening, &account, opening))?;
        }
        effects.events.insert(0, event("account", account.id, 1, "created", Vec::new()));
        effects.account = Some(AccountEffect::Opened(account));
        Ok(effects)
    }

    fn change_account(
        &self,
        account_id: Uuid,
        changes: &AccountChanges,
        expected_version: Option<i64>,
    ) -> Result<Effects, Rejection> {
        let household = self.command.household.id;
        let found = self.state.account(household, account_id).filter(|account| account.deleted_at.is_none());
        let account = found.ok_or(Rejection::NotFound("account"))?;
        if expected_version.is_some_and(|version| version != account.version) {
            return Err(Rejection::VersionMismatch);
        }
        let AccountUpdate { account: after, balance: new_balance, fields: changed } =
            changes.apply(account, self.command.now).map_err(Rejection::Invalid)?;
        let key = name_key(&after.name);
        if key != name_key(&account.name) && self.state.names_taken.contains(&(household, key)) {
            return Err(Rejection::name_taken());
        }
        let state = self.state.account_state(household, account.clone()).ok_or(Rejection::OutOfRange)?;
        let difference =
            new_balance.map(|balance| balance.checked_sub(state.balance).ok_or(Rejection::OutOfRange));
        let mut effects = Effects::default();
        if let Some(difference) = difference.transpose()?.filter(|difference| !difference.is_zero()) {
            // Archiving sets the balance first, reactivating sets it afterwards.
            if !account.accepts_postings() && !after.accepts_postings() {
                return Err(Rejection::AccountClosed(vec!["balance"]));
            }
            effects = self.new_transaction(&self.system_transaction(
                TransactionType::Adjustment,
                account,
                difference,
            ))?;
        }
        if !changed.is_empty() {
            effects.events.insert(0, event("account", after.id, after.version, "updated", changed));
            effects.account = Some(AccountEffect::Changed(after));
        }
        Ok(effects)
    }

    fn system_transaction(
        &self,
        transaction_type: TransactionType,
        account: &Account,
        amount: Money,
    ) -> ResolvedTransaction {
        ResolvedTransaction {
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

/// Returns the rejection of an amount that is too large in another currency.
fn too_large(_: TooLarge) -> Rejection {
    Rejection::Invalid(vec![AmountError::TooLarge.violation("amount")])
}

/// Returns the absolute household amount, which is that of the first posting.
fn household_amount(postings: &[Posting]) -> Option<Money> {
    postings.first().and_then(|posting| posting.household).map(|value| value.amount.abs())
}

fn splits(resolved: &ResolvedTransaction) -> Vec<Split> {
    let split = |ResolvedSplit { category, amount, description }: &ResolvedSplit| Split {
        category_id: category.id,
        amount: *amount,
        description: description.clone(),
    };
    resolved.splits.iter().map(split).collect()
}

/// Returns whether the amounts, accounts, categories, currency and date are equal.
fn same_money(before: &Transaction, after: &Transaction) -> bool {
    let parts = |transaction: &Transaction| {
        transaction.splits.iter().map(|split| (split.category_id, split.amount)).collect::<Vec<_>>()
    };
    same_movement(before, after) && before.category_id == after.category_id && parts(before) == parts(after)
}

/// Returns whether the own accounts change by the same amounts on the same day.
fn same_movement(before: &Transaction, after: &Transaction) -> bool {
    before.transaction_type == after.transaction_type
        && before.account_id == after.account_id
        && before.to_account_id == after.to_account_id
        && before.amount == after.amount
        && before.to_amount == after.to_amount
        && before.date == after.date
}

/// Adds the next revision of a transaction to the effects.
fn revise(
    effects: &mut Effects,
    before: &Transaction,
    after: Transaction,
    kind: RevisionKind,
    changes: Vec<FieldChange>,
    postings: Vec<Posting>,
) {
    let changed = changes.iter().map(|change| change.field).collect();
    effects.events.push(event("transaction", after.id, after.version, kind.as_str(), changed));
    let revision = Revision { revision: after.version, kind, changes };
    let had_splits = !before.splits.is_empty();
    effects.transaction =
        Some(TransactionEffect { transaction: after, is_new: false, had_splits, revision, postings });
}
