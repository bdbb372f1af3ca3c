//! Many changes of transactions in one commit: all or none of them, or each for
//! itself.

use std::collections::HashSet;

use fintrac_kit::access::By;
use fintrac_kit::error::Violation;
use uuid::Uuid;

use super::{Ledger, Once};
use crate::domain::posting::{Command, Order};
use crate::domain::transaction::{TransactionChanges, TransactionInput};
use crate::error::Error;
use crate::posting::{Answer, Request, Work};

/// Operations of one bulk.
const MOST: usize = 1000;

/// One operation, as somebody wrote it.
#[derive(Debug)]
pub enum Operation {
    Create(Box<TransactionInput>),
    Update {
        id: String,
        changes: Box<TransactionChanges>,
    },
    Delete {
        id: String,
    },
    /// Something else.
    Unknown,
}

impl Operation {
    fn id(&self) -> Option<&str> {
        match self {
            Self::Update { id, .. } | Self::Delete { id } => Some(id),
            Self::Create(_) | Self::Unknown => None,
        }
    }
}

impl Ledger {
    /// `mode` is atomic or partial.
    pub async fn bulk(
        &self,
        by: &By,
        mode: &str,
        operations: Vec<Operation>,
        once: Once,
    ) -> Result<Answer, Error> {
        let mode = check(mode, &operations)?;
        let household = self.household(by).await?;
        let now = self.clock.now();
        let command = |operation| {
            // What is no id is not there either.
            let id = |text: &str| Uuid::parse_str(text.trim()).unwrap_or_default();
            let order = match operation {
                Operation::Create(input) => Order::Create(*input),
                Operation::Update { id: text, changes } => {
                    Order::Edit { transaction_id: id(&text), changes: *changes, if_version: None }
                }
                Operation::Delete { id: text } => Order::Void { transaction_id: id(&text), if_version: None },
                Operation::Unknown => return None,
            };
            Some(Command::new(household, order, self.random.id(now), now))
        };
        let work = mode(operations.into_iter().filter_map(command).collect());
        let _turn = self.bulks.acquire(household.id).await;
        let Once { key, encode } = once;
        self.posting.post(Request { work, key, origin: by.origin.clone(), encode }).await
    }
}

/// How commands belong together.
type Mode = fn(Vec<Command>) -> Work;

/// What can be said without looking anything up.
fn check(mode: &str, operations: &[Operation]) -> Result<Mode, Vec<Violation>> {
    let mut violations = Vec::new();
    let mode: Option<Mode> = match mode.trim().to_ascii_lowercase().as_str() {
        "atomic" => Some(Work::Atomic),
        "partial" => Some(Work::Partial),
        _ => None,
    };
    if mode.is_none() {
        violations.push(Violation::new("mode", "BULK_MODE_UNKNOWN", "Send atomic or partial."));
    }
    if operations.is_empty() {
        violations.push(Violation::new("operations", "REQUIRED", "Send at least one operation."));
    } else if operations.len() > MOST {
        violations.push(Violation::new("operations", "TOO_MANY", "Send at most 1000 operations."));
    }
    let mut seen = HashSet::new();
    for (at, operation) in operations.iter().enumerate().take(MOST) {
        let mut refuse = |name: &str, reason, text| {
            violations.push(Violation::new(format!("operations[{at}].{name}"), reason, text));
        };
        match operation {
            Operation::Unknown => refuse("op", "BULK_OPERATION_UNKNOWN", "Send create, update or delete."),
            operation => match operation.id().map(str::trim) {
                Some("") => refuse("id", "REQUIRED", "Send the id of a transaction."),
                Some(id) if Uuid::parse_str(id).is_ok_and(|id| !seen.insert(id)) => {
                    refuse("id", "DUPLICATE", "Another operation names this transaction; send one for it.");
                }
                Some(_) | None => {}
            },
        }
    }
    match mode {
        Some(mode) if violations.is_empty() => Ok(mode),
        _ => Err(violations),
    }
}
