//! Applies many transaction changes in one commit: all or none, or each alone.

use std::collections::HashSet;

use fintrac_kit::access::RequestContext;
use fintrac_kit::error::FieldViolation;
use uuid::Uuid;

use super::{Idempotency, LedgerUseCases};
use crate::domain::posting::{Command, CommandKind};
use crate::domain::transaction::{TransactionChanges, TransactionInput};
use crate::error::Error;
use crate::posting::{CommandSet, PostingResponse, Request};

/// Maximum operations of one bulk request.
const MAX_OPERATIONS: usize = 1000;

/// One operation of a bulk request, not validated yet.
#[derive(Debug)]
pub enum Operation {
    Create(Box<TransactionInput>),
    Update { id: String, changes: Box<TransactionChanges> },
    Delete { id: String },
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

impl LedgerUseCases {
    /// Applies `operations`; `mode` is `atomic` or `partial`.
    pub async fn bulk(
        &self,
        ctx: &RequestContext,
        mode: &str,
        operations: Vec<Operation>,
        idempotency: Idempotency,
    ) -> Result<PostingResponse, Error> {
        let mode = validate(mode, &operations)?;
        let household = self.household(ctx).await?;
        let now = self.clock.now();
        let command = |operation| {
            // An invalid id is reported like an unknown one: not found.
            let id = |text: &str| Uuid::parse_str(text.trim()).unwrap_or_default();
            let kind = match operation {
                Operation::Create(input) => CommandKind::Create(*input),
                Operation::Update { id: text, changes } => {
                    CommandKind::Edit { transaction_id: id(&text), changes: *changes, expected_version: None }
                }
                Operation::Delete { id: text } => {
                    CommandKind::Void { transaction_id: id(&text), expected_version: None }
                }
                Operation::Unknown => return None,
            };
            Some(Command::new(household, kind, self.random.id(now), now))
        };
        let commands = mode(operations.into_iter().filter_map(command).collect());
        let _permit = self.bulks.acquire(household.id).await;
        let Idempotency { key, encode } = idempotency;
        self.posting_queue.post(Request { commands, key, origin: ctx.origin.clone(), encode }).await
    }
}

/// The constructor of a command set: all or none, or each alone.
type CommandSetConstructor = fn(Vec<Command>) -> CommandSet;

/// Validates a bulk request without reading the database.
fn validate(mode: &str, operations: &[Operation]) -> Result<CommandSetConstructor, Vec<FieldViolation>> {
    let mut violations = Vec::new();
    let mode: Option<CommandSetConstructor> = match mode.trim().to_ascii_lowercase().as_str() {
        "atomic" => Some(CommandSet::Atomic),
        "partial" => Some(CommandSet::Partial),
        _ => None,
    };
    if mode.is_none() {
        violations.push(FieldViolation::new(
            "mode",
            "BULK_MODE_INVALID",
            "The mode must be atomic or partial.",
        ));
    }
    if operations.is_empty() {
        violations.push(FieldViolation::new(
            "operations",
            "REQUIRED",
            "At least one operation is required. Send one.",
        ));
    } else if operations.len() > MAX_OPERATIONS {
        violations.push(FieldViolation::new(
            "operations",
            "TOO_MANY_ITEMS",
            "A request can have at most 1,000 operations. Send fewer.",
        ));
    }
    let mut seen = HashSet::new();
    for (index, operation) in operations.iter().enumerate().take(MAX_OPERATIONS) {
        let mut reject = |name: &str, reason, text| {
            violations.push(FieldViolation::new(format!("operations[{index}].{name}"), reason, text));
        };
        match operation {
            Operation::Unknown => reject("op", "BULK_OPERATION_INVALID", "Send create, update or delete."),
            operation => match operation.id().map(str::trim) {
                Some("") => reject("id", "REQUIRED", "The id is required. Send the id of a transaction."),
                Some(id) if Uuid::parse_str(id).is_ok_and(|id| !seen.insert(id)) => {
                    reject(
                        "id",
                        "DUPLICATE_OPERATION",
                        "Another operation names the same transaction. Send only one of them.",
                    );
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
