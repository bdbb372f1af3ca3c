//! Analyses as tables, from which CSV documents and charts are made.

use std::collections::BTreeSet;

use fintrac_proto::ledger::v1::{CurrencySum, DateRange, Sum};

use super::chart::{Chart, Mark, Series};
use crate::language::Language;
use crate::problem::Problem;
use crate::routes::csv::{CsvWriter, escape_formula};

/// A value in a column.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    Empty,
    /// An id, date, percentage or currency.
    Plain(&'a str),
    Number(i32),
    /// A text that a user has entered.
    Text(&'a str),
    /// An amount in the household's currency.
    Money(&'a str),
    /// The parts of an amount by currency.
    Sums(&'a [CurrencySum]),
    /// The parts of an amount that have no exchange rate.
    Unpriced(&'a [CurrencySum]),
    /// The currencies that have no exchange rate.
    UnpricedCurrencies(&'a [String]),
}

impl<'a> Cell<'a> {
    pub fn amount(sum: Option<&'a Sum>) -> Self {
        sum.map_or(Self::Empty, |sum| Self::Money(&sum.amount))
    }

    pub fn by_currency(sum: Option<&'a Sum>) -> Self {
        sum.map_or(Self::Empty, |sum| Self::Sums(&sum.by_currency))
    }

    pub fn unpriced(sum: Option<&'a Sum>) -> Self {
        sum.map_or(Self::Empty, |sum| Self::Unpriced(&sum.unpriced))
    }

    fn to_csv(self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Plain(text) | Self::Money(text) => text.to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => escape_formula(text),
            // In one cell: `EUR 110.00; USD 40.00`.
            Self::Sums(sums) | Self::Unpriced(sums) => {
                let sums = sums.iter().map(|sum| format!("{} {}", sum.currency_code, sum.amount));
                sums.collect::<Vec<_>>().join("; ")
            }
            Self::UnpricedCurrencies(codes) => codes.join("; "),
        }
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Plain(text)
    }
}

impl<'a> From<Option<&'a String>> for Cell<'a> {
    fn from(text: Option<&'a String>) -> Self {
        text.map_or(Self::Empty, Self::from)
    }
}

/// The label of a row in a chart.
#[derive(Debug, Clone, Copy)]
pub enum Label<'a> {
    /// A day, YYYY-MM-DD.
    Day(&'a str),
    /// The month that contains a day, YYYY-MM-DD.
    Month(&'a str),
    /// The name of a category or account; empty: transactions without a category.
    Name(&'a str),
    /// A weekday from 1, Monday, to 7.
    Weekday(i32),
}

impl<'a> Label<'a> {
    /// Returns the label of an interval that contains `day`; no `interval` means a month.
    pub fn interval(day: &'a str, interval: &str) -> Self {
        match interval.trim().to_ascii_lowercase().as_str() {
            "" | "month" => Self::Month(day),
            _ => Self::Day(day),
        }
    }
}

#[derive(Debug)]
struct Column<'a> {
    name: &'static str,
    cells: Vec<Cell<'a>>,
    /// The message id of the name in the chart, if the column is drawn.
    series: Option<(&'static str, Mark)>,
}

/// An analysis as rows and columns.
#[derive(Debug)]
pub struct Table<'a, R> {
    /// The name of the CSV file, and of the title's message id after `chart-`.
    pub name: &'static str,
    currency_code: &'a str,
    span: Option<&'a DateRange>,
    rows: Vec<R>,
    /// The labels of the first rows; the others are not drawn.
    labels: Vec<Label<'a>>,
    columns: Vec<Column<'a>>,
}

impl<'a, R: Copy> Table<'a, R> {
    pub fn new(
        name: &'static str,
        currency_code: &'a str,
        rows: impl IntoIterator<Item = R>,
        label: impl Fn(R) -> Option<Label<'a>>,
    ) -> Self {
        let rows: Vec<R> = rows.into_iter().collect();
        let labels = rows.iter().map_while(|row| label(*row)).collect();
        Self { name, currency_code, span: None, rows, labels, columns: Vec::new() }
    }

    /// Sets the span that the title of the chart states.
    pub fn span(self, span: Option<&'a DateRange>) -> Self {
        Self { span, ..self }
    }

    pub fn column<C: Into<Cell<'a>>>(mut self, name: &'static str, cell: impl Fn(R) -> C) -> Self {
        let cells = self.rows.iter().map(|row| cell(*row).into()).collect();
        self.columns.push(Column { name, cells, series: None });
        self
    }

    /// Adds a column with the household's currency.
    pub fn currency_column(self) -> Self {
        let code = self.currency_code;
        self.column("currency_code", |_| Cell::Plain(code))
    }

    /// Adds the columns of a span.
    pub fn span_columns(self, span: impl Fn(R) -> Option<&'a DateRange>) -> Self {
        let columns = self.column("from", |row| span(row).map(|span| &span.from));
        columns.column("to", |row| span(row).map(|span| &span.to))
    }

    /// Draws the last column in the chart, named by the message `id`.
    pub fn drawn(mut self, id: &'static str, mark: Mark) -> Self {
        if let Some(column) = self.columns.last_mut() {
            column.series = Some((id, mark));
        }
        self
    }

    /// Draws the last column like [`Self::drawn`] unless all of its amounts are zero.
    pub fn drawn_unless_zero(self, id: &'static str, mark: Mark) -> Self {
        let is_zero = |amount: &str| amount.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let cells = self.columns.last().map(|column| column.cells.as_slice()).unwrap_or_default();
        if cells.iter().all(|cell| matches!(cell, Cell::Money(amount) if is_zero(amount))) {
            return self;
        }
        self.drawn(id, mark)
    }

    pub fn csv(&self) -> CsvWriter {
        let mut csv = CsvWriter::default();
        csv.write_row(self.columns.iter().map(|column| column.name));
        for index in 0..self.rows.len() {
            csv.write_row(self.columns.iter().filter_map(|column| Some(column.cells.get(index)?.to_csv())));
        }
        csv
    }

    pub fn chart(&self, language: &Language) -> Result<String, Problem> {
        let formatter = language.formatter()?;
        let label = |label: &Label<'_>| match *label {
            Label::Day(day) => formatter.short_date(day).unwrap_or_else(|_| day.to_owned()),
            Label::Month(day) => formatter.short_month(day).unwrap_or_else(|_| day.to_owned()),
            Label::Name("") => language.text("chart-uncategorized").into_owned(),
            Label::Name(name) => name.to_owned(),
            Label::Weekday(day) => language.text(&format!("chart-weekday-{day}")).into_owned(),
        };
        let date = |day: &str| formatter.date(day).unwrap_or_else(|_| day.to_owned());
        let span = self.span.map(|span| format!(", {} – {}", date(&span.from), date(&span.to)));
        let title = language.text(&format!("chart-{}", self.name));
        let (mut series, mut unpriced) = (Vec::new(), BTreeSet::new());
        for column in &self.columns {
            let cells = column.cells.get(..self.labels.len()).unwrap_or_default();
            for cell in cells {
                match cell {
                    Cell::Unpriced(sums) => unpriced.extend(sums.iter().map(|sum| &*sum.currency_code)),
                    Cell::UnpricedCurrencies(codes) => unpriced.extend(codes.iter().map(String::as_str)),
                    _ => {}
                }
            }
            if let Some((name, mark)) = column.series {
                let amount = |cell: &Cell<'a>| if let Cell::Money(amount) = cell { *amount } else { "0" };
                series.push(Series { name, mark, amounts: cells.iter().map(amount).collect() });
            }
        }
        let chart = Chart {
            language,
            formatter: &formatter,
            title: format!("{title} ({}{})", self.currency_code, span.unwrap_or_default()),
            currency_code: self.currency_code,
            labels: self.labels.iter().map(label).collect(),
            series,
            unpriced,
        };
        match self.labels.first() {
            Some(Label::Name(_)) => chart.horizontal(),
            _ => chart.vertical(),
        }
    }
}
