//! Closed string enums, for the OpenAPI document only; services validate them.

use std::borrow::Cow;

use fintrac_money::Currency;
use fintrac_proto::NotificationKind;
use kit_core::error;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! string_enum {
    ($name:ident: $values:expr) => {
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let values: Vec<&str> = $values.into_iter().collect();
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}

macro_rules! string_enums {
    ($($name:ident: $($value:literal)+;)+) => {
        $(string_enum! { $name: [$($value),+] })+

        /// Returns the schemas of all enums.
        pub fn schemas() -> Vec<(&'static str, RefOr<Schema>)> {
            vec![$((stringify!($name), $name::schema())),+]
        }
    };
}

string_enums! {
    AccountType: "cash" "bank" "card";
    BudgetFrequency: "weekly" "monthly" "quarterly" "yearly" "custom";
    BulkMode: "atomic" "partial";
    BulkOperationKind: "create" "update" "delete";
    CategoryType: "income" "expense";
    RecurringFrequency: "daily" "weekly" "monthly" "yearly";
    GoalStatus: "active" "completed" "cancelled";
    Interval: "day" "week" "month";
    IpAction: "allow" "deny";
    Locale: "en" "es" "fr" "de" "pt";
    NewTransactionType: "income" "expense" "transfer";
    Rollover: "none" "surplus" "deficit" "both";
    Theme: "light" "dark" "system";
    TransactionOrder: "-transaction_date" "transaction_date" "-amount" "amount";
    TransactionStatus: "posted" "voided";
    TransactionType: "income" "expense" "transfer" "opening" "adjustment";
    UserStatus: "unverified" "active" "locked" "pending_deletion" "erased";
    Weekend: "keep" "before" "after";
}

string_enum! { CurrencyCode: Currency::all().map(Currency::code) }
string_enum! { ProblemCode: error::ProblemCode::ALL.iter().filter(|code| !code.is_grpc_only()).map(|code| code.as_str()) }
string_enum! { FieldCode: error::FieldCode::ALL.iter().map(|code| code.as_str()) }

string_enum! { ConfigurableKind: NotificationKind::configurable().map(NotificationKind::name) }

/// A kind in the inbox, open because new versions add kinds.
#[derive(Debug)]
pub struct InboxKind;

impl PartialSchema for InboxKind {
    fn schema() -> RefOr<Schema> {
        let (finances, account): (Vec<_>, Vec<_>) = NotificationKind::ALL
            .into_iter()
            .filter(|kind| kind.is_configurable() || kind.channels().inbox)
            .partition(|kind| kind.is_configurable());
        let text = format!(
            "The kind of notification.\nAbout finances: {}. About the user account: {}.",
            alternatives(finances.into_iter().map(NotificationKind::public_name)),
            alternatives(account.into_iter().map(NotificationKind::public_name)),
        );
        open_enum(text, "budget_threshold")
    }
}

impl ToSchema for InboxKind {}

/// A type of entity that notifications are about, open because new versions add types.
#[derive(Debug)]
pub struct NotificationEntity;

impl PartialSchema for NotificationEntity {
    fn schema() -> RefOr<Schema> {
        let entities = alternatives(NotificationKind::ALL.map(NotificationKind::entity));
        let text = format!("The type of the entity that the notification is about.\nOne of {entities}.");
        open_enum(text, "budget")
    }
}

impl ToSchema for NotificationEntity {}

fn open_enum(description: String, example: &str) -> RefOr<Schema> {
    let schema = ObjectBuilder::new().schema_type(Type::String).description(Some(description));
    schema.examples([example]).into()
}

/// Lists the distinct values as a phrase: `a`, `b` or `c`.
fn alternatives(values: impl IntoIterator<Item = &'static str>) -> String {
    let mut distinct: Vec<String> = Vec::new();
    for value in values.into_iter().map(|value| format!("`{value}`")) {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    let last = distinct.pop().unwrap_or_default();
    format!("{} or {last}", distinct.join(", "))
}
