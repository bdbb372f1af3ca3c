//! Resolves the input of a command against the state of its batch.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use fintrac_money::Currency;
use uuid::Uuid;

use super::batch_state::{BatchState, StoredTransaction};
use super::input::{InputResolver, ResolvedTransaction};
use super::rejection::Rejection;
use super::{Command, CommandKind};
use crate::domain::account::Account;
use crate::domain::transaction::{TransactionInput, TransactionStatus};

/// Resolves the transaction that `command` posts; `None` if it has no input for one.
pub fn resolve(state: &BatchState, command: &Command) -> Result<Option<ResolvedTransaction>, Rejection> {
    let household = command.household.id;
    let resolver = InputResolver::new(state, command);
    match &command.kind {
        CommandKind::Create(input) => {
            let is_superseded = command.occurrence_of.is_some_and(|occurrence| {
                let version = state.recurring.get(&(household, occurrence.recurring_id));
                occurrence.expected_version.is_some() && occurrence.expected_version != version.copied()
            });
            if is_superseded {
                return Err(Rejection::VersionMismatch);
            }
            resolver.resolve(input).map(Some)
        }
        CommandKind::Edit { changes, .. } => {
            let stored = &find_posted(state, command)?.transaction;
            // An amount that is not sent is not validated again.
            let keeps_amount = !changes.contains("amount") && !changes.contains("currency_code");
            resolver.for_stored(stored, keeps_amount).resolve(&changes.apply_to(stored.into())).map(Some)
        }
        CommandKind::Restore { .. } => {
            let stored = &find_transaction(state, command)?.transaction;
            let mut input = TransactionInput::from(stored);
            // A category that was deleted meanwhile does not prevent the restoration.
            let is_live = |id: Uuid| state.categories.contains_key(&(household, id));
            if stored.category_id.is_some_and(|id| !is_live(id)) {
                input.category_id = None;
            }
            if stored.splits.iter().any(|split| !is_live(split.category_id)) {
                input.splits.clear();
            }
            resolver.for_stored(stored, true).resolve(&input).map(Some)
        }
        CommandKind::Void { .. } => find_transaction(state, command).map(|_| None),
        CommandKind::OpenAccount { .. } | CommandKind::ChangeAccount { .. } => Ok(None),
    }
}

/// Finds the posted transaction that a command changes.
pub(super) fn find_posted<'a>(
    state: &'a BatchState,
    command: &Command,
) -> Result<&'a StoredTransaction, Rejection> {
    let stored = find_transaction(state, command)?;
    match stored.transaction.status {
        TransactionStatus::Posted => Ok(stored),
        TransactionStatus::Voided => Err(Rejection::Voided),
    }
}

/// Finds the transaction that a command changes, posted or voided.
pub(super) fn find_transaction<'a>(
    state: &'a BatchState,
    command: &Command,
) -> Result<&'a StoredTransaction, Rejection> {
    let (id, expected_version) = command.target().unwrap_or_default();
    let found = state.transactions.get(&(command.household.id, id));
    let stored = found.ok_or(Rejection::NotFound("transaction"))?;
    Rejection::check_version(expected_version, stored.transaction.version)?;
    Ok(stored)
}

/// Lists the (currency, day) pairs whose newest quotes the plan needs.
pub fn rates_needed<'a>(
    state: &BatchState,
    commands: impl Iterator<Item = (&'a Command, Option<&'a ResolvedTransaction>)>,
) -> BTreeSet<(Currency, NaiveDate)> {
    let mut needed = BTreeSet::new();
    for (command, resolved) in commands {
        let household = command.household.currency;
        let (currencies, day) = match (resolved, &command.kind) {
            (Some(resolved), _) => {
                let (account, entered) = (resolved.account_currency, resolved.amount.currency());
                ([Some(account), Some(entered), resolved.to_currency], resolved.date)
            }
            (None, CommandKind::OpenAccount { input, .. }) => {
                let currency = input.currency_code.as_deref().and_then(Currency::from_code);
                ([currency, None, None], command.today())
            }
            (None, CommandKind::ChangeAccount { account_id, .. }) => {
                let currency = state.account(command.household.id, *account_id).map(Account::currency);
                ([currency, None, None], command.today())
            }
            (None, _) => continue,
        };
        let currencies = currencies.into_iter().flatten();
        if currencies.clone().any(|currency| currency != household) {
            needed.extend(currencies.chain([household]).map(|currency| (currency, day)));
        }
    }
    needed
}
