//! Accounts of a household.

use chrono::{DateTime, Utc};
use fintrac_money::{Amount, Currency, Money};
use kit_core::error::{FieldCode, FieldViolation};
use kit_core::text;
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

use super::changes::Changes;
use super::{parse, require};

const MAX_NAME_CHARS: usize = 100;
const MAX_DESCRIPTION_CHARS: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive, const_into_str)]
pub enum AccountType {
    Cash,
    Bank,
    Card,
}

/// The current state of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: Uuid,
    pub name: String,
    pub account_type: AccountType,
    pub description: Option<String>,
    pub include_in_net_worth: bool,
    /// Whether the account is not archived.
    pub is_active: bool,
    /// The sum of all postings, whatever their date.
    pub projected_balance: Money,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
}

impl Account {
    pub fn currency(&self) -> Currency {
        self.projected_balance.currency()
    }

    /// Returns whether new postings are allowed.
    ///
    /// Archived and deleted accounts accept reversals only.
    pub fn accepts_postings(&self) -> bool {
        self.is_active && self.deleted_at.is_none()
    }
}

/// An account with its balance on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    pub account: Account,
    /// The sum of the postings up to today in the household's time zone.
    pub balance: Money,
}

impl AccountState {
    /// Computes the balance; `later` is the sum of later postings, in minor units.
    pub fn new(account: Account, later: i64) -> Option<Self> {
        let later = Money::new(later, account.currency());
        let balance = account.projected_balance.checked_sub(later)?;
        Some(Self { account, balance })
    }
}

/// The input for an account. A new one is active.
#[derive(Debug, Clone, Default)]
pub struct AccountInput {
    pub name: String,
    pub account_type: String,
    pub currency_code: Option<String>,
    pub balance: Option<String>,
    pub description: Option<String>,
    pub include_in_net_worth: Option<bool>,
    pub is_active: Option<bool>,
}

impl AccountInput {
    /// Validates the input; returns the account and its opening balance.
    pub fn resolve(
        &self,
        id: Uuid,
        default: Currency,
        now: DateTime<Utc>,
    ) -> Result<(Account, Money), Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let name = text::line("name", &self.name, MAX_NAME_CHARS, &mut violations);
        let account_type = account_type(&self.account_type, &mut violations);
        let description = description(self.description.as_deref(), &mut violations);
        let currency = match &self.currency_code {
            None => Some(default),
            Some(code) => {
                let active = Currency::from_code(code).filter(|currency| currency.is_active());
                require(active, "currency_code", FieldCode::CurrencyInvalid, &mut violations)
            }
        };
        let opening = match (&self.balance, currency) {
            (None, _) => currency.map(Money::zero),
            (Some(text), currency) => balance(text, currency, &mut violations),
        };
        match (account_type, currency, opening) {
            (Some(account_type), Some(currency), Some(opening)) if violations.is_empty() => {
                let account = Account {
                    id,
                    name,
                    account_type,
                    description,
                    include_in_net_worth: self.include_in_net_worth.unwrap_or(true),
                    is_active: true,
                    projected_balance: Money::zero(currency),
                    version: 1,
                    created_at: now,
                    updated_at: now,
                    deleted_at: None,
                };
                Ok((account, opening))
            }
            _ => Err(violations),
        }
    }
}

/// The requested changes of an account.
pub type AccountChanges = Changes<AccountInput>;

/// A validated change of an account.
#[derive(Debug)]
pub struct AccountUpdate {
    /// The new state of the account, with its current balance.
    pub account: Account,
    /// The requested balance.
    pub balance: Option<Money>,
    /// The names of the fields that differ.
    pub fields: Vec<&'static str>,
}

impl AccountChanges {
    /// Validates the changes against the account's current state.
    pub fn apply(&self, account: &Account, now: DateTime<Utc>) -> Result<AccountUpdate, Vec<FieldViolation>> {
        let (sent, mut violations) = (&self.values, Vec::new());
        let mut after = account.clone();
        if self.contains("name") {
            after.name = text::line("name", &sent.name, MAX_NAME_CHARS, &mut violations);
        }
        if self.contains("account_type")
            && let Some(new_type) = account_type(&sent.account_type, &mut violations)
        {
            after.account_type = new_type;
        }
        if self.contains("currency_code")
            && sent.currency_code.as_deref().and_then(Currency::from_code) != Some(account.currency())
        {
            let text = "The currency of an account cannot be changed. Create another account.";
            violations.push(FieldViolation::new("currency_code", FieldCode::CurrencyImmutable, text));
        }
        if self.contains("description") {
            after.description = description(sent.description.as_deref(), &mut violations);
        }
        if self.contains("include_in_net_worth") {
            after.include_in_net_worth = sent.include_in_net_worth.unwrap_or(account.include_in_net_worth);
        }
        if self.contains("is_active") {
            after.is_active = sent.is_active.unwrap_or(account.is_active);
        }
        let mut new_balance = None;
        if self.contains("balance") {
            let text = sent.balance.as_deref().unwrap_or_default();
            new_balance = balance(text, Some(account.currency()), &mut violations);
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        let changed = changed_fields(account, &after);
        if !changed.is_empty() {
            after.version = account.version.saturating_add(1);
            after.updated_at = now;
        }
        Ok(AccountUpdate { account: after, balance: new_balance, fields: changed })
    }
}

fn changed_fields(before: &Account, after: &Account) -> Vec<&'static str> {
    let fields = [
        ("name", before.name != after.name),
        ("account_type", before.account_type != after.account_type),
        ("description", before.description != after.description),
        ("include_in_net_worth", before.include_in_net_worth != after.include_in_net_worth),
        ("is_active", before.is_active != after.is_active),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

fn description(text: Option<&str>, violations: &mut Vec<FieldViolation>) -> Option<String> {
    text::optional_line("description", text, MAX_DESCRIPTION_CHARS, violations)
}

fn account_type(text: &str, violations: &mut Vec<FieldViolation>) -> Option<AccountType> {
    require(parse(text), "account_type", FieldCode::AccountTypeInvalid, violations)
}

fn balance(text: &str, currency: Option<Currency>, violations: &mut Vec<FieldViolation>) -> Option<Money> {
    let read = Amount::parse(text)
        .and_then(|amount| currency.map(|currency| amount.in_currency(currency)).transpose());
    read.unwrap_or_else(|error| {
        violations.push(error.violation("balance"));
        None
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::{AccountChanges, AccountInput};
    use fintrac_money::Currency;

    #[test]
    fn every_invalid_field_is_reported_at_once() {
        let input = AccountInput {
            name: " ".into(),
            account_type: "vault".into(),
            currency_code: Some("HRK".into()),
            balance: Some("1e3".into()),
            description: Some("x".repeat(501)),
            ..AccountInput::default()
        };
        let currency = Currency::from_code("USD").expect("USD");
        let rejected = input.resolve(Uuid::nil(), currency, DateTime::UNIX_EPOCH).expect_err("rejected");
        let fields: Vec<_> =
            rejected.iter().map(|violation| (violation.field.as_str(), violation.code.as_str())).collect();
        assert_eq!(
            fields,
            [
                ("name", "REQUIRED"),
                ("account_type", "ACCOUNT_TYPE_INVALID"),
                ("description", "TEXT_INVALID"),
                ("currency_code", "CURRENCY_INVALID"),
                ("balance", "AMOUNT_INVALID")
            ]
        );
    }

    #[test]
    fn only_differing_fields_count_as_changed() {
        let input =
            AccountInput { name: "Cash".into(), account_type: "CASH".into(), ..AccountInput::default() };
        let currency = Currency::from_code("USD").expect("USD");
        let (account, _) = input.resolve(Uuid::nil(), currency, DateTime::UNIX_EPOCH).expect("an account");
        let sent = AccountInput {
            name: " Cash ".into(),
            currency_code: Some("usd".into()),
            is_active: Some(false),
            ..AccountInput::default()
        };
        let same = AccountChanges::new(["name", "currency_code"], sent.clone());
        let after = same.apply(&account, DateTime::UNIX_EPOCH).expect("valid changes");
        assert!(after.fields.is_empty() && after.account == account);
        let archive = AccountChanges::new(["is_active"], sent);
        let after = archive.apply(&account, DateTime::UNIX_EPOCH).expect("valid changes");
        assert_eq!((after.account.version, after.fields.as_slice()), (2, ["is_active"].as_slice()));
    }
}
