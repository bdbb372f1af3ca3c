use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chart::Chart;
use super::form::Form;
use super::sum_view::SumView;
use crate::extract::{Params, Permitted, permission};
use crate::openapi::{ReadProblems, words};
use crate::problem::Problem;
use crate::routes::sheet::Sheet;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct NetWorthQuery {
    /// First day; default: a year before the last one.
    #[param(value_type = Option<chrono::NaiveDate>)]
    from: Option<String>,
    /// Last day; default: today in the household's zone.
    #[param(value_type = Option<chrono::NaiveDate>)]
    to: Option<String>,
    /// day, week (to Sunday) or month (default); at most 4,000 of them.
    #[param(value_type = Option<words::Interval>, inline)]
    interval: Option<String>,
    /// json (default), csv, or svg: a chart.
    #[param(value_type = Option<words::ChartForm>, inline)]
    format: Option<String>,
    /// true: CSV begins with a byte order mark, which spreadsheets need to read UTF-8.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
}

/// What the household has over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NetWorth)]
pub struct NetWorthView {
    #[schema(example = "EUR")]
    currency_code: String,
    /// The oldest first; the last one is the last day.
    data: Vec<NetWorthRowView>,
}

/// What the household has at the end of a day, at that day's rates.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NetWorthDay)]
pub struct NetWorthRowView {
    #[schema(format = Date, example = "2026-08-31")]
    date: String,
    net_worth: SumView,
    /// What is above zero.
    #[schema(example = "681.88")]
    assets: String,
    /// What is below zero.
    #[schema(example = "-200.00")]
    liabilities: String,
    /// Currencies without a rate up to that day; their amounts are in `net_worth.unpriced`.
    unpriced: Vec<String>,
}

impl From<pb::NetWorth> for NetWorthRowView {
    fn from(it: pb::NetWorth) -> Self {
        Self {
            date: it.date,
            net_worth: it.net_worth.into(),
            assets: it.assets,
            liabilities: it.liabilities,
            unpriced: it.unpriced,
        }
    }
}

fn sheet(view: &NetWorthView) -> Sheet {
    let mut sheet = Sheet::new(&[
        "date",
        "currency_code",
        "net_worth",
        "assets",
        "liabilities",
        "by_currency",
        "unpriced",
    ]);
    for it in &view.data {
        sheet.row([
            it.date.clone(),
            view.currency_code.clone(),
            it.net_worth.amount.clone(),
            it.assets.clone(),
            it.liabilities.clone(),
            it.net_worth.parts(),
            it.unpriced.join("; "),
        ]);
    }
    sheet
}

/// Net worth over time
///
/// Of the accounts with `include_in_net_worth`, at each day's rates; a deleted account counts up
/// to the day before.
#[utoipa::path(get, path = "/analytics/net-worth", tag = "analytics", security(("access_token" = ["accounts:read"])), params(NetWorthQuery),
    responses((status = 200, description = "The net worth", content(
        (NetWorthView = "application/json"), (String = "text/csv"), (String = "image/svg+xml"))), ReadProblems))]
pub async fn net_worth(
    State(state): State<AppState>,
    _user: Permitted<permission::AccountsRead>,
    headers: HeaderMap,
    Params(query): Params<NetWorthQuery>,
) -> Result<Response, Problem> {
    let form = Form::read(query.format.as_ref(), query.bom.as_ref(), &headers)?;
    let request = pb::AnalyzeNetWorthRequest {
        from: query.from.unwrap_or_default(),
        to: query.to.unwrap_or_default(),
        interval: query.interval.unwrap_or_default(),
    };
    let answer = state.analytics().analyze_net_worth(request).await?.into_inner();
    let data = answer.days.into_iter().map(Into::into).collect();
    let view = NetWorthView { currency_code: answer.currency_code, data };
    form.answer("net-worth", view, sheet, |view| {
        let amounts =
            |of: fn(&NetWorthRowView) -> &String| view.data.iter().map(|it| of(it).clone()).collect();
        let chart = Chart {
            language: &form.language,
            title: "chart-net-worth",
            about: view.currency_code.clone(),
            labels: view.data.iter().map(|it| it.date.clone()).collect(),
            series: vec![
                ("chart-net-worth", amounts(|it| &it.net_worth.amount)),
                ("chart-assets", amounts(|it| &it.assets)),
                ("chart-liabilities", amounts(|it| &it.liabilities)),
            ],
            unpriced: view.data.iter().flat_map(|it| it.unpriced.iter().cloned()).collect(),
        };
        chart.lines()
    })
}
