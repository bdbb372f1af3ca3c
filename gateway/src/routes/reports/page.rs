//! A report as a page: charts and tables, nothing from elsewhere.

use askama::Template;

use super::view::ReportView;
use crate::language::Language;
use crate::problem::Problem;
use crate::routes::analytics::chart::Chart;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    language: &'a Language,
    lang: String,
    report: &'a ReportView,
    cash_flow: String,
    categories: Option<String>,
}

impl Page<'_> {
    fn text(&self, id: &str) -> String {
        self.language.text(id).into_owned()
    }
}

pub fn page(language: &Language, report: &ReportView) -> Result<String, Problem> {
    let about = format!("{}, {} – {}", report.currency_code, report.from, report.to);
    let chart =
        |title, labels: Vec<String>, series| Chart { language, title, about: about.clone(), labels, series };
    let days = report.intervals.iter().map(|it| it.from.clone()).collect();
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
    let page = Page { language, lang: language.code(), report, cash_flow, categories };
    page.render().map_err(|error| {
        tracing::error!(%error, "a report could not be rendered");
        Problem::internal()
    })
}
