//! Charts as SVG. What they say in numbers is in the JSON and CSV forms; here
//! amounts become the floats that pixels need.

use std::collections::BTreeSet;

use charts_rs::{BarChart, HorizontalBarChart, LineChart, Series};

use crate::language::Language;
use crate::problem::Problem;

/// Bars of a ranking; what is smaller is left to the other forms.
const MAX_BARS: usize = 20;
const WIDTH: f32 = 860.0;
const HEIGHT: f32 = 420.0;

/// A series by the id of its name and its amounts as text.
pub type AmountSeries = (&'static str, Vec<String>);

/// What a chart shows.
pub struct Chart<'a> {
    pub language: &'a Language,
    /// The id of its title.
    pub title: &'static str,
    /// Beside the title: currency and span.
    pub title_suffix: String,
    pub labels: Vec<String>,
    pub series: Vec<AmountSeries>,
    /// Currencies of which something could not be converted and is not drawn.
    pub unpriced: BTreeSet<String>,
}

fn parse_f32(amount: &str) -> f32 {
    amount.parse().unwrap_or_default()
}

impl Chart<'_> {
    /// Amounts over time, side by side.
    pub fn bars(self) -> Result<String, Problem> {
        let (title, series, note) = (self.title(), self.series(), self.note());
        let mut chart = BarChart::new(series, self.labels);
        (chart.width, chart.height, chart.title.text) = (WIDTH, HEIGHT, title);
        chart.sub_title.text = note;
        chart.svg().map_err(|error| render_error(&error))
    }

    /// Amounts over time, as lines.
    pub fn lines(self) -> Result<String, Problem> {
        let (title, series, note) = (self.title(), self.series(), self.note());
        let mut chart = LineChart::new(series, self.labels);
        (chart.width, chart.height, chart.title.text) = (WIDTH, HEIGHT, title);
        chart.sub_title.text = note;
        chart.svg().map_err(|error| render_error(&error))
    }

    /// The largest of many, one below the other.
    pub fn horizontal_bars(mut self) -> Result<String, Problem> {
        self.labels.truncate(MAX_BARS);
        // The first one is drawn at the bottom.
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
        (chart.width, chart.height, chart.title.text) = (WIDTH, 120.0 + rows * 32.0, title);
        chart.sub_title.text = note;
        chart.series.label.formatter = "{:.2}".into();
        // Room for names on the left and for numbers beyond the longest bar.
        chart.margin.right = 60.0;
        for axis in &mut chart.y_axis_configs {
            axis.width = Some(180.0);
        }
        chart.svg().map_err(|error| render_error(&error))
    }

    /// What the picture leaves out.
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
    tracing::error!(%error, "a chart could not be drawn");
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Chart;
    use crate::language::Language;

    #[test]
    fn names_are_text_and_nothing_else() {
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
            .expect("a chart");
        assert!(svg.starts_with("<svg") && !svg.contains("<script") && svg.contains("A &amp; B"), "{svg}");
        for drawn in [chart(&[], &[]).bars(), chart(&[], &[]).lines(), chart(&[], &[]).horizontal_bars()] {
            assert!(drawn.expect("an empty chart").starts_with("<svg"));
        }
        let unpriced = Chart { unpriced: ["NZD".to_owned()].into(), ..chart(&["one"], &["1.00"]) };
        let svg = unpriced.bars().expect("a chart");
        assert!(svg.contains("Without an exchange rate: NZD"), "{svg}");
        assert!(chart(&["one"], &["9223372036854775.00"]).bars().expect("a chart").contains("<svg"));
    }
}
