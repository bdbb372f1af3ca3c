use chrono::{DateTime, Utc};
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// An account: one currency, one balance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountResponse {
    #[schema(format = Uuid)]
    id: String,
    #[schema(example = "Current account")]
    name: String,
    /// cash, bank or card.
    #[schema(example = "bank")]
    account_type: String,
    #[schema(example = "EUR")]
    currency_code: String,
    /// What is booked up to today in the household's zone, in the account's currency.
    #[schema(example = "1250.00")]
    balance: String,
    /// With what is dated later.
    #[schema(example = "1050.00")]
    projected_balance: String,
    description: Option<String>,
    include_in_net_worth: bool,
    /// False: archived, takes no new transactions.
    is_active: bool,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    /// Set on deleted accounts, whose history stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<DateTime<Utc>>,
}

impl From<pb::Account> for AccountResponse {
    fn from(account: pb::Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            account_type: account.account_type,
            currency_code: account.currency_code,
            balance: account.balance,
            projected_balance: account.projected_balance,
            description: account.description,
            include_in_net_worth: account.include_in_net_worth,
            is_active: account.is_active,
            created_at: account.created_at.and_then(to_datetime),
            updated_at: account.updated_at.and_then(to_datetime),
            deleted_at: account.deleted_at.and_then(to_datetime),
        }
    }
}
