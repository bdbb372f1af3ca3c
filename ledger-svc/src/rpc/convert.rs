//! Converts between domain types and proto messages.

use chrono::NaiveDate;
use fintrac_kit::clock::timestamp;
use fintrac_kit::field_mask;
use fintrac_money::{Currency, Money};
use fintrac_proto::ledger::v1 as pb;
use tonic::Status;
use uuid::Uuid;

use crate::domain::account::{AccountChanges, AccountInput, AccountState};
use crate::domain::category::{Category, CategoryChanges, CategoryInput};
use crate::domain::rate::Rate;
use crate::domain::transaction::{Split, SplitInput, Transaction, TransactionChanges, TransactionInput};
use crate::error::Error;
use crate::service::{AccountTransaction, ExportPage, FilterInput, Operation};
use crate::store::revisions::RevisionRow;

/// Parses the id of an `entity`; an invalid UUID is reported as not found.
pub fn parse_id(text: &str, entity: &'static str) -> Result<Uuid, Status> {
    Uuid::parse_str(text).map_err(|_| Error::not_found(entity).into())
}

impl From<AccountState> for pb::Account {
    fn from(AccountState { account, balance }: AccountState) -> Self {
        Self {
            id: account.id.to_string(),
            account_type: account.account_type.as_str().to_owned(),
            currency_code: account.currency().code().to_owned(),
            balance: balance.to_string(),
            projected_balance: account.projected_balance.to_string(),
            name: account.name,
            description: account.description,
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
        }
    }
}

/// Extracts the fields that the update mask names.
///
/// A field that cannot be cleared and has no value is rejected like an empty one.
pub fn account_changes(request: pb::UpdateAccountRequest) -> AccountChanges {
    let mask = request.update_mask.as_ref();
    let text =
        |field, value: Option<String>| field_mask::contains(mask, field).then(|| value.unwrap_or_default());
    AccountChanges {
        name: text("name", request.name),
        account_type: text("account_type", request.account_type),
        currency_code: text("currency_code", request.currency_code),
        balance: text("balance", request.balance),
        description: field_mask::contains(mask, "description").then_some(request.description),
        include_in_net_worth: request
            .include_in_net_worth
            .filter(|_| field_mask::contains(mask, "include_in_net_worth")),
        is_active: request.is_active.filter(|_| field_mask::contains(mask, "is_active")),
    }
}

impl From<Category> for pb::Category {
    fn from(category: Category) -> Self {
        Self {
            id: category.id.to_string(),
            name: category.name,
            r#type: category.category_type.as_str().to_owned(),
            icon: category.icon,
            color: category.color,
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

pub fn category_changes(request: pb::UpdateCategoryRequest) -> CategoryChanges {
    let mask = request.update_mask.as_ref();
    let text =
        |field, value: Option<String>| field_mask::contains(mask, field).then(|| value.unwrap_or_default());
    CategoryChanges {
        name: text("name", request.name),
        category_type: text("type", request.r#type),
        icon: field_mask::contains(mask, "icon").then_some(request.icon),
        color: field_mask::contains(mask, "color").then_some(request.color),
        parent_id: field_mask::contains(mask, "parent_id").then_some(request.parent_id),
    }
}

impl From<Rate> for pb::Rate {
    fn from(rate: Rate) -> Self {
        Self {
            rate: rate.value.normalize().to_string(),
            date: rate.day.to_string(),
            source: rate.source.as_str().to_owned(),
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
        let to_change = transaction.to_account_change;
        Self {
            id: transaction.id.to_string(),
            r#type: transaction.transaction_type.as_str().to_owned(),
            status: transaction.status.as_str().to_owned(),
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
            exchange_rate: transaction.rate.map(Into::into),
            description: transaction.texts.description.clone(),
            reference_number: transaction.texts.reference_number.clone(),
            notes: transaction.texts.notes.clone(),
            tags: transaction.texts.tags.clone(),
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

fn split_input(split: pb::Split) -> SplitInput {
    SplitInput { category_id: split.category_id, amount: split.amount, description: split.description }
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

impl From<pb::BulkOperation> for Operation {
    fn from(operation: pb::BulkOperation) -> Self {
        use pb::bulk_operation::Op;

        match operation.op {
            Some(Op::Create(request)) => Self::Create(Box::new(request.into())),
            Some(Op::Update(update)) => {
                let changes = transaction_changes(update.update_mask.as_ref(), update.transaction);
                Self::Update { id: update.id, changes: Box::new(changes) }
            }
            Some(Op::Delete(delete)) => Self::Delete { id: delete.id },
            None => Self::Unknown,
        }
    }
}

pub fn balance((day, balance): (NaiveDate, Money)) -> pb::Balance {
    pb::Balance { date: day.to_string(), balance: balance.to_string() }
}

impl From<AccountTransaction> for pb::AccountTransaction {
    fn from(row: AccountTransaction) -> Self {
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
            description: request.description,
            reference_number: request.reference_number,
            notes: request.notes,
            tags: request.tags,
            transaction_date: request.transaction_date,
            splits: request.splits.into_iter().map(split_input).collect(),
        }
    }
}

pub fn transaction_changes(
    mask: Option<&prost_types::FieldMask>,
    values: Option<pb::CreateTransactionRequest>,
) -> TransactionChanges {
    let values = values.unwrap_or_default();
    let text =
        |field, value: Option<String>| field_mask::contains(mask, field).then(|| value.unwrap_or_default());
    TransactionChanges {
        account_id: text("account_id", Some(values.account_id)),
        transaction_type: text("type", Some(values.r#type)),
        amount: text("amount", Some(values.amount)),
        currency_code: text("currency_code", values.currency_code),
        category_id: field_mask::contains(mask, "category_id").then_some(values.category_id),
        to_account_id: field_mask::contains(mask, "to_account_id").then_some(values.to_account_id),
        to_amount: field_mask::contains(mask, "to_amount").then_some(values.to_amount),
        description: field_mask::contains(mask, "description").then_some(values.description),
        reference_number: field_mask::contains(mask, "reference_number").then_some(values.reference_number),
        notes: field_mask::contains(mask, "notes").then_some(values.notes),
        tags: field_mask::contains(mask, "tags").then_some(values.tags),
        transaction_date: text("transaction_date", values.transaction_date),
        splits: field_mask::contains(mask, "splits")
            .then(|| values.splits.into_iter().map(split_input).collect()),
    }
}

pub fn filter(filter: Option<pb::TransactionFilter>) -> FilterInput {
    let filter = filter.unwrap_or_default();
    FilterInput {
        account_id: filter.account_id,
        category_id: filter.category_id,
        transaction_type: filter.r#type,
        status: filter.status,
        from: filter.from,
        to: filter.to,
        min_amount: filter.min_amount,
        max_amount: filter.max_amount,
        currency_code: filter.currency_code,
        children: filter.children.unwrap_or(true),
        tag: filter.tag,
        q: filter.q,
        sort: filter.sort,
    }
}

impl From<RevisionRow> for pb::TransactionRevision {
    fn from(row: RevisionRow) -> Self {
        let changes = row.changes.as_object().into_iter().flatten().map(|(field, values)| pb::FieldChange {
            field: field.clone(),
            before: values[0].to_string(),
            after: values[1].to_string(),
        });
        Self {
            revision: row.revision,
            kind: row.kind,
            changes: changes.collect(),
            actor: row.actor,
            recorded_at: Some(timestamp(row.recorded_at)),
        }
    }
}
