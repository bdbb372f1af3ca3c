//! What there is to tell, in words: a title and a sentence, for the inbox and
//! for the mail alike.

use fintrac_proto::budget::v1 as budget;

use super::{RenderError, Texts, language};
use crate::domain::kind::Kind;

/// What a notification is about.
#[derive(Debug, Clone)]
pub enum Facts {
    Budget(budget::GetBudgetAlertResponse),
    Goal(budget::GetGoalMilestoneResponse),
}

impl Facts {
    /// Entity and id, for whoever wants to see more.
    pub fn about(&self) -> (&'static str, &str) {
        match self {
            Self::Budget(alert) => ("budget", &alert.budget_id),
            Self::Goal(milestone) => ("goal", &milestone.goal_id),
        }
    }
}

/// Title and body in the language of `locale`.
pub fn notice(locale: &str, kind: Kind, facts: &Facts) -> Result<(String, String), RenderError> {
    let texts = Texts { language: language(locale) };
    let amount = |amount: &str, code: &str| amount_in(&texts, amount, code);
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
    };
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let id = kind.text_prefix();
    Ok((texts.with(&format!("{id}-title"), &values)?, texts.with(&format!("{id}-body"), &values)?))
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
