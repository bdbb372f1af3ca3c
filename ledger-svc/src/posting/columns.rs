//! Converts the effects of a batch's commands into rows per table.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::posting::{AccountEffect, BalanceDeltas, Command, Effects, NominalAccount};
use crate::domain::recurring::Recurring;
use crate::domain::transaction::{FieldValue, Revision, Split, Transaction};
use crate::store::postings::NewPosting;
use crate::store::revisions::NewRevision;

/// The rows that a batch writes, by table.
#[derive(Default)]
pub(super) struct Rows<'a> {
    pub opened: Vec<(Uuid, &'a crate::domain::account::Account)>,
    pub changed: Vec<(Uuid, &'a crate::domain::account::Account)>,
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
            kind: effect.revision.kind.as_str(),
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
fn changes(revision: &Revision) -> Value {
    let fields = revision.changes.iter();
    fields
        .map(|change| (change.field.to_owned(), json!([value(&change.before), value(&change.after)])))
        .collect()
}

fn value(value: &FieldValue) -> Value {
    match value {
        FieldValue::Text(text) => json!(text),
        FieldValue::List(list) => json!(list),
        FieldValue::Splits(splits) => {
            let split = |split: &Split| json!({ "category_id": split.category_id, "amount": split.amount.to_string(), "description": split.description });
            splits.iter().map(split).collect()
        }
    }
}
