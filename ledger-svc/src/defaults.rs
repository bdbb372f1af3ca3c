//! The default categories of a new household, in its language.

use chrono::{DateTime, TimeDelta, Utc};
use fluent_templates::{Loader as _, static_loader};
use kit_core::random::Random;
use unic_langid::{LanguageIdentifier, langid};

use crate::domain::category::{Category, CategoryType};

static_loader! {
    static TEXTS = {
        locales: "./locales",
        fallback_language: "en",
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

use CategoryType::{Expense, Income};

/// The default categories: text id, type, icon, color.
const DEFAULTS: [(&str, CategoryType, &str, &str); 20] = [
    ("salary", Income, "briefcase", "#2E7D32"),
    ("self-employment", Income, "laptop", "#388E3C"),
    ("investments", Income, "trending-up", "#43A047"),
    ("gifts-received", Income, "gift", "#66BB6A"),
    ("other-income", Income, "plus-circle", "#81C784"),
    ("groceries", Expense, "shopping-basket", "#EF6C00"),
    ("eating-out", Expense, "utensils", "#F57C00"),
    ("housing", Expense, "home", "#5D4037"),
    ("utilities", Expense, "zap", "#6D4C41"),
    ("transport", Expense, "car", "#1565C0"),
    ("health", Expense, "heart", "#C62828"),
    ("insurance", Expense, "shield", "#455A64"),
    ("education", Expense, "book", "#4527A0"),
    ("entertainment", Expense, "film", "#6A1B9A"),
    ("shopping", Expense, "shopping-bag", "#AD1457"),
    ("travel", Expense, "plane", "#00838F"),
    ("subscriptions", Expense, "repeat", "#00695C"),
    ("gifts-donations", Expense, "gift", "#D81B60"),
    ("taxes-fees", Expense, "landmark", "#37474F"),
    ("other-expenses", Expense, "more-horizontal", "#757575"),
];

/// Returns the default categories in `locale`, in the order of their ids.
pub fn categories(locale: &str, now: DateTime<Utc>, random: &Random) -> Vec<Category> {
    let language: LanguageIdentifier = locale.parse().unwrap_or(langid!("en"));
    let categories = DEFAULTS.iter().zip(0..).map(|((text, category_type, icon, color), number)| Category {
        // Lists are sorted by id and ids by time: one millisecond between them keeps this order.
        id: random.id(now + TimeDelta::milliseconds(number)),
        name: TEXTS.lookup(&language, &format!("category-{text}")),
        category_type: *category_type,
        icon: Some((*icon).to_owned()),
        color: Some((*color).to_owned()),
        parent_id: None,
        version: 1,
        created_at: now,
        updated_at: now,
    });
    categories.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::DateTime;
    use kit_core::random::Random;

    use super::{DEFAULTS, categories};

    #[test]
    fn every_language_translates_the_default_categories() {
        let names = |locale: &str| -> Vec<String> {
            let categories = categories(locale, DateTime::UNIX_EPOCH, &Random::seeded(1));
            categories.into_iter().map(|category| category.name).collect()
        };
        let english = names("en");
        for locale in ["en", "es", "fr", "de", "pt"] {
            let names = names(locale);
            assert_eq!(names.iter().collect::<HashSet<_>>().len(), DEFAULTS.len(), "{locale}");
            let own = names.iter().zip(&english).filter(|(name, english)| name != english).count();
            assert!(locale == "en" || own >= 18, "{locale}: {names:?}");
        }
        assert_eq!(names("xx"), english);
    }
}
