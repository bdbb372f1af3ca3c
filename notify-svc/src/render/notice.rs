//! What there is to tell, in words: a title and a sentence, for the inbox and
//! for the mail alike.

use fintrac_proto::budget::v1 as budget;
use fintrac_proto::ledger::v1 as ledger;

use super::{RenderError, Texts, language};
use crate::domain::kind::Kind;

/// What a notification is about.
#[derive(Debug, Clone)]
pub enum Facts {
    Budget(budget::GetBudgetAlertResponse),
    Goal(budget::GetGoalMilestoneResponse),
    /// Above somebody's limit, which is in the household's currency.
    Transaction {
        facts: ledger::TransactionFacts,
        limit: String,
    },
    /// An occurrence of what recurs, posted.
    Posted(ledger::TransactionFacts),
    /// What recurs, paused because an occurrence could not be posted.
    Failed {
        id: String,
        facts: ledger::GetRecurringFactsResponse,
    },
}

impl Facts {
    /// Entity and id, for whoever wants to see more.
    pub fn about(&self) -> (&'static str, &str) {
        match self {
            Self::Budget(alert) => ("budget", &alert.budget_id),
            Self::Goal(milestone) => ("goal", &milestone.goal_id),
            Self::Transaction { facts, .. } => ("transaction", &facts.transaction_id),
            Self::Posted(facts) => ("recurring", &facts.recurring_id),
            Self::Failed { id, .. } => ("recurring", id),
        }
    }
}

/// Title and body in the language of `locale`.
pub fn notice(locale: &str, kind: Kind, facts: &Facts) -> Result<(String, String), RenderError> {
    let texts = Texts { language: language(locale) };
    let amount = |amount: &str, code: &str| amount_in(&texts, amount, code);
    let named = |text: &str, id: &str| {
        if text.is_empty() { texts.with(id, &[]) } else { Ok(text.to_owned()) }
    };
    let values = match facts {
        Facts::Budget(alert) => vec![
            ("name", alert.budget_name.clone()),
            ("percent", alert.threshold.to_string()),
            ("spent", amount(&alert.spent, &alert.currency_code)),
            ("limit", amount(&alert.budgeted, &alert.currency_code)),
            ("from", alert.period_start.clone()),
            ("to", alert.period_end.clone()),
        ],
        Facts::Goal(milestone) => vec![
            ("name", milestone.goal_name.clone()),
            ("percent", milestone.percent.to_string()),
            ("current", amount(&milestone.current_amount, &milestone.currency_code)),
            ("target", amount(&milestone.target_amount, &milestone.currency_code)),
        ],
        Facts::Transaction { facts, limit } => vec![
            ("name", named(&facts.description, "transaction-unnamed")?),
            ("amount", amount(&facts.amount, &facts.currency_code)),
            ("day", facts.transaction_date.clone()),
            ("limit", amount(limit, &facts.household_currency_code)),
        ],
        Facts::Posted(facts) => vec![
            ("name", named(&facts.description, "recurring-unnamed")?),
            ("amount", amount(&facts.amount, &facts.currency_code)),
            ("posted", facts.transaction_date.clone()),
        ],
        Facts::Failed { facts, .. } => vec![
            ("name", named(&facts.description, "recurring-unnamed")?),
            ("amount", amount(&facts.amount, &facts.currency_code)),
            ("next", facts.next_date.clone()),
            ("reason", texts.with(reason(&facts.paused_reason), &[])?),
        ],
    };
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let id = kind.text_prefix();
    Ok((texts.with(&format!("{id}-title"), &values)?, texts.with(&format!("{id}-body"), &values)?))
}

/// The id of the words for why an occurrence could not be posted.
fn reason(code: &str) -> &'static str {
    match code {
        "ACCOUNT_CLOSED" | "ACCOUNT_UNKNOWN" => "recurring-reason-account",
        "CATEGORY_UNKNOWN" | "CATEGORY_TYPE_MISMATCH" => "recurring-reason-category",
        "RATE_UNKNOWN" => "recurring-reason-rate",
        _ => "recurring-reason-other",
    }
}

/// An amount as people write it there, with its code.
fn amount_in(texts: &Texts, amount: &str, code: &str) -> String {
    let comma = texts.language.language.as_str() != "en";
    let digits = if comma { amount.replace('.', ",") } else { amount.to_owned() };
    format!("{digits} {code}")
}

#[cfg(test)]
mod tests {
    use fintrac_proto::budget::v1 as budget;
    use fintrac_proto::ledger::v1 as ledger;

    use super::{Facts, notice};
    use crate::domain::kind::Kind;

    fn alert() -> Facts {
        Facts::Budget(budget::GetBudgetAlertResponse {
            budget_id: "b".into(),
            budget_name: "Food".into(),
            threshold: 80,
            currency_code: "EUR".into(),
            budgeted: "300.00".into(),
            spent: "241.50".into(),
            period_start: "2026-11-01".into(),
            period_end: "2026-11-30".into(),
        })
    }

    fn milestone() -> Facts {
        Facts::Goal(budget::GetGoalMilestoneResponse {
            goal_id: "g".into(),
            goal_name: "Boat".into(),
            percent: 50,
            currency_code: "JPY".into(),
            target_amount: "1000".into(),
            current_amount: "512".into(),
        })
    }

    fn transaction() -> Facts {
        Facts::Transaction { facts: laptop(), limit: "1000.00".into() }
    }

    fn laptop() -> ledger::TransactionFacts {
        ledger::TransactionFacts {
            transaction_id: "t".into(),
            amount: "1250.00".into(),
            currency_code: "USD".into(),
            description: "Laptop".into(),
            household_currency_code: "EUR".into(),
            transaction_date: "2026-11-03".into(),
            ..ledger::TransactionFacts::default()
        }
    }

    fn recurring(description: &str, paused_reason: &str) -> Facts {
        let facts = ledger::GetRecurringFactsResponse {
            description: description.into(),
            amount: "900.00".into(),
            currency_code: "EUR".into(),
            next_date: "2026-12-01".into(),
            paused_reason: paused_reason.into(),
        };
        Facts::Failed { id: "r".into(), facts }
    }

    #[test]
    fn what_has_no_name_and_every_reason_has_words() {
        for locale in ["en", "es", "fr", "de", "pt"] {
            let mut bodies = std::collections::HashSet::new();
            for reason in ["ACCOUNT_CLOSED", "CATEGORY_UNKNOWN", "RATE_UNKNOWN", "SOMETHING_ELSE"] {
                let (title, body) = notice(locale, Kind::RecurringFailed, &recurring("", reason))
                    .expect("all words are there");
                assert!(!title.starts_with(':') && title.len() > 10, "{title}");
                bodies.insert(body);
            }
            assert_eq!(bodies.len(), 4, "{locale}");
        }
    }

    #[test]
    fn every_kind_has_its_words_in_every_language() {
        for locale in ["en", "es", "fr", "de", "pt"] {
            for (kind, facts, wanted) in [
                (
                    Kind::BudgetThreshold,
                    alert(),
                    ["Food", "80", "241", "300", "2026-11-01", "2026-11-30"].as_slice(),
                ),
                (
                    Kind::BudgetExceeded,
                    alert(),
                    ["Food", "80", "241", "300", "2026-11-01", "2026-11-30"].as_slice(),
                ),
                (Kind::GoalMilestone, milestone(), ["Boat", "50", "512", "1000", "JPY"].as_slice()),
                (Kind::GoalReached, milestone(), ["Boat", "512", "1000", "JPY"].as_slice()),
                (
                    Kind::LargeTransaction,
                    transaction(),
                    ["Laptop", "1250", "USD", "1000", "EUR", "2026-11-03"].as_slice(),
                ),
                (
                    Kind::RecurringPosted,
                    Facts::Posted(laptop()),
                    ["Laptop", "1250", "USD", "2026-11-03"].as_slice(),
                ),
                (
                    Kind::RecurringFailed,
                    recurring("Rent", "ACCOUNT_CLOSED"),
                    ["Rent", "900", "2026-12-01"].as_slice(),
                ),
            ] {
                let (title, body) = notice(locale, kind, &facts).expect("all words are there");
                let both = format!("{title} {body}");
                for word in wanted {
                    assert!(both.contains(word), "{locale} {kind:?}: {both} has no {word}");
                }
                assert!(!both.contains('$') && !both.contains('{'), "{both}");
            }
        }
    }

    #[test]
    fn amounts_look_as_they_do_there() {
        let (_, english) = notice("en", Kind::BudgetThreshold, &alert()).expect("en");
        let (_, spanish) = notice("es", Kind::BudgetThreshold, &alert()).expect("es");
        assert!(english.contains("241.50 EUR"), "{english}");
        assert!(spanish.contains("241,50 EUR"), "{spanish}");
    }
}
