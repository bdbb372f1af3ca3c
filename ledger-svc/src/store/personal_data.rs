//! The personal data in the schema `ledger`.
//!
//! An erasure keeps amounts, dates and ids, so that the accounts still balance.

use kit_db::personal_data::{ErasureStep, Owner, PersonalData, Section};

const HOUSEHOLD: &[Owner] = &[Owner::Household];

const CODES: &str = "a code or a name from a fixed list";
const DERIVED: &str = "derived from exported data";

/// The exported fields with minor units, each with the field of its currency code.
pub const AMOUNTS: &[(&str, &str)] = &[
    ("projected_balance", "currency_code"),
    ("amount", "currency_code"),
    ("to_amount", "to_currency_code"),
    ("household_amount", "household_currency_code"),
];

pub const PERSONAL_DATA: PersonalData = PersonalData {
    sections: &[
        Section::new("accounts", HOUSEHOLD).fields(
            "id, name, account_type, currency_code, description, include_in_net_worth, is_active,
             balance as projected_balance, created_at, updated_at, deleted_at",
        ),
        Section::new("categories", HOUSEHOLD).fields(
            "id, name, category_type as type, icon, color, parent_id, merged_into, created_at, updated_at,
             deleted_at",
        ),
        Section::new("recurring", HOUSEHOLD).fields(
            "id, template as transaction, frequency, every as interval, rrule, start_date, end_date,
             occurrences as count, weekend, status, paused_reason, next_occurrence, last_occurrence,
             last_transaction_id, created_at, updated_at, deleted_at",
        ),
        Section::new("transactions", HOUSEHOLD)
            .fields(
                "id, transaction_type as type, status, account_id, to_account_id, category_id,
             (select coalesce(jsonb_agg(jsonb_build_object('category_id', splits.category_id, 'amount',
                  splits.amount, 'currency_code', transactions.currency_code, 'description',
                  splits.description) order by number), '[]')
              from ledger.splits
              where splits.household_id = transactions.household_id and transaction_id = transactions.id)
                 as splits,
             amount, currency_code, to_amount,
             (select currency_code from ledger.accounts
              where accounts.household_id = transactions.household_id and accounts.id = to_account_id)
                 as to_currency_code,
             household_amount,
             (select currency_code from ledger.households where households.id = transactions.household_id)
              as household_currency_code,
             rate, rate_date as rate_day, rate_source, transaction_date, recurring_id, version, created_at,
             updated_at",
            )
            .merge("details"),
        // By revision, because a transaction can have any number of them.
        Section::new("history", HOUSEHOLD).from("revisions").by("transaction_id").then_by("revision").fields(
            "transaction_id, revision, kind,
                 (changes - 'details') || coalesce(changes -> 'details', '{}') as changes, actor, recorded_at,
                 (select coalesce(jsonb_agg(jsonb_build_object('leg', number, 'account_id', account_id,
                      'amount', amount, 'currency_code', currency_code, 'day', day,
                      'is_reversal', is_reversal) order by number), '[]')
                  from ledger.postings
                  where postings.household_id = revisions.household_id
                    and postings.transaction_id = revisions.transaction_id
                    and postings.revision = revisions.revision) as postings",
        ),
    ],
    erasure: &[
        ErasureStep::redact("accounts", HOUSEHOLD, "id")
            .replace(&[(&["name", "name_key"], "'erased ' || id"), (&["description"], "null")])
            .also("updated_at = redacted_at"),
        ErasureStep::redact("categories", HOUSEHOLD, "id")
            .replace(&[(&["name", "name_key"], "'erased ' || id"), (&["icon", "color"], "null")])
            .also("updated_at = redacted_at"),
        ErasureStep::redact("recurring", HOUSEHOLD, "id").replace(&[(&["template"], "'{}'")]).also(
            "status = 'completed', next_occurrence = null, updated_at = redacted_at,
             deleted_at = coalesce(deleted_at, redacted_at)",
        ),
        ErasureStep::redact("transactions", HOUSEHOLD, "id")
            .replace(&[(&["details"], "'{}'"), (&["search_vector"], "''")]),
        ErasureStep::redact("splits", HOUSEHOLD, "transaction_id, number")
            .replace(&[(&["description"], "null")]),
        ErasureStep::redact("revisions", HOUSEHOLD, "transaction_id, revision")
            .replace(&[(&["changes"], "changes - array['details', 'splits']")]),
    ],
    retained: &[
        ("households", &["currency_code", "timezone"], CODES),
        ("exchange_rates", &["base_code", "currency_code", "source"], CODES),
        ("accounts", &["account_type", "currency_code"], CODES),
        ("categories", &["category_type"], CODES),
        ("category_references", &["service", "kind"], CODES),
        ("category_referrers", &["service", "kind"], CODES),
        ("nominal_accounts", &["purpose", "currency_code"], CODES),
        ("transactions", &["transaction_type", "status", "currency_code", "rate_source"], CODES),
        ("splits", &["status"], CODES),
        ("revisions", &["kind"], CODES),
        ("revisions", &["actor"], "the id of a user or the name of a service"),
        ("postings", &["currency_code"], CODES),
        ("recurring", &["frequency", "weekend", "status", "paused_reason"], CODES),
        ("recurring", &["rrule"], "a validated rule of dates"),
    ],
    not_exported: &[
        (&["accounts.name_key", "categories.name_key", "transactions.search_vector"], DERIVED),
        (&["category_references", "category_referrers", "nominal_accounts", "daily_totals"], DERIVED),
    ],
};
