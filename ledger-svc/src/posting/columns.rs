//! Converts the effects of a batch's commands into rows per table.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::domain::account::Account;
use crate::domain::details::TransactionDetails;
use crate::domain::posting::{AccountEffect, BalanceDeltas, Command, Effects, NominalAccount};
use crate::domain::recurring::Recurring;
use crate::domain::transaction::{FieldChange, Revision, Transaction};
use crate::store::postings::NewPosting;
use crate::store::revisions::NewRevision;

/// The rows that a batch writes, by table.
#[derive(Default)]
pub(super) struct Rows<'a> {
    pub opened: Vec<(Uuid, &'a Account)>,
    pub changed: Vec<(Uuid, &'a Account)>,
    pub nominal: Vec<NominalAccount>,
    pub recurring: Vec<&'a Recurring>,
    pub new: Vec<(Uuid, &'a Transaction)>,
    pub updated: Vec<(Uuid, &'a Transaction)>,
    /// Transactions whose splits are replaced.
    pub split: Vec<(Uuid, &'a Transaction)>,
    pub revisions: Vec<NewRevision>,
    pub postings: Vec<NewPosting<'a>>,
    pub deltas: BalanceDeltas,
}

impl<'a> Rows<'a> {
    /// Adds the rows of one command; returns `None` if a sum overflows.
    pub fn add(&mut self, command: &Command, actor: &str, effects: &'a Effects) -> Option<()> {
        let household_id = command.household.id;
        match &effects.account {
            Some(AccountEffect::Opened(account)) => self.opened.push((household_id, account)),
            Some(AccountEffect::Changed(account)) => self.changed.push((household_id, account)),
            None => {}
        }
        self.nominal.extend(&effects.nominal);
        self.recurring.extend(effects.recurring.as_deref());
        let Some(effect) = &effects.transaction else { return Some(()) };
        let transaction = &effect.transaction;
        let table = if effect.is_new { &mut self.new } else { &mut self.updated };
        table.push((household_id, transaction));
        if effect.had_splits || !transaction.splits.is_empty() {
            self.split.push((household_id, transaction));
        }
        self.revisions.push(NewRevision {
            household_id,
            transaction_id: transaction.id,
            revision: effect.revision.revision,
            kind: effect.revision.kind.into_str(),
            changes: changes(&effect.revision),
            actor: actor.to_owned(),
            recorded_at: command.now,
        });
        for (number, posting) in effect.postings.iter().enumerate() {
            self.postings.push(NewPosting {
                household_id,
                transaction_id: transaction.id,
                revision: effect.revision.revision,
                number: i16::try_from(number).ok()?,
                posting,
                recorded_at: command.now,
            });
        }
        self.deltas.add(household_id, &effect.postings)
    }
}

/// Maps each changed field to `[before, after]`.
///
/// The details are in an object of their own, which erasure removes.
fn changes(revision: &Revision) -> Value {
    let (details, others): (Vec<_>, Vec<_>) =
        revision.changes.iter().partition(|change| TransactionDetails::FIELDS.contains(&change.field));
    let map = |changes: Vec<&FieldChange>| {
        let pairs = changes.into_iter();
        pairs
            .map(|change| (change.field.to_owned(), json!([change.before, change.after])))
            .collect::<Map<_, _>>()
    };
    let mut changes = map(others);
    if !details.is_empty() {
        changes.insert("details".to_owned(), map(details).into());
    }
    changes.into()
}
