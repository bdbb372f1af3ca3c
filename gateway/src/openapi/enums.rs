//! Closed string enums, for the OpenAPI document only; services validate them.

use std::borrow::Cow;

use fintrac_money::Currency;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! string_enums {
    ($($name:ident: $($value:literal)+;)+) => {$(
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                string_enum([$($value),+])
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

string_enums! {
    AccountType: "cash" "bank" "card";
    BudgetFrequency: "weekly" "monthly" "quarterly" "yearly" "custom";
    BulkMode: "atomic" "partial";
    BulkOperationKind: "create" "update" "delete";
    CategoryType: "income" "expense";
    ChartFormat: "json" "csv" "svg";
    ExportFormat: "csv" "json" "ndjson";
    RecurringFrequency: "daily" "weekly" "monthly" "yearly";
    GoalStatus: "active" "completed" "cancelled";
    Grouping: "category" "account" "day" "week" "month";
    Interval: "day" "week" "month";
    IpAction: "allow" "deny";
    Locale: "en" "es" "fr" "de" "pt";
    NewTransactionType: "income" "expense" "transfer";
    ReportFormat: "json" "html";
    Rollover: "none" "surplus" "deficit" "both";
    Theme: "light" "dark" "system";
    TransactionOrder: "-transaction_date" "transaction_date" "-amount" "amount";
    TransactionStatus: "posted" "voided";
    TransactionType: "income" "expense" "transfer" "opening" "adjustment";
    UserStatus: "unverified" "active" "locked" "pending_deletion" "erased";
    Weekend: "keep" "before" "after";
}

fn string_enum<'a>(values: impl IntoIterator<Item = &'a str>) -> RefOr<Schema> {
    let values: Vec<_> = values.into_iter().collect();
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).into()
}

/// A supported currency.
#[derive(Debug)]
pub struct CurrencyCode;

impl PartialSchema for CurrencyCode {
    fn schema() -> RefOr<Schema> {
        string_enum(Currency::all().map(Currency::code))
    }
}

impl ToSchema for CurrencyCode {
    fn name() -> Cow<'static, str> {
        "CurrencyCode".into()
    }
}
