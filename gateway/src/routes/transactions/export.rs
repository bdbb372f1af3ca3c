use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use fintrac_proto::ledger::v1 as pb;
use futures::{Stream, StreamExt as _};
use tonic::Status;

use super::filter::filtered_query;
use super::view::TransactionView;
use crate::extract::{Params, Permitted, User, flag, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::sheet::{Sheet, safe};
use crate::routes::wire::lasting;
use crate::state::AppState;

filtered_query!(ExportTransactionsQuery {
    /// On either side.
    #[param(value_type = Option<uuid::Uuid>)]
    account_id,
    /// csv (default), json or ndjson.
    #[param(value_type = Option<crate::openapi::words::ExportForm>, inline)]
    format,
    /// true: CSV begins with a byte order mark, which spreadsheets need to read UTF-8.
    #[param(value_type = Option<bool>)]
    bom,
});

/// The forms of the export.
#[derive(Clone, Copy)]
enum Format {
    Csv,
    Json,
    Ndjson,
}

impl Format {
    fn from_text(text: Option<&str>) -> Result<Self, Problem> {
        match text.map(str::to_ascii_lowercase).as_deref() {
            None | Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            Some("ndjson") => Ok(Self::Ndjson),
            Some(_) => {
                let problem = Problem::new("QUERY_INVALID", "The query cannot be read; see errors.");
                Err(problem.field("format", "PARAMETER_INVALID", "Send csv, json or ndjson."))
            }
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "attachment; filename=\"transactions.csv\"",
            Self::Json => "attachment; filename=\"transactions.json\"",
            Self::Ndjson => "attachment; filename=\"transactions.ndjson\"",
        }
    }
}

const COLUMNS: [&str; 24] = [
    "id",
    "transaction_date",
    "type",
    "status",
    "account_id",
    "account",
    "to_account_id",
    "to_account",
    "category_id",
    "category",
    "amount",
    "currency_code",
    "account_amount",
    "account_currency_code",
    "to_amount",
    "to_currency_code",
    "household_amount",
    "household_currency_code",
    "description",
    "reference_number",
    "notes",
    "tags",
    "created_at",
    "updated_at",
];

/// Export transactions
///
/// All that the filters let through, streamed: as CSV for spreadsheets (texts that these would
/// take for formulas begin with an apostrophe; one row for each split), as one JSON array, or as
/// a JSON object a line. A file that does not end is not whole.
#[utoipa::path(get, path = "/transactions/export", tag = "transactions", security(("access_token" = ["transactions:read"])),
    params(ExportTransactionsQuery),
    responses((status = 200, description = "The transactions", content(
        (String = "text/csv"), (Vec<TransactionView> = "application/json"), (String = "application/x-ndjson"))), ReadProblems))]
pub async fn export(
    State(state): State<AppState>,
    User(principal): User,
    _user: Permitted<permission::TransactionsRead>,
    Params(mut query): Params<ExportTransactionsQuery>,
) -> Result<Response, Problem> {
    let format = Format::from_text(query.format.as_deref())?;
    let bom = flag("bom", query.bom.as_ref())?;
    let account_id = query.account_id.take().unwrap_or_default();
    let filter = pb::TransactionFilter { account_id, ..query.filter()? };
    let export = state.exports.begin(principal.user_id)?;
    let request = lasting(pb::ExportTransactionsRequest { filter: Some(filter) });
    let pages = state.transactions().export_transactions(request).await?.into_inner();
    let headers = [(CONTENT_TYPE, format.content_type()), (CONTENT_DISPOSITION, format.file_name())];
    Ok((headers, Body::from_stream(document(format, bom, pages, export))).into_response())
}

/// The document, a piece for each page.
fn document(
    format: Format,
    bom: bool,
    mut pages: impl Stream<Item = Result<pb::ExportTransactionsResponse, Status>> + Send + Unpin,
    running: impl Send + 'static,
) -> impl Stream<Item = Result<String, Status>> + Send {
    async_stream::try_stream! {
        let _running = running;
        let mut is_first = true;
        match format {
            Format::Csv => yield Sheet::new(&COLUMNS).into_document(bom),
            Format::Json => yield "[".to_owned(),
            Format::Ndjson => {}
        }
        while let Some(page) = pages.next().await {
            let transactions = page?.transactions;
            yield match format {
                Format::Csv => rows(transactions),
                Format::Json | Format::Ndjson => {
                    let mut piece = String::new();
                    for it in transactions {
                        let view = TransactionView::from(it.transaction.unwrap_or_default());
                        let json = serde_json::to_string(&view).map_err(|error| Status::internal(error.to_string()))?;
                        if matches!(format, Format::Json) && !std::mem::take(&mut is_first) {
                            piece.push(',');
                        }
                        piece.push_str(&json);
                        if matches!(format, Format::Ndjson) {
                            piece.push('\n');
                        }
                    }
                    piece
                }
            };
        }
        if matches!(format, Format::Json) {
            yield "]".to_owned();
        }
    }
}

/// Rows of CSV: one for each split, else one.
fn rows(transactions: Vec<pb::ExportedTransaction>) -> String {
    let mut sheet = Sheet::default();
    for exported in transactions {
        let names = [exported.account_name, exported.to_account_name, exported.category_name];
        let view = exported.transaction.unwrap_or_default();
        if view.splits.is_empty() {
            sheet.row(cells(&view, &names, None));
        }
        for (split, name) in view.splits.iter().zip(&exported.split_category_names) {
            sheet.row(cells(&view, &names, Some((split, name))));
        }
    }
    sheet.into_text()
}

fn cells(
    it: &pb::Transaction,
    [account, to_account, category]: &[String; 3],
    split: Option<(&pb::Split, &String)>,
) -> Vec<String> {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let time = |at: Option<prost_types::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let (category_id, category, description) = match split {
        None => (or_empty(&it.category_id), category, or_empty(&it.description)),
        Some((split, name)) => {
            let description = split.description.clone().or_else(|| it.description.clone());
            (split.category_id.clone(), name, description.unwrap_or_default())
        }
    };
    let (amount, account_amount, household_amount) = match split {
        None => (&it.amount, it.account_amount.clone(), or_empty(&it.household_amount)),
        Some((split, _)) => {
            (&split.amount, or_empty(&split.account_amount), or_empty(&split.household_amount))
        }
    };
    vec![
        it.id.clone(),
        it.transaction_date.clone(),
        it.r#type.clone(),
        it.status.clone(),
        it.account_id.clone(),
        safe(account),
        or_empty(&it.to_account_id),
        safe(to_account),
        category_id,
        safe(category),
        amount.clone(),
        it.currency_code.clone(),
        account_amount,
        it.account_currency_code.clone(),
        or_empty(&it.to_amount),
        or_empty(&it.to_currency_code),
        household_amount,
        it.household_currency_code.clone(),
        safe(&description),
        safe(&or_empty(&it.reference_number)),
        safe(&or_empty(&it.notes)),
        safe(&it.tags.join(", ")),
        time(it.created_at),
        time(it.updated_at),
    ]
}
