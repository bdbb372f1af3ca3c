//! Renders analyses as SVG charts.
//!
//! Amounts become floats only for the positions of pixels; JSON and CSV have the exact amounts.

use std::collections::BTreeSet;

use charts_rs::{BarChart, HorizontalBarChart, LineChart, Series};

use crate::language::Language;
use crate::problem::Problem;

/// The maximum number of horizontal bars; JSON and CSV have all rows.
const MAX_BARS: usize = 20;
const WIDTH_PIXELS: f32 = 860.0;
const HEIGHT_PIXELS: f32 = 420.0;

/// A series: the message id of its name, and its amounts as text.
pub type AmountSeries = (&'static str, Vec<String>);

/// The contents of a chart.
pub struct Chart<'a> {
    pub language: &'a Language,
    /// The message id of the title.
    pub title: &'static str,
    /// The currency and span, in parentheses after the title.
    pub title_suffix: String,
    pub labels: Vec<String>,
    pub series: Vec<AmountSeries>,
    /// The currencies with amounts that have no exchange rate and are not drawn.
    pub unpriced: BTreeSet<String>,
}

fn parse_f32(amount: &str) -> f32 {
    amount.parse().unwrap_or_default()
}

impl Chart<'_> {
    /// Renders amounts over time as bars side by side.
    pub fn bars(self) -> Result<String, Problem> {
        let (title, series, note) = (self.title(), self.series(), self.note());
        let mut chart = BarChart::new(series, self.labels);
        (chart.width, chart.height, chart.title.text) = (WIDTH_PIXELS, HEIGHT_PIXELS, title);
        chart.sub_title.text = note;
        chart.svg().map_err(|error| render_error(&error))
    }

    /// Renders amounts over time as lines.
    pub fn lines(self) -> Result<String, Problem> {
        let (title, series, note) = (self.title(), self.series(), self.note());
        let mut chart = LineChart::new(series, self.labels);
        (chart.width, chart.height, chart.title.text) = (WIDTH_PIXELS, HEIGHT_PIXELS, title);
        chart.sub_title.text = note;
        chart.svg().map_err(|error| render_error(&error))
    }

    /// Renders the largest amounts as horizontal bars.
    pub fn horizontal_bars(mut self) -> Result<String, Problem> {
        self.labels.truncate(MAX_BARS);
        // The first row is drawn at the bottom.
        self.labels.reverse();
        for (_, amounts) in &mut self.series {
            amounts.truncate(MAX_BARS);
            amounts.reverse();
        }
        let rows = f32::from(u16::try_from(self.labels.len().max(4)).unwrap_or(u16::MAX));
        let (title, mut series, note) = (self.title(), self.series(), self.note());
        for series in &mut series {
            series.label_show = true;
        }
        let mut chart = HorizontalBarChart::new(series, self.labels);
        (chart.width, chart.height, chart.title.text) = (WIDTH_PIXELS, 120.0 + rows * 32.0, title);
        chart.sub_title.text = note;
        chart.series.label.formatter = "{:.2}".into();
        // Leaves room for names on the left and for numbers right of the longest bar.
        chart.margin.right = 60.0;
        for axis in &mut chart.y_axis_configs {
            axis.width = Some(180.0);
        }
        chart.svg().map_err(|error| render_error(&error))
    }

    /// Returns the note on amounts that the chart leaves out.
    fn note(&self) -> String {
        let codes: Vec<_> = self.unpriced.iter().map(String::as_str).collect();
        match codes.as_slice() {
            [] => String::new(),
            codes => format!("{} {}", self.language.text("report-unpriced"), codes.join(", ")),
        }
    }

    fn title(&self) -> String {
        format!("{} ({})", self.language.text(self.title), self.title_suffix)
    }

    fn series(&self) -> Vec<Series> {
        let series = |(name, amounts): &AmountSeries| {
            let name = self.language.text(name);
            Series::from((
                name.as_ref(),
                amounts.iter().map(|amount| parse_f32(amount)).collect::<Vec<f32>>(),
            ))
        };
        self.series.iter().map(series).collect()
    }
}

fn render_error(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "chart rendering failed");
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Chart;
    use crate::language::Language;

    #[test]
    fn names_are_escaped() {
        let language = Language::default();
        let chart = |labels: &[&str], amounts: &[&str]| Chart {
            language: &language,
            title: "chart-spending",
            title_suffix: "EUR".into(),
            labels: labels.iter().map(|text| (*text).to_owned()).collect(),
            series: vec![("chart-expense", amounts.iter().map(|text| (*text).to_owned()).collect())],
            unpriced: BTreeSet::new(),
        };
        let svg = chart(&["<script>alert(1)</script>", "A & B"], &["5.00", "-3.25"])
            .horizontal_bars()
            .expect("the chart renders");
        assert!(svg.starts_with("<svg") && !svg.contains("<script") && svg.contains("A &amp; B"), "{svg}");
        for drawn in [chart(&[], &[]).bars(), chart(&[], &[]).lines(), chart(&[], &[]).horizontal_bars()] {
            assert!(drawn.expect("an empty chart renders").starts_with("<svg"));
        }
        let unpriced = Chart { unpriced: ["NZD".to_owned()].into(), ..chart(&["one"], &["1.00"]) };
        let svg = unpriced.bars().expect("the chart renders");
        assert!(svg.contains("Without an exchange rate: NZD"), "{svg}");
        assert!(
            chart(&["one"], &["9223372036854775.00"]).bars().expect("the chart renders").contains("<svg")
        );
    }
}
