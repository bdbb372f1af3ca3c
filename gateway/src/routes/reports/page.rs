//! A report as a page: charts and tables, nothing from elsewhere.

use std::collections::BTreeSet;

use askama::Template;
use chrono::{Datelike as _, NaiveDate};
use fintrac_kit::words::Words;

use super::view::ReportView;
use crate::language::Language;
use crate::problem::Problem;
use crate::routes::analytics::chart::Chart;
use crate::routes::analytics::sum_view::CurrencySumView;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    language: &'a Language,
    lang: String,
    words: &'a Words,
    span: String,
    report: &'a ReportView,
    cash_flow: String,
    categories: Option<String>,
}

impl Page<'_> {
    fn text(&self, id: &str) -> String {
        self.language.text(id).into_owned()
    }

    // What the language cannot write stays as it is in JSON.

    fn amount(&self, amount: &str, code: &str) -> String {
        self.words.amount(amount, code).unwrap_or_else(|_| format!("{amount} {code}"))
    }

    /// Amounts in their own currencies, such as "NZD 117.00, JPY 900".
    fn amounts(&self, sums: &[CurrencySumView]) -> String {
        let amounts = sums.iter().map(|it| self.amount(&it.amount, &it.currency_code));
        amounts.collect::<Vec<_>>().join(", ")
    }

    fn number(&self, number: &str) -> String {
        self.words.number(number).unwrap_or_else(|_| number.to_owned())
    }

    fn day(&self, day: &str) -> String {
        self.words.short_day(day).unwrap_or_else(|_| day.to_owned())
    }
}

pub fn page(language: &Language, report: &ReportView) -> Result<String, Problem> {
    let words = &language.words()?;
    let span = span(words, report);
    let about = format!("{}, {span}", report.currency_code);
    let chart = |title, labels: Vec<String>, series| Chart {
        language,
        title,
        about: about.clone(),
        labels,
        series,
        // The page says it once for all.
        unpriced: BTreeSet::new(),
    };
    let day = |day: &String| words.short_day(day).unwrap_or_else(|_| day.clone());
    let days = report.intervals.iter().map(|it| day(&it.from)).collect();
    let income = report.intervals.iter().map(|it| it.income.clone()).collect();
    let expense = report.intervals.iter().map(|it| it.expense.clone()).collect();
    let series = vec![("chart-income", income), ("chart-expense", expense)];
    let cash_flow = chart("chart-income-expense", days, series).bars()?;
    let unnamed = language.text("chart-uncategorised");
    let name = |name: &String| if name.is_empty() { unnamed.clone().into_owned() } else { name.clone() };
    let names = report.categories.iter().map(|it| name(&it.name)).collect();
    let now = report.categories.iter().map(|it| it.amount.clone()).collect();
    let before = report.categories.iter().map(|it| it.previous.clone()).collect();
    let series = vec![("chart-now", now), ("chart-before", before)];
    let categories = match report.categories.as_slice() {
        [] => None,
        _ => Some(chart("chart-categories", names, series).ranking()?),
    };
    let page = Page { language, lang: language.code(), words, span, report, cash_flow, categories };
    page.render().map_err(|error| {
        tracing::error!(%error, "a report could not be rendered");
        Problem::internal()
    })
}

/// The span in words: a month by its name.
fn span(words: &Words, report: &ReportView) -> String {
    let (from, to) = (report.from.as_str(), report.to.as_str());
    let plain = || format!("{from} – {to}");
    let (Ok(first), Ok(last)) = (from.parse::<NaiveDate>(), to.parse::<NaiveDate>()) else { return plain() };
    let is_month = first.day() == 1
        && (first.year(), first.month()) == (last.year(), last.month())
        && last.succ_opt().is_some_and(|next| next.day() == 1);
    let written = if is_month {
        words.month(from)
    } else {
        words.day(from).and_then(|from| Ok(format!("{from} – {}", words.day(to)?)))
    };
    written.unwrap_or_else(|_| plain())
}
