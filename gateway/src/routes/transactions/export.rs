use std::borrow::Cow;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use fintrac_proto::ledger::v1 as pb;
use futures::{Stream, StreamExt as _};
use tonic::Status;

use crate::extract::{FormatQuery, RequirePermission, ResponseFormat, StrictQuery, User, permission};
use crate::http::without_deadline;
use crate::problem::Problem;
use crate::routes::csv::{CsvWriter, escape_formula};
use crate::state::AppState;

/// The format of the export.
#[derive(Debug, Default, Clone, Copy)]
pub enum Format {
    #[default]
    Csv,
    Json,
    Ndjson,
}

impl ResponseFormat for Format {
    const FORMATS: &'static [(&'static str, Self)] =
        &[("csv", Self::Csv), ("json", Self::Json), ("ndjson", Self::Ndjson)];
    const DESCRIPTION: &'static str = "The response format: `csv` (default), `json` or `ndjson`.";
}

impl Format {
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

/// A row of the CSV table: a transaction, or one of its splits.
struct Row<'a> {
    transaction: &'a pb::Transaction,
    exported: &'a pb::ExportedTransaction,
    /// The split and the name of its category.
    split: Option<(&'a pb::Split, &'a str)>,
}

/// A column of the CSV table: its name and its cell in a row.
type Column = (&'static str, for<'a> fn(&Row<'a>) -> Cow<'a, str>);

const COLUMNS: [Column; 24] = [
    ("id", |row| text(&row.transaction.id)),
    ("transaction_date", |row| text(&row.transaction.transaction_date)),
    ("type", |row| text(&row.transaction.r#type)),
    ("status", |row| text(&row.transaction.status)),
    ("account_id", |row| text(&row.transaction.account_id)),
    ("account", |row| user_text(&row.exported.account_name)),
    ("to_account_id", |row| optional(row.transaction.to_account_id.as_deref())),
    ("to_account", |row| user_text(&row.exported.to_account_name)),
    ("category_id", |row| match row.split {
        Some((split, _)) => text(&split.category_id),
        None => optional(row.transaction.category_id.as_deref()),
    }),
    ("category", |row| user_text(row.split.map_or(row.exported.category_name.as_str(), |(_, name)| name))),
    ("amount", |row| text(row.split.map_or(&row.transaction.amount, |(split, _)| &split.amount))),
    ("currency_code", |row| text(&row.transaction.currency_code)),
    ("account_amount", |row| match row.split {
        Some((split, _)) => optional(split.account_amount.as_deref()),
        None => text(&row.transaction.account_amount),
    }),
    ("account_currency_code", |row| text(&row.transaction.account_currency_code)),
    ("to_amount", |row| optional(row.transaction.to_amount.as_deref())),
    ("to_currency_code", |row| optional(row.transaction.to_currency_code.as_deref())),
    ("household_amount", |row| {
        optional(match row.split {
            Some((split, _)) => split.household_amount.as_deref(),
            None => row.transaction.household_amount.as_deref(),
        })
    }),
    ("household_currency_code", |row| text(&row.transaction.household_currency_code)),
    ("description", |row| {
        let own = row.split.and_then(|(split, _)| split.description.as_deref());
        user_text(own.or(row.transaction.description.as_deref()).unwrap_or_default())
    }),
    ("reference_number", |row| user_text(row.transaction.reference_number.as_deref().unwrap_or_default())),
    ("notes", |row| user_text(row.transaction.notes.as_deref().unwrap_or_default())),
    ("tags", |row| user_text(&row.transaction.tags.join(", "))),
    ("created_at", |row| time(row.transaction.created_at)),
    ("updated_at", |row| time(row.transaction.updated_at)),
];

fn text(text: &str) -> Cow<'_, str> {
    text.into()
}

fn optional(text: Option<&str>) -> Cow<'_, str> {
    text.unwrap_or_default().into()
}

/// A text of a user, which a spreadsheet must not interpret.
fn user_text(text: &str) -> Cow<'static, str> {
    escape_formula(text).into()
}

fn time(timestamp: Option<prost_types::Timestamp>) -> Cow<'static, str> {
    timestamp.map(|timestamp| timestamp.to_string()).unwrap_or_default().into()
}

/// Export transactions
///
/// Streams all transactions that match the filters: as CSV for spreadsheets, as one JSON array, or
/// as one JSON object per line. In CSV, each split has its own row, and texts that a spreadsheet
/// would interpret as a formula begin with an apostrophe. If an error occurs during the export, the
/// connection is aborted; discard such a response.
#[utoipa::path(get, path = "/transactions/export", tag = "transactions",
    responses((status = 200, description = "The transactions", content(
        (String = "text/csv"), (Vec<pb::Transaction> = "application/json"), (String = "application/x-ndjson")))))]
pub async fn export_transactions(
    State(state): State<AppState>,
    User(principal): User,
    _user: RequirePermission<permission::TransactionsRead>,
    StrictQuery(query): StrictQuery<FormatQuery<pb::TransactionFilter, Format>>,
) -> Result<Response, Problem> {
    let FormatQuery { request, format, bom } = query;
    let export = state.export_limiter.acquire(principal.user_id)?;
    let request = without_deadline(pb::ExportTransactionsRequest { filter: Some(request) });
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
            Format::Csv => yield CsvWriter::new(&COLUMNS.map(|(name, _)| name)).into_document(bom),
            Format::Json => yield "[".to_owned(),
            Format::Ndjson => {}
        }
        while let Some(page) = pages.next().await {
            let transactions = page?.transactions;
            yield match format {
                Format::Csv => rows(&transactions),
                Format::Json | Format::Ndjson => {
                    let mut piece = String::new();
                    for exported in transactions {
                        let json = serde_json::to_string(&exported.transaction.unwrap_or_default())
                            .map_err(|error| Status::internal(error.to_string()))?;
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
fn rows(transactions: &[pb::ExportedTransaction]) -> String {
    let mut csv = CsvWriter::default();
    for exported in transactions {
        let Some(transaction) = &exported.transaction else { continue };
        let mut write = |split| {
            let row = Row { transaction, exported, split };
            csv.write_row(COLUMNS.map(|(_, cell)| cell(&row)).iter().map(|cell| cell.as_bytes()));
        };
        if transaction.splits.is_empty() {
            write(None);
        }
        for (split, name) in transaction.splits.iter().zip(&exported.split_category_names) {
            write(Some((split, name.as_str())));
        }
    }
    csv.into_string()
}
