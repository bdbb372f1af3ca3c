use chrono::{DateTime, Utc};
use fintrac_proto::ledger::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// An account, with one currency and one balance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountResponse {
    #[schema(format = Uuid)]
    id: String,
    /// The name, unique among the accounts that are not deleted.
    #[schema(example = "Current account")]
    name: String,
    /// The account type: `cash`, `bank` or `card`.
    #[schema(example = "bank")]
    account_type: String,
    /// The account's currency (ISO 4217).
    #[schema(example = "EUR")]
    currency_code: String,
    /// The balance in `currency_code`.
    /// It includes the transactions that are dated up to today in the household's time zone.
    #[schema(example = "1250.00")]
    balance: String,
    /// The balance in `currency_code`, including transactions that are dated later.
    #[schema(example = "1050.00")]
    projected_balance: String,
    /// The description; null: none.
    description: Option<String>,
    /// Whether the account counts towards net worth.
    include_in_net_worth: bool,
    /// Whether the account accepts new transactions; false: archived.
    is_active: bool,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    /// The time of deletion; absent unless the account is deleted.
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
