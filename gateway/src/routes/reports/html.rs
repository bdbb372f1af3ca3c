//! Renders a report as an HTML page without external resources.

use std::collections::BTreeSet;

use askama::Template;
use chrono::{Datelike as _, NaiveDate};
use fintrac_proto::ledger::v1::{CurrencySum, ReportData};
use fintrac_proto::notify::v1::GetReportResponse;
use kit_locale::LocaleFormatter;

use crate::language::Language;
use crate::problem::Problem;
use crate::routes::analytics::chart::{BLUE, Chart, GREEN, LIGHT_BLUE, Mark, Series, VERMILION};

#[derive(Template)]
#[template(path = "report.html")]
struct ReportTemplate<'a> {
    language: &'a Language,
    lang: String,
    formatter: &'a LocaleFormatter,
    span: String,
    money: &'a ReportData,
    report: &'a GetReportResponse,
    cash_flow: String,
    categories: Option<String>,
}

impl ReportTemplate<'_> {
    fn text(&self, id: &str) -> String {
        self.language.text(id).into_owned()
    }

    // A value that the language cannot format stays as it is in JSON.

    fn amount(&self, amount: &str, code: &str) -> String {
        self.formatter.amount(amount, code).unwrap_or_else(|_| format!("{amount} {code}"))
    }

    /// Formats amounts in their own currencies, such as "NZD 117.00, JPY 900".
    fn amounts(&self, sums: &[CurrencySum]) -> String {
        let amounts = sums.iter().map(|row| self.amount(&row.amount, &row.currency_code));
        amounts.collect::<Vec<_>>().join(", ")
    }

    fn number(&self, number: &str) -> String {
        self.formatter.number(number).unwrap_or_else(|_| number.to_owned())
    }

    fn day(&self, day: &str) -> String {
        self.formatter.short_date(day).unwrap_or_else(|_| day.to_owned())
    }
}

pub fn render_html(language: &Language, report: &GetReportResponse) -> Result<String, Problem> {
    let formatter = &language.formatter()?;
    let money = report.money.as_ref().ok_or_else(Problem::internal)?;
    let span = span(formatter, money);
    let chart = |title, labels, series| Chart {
        language,
        formatter,
        title: format!("{} ({}, {span})", language.text(title), money.currency_code),
        currency_code: &money.currency_code,
        labels,
        series,
        // The page has one note for all charts.
        unpriced: BTreeSet::new(),
    };
    let day = |day: &String| formatter.short_date(day).unwrap_or_else(|_| day.clone());
    let days = money.intervals.iter().map(|row| day(&row.from)).collect();
    let income = money.intervals.iter().map(|row| row.income.as_str()).collect();
    let expense = money.intervals.iter().map(|row| row.expense.as_str()).collect();
    let series = vec![
        Series { name: "chart-income", mark: Mark::Bar(GREEN), amounts: income },
        Series { name: "chart-expense", mark: Mark::Bar(VERMILION), amounts: expense },
    ];
    let cash_flow = chart("chart-income-expense", days, series).vertical()?;
    let unnamed = language.text("chart-uncategorized");
    let name = |name: &String| if name.is_empty() { unnamed.clone().into_owned() } else { name.clone() };
    let names = money.categories.iter().map(|row| name(&row.name)).collect();
    let now = money.categories.iter().map(|row| row.amount.as_str()).collect();
    let before = money.categories.iter().map(|row| row.previous.as_str()).collect();
    let series = vec![
        Series { name: "chart-now", mark: Mark::Bar(BLUE), amounts: now },
        Series { name: "chart-before", mark: Mark::Bar(LIGHT_BLUE), amounts: before },
    ];
    let categories = match money.categories.as_slice() {
        [] => None,
        _ => Some(chart("chart-categories", names, series).horizontal()?),
    };
    let template = ReportTemplate {
        language,
        lang: language.code(),
        formatter,
        span,
        money,
        report,
        cash_flow,
        categories,
    };
    template.render().map_err(|error| {
        tracing::error!(%error, "report rendering failed");
        Problem::internal()
    })
}

/// Formats the span in the language; a whole month by its name.
fn span(formatter: &LocaleFormatter, money: &ReportData) -> String {
    let (from, to) = (money.from.as_str(), money.to.as_str());
    let plain = || format!("{from} – {to}");
    let (Ok(first), Ok(last)) = (from.parse::<NaiveDate>(), to.parse::<NaiveDate>()) else { return plain() };
    let is_month = first.day() == 1
        && (first.year(), first.month()) == (last.year(), last.month())
        && last.succ_opt().is_some_and(|next| next.day() == 1);
    let written = if is_month {
        formatter.month(from)
    } else {
        formatter.date(from).and_then(|from| Ok(format!("{from} – {}", formatter.date(to)?)))
    };
    written.unwrap_or_else(|_| plain())
}
