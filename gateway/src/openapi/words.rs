//! Texts of which there are only a few, as the contract lists them. They describe
//! only: the parts behind read them, and refuse others together with all else
//! that is wrong.

use std::borrow::Cow;

use fintrac_money::Currency;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! words {
    ($($name:ident: $($word:literal)+;)+) => {$(
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                one_of([$($word),+])
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

words! {
    AccountType: "cash" "bank" "card";
    BudgetFrequency: "weekly" "monthly" "quarterly" "yearly" "custom";
    BulkMode: "atomic" "partial";
    BulkOp: "create" "update" "delete";
    CategoryType: "income" "expense";
    ChartForm: "json" "csv" "svg";
    ExportForm: "csv" "json" "ndjson";
    Frequency: "daily" "weekly" "monthly" "yearly";
    GoalStatus: "active" "completed" "cancelled";
    Grouping: "category" "account" "day" "week" "month";
    Interval: "day" "week" "month";
    IpAction: "allow" "deny";
    Locale: "en" "es" "fr" "de" "pt";
    NewTransactionType: "income" "expense" "transfer";
    ReportForm: "json" "html";
    Rollover: "none" "surplus" "deficit" "both";
    Theme: "light" "dark" "system";
    TransactionOrder: "-transaction_date" "transaction_date" "-amount" "amount";
    TransactionStatus: "posted" "voided";
    TransactionType: "income" "expense" "transfer" "opening" "adjustment";
    UserStatus: "unverified" "active" "locked" "leaving" "erased";
    Weekend: "keep" "before" "after";
}

fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> RefOr<Schema> {
    let words: Vec<_> = words.into_iter().collect();
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
}

/// A currency that there is.
#[derive(Debug)]
pub struct CurrencyCode;

impl PartialSchema for CurrencyCode {
    fn schema() -> RefOr<Schema> {
        one_of(Currency::all().map(Currency::code))
    }
}

impl ToSchema for CurrencyCode {
    fn name() -> Cow<'static, str> {
        "CurrencyCode".into()
    }
}
