//! Renders notifications: a title and a sentence, for the inbox and for the email.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use fintrac_proto::NotificationKind;
use fintrac_proto::budget::v1 as budget;
use fintrac_proto::ledger::v1 as ledger;
use kit_core::error::FieldCode;
use kit_locale::LocaleFormatter;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::{TemplateError, Texts, Value, fluent_values, language, text_id};

/// The data of a notification.
#[derive(Debug, Clone)]
pub enum NotificationData {
    BudgetAlert(budget::GetBudgetAlertResponse),
    GoalMilestone(budget::GetGoalMilestoneResponse),
    /// A goal whose due date is near.
    GoalDeadline(budget::GetGoalReminderResponse),
    /// A transaction above a user's limit, which is in the household's currency.
    LargeTransaction {
        data: ledger::TransactionData,
        limit: String,
    },
    /// A posted occurrence of a recurring transaction.
    RecurringPosted(ledger::TransactionData),
    /// The report of a past month.
    MonthlyReport {
        id: String,
        data: ledger::ReportData,
    },
    /// A recurring transaction that was paused because posting it failed.
    RecurringFailed {
        id: String,
        data: ledger::GetRecurringDataResponse,
    },
}

impl NotificationData {
    /// The id of the entity that the notification is about.
    pub fn entity_id(&self) -> &str {
        match self {
            Self::BudgetAlert(alert) => &alert.budget_id,
            Self::GoalMilestone(milestone) => &milestone.goal_id,
            Self::GoalDeadline(reminder) => &reminder.goal_id,
            Self::LargeTransaction { data, .. } => &data.transaction_id,
            Self::RecurringPosted(data) => &data.recurring_id,
            Self::RecurringFailed { id, .. } | Self::MonthlyReport { id, .. } => id,
        }
    }
}

/// Renders title and body in the language of `locale`.
pub fn render_notification(
    locale: &str,
    kind: NotificationKind,
    data: &NotificationData,
) -> Result<(String, String), TemplateError> {
    let texts = Texts { language: language(locale) };
    let formatter = LocaleFormatter::new(&texts.language.to_string())?;
    let text = |text: &str| Value::from(text.to_owned());
    let amount = |amount: &str, code: &str| formatter.amount(amount, code).map(Value::from);
    let day = |day: &str| formatter.date(day).map(Value::from);
    let named = |name: &str, id: &str| if name.is_empty() { texts.get(id) } else { Ok(name.to_owned()) };
    let values = match data {
        NotificationData::BudgetAlert(alert) => vec![
            ("name", text(&alert.budget_name)),
            ("percent", text(&alert.threshold.to_string())),
            ("spent", amount(&alert.spent, &alert.currency_code)?),
            ("limit", amount(&alert.budgeted, &alert.currency_code)?),
            ("from", day(&alert.period_start)?),
            ("to", day(&alert.period_end)?),
        ],
        NotificationData::GoalMilestone(milestone) => vec![
            ("name", text(&milestone.goal_name)),
            ("percent", text(&milestone.percent.to_string())),
            ("current", amount(&milestone.current_amount, &milestone.currency_code)?),
            ("target", amount(&milestone.target_amount, &milestone.currency_code)?),
        ],
        NotificationData::GoalDeadline(reminder) => vec![
            ("name", text(&reminder.goal_name)),
            ("days", Value::from(reminder.days_left)),
            ("due", day(&reminder.due_date)?),
            ("current", amount(&reminder.current_amount, &reminder.currency_code)?),
            ("target", amount(&reminder.target_amount, &reminder.currency_code)?),
        ],
        NotificationData::LargeTransaction { data, limit } => vec![
            ("name", named(&data.description, "transaction-unnamed")?.into()),
            ("amount", amount(&data.amount, &data.currency_code)?),
            ("day", day(&data.transaction_date)?),
            ("limit", amount(limit, &data.household_currency_code)?),
        ],
        NotificationData::RecurringPosted(data) => vec![
            ("name", named(&data.description, "recurring-unnamed")?.into()),
            ("amount", amount(&data.amount, &data.currency_code)?),
            ("posted", day(&data.transaction_date)?),
        ],
        NotificationData::MonthlyReport { data, .. } => vec![
            ("month", formatter.month(&data.from)?.into()),
            ("income", amount(&data.income, &data.currency_code)?),
            ("expense", amount(&data.expense, &data.currency_code)?),
            ("net", amount(&data.net, &data.currency_code)?),
            ("worth", amount(&data.net_worth, &data.currency_code)?),
        ],
        NotificationData::RecurringFailed { data, .. } => vec![
            ("name", named(&data.description, "recurring-unnamed")?.into()),
            ("amount", amount(&data.amount, &data.currency_code)?),
            ("next", day(&data.next_date)?),
            ("reason", texts.get(reason(&data.paused_reason))?.into()),
        ],
    };
    let mut body = texts.with(&text_id(kind, "body"), &values)?;
    let unpriced: Vec<_> = match data {
        NotificationData::BudgetAlert(alert) => {
            alert.unpriced.iter().map(|unpriced| (&unpriced.amount, &unpriced.currency_code)).collect()
        }
        NotificationData::MonthlyReport { data, .. } => {
            let unpriced = data.income_unpriced.iter().chain(&data.expense_unpriced);
            unpriced.map(|unpriced| (&unpriced.amount, &unpriced.currency_code)).collect()
        }
        _ => Vec::new(),
    };
    if !unpriced.is_empty() {
        let amounts = unpriced.into_iter().map(|(amount, code)| formatter.amount(amount, code));
        let amounts = amounts.collect::<Result<Vec<_>, _>>()?.join(", ");
        body = format!("{body} {}", texts.with("amounts-unpriced", &[("amounts", amounts.into())])?);
    }
    Ok((texts.with(&text_id(kind, "title"), &values)?, body))
}

/// Renders title and body of an account notification for the inbox.
///
/// They are those of the email, unless the inbox has texts of its own.
pub fn render_account_notification(
    locale: &str,
    kind: NotificationKind,
    values: &[(&'static str, String)],
) -> Result<(String, String), TemplateError> {
    let texts = Texts { language: language(locale) };
    let values = fluent_values(values);
    let text = |part| texts.with(&text_id(kind, part), &values);
    let title = text("inbox-title").or_else(|_| text("subject"))?;
    Ok((title, text("inbox-body").or_else(|_| text("body"))?))
}

/// Formats a time in the user's locale and time zone, and appends the zone's name.
pub fn format_time(locale: &str, time: DateTime<Utc>, zone: Tz) -> Result<String, TemplateError> {
    let formatter = LocaleFormatter::new(&language(locale).to_string())?;
    Ok(format!("{} ({zone})", formatter.date_time(time.with_timezone(&zone).naive_local())?))
}

/// Formats the date of a time in the user's locale and time zone.
pub fn format_date(locale: &str, time: DateTime<Utc>, zone: Tz) -> Result<String, TemplateError> {
    let formatter = LocaleFormatter::new(&language(locale).to_string())?;
    Ok(formatter.date(&time.with_timezone(&zone).date_naive().to_string())?)
}

/// Lists a report's largest categories: name, amount, bar width in percent.
pub fn category_bars(
    locale: &str,
    data: &ledger::ReportData,
) -> Result<Vec<(String, String, u8)>, TemplateError> {
    let texts = Texts { language: language(locale) };
    let formatter = LocaleFormatter::new(&texts.language.to_string())?;
    let read = |amount: &str| amount.parse::<Decimal>().unwrap_or_default();
    let largest = data.categories.first().map(|category| read(&category.amount)).unwrap_or_default();
    let bar = |category: &ledger::ReportCategory| {
        let name =
            if category.name.is_empty() { texts.get("report-uncategorized")? } else { category.name.clone() };
        let width = (read(&category.amount) * Decimal::ONE_HUNDRED).checked_div(largest).unwrap_or_default();
        let width = width.clamp(Decimal::ONE, Decimal::ONE_HUNDRED).to_u8().unwrap_or(1);
        Ok((name, formatter.amount(&category.amount, &data.currency_code)?, width))
    };
    data.categories
        .iter()
        .filter(|category| read(&category.amount) > Decimal::ZERO)
        .take(MAX_BARS)
        .map(bar)
        .collect()
}

/// The maximum number of categories in an email.
const MAX_BARS: usize = 12;

/// The id of the text for the reason why an occurrence could not be posted.
fn reason(code: &str) -> &'static str {
    match code.parse() {
        Ok(FieldCode::AccountClosed | FieldCode::AccountNotFound) => "recurring-reason-account",
        Ok(FieldCode::CategoryNotFound | FieldCode::CategoryTypeMismatch) => "recurring-reason-category",
        Ok(FieldCode::RateNotFound) => "recurring-reason-rate",
        Ok(_) | Err(_) => "recurring-reason-other",
    }
}

#[cfg(test)]
mod tests {
    use fintrac_proto::budget::v1 as budget;
    use fintrac_proto::ledger::v1 as ledger;

    use kit_core::error::FieldCode;

    use super::{NotificationData, NotificationKind, render_notification};

    fn alert() -> NotificationData {
        NotificationData::BudgetAlert(budget::GetBudgetAlertResponse {
            budget_id: "b".into(),
            budget_name: "Food".into(),
            threshold: 80,
            currency_code: "EUR".into(),
            budgeted: "300.00".into(),
            spent: "241.50".into(),
            period_start: "2026-11-01".into(),
            period_end: "2026-11-30".into(),
            unpriced: Vec::new(),
        })
    }

    #[test]
    fn an_alert_lists_amounts_without_a_rate() {
        let NotificationData::BudgetAlert(mut alert) = alert() else { panic!("expected an alert") };
        let unpriced = budget::ProgressUnpriced {
            currency_code: "NZD".into(),
            amount: "117.00".into(),
            ..Default::default()
        };
        alert.unpriced = vec![unpriced];
        for (locale, words) in [
            ("en", "could not be converted and are not included."),
            ("es", "no se pudieron convertir y no están incluidos."),
            ("fr", "ne sont pas inclus, faute de taux de change."),
            ("de", "konnten nicht umgerechnet werden und sind nicht enthalten."),
            ("pt", "não puderam ser convertidos e não estão incluídos."),
        ] {
            let (_, body) = render_notification(
                locale,
                NotificationKind::BudgetThreshold,
                &NotificationData::BudgetAlert(alert.clone()),
            )
            .expect("a rendered notification");
            assert!(body.contains("117") && body.ends_with(words), "{body}");
        }
    }

    fn milestone() -> NotificationData {
        NotificationData::GoalMilestone(budget::GetGoalMilestoneResponse {
            goal_id: "g".into(),
            goal_name: "Boat".into(),
            percent: 50,
            currency_code: "JPY".into(),
            target_amount: "1000".into(),
            current_amount: "512".into(),
        })
    }

    fn report() -> NotificationData {
        let data = ledger::ReportData {
            from: "2026-11-01".into(),
            currency_code: "EUR".into(),
            income: "1000.00".into(),
            expense: "300.00".into(),
            net: "700.00".into(),
            net_worth: "5.00".into(),
            ..ledger::ReportData::default()
        };
        NotificationData::MonthlyReport { id: "r".into(), data }
    }

    fn deadline(days_left: i32) -> NotificationData {
        NotificationData::GoalDeadline(budget::GetGoalReminderResponse {
            goal_id: "g".into(),
            goal_name: "Boat".into(),
            due_date: "2026-12-31".into(),
            days_left,
            currency_code: "JPY".into(),
            target_amount: "1000".into(),
            current_amount: "512".into(),
        })
    }

    #[test]
    fn days_left_use_natural_wording() {
        let titles = |locale| {
            [0, 1, 7].map(|days| {
                render_notification(locale, NotificationKind::GoalDeadline, &deadline(days)).expect("texts").0
            })
        };
        assert_eq!(titles("en"), ["Boat: due today", "Boat: due tomorrow", "Boat: due in 7 days"]);
        assert_eq!(
            titles("fr"),
            ["Boat : échéance aujourd’hui", "Boat : échéance demain", "Boat : échéance dans 7 jours"]
        );
    }

    fn transaction() -> NotificationData {
        NotificationData::LargeTransaction { data: laptop(), limit: "1000.00".into() }
    }

    fn laptop() -> ledger::TransactionData {
        ledger::TransactionData {
            transaction_id: "t".into(),
            amount: "1250.00".into(),
            currency_code: "USD".into(),
            description: "Laptop".into(),
            household_currency_code: "EUR".into(),
            transaction_date: "2026-11-03".into(),
            ..ledger::TransactionData::default()
        }
    }

    fn recurring(description: &str, paused_reason: &str) -> NotificationData {
        let data = ledger::GetRecurringDataResponse {
            description: description.into(),
            amount: "900.00".into(),
            currency_code: "EUR".into(),
            next_date: "2026-12-01".into(),
            paused_reason: paused_reason.into(),
        };
        NotificationData::RecurringFailed { id: "r".into(), data }
    }

    #[test]
    fn unnamed_transactions_and_every_reason_have_texts() {
        for locale in ["en", "es", "fr", "de", "pt"] {
            let mut bodies = std::collections::HashSet::new();
            for reason in FieldCode::ALL.iter().map(|code| code.as_str()).chain(["SOMETHING_ELSE"]) {
                let (title, body) =
                    render_notification(locale, NotificationKind::RecurringFailed, &recurring("", reason))
                        .expect("all texts exist");
                assert!(!title.starts_with(':') && title.len() > 10, "{title}");
                bodies.insert(body);
            }
            assert_eq!(bodies.len(), 4, "{locale}");
        }
    }

    #[test]
    fn every_kind_has_its_texts_in_every_language() {
        let rows = [
            (NotificationKind::BudgetThreshold, alert(), "Food 80 241 300 30 2026"),
            (NotificationKind::BudgetExceeded, alert(), "Food 80 241 300 30 2026"),
            (NotificationKind::GoalMilestone, milestone(), "Boat 50 512 JPY"),
            (NotificationKind::GoalReached, milestone(), "Boat 512 JPY"),
            (NotificationKind::GoalDeadline, deadline(7), "Boat 7 512 JPY 31 2026"),
            (NotificationKind::LargeTransaction, transaction(), "Laptop 250 USD 000 EUR 3 2026"),
            (
                NotificationKind::RecurringPosted,
                NotificationData::RecurringPosted(laptop()),
                "Laptop 250 USD 3 2026",
            ),
            (NotificationKind::RecurringFailed, recurring("Rent", "ACCOUNT_CLOSED"), "Rent 900 2026"),
            (NotificationKind::MonthlyReport, report(), "2026 700 EUR 300"),
        ];
        assert!(
            rows.iter().map(|(kind, ..)| *kind).eq(NotificationKind::configurable()),
            "each kind has a row"
        );
        for locale in ["en", "es", "fr", "de", "pt"] {
            for (kind, data, expected) in &rows {
                let (title, body) = render_notification(locale, *kind, data).expect("all texts exist");
                let text = format!("{title} {body}");
                for word in expected.split(' ') {
                    assert!(text.contains(word), "{locale} {kind:?}: {text} lacks {word}");
                }
                assert!(!text.contains('$') && !text.contains('{'), "{text}");
            }
        }
    }

    #[test]
    fn amounts_and_dates_are_localized() {
        let bodies = ["en", "es", "fr", "de", "pt"].map(|locale| {
            render_notification(locale, NotificationKind::LargeTransaction, &transaction()).expect("texts").1
        });
        assert_eq!(
            bodies,
            [
                "1,250.00 USD on November 3, 2026 is above your limit of 1,000.00 EUR.",
                "1250,00 USD el 3 de noviembre de 2026 supera tu límite de 1000,00 EUR.",
                "1\u{202f}250,00 USD le 3 novembre 2026 dépasse votre limite de 1\u{202f}000,00 EUR.",
                "1.250,00 USD am 3. November 2026 liegt über Ihrer Grenze von 1.000,00 EUR.",
                "1250,00 USD em 3 de novembro de 2026 está acima do seu limite de 1000,00 EUR."
            ]
        );
    }
}
