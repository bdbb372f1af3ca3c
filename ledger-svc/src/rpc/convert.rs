//! Converts between domain types and proto messages.

use chrono::NaiveDate;
use fintrac_money::{Currency, Money};
use fintrac_proto::ledger::v1 as pb;
use kit_core::clock::timestamp;
use prost_types::FieldMask;
use uuid::Uuid;

use crate::domain::account::{AccountChanges, AccountInput, AccountState};
use crate::domain::category::{Category, CategoryChanges, CategoryInput};
use crate::domain::changes::Changes;
use crate::domain::details::TransactionDetails;
use crate::domain::posting::{Outcome, Rejection};
use crate::domain::rate::Rate;
use crate::domain::transaction::{Split, SplitInput, Transaction, TransactionInput};
use crate::service::{AccountTransaction, ExportPage};
use crate::store::revisions::RevisionRow;

/// The maximum number of errors of one operation in the response to a bulk request.
const MAX_ERRORS_PER_OPERATION: usize = 5;

/// Converts the outcome of a command on a transaction that is not voided.
impl From<&Outcome> for pb::Transaction {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Transaction(transaction) | Outcome::Unchanged(transaction) => (&**transaction).into(),
            Outcome::Account(_) | Outcome::Voided | Outcome::Many(_) => Self::default(),
        }
    }
}

/// Converts the outcome of a command on an account.
impl From<&Outcome> for pb::Account {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Account(account) => (&**account).into(),
            Outcome::Transaction(_) | Outcome::Unchanged(_) | Outcome::Voided | Outcome::Many(_) => {
                Self::default()
            }
        }
    }
}

impl From<&Outcome> for pb::VoidTransactionResponse {
    fn from(_: &Outcome) -> Self {
        Self {}
    }
}

impl From<&Outcome> for pb::BulkTransactionsResponse {
    fn from(outcome: &Outcome) -> Self {
        let outcomes = match outcome {
            Outcome::Many(outcomes) => outcomes.as_slice(),
            Outcome::Transaction(_) | Outcome::Unchanged(_) | Outcome::Account(_) | Outcome::Voided => &[],
        };
        Self { results: outcomes.iter().map(bulk_result).collect() }
    }
}

fn bulk_result(outcome: &Result<Outcome, Rejection>) -> pb::BulkResult {
    match outcome {
        Ok(Outcome::Voided) => pb::BulkResult { status: "deleted".to_owned(), ..Default::default() },
        Ok(outcome) => {
            let transaction = pb::Transaction::from(outcome);
            let is_new = matches!(outcome, Outcome::Transaction(_)) && transaction.version == 1;
            let status = if is_new { "created" } else { "updated" };
            let transaction = Some(transaction);
            pb::BulkResult { status: status.to_owned(), transaction, errors: Vec::new() }
        }
        Err(rejection) => {
            let errors = rejection.clone().into_violations().into_iter();
            let errors = errors.take(MAX_ERRORS_PER_OPERATION).map(|violation| pb::BulkError {
                field: violation.field,
                code: violation.code.to_string(),
                detail: violation.description,
            });
            pb::BulkResult { status: "refused".to_owned(), transaction: None, errors: errors.collect() }
        }
    }
}

impl From<&AccountState> for pb::Account {
    fn from(AccountState { account, balance }: &AccountState) -> Self {
        Self {
            id: account.id.to_string(),
            account_type: account.account_type.into_str().to_owned(),
            currency_code: account.currency().code().to_owned(),
            balance: balance.to_string(),
            projected_balance: account.projected_balance.to_string(),
            name: account.name.clone(),
            description: account.description.clone(),
            include_in_net_worth: account.include_in_net_worth,
            is_active: account.is_active,
            created_at: Some(timestamp(account.created_at)),
            updated_at: Some(timestamp(account.updated_at)),
            deleted_at: account.deleted_at.map(timestamp),
            version: account.version,
        }
    }
}

impl From<pb::CreateAccountRequest> for AccountInput {
    fn from(request: pb::CreateAccountRequest) -> Self {
        Self {
            name: request.name,
            account_type: request.account_type,
            currency_code: request.currency_code,
            balance: request.balance,
            description: request.description,
            include_in_net_worth: request.include_in_net_worth,
            is_active: None,
        }
    }
}

/// Returns the changes of the fields that `mask` names.
pub fn changes<T>(mask: Option<FieldMask>, values: impl Into<T>) -> Changes<T> {
    Changes::new(mask.unwrap_or_default().paths, values.into())
}

impl From<pb::UpdateAccountRequest> for AccountChanges {
    fn from(request: pb::UpdateAccountRequest) -> Self {
        let values = AccountInput {
            name: request.name.unwrap_or_default(),
            account_type: request.account_type.unwrap_or_default(),
            currency_code: request.currency_code,
            balance: request.balance,
            description: request.description,
            include_in_net_worth: request.include_in_net_worth,
            is_active: request.is_active,
        };
        changes(request.update_mask, values)
    }
}

impl From<&Category> for pb::Category {
    fn from(category: &Category) -> Self {
        Self {
            id: category.id.to_string(),
            name: category.name.clone(),
            r#type: category.category_type.into_str().to_owned(),
            icon: category.icon.clone(),
            color: category.color.clone(),
            parent_id: category.parent_id.map(|id| id.to_string()),
            created_at: Some(timestamp(category.created_at)),
            updated_at: Some(timestamp(category.updated_at)),
            version: category.version,
        }
    }
}

impl From<pb::CreateCategoryRequest> for CategoryInput {
    fn from(request: pb::CreateCategoryRequest) -> Self {
        Self {
            name: request.name,
            category_type: request.r#type,
            icon: request.icon,
            color: request.color,
            parent_id: request.parent_id,
        }
    }
}

impl From<pb::UpdateCategoryRequest> for CategoryChanges {
    fn from(request: pb::UpdateCategoryRequest) -> Self {
        let values = CategoryInput {
            name: request.name.unwrap_or_default(),
            category_type: request.r#type.unwrap_or_default(),
            icon: request.icon,
            color: request.color,
            parent_id: request.parent_id,
        };
        changes(request.update_mask, values)
    }
}

impl From<&Rate> for pb::Rate {
    fn from(rate: &Rate) -> Self {
        Self {
            rate: rate.value.normalize().to_string(),
            date: rate.day.to_string(),
            source: rate.source.into_str().to_owned(),
        }
    }
}

pub fn currency(currency: Currency) -> pb::Currency {
    pb::Currency {
        code: currency.code().to_owned(),
        name: currency.name().to_owned(),
        symbol: currency.symbol().to_owned(),
        decimals: i32::try_from(currency.decimals()).unwrap_or_default(),
        is_active: currency.is_active(),
    }
}

impl From<&Transaction> for pb::Transaction {
    fn from(transaction: &Transaction) -> Self {
        let id = |id: Option<Uuid>| id.map(|id| id.to_string());
        let (to_change, details) = (transaction.to_account_change, transaction.details.clone());
        Self {
            id: transaction.id.to_string(),
            r#type: transaction.transaction_type.into_str().to_owned(),
            status: transaction.status.into_str().to_owned(),
            account_id: transaction.account_id.to_string(),
            to_account_id: id(transaction.to_account_id),
            category_id: id(transaction.category_id),
            amount: transaction.amount.to_string(),
            currency_code: transaction.amount.currency().code().to_owned(),
            account_amount: transaction.account_amount().to_string(),
            account_currency_code: transaction.account_change.currency().code().to_owned(),
            to_amount: to_change.map(|amount| amount.to_string()),
            to_currency_code: to_change.map(|amount| amount.currency().code().to_owned()),
            household_amount: transaction.household_amount.map(|amount| amount.to_string()),
            household_currency_code: transaction.household_currency.code().to_owned(),
            exchange_rate: transaction.rate.as_ref().map(Into::into),
            description: details.description,
            reference_number: details.reference_number,
            notes: details.notes,
            tags: details.tags,
            transaction_date: transaction.date.to_string(),
            created_at: Some(timestamp(transaction.created_at)),
            updated_at: Some(timestamp(transaction.updated_at)),
            version: transaction.version,
            splits: splits(transaction),
            recurring_id: id(transaction.recurring_id),
        }
    }
}

fn splits(transaction: &Transaction) -> Vec<pb::Split> {
    let text = |amount: Option<Money>| amount.map(|amount| amount.to_string());
    let shares = transaction.split_shares();
    let split = |(split, (in_account, in_household)): (&Split, (Option<Money>, Option<Money>))| pb::Split {
        category_id: split.category_id.to_string(),
        amount: split.amount.to_string(),
        description: split.description.clone(),
        account_amount: text(in_account),
        household_amount: text(in_household),
    };
    transaction.splits.iter().zip(shares).map(split).collect()
}

impl From<pb::Split> for SplitInput {
    fn from(split: pb::Split) -> Self {
        Self { category_id: split.category_id, amount: split.amount, description: split.description }
    }
}

impl From<SplitInput> for pb::Split {
    fn from(split: SplitInput) -> Self {
        let SplitInput { category_id, amount, description } = split;
        Self { category_id, amount, description, ..Self::default() }
    }
}

impl From<ExportPage> for pb::ExportTransactionsResponse {
    fn from(page: ExportPage) -> Self {
        let name = |id: Uuid| page.names.get(&id).cloned().unwrap_or_default();
        let exported = |transaction: &Transaction| pb::ExportedTransaction {
            transaction: Some(transaction.into()),
            account_name: name(transaction.account_id),
            to_account_name: transaction.to_account_id.map(name).unwrap_or_default(),
            category_name: transaction.category_id.map(name).unwrap_or_default(),
            split_category_names: transaction.splits.iter().map(|split| name(split.category_id)).collect(),
        };
        Self { transactions: page.transactions.iter().map(exported).collect() }
    }
}

pub fn balance((day, balance): (NaiveDate, Money)) -> pb::Balance {
    pb::Balance { date: day.to_string(), balance: balance.to_string() }
}

impl From<&AccountTransaction> for pb::AccountTransaction {
    fn from(row: &AccountTransaction) -> Self {
        Self {
            transaction: Some((&row.transaction).into()),
            change: row.change.to_string(),
            running_balance: row.running_balance.to_string(),
        }
    }
}

impl From<pb::CreateTransactionRequest> for TransactionInput {
    fn from(request: pb::CreateTransactionRequest) -> Self {
        Self {
            account_id: request.account_id,
            transaction_type: request.r#type,
            amount: request.amount,
            currency_code: request.currency_code,
            category_id: request.category_id,
            to_account_id: request.to_account_id,
            to_amount: request.to_amount,
            details: TransactionDetails {
                description: request.description,
                reference_number: request.reference_number,
                notes: request.notes,
                tags: request.tags,
            },
            transaction_date: request.transaction_date,
            splits: request.splits.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<TransactionInput> for pb::CreateTransactionRequest {
    fn from(input: TransactionInput) -> Self {
        Self {
            account_id: input.account_id,
            r#type: input.transaction_type,
            amount: input.amount,
            currency_code: input.currency_code,
            category_id: input.category_id,
            to_account_id: input.to_account_id,
            to_amount: input.to_amount,
            description: input.details.description,
            reference_number: input.details.reference_number,
            notes: input.details.notes,
            tags: input.details.tags,
            transaction_date: input.transaction_date,
            splits: input.splits.into_iter().map(Into::into).collect(),
            recurring: None,
        }
    }
}

impl From<&RevisionRow> for pb::TransactionRevision {
    fn from(row: &RevisionRow) -> Self {
        let changes = row.changes.as_object().into_iter().flatten().map(|(field, values)| pb::FieldChange {
            field: field.clone(),
            before: values[0].to_string(),
            after: values[1].to_string(),
        });
        Self {
            revision: row.revision,
            kind: row.kind.clone(),
            changes: changes.collect(),
            actor: row.actor.clone(),
            recorded_at: Some(timestamp(row.recorded_at)),
        }
    }
}
