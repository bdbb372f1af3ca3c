//! Plans the effects of a command, or rejects it.

use fintrac_money::{AmountError, Money};
use kit_core::error::FieldCode;
use uuid::Uuid;

use super::batch_state::{BatchState, StoredTransaction};
use super::effects::{Effects, Event, Outcome, TransactionEffect};
use super::input::{ResolvedSplit, ResolvedTransaction};
use super::nominal::NominalAccount;
use super::postings::{PostingSet, Rates, TooLarge, build_postings};
use super::rejection::Rejection;
use super::resolve::{find_posted, find_transaction};
use super::signed_posting::Posting;
use super::{Command, CommandKind};
use crate::domain::rate::{Quotes, Rate};
use crate::domain::transaction::{
    Revision, RevisionKind, Split, Transaction, TransactionStatus, differences,
};

/// Plans `command` and applies it to `state`, or rejects it without an effect.
pub fn plan(
    state: &mut BatchState,
    command: &Command,
    resolved: Option<&ResolvedTransaction>,
    quotes: &Quotes,
) -> Result<(Effects, Outcome), Rejection> {
    let household_id = command.household.id;
    let planner = Planner { state, command, quotes };
    let effects = match (&command.kind, resolved) {
        (CommandKind::Create(_), Some(resolved)) => planner.create(resolved)?,
        (CommandKind::Edit { .. }, Some(resolved)) => planner.edit(find_posted(state, command)?, resolved)?,
        (CommandKind::Restore { .. }, Some(resolved)) => {
            planner.restore(find_transaction(state, command)?, resolved)?
        }
        (CommandKind::Void { .. }, None) => planner.void(find_transaction(state, command)?),
        (CommandKind::OpenAccount { account_id, input }, None) => planner.open_account(*account_id, input)?,
        (CommandKind::ChangeAccount { account_id, changes, expected_version }, None) => {
            planner.change_account(*account_id, changes, *expected_version)?
        }
        // Unreachable: `resolve` returns the input of these kinds, and only of these.
        (CommandKind::Create(_) | CommandKind::Edit { .. } | CommandKind::Restore { .. }, None)
        | (_, Some(_)) => return Err(Rejection::Invalid(Vec::new())),
    };
    if let Some(transaction) = &effects.transaction
        && !state.balances_fit(household_id, &transaction.postings)
    {
        return Err(Rejection::OutOfRange);
    }
    state.apply(household_id, command.today(), &effects);
    let outcome = outcome(state, command, &effects)?;
    Ok((effects, outcome))
}

/// Returns the outcome of a command whose effects were applied to the state.
fn outcome(state: &BatchState, command: &Command, effects: &Effects) -> Result<Outcome, Rejection> {
    Ok(match (&command.kind, &effects.transaction) {
        (CommandKind::OpenAccount { account_id, .. } | CommandKind::ChangeAccount { account_id, .. }, _) => {
            let account = state.account(command.household.id, *account_id).cloned();
            let account = account.and_then(|account| state.account_state(command.household.id, account));
            Outcome::Account(Box::new(account.ok_or(Rejection::OutOfRange)?))
        }
        (CommandKind::Void { .. }, _) => Outcome::Voided,
        (_, Some(effect)) => Outcome::Transaction(Box::new(effect.transaction.clone())),
        (_, None) => Outcome::Unchanged(Box::new(find_transaction(state, command)?.transaction.clone())),
    })
}

/// Plans one command on the unchanged state.
pub(super) struct Planner<'a> {
    pub state: &'a BatchState,
    pub command: &'a Command,
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
    /// Sets the computed amounts on the transaction; returns its postings.
    fn apply_to(self, transaction: &mut Transaction) -> PostingSet {
        transaction.account_change = self.change;
        transaction.to_account_change = self.to_change;
        transaction.rate = self.rate;
        transaction.household_amount = household_amount(&self.posting_set.postings);
        self.posting_set
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
                Rejection::field("currency_code", FieldCode::RateNotFound, text)
            })?;
            (money, Some(rate))
        };
        let (money, rate) = in_account;
        if money.is_zero() {
            let text =
                format!("The amount rounds to zero in {}. Send a larger amount.", resolved.account_currency);
            return Err(Rejection::field("amount", FieldCode::AmountTooSmall, text));
        }
        let change = resolved.transaction_type.change(money);
        let to_change = resolved.to_account_id.map(|_| resolved.to_amount.unwrap_or(money));
        let household = self.command.household;
        let posting_set =
            build_postings(household.id, household.currency, resolved, change, to_change, rates)
                .map_err(too_large)?;
        Ok(ComputedAmounts { change, to_change, rate, posting_set })
    }

    fn create(&self, resolved: &ResolvedTransaction) -> Result<Effects, Rejection> {
        self.state.check_open(self.command.household.id, resolved.account_id, resolved.to_account_id)?;
        let mut effects = self.new_transaction(resolved)?;
        if let Some(recurring) = &self.command.new_recurring {
            effects.events.push(event("recurring", recurring.id, recurring.version, "created", Vec::new()));
            effects.recurring = Some(recurring.clone());
        }
        Ok(effects)
    }

    /// Plans a new transaction.
    pub fn new_transaction(&self, resolved: &ResolvedTransaction) -> Result<Effects, Rejection> {
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
            details: resolved.details.clone(),
            date: resolved.date,
            recurring_id: self.command.occurrence_of.map(|occurrence| occurrence.recurring_id),
            version: 1,
            posted_revision: Some(1),
            created_at: self.command.now,
            updated_at: self.command.now,
        };
        let revision = Revision { revision: 1, kind: RevisionKind::Created, changes: Vec::new() };
        let event = event("transaction", transaction.id, 1, "created", Vec::new());
        let PostingSet { postings, nominal } = computed.posting_set;
        let effect = TransactionEffect { transaction, is_new: true, had_splits: false, revision, postings };
        Ok(Effects { transaction: Some(effect), nominal, events: vec![event], ..Effects::default() })
    }

    fn edit(&self, stored: &StoredTransaction, resolved: &ResolvedTransaction) -> Result<Effects, Rejection> {
        let before = &stored.transaction;
        let mut after = Transaction {
            transaction_type: resolved.transaction_type,
            account_id: resolved.account_id,
            to_account_id: resolved.to_account_id,
            category_id: resolved.category.map(|category| category.id),
            splits: splits(resolved),
            amount: resolved.amount,
            to_amount: resolved.to_amount,
            details: resolved.details.clone(),
            date: resolved.date,
            ..before.clone()
        };
        if *before == after {
            return Ok(Effects::default());
        }
        if same_money(before, &after) {
            return Ok(self.revise(before, after, RevisionKind::Updated, Vec::new(), Vec::new()));
        }
        // A change of the category does not change the accounts.
        if !same_movement(before, &after) {
            self.state.check_open(self.command.household.id, resolved.account_id, resolved.to_account_id)?;
        }
        let PostingSet { nominal, postings: new } =
            self.compute(resolved, &self.pinned_rates(stored, resolved))?.apply_to(&mut after);
        let postings = stored.postings.iter().map(Posting::reversed).chain(new).collect();
        after.posted_revision = Some(before.version.saturating_add(1));
        Ok(self.revise(before, after, RevisionKind::Updated, nominal, postings))
    }

    /// Plans the restoration of a voided transaction; does nothing if it is posted.
    fn restore(
        &self,
        stored: &StoredTransaction,
        resolved: &ResolvedTransaction,
    ) -> Result<Effects, Rejection> {
        let before = &stored.transaction;
        if before.status == TransactionStatus::Posted {
            return Ok(Effects::default());
        }
        // A transaction can be restored on archived and deleted accounts.
        let computed = self.compute(resolved, &self.pinned_rates(stored, resolved))?;
        let mut after = Transaction {
            status: TransactionStatus::Posted,
            category_id: resolved.category.map(|category| category.id),
            splits: splits(resolved),
            posted_revision: Some(before.version.saturating_add(1)),
            ..before.clone()
        };
        let PostingSet { nominal, postings } = computed.apply_to(&mut after);
        Ok(self.revise(before, after, RevisionKind::Restored, nominal, postings))
    }

    fn void(&self, stored: &StoredTransaction) -> Effects {
        let before = &stored.transaction;
        if before.status == TransactionStatus::Voided {
            return Effects::default();
        }
        let after =
            Transaction { status: TransactionStatus::Voided, posted_revision: None, ..before.clone() };
        let postings = stored.postings.iter().map(Posting::reversed).collect();
        self.revise(before, after, RevisionKind::Voided, Vec::new(), postings)
    }

    /// Plans the next revision of a transaction.
    fn revise(
        &self,
        before: &Transaction,
        after: Transaction,
        kind: RevisionKind,
        nominal: Vec<NominalAccount>,
        postings: Vec<Posting>,
    ) -> Effects {
        let version = before.version.saturating_add(1);
        let transaction = Transaction { version, updated_at: self.command.now, ..after };
        let changes = differences(before, &transaction);
        let changed = changes.iter().map(|change| change.field).collect();
        Effects {
            events: vec![event("transaction", transaction.id, version, kind.into_str(), changed)],
            transaction: Some(TransactionEffect {
                transaction,
                is_new: false,
                had_splits: !before.splits.is_empty(),
                revision: Revision { revision: version, kind, changes },
                postings,
            }),
            nominal,
            ..Effects::default()
        }
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
}

pub(super) fn event(
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
