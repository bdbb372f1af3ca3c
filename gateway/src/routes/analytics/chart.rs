//! Renders amounts as SVG charts.
//!
//! charts-rs provides the canvas and the font metrics. Its ready-made charts format the numbers of
//! axes in English, without the decimals of a currency.

use std::collections::BTreeSet;

use charts_rs::{
    Canvas, Line, Rect, StraightLine, Symbol, Text, measure_text_width_family, svg_with_accessibility,
};
use fintrac_money::{Currency, Money};
use kit_locale::LocaleFormatter;

use super::scale::Scale;
use crate::language::Language;
use crate::problem::Problem;

const FONT: &str = "Roboto, system-ui, sans-serif";
/// The maximum width of other fonts than Roboto, by which texts are measured.
const FALLBACK_FONT_RATIO: f32 = 1.15;
/// The distance of the baseline from the middle of a text, in font sizes.
const BASELINE: f32 = 0.35;
const FONT_SIZE: f32 = 13.0;
const TITLE_FONT_SIZE: f32 = 18.0;
const LINE_HEIGHT: f32 = 24.0;
const WIDTH: f32 = 860.0;
const HEIGHT: f32 = 420.0;
const MARGIN: f32 = 16.0;
const GAP: f32 = 8.0;
/// The height of a horizontal bar.
const BAR_HEIGHT: f32 = 15.0;
const MIN_BAR_WIDTH: f32 = 2.0;
const MAX_BAR_WIDTH: f32 = 48.0;
/// The width of the color in the legend.
const KEY_WIDTH: f32 = 20.0;
const MAX_NAME_WIDTH: f32 = 220.0;
/// The maximum number of horizontal rows; the last one sums the rest.
const MAX_ROWS: usize = 20;
/// The maximum number of labels up to which the points of lines have symbols.
const MAX_SYMBOLS: usize = 62;
const MAX_STEPS: u8 = 6;

type Color = (u8, u8, u8);

const TEXT: Color = (70, 70, 70);
const AXIS: Color = (150, 155, 165);
const GRID: Color = (226, 230, 238);
// Distinguishable by users with color vision deficiencies (Okabe and Ito).
pub const BLUE: Color = (0, 114, 178);
pub const LIGHT_BLUE: Color = (153, 205, 236);
pub const GREEN: Color = (0, 158, 115);
pub const ORANGE: Color = (230, 159, 0);
pub const VERMILION: Color = (213, 94, 0);

/// The form and color in which a series is drawn.
#[derive(Debug, Clone, Copy)]
pub enum Mark {
    Bar(Color),
    Line(Color),
}

/// A series of a chart.
#[derive(Debug)]
pub struct Series<'a> {
    /// The message id of the name.
    pub name: &'static str,
    pub mark: Mark,
    /// The amount of each label, in the currency of the chart.
    pub amounts: Vec<&'a str>,
}

/// The contents of a chart.
pub struct Chart<'a> {
    pub language: &'a Language,
    pub formatter: &'a LocaleFormatter,
    pub title: String,
    pub currency_code: &'a str,
    pub labels: Vec<String>,
    pub series: Vec<Series<'a>>,
    /// The currencies with amounts that have no exchange rate and are not drawn.
    pub unpriced: BTreeSet<&'a str>,
}

impl Chart<'_> {
    /// Renders the labels from left to right, with the amounts of each as bars and lines.
    pub fn vertical(&self) -> Result<String, Problem> {
        let mut drawing = Drawing::new(HEIGHT);
        let (top, bottom) = (self.header(&mut drawing), HEIGHT - MARGIN - LINE_HEIGHT);
        if self.labels.is_empty() {
            drawing.text(&self.language.text("chart-empty"), (WIDTH / 2.0, HEIGHT / 2.0), "middle");
            return self.finish(&drawing);
        }
        let (currency, amounts) = self.minor_units()?;
        let scale = Scale::new(amounts.iter().flatten().copied(), currency, MAX_STEPS);
        let ticks = scale.ticks(self.formatter);
        let (left, right) = (MARGIN + max_width(ticks.iter().map(|(_, label)| label)) + GAP, WIDTH - MARGIN);
        let y = |position: f32| bottom - position * (bottom - top);
        for (position, label) in &ticks {
            drawing.line((left, y(*position)), (right, y(*position)), GRID);
            drawing.text(label, (left - GAP, y(*position)), "end");
        }
        let slot = (right - left) / float(self.labels.len());
        let center = |index: usize| left + slot * (float(index) + 0.5);
        self.labels_below(&mut drawing, slot, center);
        let bars = self.series.iter().filter(|series| matches!(series.mark, Mark::Bar(_))).count();
        let width = (slot * 0.75 / float(bars.max(1))).min(MAX_BAR_WIDTH);
        let zero = y(scale.position(0));
        let mut bar = 0;
        for (series, amounts) in self.series.iter().zip(&amounts) {
            let points = amounts.iter().enumerate();
            let points = points.map(|(index, minor)| (center(index), y(scale.position(*minor))));
            match series.mark {
                // Narrower bars are not distinguishable.
                Mark::Bar(color) if width >= MIN_BAR_WIDTH => {
                    let offset = width * (float(bar) - float(bars) / 2.0);
                    for (x, end) in points {
                        drawing.rect((x + offset, end.min(zero)), (width - 1.0, (end - zero).abs()), color);
                    }
                    bar += 1;
                }
                Mark::Bar(color) | Mark::Line(color) => drawing.polyline(points, color),
            }
        }
        drawing.line((left, zero), (right, zero), AXIS);
        self.finish(&drawing)
    }

    /// Renders the labels from top to bottom, with the amounts of each as bars.
    pub fn horizontal(mut self) -> Result<String, Problem> {
        if self.labels.is_empty() {
            return self.vertical();
        }
        let (currency, mut amounts) = self.minor_units()?;
        self.sum_last_rows(&mut amounts);
        let row = BAR_HEIGHT * float(self.series.len()) + GAP;
        let plot_height = row * float(self.labels.len());
        let mut drawing = Drawing::new(self.header_height() + plot_height + LINE_HEIGHT + MARGIN);
        let top = self.header(&mut drawing);
        let bottom = top + plot_height;
        let names: Vec<_> = self.labels.iter().map(|name| fit(name, MAX_NAME_WIDTH)).collect();
        let numbers: Vec<_> = amounts.iter().flatten().map(|minor| self.number(*minor, currency)).collect();
        let (left, right) = (MARGIN + max_width(&names) + GAP, WIDTH - MARGIN - GAP - max_width(&numbers));
        let x = |position: f32| left + position * (right - left);
        // A tick label is about as wide as the number of a bar.
        let tick_width = max_width(&numbers) + 2.0 * GAP;
        let fits = |steps: &u8| f32::from(steps + 1) * tick_width <= right - left;
        let max_steps = (1..=MAX_STEPS).rev().find(fits).unwrap_or(1);
        let scale = Scale::new(amounts.iter().flatten().copied(), currency, max_steps);
        for (position, label) in scale.ticks(self.formatter) {
            drawing.line((x(position), top), (x(position), bottom), GRID);
            drawing.text(&label, (x(position), bottom + LINE_HEIGHT / 2.0), "middle");
        }
        let row_top = |index: usize| top + row * float(index) + GAP / 2.0;
        for (index, name) in names.iter().enumerate() {
            drawing.text(name, (left - GAP, row_top(index) + (row - GAP) / 2.0), "end");
        }
        let zero = x(scale.position(0));
        for (bar, (series, amounts)) in self.series.iter().zip(&amounts).enumerate() {
            let (Mark::Bar(color) | Mark::Line(color)) = series.mark;
            for (index, minor) in amounts.iter().enumerate() {
                let (end, y) = (x(scale.position(*minor)), row_top(index) + BAR_HEIGHT * float(bar));
                drawing.rect((end.min(zero), y), ((end - zero).abs(), BAR_HEIGHT - 1.0), color);
                let number = self.number(*minor, currency);
                drawing.text(&number, (end.max(zero) + GAP / 2.0, y + BAR_HEIGHT / 2.0), "start");
            }
        }
        drawing.line((zero, top), (zero, bottom), AXIS);
        self.finish(&drawing)
    }

    /// Returns the currency, and the amounts of each series in its minor units.
    fn minor_units(&self) -> Result<(Currency, Vec<Vec<i64>>), Problem> {
        let currency = Currency::from_code(self.currency_code);
        let currency = currency.ok_or_else(|| render_error(&self.currency_code))?;
        let minor = |amount: &&str| {
            Money::parse(amount, currency).map(Money::minor).ok_or_else(|| render_error(amount))
        };
        let series = self.series.iter().map(|series| series.amounts.iter().map(minor).collect());
        Ok((currency, series.collect::<Result<_, _>>()?))
    }

    /// Sums the rows that are too many in a last one.
    fn sum_last_rows(&mut self, amounts: &mut [Vec<i64>]) {
        if self.labels.len() <= MAX_ROWS {
            return;
        }
        let kept = MAX_ROWS - 1;
        let label = format!("{} ({})", self.language.text("chart-remaining"), self.labels.len() - kept);
        self.labels.truncate(kept);
        self.labels.push(label);
        for series in amounts {
            let rest = series.drain(kept..).fold(0, i64::saturating_add);
            series.push(rest);
        }
    }

    /// Draws as many labels below a vertical chart as fit side by side.
    fn labels_below(&self, drawing: &mut Drawing, slot: f32, center: impl Fn(usize) -> f32) {
        let (count, width) = (self.labels.len(), max_width(&self.labels) + GAP);
        let every = (1..count).find(|every| float(*every) * slot >= width).unwrap_or(count);
        for (index, label) in self.labels.iter().enumerate().step_by(every) {
            let half = text_width(label) / 2.0;
            let x = center(index).clamp(half, (WIDTH - half).max(half));
            drawing.text(label, (x, HEIGHT - MARGIN - LINE_HEIGHT / 2.0), "middle");
        }
    }

    fn number(&self, minor: i64, currency: Currency) -> String {
        let text = Money::new(minor, currency).to_string();
        self.formatter.number(&text).unwrap_or(text)
    }

    fn header_height(&self) -> f32 {
        let lines = 1 + usize::from(!self.unpriced.is_empty()) + usize::from(self.series.len() > 1);
        MARGIN + LINE_HEIGHT * float(lines) + GAP
    }

    /// Draws the title, the note on amounts that are not drawn, and the legend.
    ///
    /// Returns the vertical position below them.
    fn header(&self, drawing: &mut Drawing) -> f32 {
        let (middle, mut y) = (WIDTH / 2.0, MARGIN + LINE_HEIGHT / 2.0);
        drawing.title(&self.title, (middle, y));
        if !self.unpriced.is_empty() {
            y += LINE_HEIGHT;
            let codes: Vec<_> = self.unpriced.iter().copied().collect();
            let note = format!("{} {}", self.language.text("report-unpriced"), codes.join(", "));
            drawing.text(&fit(&note, WIDTH - 2.0 * MARGIN), (middle, y), "middle");
        }
        if self.series.len() > 1 {
            y += LINE_HEIGHT;
            let entries: Vec<_> =
                self.series.iter().map(|series| (self.language.text(series.name), series.mark)).collect();
            let entry_width = |name: &str| KEY_WIDTH + GAP + text_width(name);
            let widths: f32 = entries.iter().map(|(name, _)| entry_width(name) + 2.0 * GAP).sum();
            let mut x = middle - (widths - 2.0 * GAP) / 2.0;
            for (name, mark) in entries {
                let (height, color) = match mark {
                    Mark::Bar(color) => (12.0, color),
                    Mark::Line(color) => (3.0, color),
                };
                drawing.rect((x, y - height / 2.0), (KEY_WIDTH, height), color);
                drawing.text(&name, (x + KEY_WIDTH + GAP, y), "start");
                x += entry_width(&name) + 2.0 * GAP;
            }
        }
        self.header_height()
    }

    fn finish(&self, drawing: &Drawing) -> Result<String, Problem> {
        let svg = drawing.0.svg().map_err(|error| render_error(&error))?;
        Ok(svg_with_accessibility(&svg, &self.title, ""))
    }
}

/// A canvas with the font and the line width of charts.
struct Drawing(Canvas);

impl Drawing {
    fn new(height: f32) -> Self {
        let mut drawing = Self(Canvas::new(WIDTH, height));
        drawing.rect((0.0, 0.0), (WIDTH, height), (255, 255, 255));
        drawing
    }

    fn title(&mut self, title: &str, at: (f32, f32)) {
        // Bold text is about a tenth wider than the regular text that is measured.
        let max_width = (WIDTH - 2.0 * MARGIN) * FONT_SIZE / TITLE_FONT_SIZE / 1.1;
        let font_weight = Some("bold".to_owned());
        self.0.text(Text { font_weight, ..text(&fit(title, max_width), at, "middle", TITLE_FONT_SIZE) });
    }

    /// Writes a text whose vertical middle is at `at`.
    fn text(&mut self, content: &str, at: (f32, f32), anchor: &str) {
        self.0.text(text(content, at, anchor, FONT_SIZE));
    }

    fn line(&mut self, (left, top): (f32, f32), (right, bottom): (f32, f32), color: Color) {
        self.0.line(Line { left, top, right, bottom, color: Some(color.into()), ..Line::default() });
    }

    fn rect(&mut self, (left, top): (f32, f32), (width, height): (f32, f32), color: Color) {
        let fill = Some(charts_rs::Color::from(color).into());
        self.0.rect(Rect { left, top, width, height, fill, ..Rect::default() });
    }

    fn polyline(&mut self, points: impl Iterator<Item = (f32, f32)>, color: Color) {
        let points: Vec<_> = points.map(Into::into).collect();
        let symbol = match points.len() {
            0..=MAX_SYMBOLS => Symbol::Circle(3.0, Some(color.into())),
            _ => Symbol::None,
        };
        self.0.straight_line(StraightLine {
            points,
            color: Some(color.into()),
            stroke_width: 2.0,
            symbol: Some(symbol),
            ..StraightLine::default()
        });
    }
}

fn text(content: &str, (x, middle): (f32, f32), anchor: &str, font_size: f32) -> Text {
    Text {
        text: content.to_owned(),
        x: Some(x),
        y: Some(middle + BASELINE * font_size),
        font_family: Some(FONT.to_owned()),
        font_size: Some(font_size),
        font_color: Some(TEXT.into()),
        text_anchor: Some(anchor.to_owned()),
        ..Text::default()
    }
}

fn text_width(text: &str) -> f32 {
    let area = measure_text_width_family(FONT, FONT_SIZE, text).unwrap_or_default();
    area.width() * FALLBACK_FONT_RATIO
}

fn max_width<'a>(texts: impl IntoIterator<Item = &'a String>) -> f32 {
    texts.into_iter().map(|text| text_width(text)).fold(0.0, f32::max)
}

/// Shortens a text that is wider than `max_width` with an ellipsis.
fn fit(text: &str, max_width: f32) -> String {
    let mut fitting = text.to_owned();
    let mut kept = text.to_owned();
    while text_width(&fitting) > max_width && kept.pop().is_some() {
        fitting = format!("{}…", kept.trim_end());
    }
    fitting
}

fn float(count: usize) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}

fn render_error(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "chart rendering failed");
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{BLUE, Chart, GREEN, Mark, Series};
    use crate::language::Language;

    fn draw(
        is_horizontal: bool,
        (language, code): (&str, &str),
        labels: &[&str],
        amounts: &[&str],
    ) -> String {
        let language = Language::negotiate(language);
        let series = |mark| Series { name: "chart-expense", mark, amounts: amounts.to_vec() };
        let chart = Chart {
            language: &language,
            formatter: &language.formatter().expect("a formatter"),
            title: "Title".into(),
            currency_code: code,
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            series: vec![series(Mark::Bar(BLUE)), series(Mark::Line(GREEN))],
            unpriced: BTreeSet::new(),
        };
        let svg = if is_horizontal { chart.horizontal() } else { chart.vertical() };
        svg.expect("the chart renders")
    }

    fn has_text(svg: &str, text: &str) -> bool {
        svg.lines().any(|line| line == text)
    }

    #[test]
    fn names_are_escaped() {
        let svg = draw(true, ("en", "EUR"), &["<script>alert(1)</script>", "A & B"], &["5.00", "-3.25"]);
        assert!(svg.starts_with("<svg") && !svg.contains("<script") && svg.contains("A &amp; B"), "{svg}");
    }

    #[test]
    fn amounts_have_the_decimals_of_the_currency_and_the_separators_of_the_language() {
        for (context, amount, label, tick) in [
            (("en", "EUR"), "1234.50", "1,234.50", "1,250"),
            (("de", "EUR"), "1234.50", "1.234,50", "1.250"),
            (("en", "JPY"), "12345", "12,345", "12,500"),
            (("en", "KWD"), "-0.750", "-0.750", "-0.600"),
        ] {
            let svg = draw(true, context, &["one"], &[amount]);
            assert!(has_text(&svg, label), "{context:?} {label}: {svg}");
            assert!(has_text(&svg, tick), "{context:?} {tick}: {svg}");
        }
    }

    #[test]
    fn rows_beyond_the_limit_are_summed() {
        let labels: Vec<_> = (1..=25).map(|number| format!("Category {number}")).collect();
        let labels: Vec<_> = labels.iter().map(String::as_str).collect();
        let svg = draw(true, ("en", "EUR"), &labels, &["10.00"; 25]);
        assert!(has_text(&svg, "Category 19") && !has_text(&svg, "Category 20"), "{svg}");
        assert!(has_text(&svg, "Other (6)") && has_text(&svg, "60.00"), "{svg}");
    }

    #[test]
    fn long_names_are_shortened() {
        let svg = draw(true, ("en", "EUR"), &[&"Extraordinary ".repeat(10)], &["1.00"]);
        let name = svg.lines().find(|line| line.starts_with("Extraordinary")).expect("a name");
        assert!(name.ends_with('…') && name.chars().count() < 40, "{name}");
    }

    #[test]
    fn labels_that_would_overlap_are_left_out() {
        let labels: Vec<_> = (1..=31).map(|day| format!("2026-07-{day:02}")).collect();
        let labels: Vec<_> = labels.iter().map(String::as_str).collect();
        let svg = draw(false, ("en", "EUR"), &labels, &["1.00"; 31]);
        let drawn: Vec<_> = labels.iter().filter(|label| svg.contains(**label)).collect();
        assert_eq!(drawn[..3], [&"2026-07-01", &"2026-07-05", &"2026-07-09"], "{svg}");
    }

    #[test]
    fn charts_without_data_say_so() {
        for is_horizontal in [false, true] {
            let svg = draw(is_horizontal, ("de", "EUR"), &[], &[]);
            assert!(has_text(&svg, "Keine Daten"), "{svg}");
        }
    }

    #[test]
    fn any_amount_can_be_drawn() {
        for is_horizontal in [false, true] {
            for amount in ["0.00", "-92233720368547758.08", "92233720368547758.07"] {
                let svg = draw(is_horizontal, ("en", "EUR"), &["one"], &[amount]);
                assert!(has_text(&svg, "0") && !svg.contains("NaN"), "{amount}: {svg}");
            }
        }
    }
}
