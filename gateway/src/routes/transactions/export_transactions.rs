use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use fintrac_proto::ledger::v1 as pb;
use futures::{Stream, StreamExt as _};
use tonic::Status;

use super::filter::filtered_query;
use super::response::TransactionResponse;
use crate::extract::{RequirePermission, StrictQuery, User, parse_bool, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::csv::{CsvWriter, escape_formula};
use crate::routes::http::without_deadline;
use crate::state::AppState;

filtered_query!(ExportTransactionsQuery {
    /// The account on either side of a transaction.
    #[param(value_type = Option<uuid::Uuid>)]
    account_id,
    /// The response format: `csv` (default), `json` or `ndjson`.
    #[param(value_type = Option<crate::openapi::enums::ExportFormat>, inline)]
    format,
    /// If true, CSV begins with a byte order mark.
    /// Spreadsheets need it to detect UTF-8. Default: false.
    #[param(value_type = Option<bool>)]
    bom,
});

/// The format of the export.
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
                let problem = Problem::new("QUERY_INVALID", "The query is invalid; see errors.");
                Err(problem.field("format", "PARAMETER_INVALID", "The format must be csv, json or ndjson."))
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
/// Streams all transactions that match the filters: as CSV for spreadsheets, as one JSON array, or
/// as one JSON object per line. In CSV, each split has its own row, and texts that a spreadsheet
/// would interpret as a formula begin with an apostrophe. If an error occurs during the export, the
/// connection is aborted; discard such a response.
#[utoipa::path(get, path = "/transactions/export", tag = "transactions", security(("access_token" = ["transactions:read"])),
    params(ExportTransactionsQuery),
    responses((status = 200, description = "The transactions", content(
        (String = "text/csv"), (Vec<TransactionResponse> = "application/json"), (String = "application/x-ndjson"))), ReadProblems))]
pub async fn export_transactions(
    State(state): State<AppState>,
    User(principal): User,
    _user: RequirePermission<permission::TransactionsRead>,
    StrictQuery(mut query): StrictQuery<ExportTransactionsQuery>,
) -> Result<Response, Problem> {
    let format = Format::from_text(query.format.as_deref())?;
    let bom = parse_bool("bom", query.bom.as_ref())?;
    let account_id = query.account_id.take().unwrap_or_default();
    let filter = pb::TransactionFilter { account_id, ..query.take_filter()? };
    let export = state.export_limiter.acquire(principal.user_id)?;
    let request = without_deadline(pb::ExportTransactionsRequest { filter: Some(filter) });
    let pages = state.transactions().export_transactions(request).await?.into_inner();
    let headers = [(CONTENT_TYPE, format.content_type()), (CONTENT_DISPOSITION, format.file_name())];
    Ok((headers, Body::from_stream(document(format, bom, pages, export))).into_response())
}

/// Streams the document, one chunk per page.
fn document(
    format: Format,
    bom: bool,
    mut pages: impl Stream<Item = Result<pb::ExportTransactionsResponse, Status>> + Send + Unpin,
    guard: impl Send + 'static,
) -> impl Stream<Item = Result<String, Status>> + Send {
    async_stream::try_stream! {
        let _guard = guard;
        let mut is_first = true;
        match format {
            Format::Csv => yield CsvWriter::new(&COLUMNS).into_document(bom),
            Format::Json => yield "[".to_owned(),
            Format::Ndjson => {}
        }
        while let Some(page) = pages.next().await {
            let transactions = page?.transactions;
            yield match format {
                Format::Csv => rows(transactions),
                Format::Json | Format::Ndjson => {
                    let mut piece = String::new();
                    for exported in transactions {
                        let transaction = TransactionResponse::from(exported.transaction.unwrap_or_default());
                        let json = serde_json::to_string(&transaction).map_err(|error| Status::internal(error.to_string()))?;
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

/// Formats transactions as CSV rows: one per split, otherwise one.
fn rows(transactions: Vec<pb::ExportedTransaction>) -> String {
    let mut csv = CsvWriter::default();
    for exported in transactions {
        let names = [exported.account_name, exported.to_account_name, exported.category_name];
        let transaction = exported.transaction.unwrap_or_default();
        if transaction.splits.is_empty() {
            csv.write_row(cells(&transaction, &names, None));
        }
        for (split, name) in transaction.splits.iter().zip(&exported.split_category_names) {
            csv.write_row(cells(&transaction, &names, Some((split, name))));
        }
    }
    csv.into_string()
}

fn cells(
    transaction: &pb::Transaction,
    [account, to_account, category]: &[String; 3],
    split: Option<(&pb::Split, &String)>,
) -> Vec<String> {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let time = |timestamp: Option<prost_types::Timestamp>| {
        timestamp.map(|timestamp| timestamp.to_string()).unwrap_or_default()
    };
    let (category_id, category, description) = match split {
        None => (or_empty(&transaction.category_id), category, or_empty(&transaction.description)),
        Some((split, name)) => {
            let description = split.description.clone().or_else(|| transaction.description.clone());
            (split.category_id.clone(), name, description.unwrap_or_default())
        }
    };
    let (amount, account_amount, household_amount) = match split {
        None => {
            (&transaction.amount, transaction.account_amount.clone(), or_empty(&transaction.household_amount))
        }
        Some((split, _)) => {
            (&split.amount, or_empty(&split.account_amount), or_empty(&split.household_amount))
        }
    };
    vec![
        transaction.id.clone(),
        transaction.transaction_date.clone(),
        transaction.r#type.clone(),
        transaction.status.clone(),
        transaction.account_id.clone(),
        escape_formula(account),
        or_empty(&transaction.to_account_id),
        escape_formula(to_account),
        category_id,
        escape_formula(category),
        amount.clone(),
        transaction.currency_code.clone(),
        account_amount,
        transaction.account_currency_code.clone(),
        or_empty(&transaction.to_amount),
        or_empty(&transaction.to_currency_code),
        household_amount,
        transaction.household_currency_code.clone(),
        escape_formula(&description),
        escape_formula(&or_empty(&transaction.reference_number)),
        escape_formula(&or_empty(&transaction.notes)),
        escape_formula(&transaction.tags.join(", ")),
        time(transaction.created_at),
        time(transaction.updated_at),
    ]
}
