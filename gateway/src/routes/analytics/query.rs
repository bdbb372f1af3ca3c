use serde::Deserialize;
use utoipa::IntoParams;

use crate::openapi::enums;

/// The query of an analysis by interval.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct IntervalQuery {
    /// The first day, included; default: the first day of the year that ends on `to`.
    #[param(value_type = Option<chrono::NaiveDate>)]
    pub from: Option<String>,
    /// The last day, included; default: today in the household's time zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    pub to: Option<String>,
    /// The interval: `day`, `week` (Monday to Sunday) or `month` (default).
    /// The span must have at most 4,000 intervals.
    #[param(value_type = Option<enums::Interval>, inline)]
    pub interval: Option<String>,
    /// The response format: `json` (default), `csv` or `svg` (a chart).
    #[param(value_type = Option<enums::ChartFormat>, inline)]
    pub format: Option<String>,
    /// If true, CSV begins with a byte order mark.
    /// Spreadsheets need it to detect UTF-8. Default: false.
    #[param(value_type = Option<bool>)]
    pub bom: Option<String>,
}
