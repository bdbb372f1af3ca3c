//! Applies many transaction changes in one commit: all or none, or each alone.

use std::collections::HashSet;

use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::bulk_operation::Op;
use kit_core::error::{FieldCode, FieldViolation};
use kit_service::use_case::WriteContext;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::changes::Changes;
use crate::domain::posting::{Command, CommandKind, Outcome};
use crate::error::Error;
use crate::posting::CommandSet;

/// Maximum operations of one bulk request.
const MAX_OPERATIONS: usize = 1000;

/// Returns the id of the transaction that an operation changes.
fn target(operation: &pb::BulkOperation) -> Option<&str> {
    match operation.op.as_ref()? {
        Op::Create(_) => None,
        Op::Update(update) => Some(&update.id),
        Op::Delete(delete) => Some(&delete.id),
    }
}

impl LedgerUseCases {
    /// Applies `operations`; `mode` is `atomic` or `partial`.
    pub async fn bulk(
        &self,
        ctx: WriteContext<Outcome>,
        mode: &str,
        operations: Vec<pb::BulkOperation>,
    ) -> Result<Outcome, Error> {
        let mode = validate(mode, &operations)?;
        let household = self.household(&ctx).await?;
        let now = self.clock.now();
        let command = |operation: pb::BulkOperation| {
            // An invalid id is reported like an unknown one: not found.
            let id = |text: &str| Uuid::parse_str(text.trim()).unwrap_or_default();
            let kind = match operation.op? {
                Op::Create(request) => CommandKind::Create(request.into()),
                Op::Update(update) => CommandKind::Edit {
                    transaction_id: id(&update.id),
                    changes: Changes::new(
                        update.update_mask.unwrap_or_default().paths,
                        update.transaction.unwrap_or_default().into(),
                    ),
                    expected_version: None,
                },
                Op::Delete(delete) => {
                    CommandKind::Void { transaction_id: id(&delete.id), expected_version: None }
                }
            };
            Some(Command::new(household, kind, self.random.id(now), now))
        };
        let commands = mode(operations.into_iter().filter_map(command).collect());
        let _permit = self.bulks.acquire(household.id).await;
        self.posting_queue.post(commands, ctx).await
    }
}

/// The constructor of a command set: all or none, or each alone.
type CommandSetConstructor = fn(Vec<Command>) -> CommandSet;

/// Validates a bulk request without reading the database.
fn validate(
    mode: &str,
    operations: &[pb::BulkOperation],
) -> Result<CommandSetConstructor, Vec<FieldViolation>> {
    let mut violations = Vec::new();
    let mode: Option<CommandSetConstructor> = match mode.trim().to_ascii_lowercase().as_str() {
        "atomic" => Some(CommandSet::Atomic),
        "partial" => Some(CommandSet::Partial),
        _ => None,
    };
    if mode.is_none() {
        violations.push(FieldViolation::from_code("mode", FieldCode::BulkModeInvalid));
    }
    if operations.is_empty() {
        let text = "At least one operation is required. Send one.";
        violations.push(FieldViolation::new("operations", FieldCode::Required, text));
    } else if operations.len() > MAX_OPERATIONS {
        let text = "A request can have at most 1,000 operations. Send fewer.";
        violations.push(FieldViolation::new("operations", FieldCode::TooManyItems, text));
    }
    let mut seen = HashSet::new();
    for (index, operation) in operations.iter().enumerate().take(MAX_OPERATIONS) {
        let mut reject = |name: &str, code, text| {
            violations.push(FieldViolation::new(format!("operations[{index}].{name}"), code, text));
        };
        match target(operation).map(str::trim) {
            _ if operation.op.is_none() => {
                reject("op", FieldCode::BulkOperationInvalid, "Send create, update or delete.");
            }
            Some("") => {
                reject("id", FieldCode::Required, "The id is required. Send the id of a transaction.");
            }
            Some(id) if Uuid::parse_str(id).is_ok_and(|id| !seen.insert(id)) => {
                let text = "Another operation names the same transaction. Send only one of them.";
                reject("id", FieldCode::DuplicateOperation, text);
            }
            Some(_) | None => {}
        }
    }
    match mode {
        Some(mode) if violations.is_empty() => Ok(mode),
        _ => Err(violations),
    }
}
