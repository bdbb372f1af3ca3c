//! The personal data in the schema `budget`.

use kit_db::personal_data::{ErasureStep, Owner, PersonalData, Section};

const HOUSEHOLD: &[Owner] = &[Owner::Household];

const CODES: &str = "a code or a name from a fixed list";

/// The exported fields with minor units, each with the field of its currency code.
pub const AMOUNTS: &[(&str, &str)] = &[
    ("amount", "currency_code"),
    ("budgeted", "currency_code"),
    ("spent", "currency_code"),
    ("target_amount", "currency_code"),
    ("current_amount", "currency_code"),
];

/// Erased budgets and goals are deleted, so that they are not evaluated any more.
const DELETED: &str = "deleted_at = coalesce(deleted_at, redacted_at), updated_at = redacted_at";

pub const PERSONAL_DATA: PersonalData = PersonalData {
    sections: &[
        Section::new("budgets", HOUSEHOLD).fields(
            "id, name, currency_code, frequency, start_date, end_date, alert_thresholds, created_at,
             updated_at, deleted_at,
             (select coalesce(jsonb_agg(jsonb_build_object('valid_from', valid_from, 'amount', amount,
                  'currency_code', currency_code, 'category_ids', category_ids, 'rollover', rollover)
                  order by valid_from), '[]')
              from budget.budget_terms
              where budget_terms.household_id = budgets.household_id and budget_id = budgets.id) as terms,
             (select coalesce(jsonb_agg(jsonb_build_object('period_start', period_start, 'period_end',
                  period_end, 'threshold', threshold, 'amount', amount, 'budgeted', budgeted, 'spent', spent,
                  'unpriced', unpriced, 'currency_code', currency_code, 'fired_at', fired_at)
                  order by fired_at), '[]')
              from budget.alerts
              where alerts.household_id = budgets.household_id and budget_id = budgets.id) as alerts",
        ),
        Section::new("goals", HOUSEHOLD).fields(
            "id, name, currency_code, target_amount, current_amount, due_date, account_id, completed_at,
             cancelled_at, created_at, updated_at, deleted_at,
             (select coalesce(jsonb_agg(jsonb_build_object('percent', percent, 'current_amount',
                  milestones.current_amount, 'currency_code', currency_code, 'reached_at', reached_at)
                  order by percent), '[]')
              from budget.milestones
              where milestones.household_id = goals.household_id and goal_id = goals.id) as milestones,
             (select coalesce(jsonb_agg(jsonb_build_object('due_date', reminders.due_date, 'days', days,
                  'created_at', reminders.created_at) order by reminders.created_at), '[]')
              from budget.reminders
              where reminders.household_id = goals.household_id and goal_id = goals.id and is_notified)
                 as reminders",
        ),
        Section::new("contributions", HOUSEHOLD).fields(
            "id, goal_id, direction, amount, account_id, goal_account_id, note, state, created_at,
             (select currency_code from budget.goals
              where goals.household_id = contributions.household_id and goals.id = goal_id) as currency_code",
        ),
    ],
    erasure: &[
        ErasureStep::redact("budgets", HOUSEHOLD, "id")
            .replace(&[(&["name"], "'erased ' || id")])
            .also(DELETED),
        ErasureStep::redact("goals", HOUSEHOLD, "id")
            .replace(&[(&["name"], "'erased ' || id")])
            .also(DELETED),
        ErasureStep::redact("contributions", HOUSEHOLD, "id")
            .replace(&[(&["note", "key", "key_operation"], "null")]),
    ],
    retained: &[
        ("budgets", &["currency_code", "frequency"], CODES),
        ("budget_terms", &["rollover"], CODES),
        ("alerts", &["unpriced"], "amounts by currency"),
        ("goals", &["currency_code"], CODES),
        ("contributions", &["state", "direction"], CODES),
    ],
    not_exported: &[
        (&["category_reference_updates"], "a queue of ids"),
        (&["contributions.key", "contributions.key_operation"], "the idempotency key of a request"),
    ],
};
