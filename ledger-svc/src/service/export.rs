//! Exports all that the ledger stores about a user: the household's data.

use fintrac_kit::access::Principal;
use fintrac_kit::error;
use fintrac_kit::export::{ExportSource, SectionCursor, SectionRow};
use fintrac_money::write_decimals;
use serde_json::Value;
use sqlx::PgPool;
use tonic::Status;

use super::LedgerUseCases;
use crate::store::export::{self, ExportRow};

const TRANSACTION_AMOUNTS: &[(&str, &str)] = &[
    ("amount", "currency_code"),
    ("to_amount", "to_currency_code"),
    ("household_amount", "household_currency_code"),
];

impl ExportSource for LedgerUseCases {
    const SECTIONS: &'static [&'static str] =
        &["accounts", "categories", "recurring", "transactions", "history"];

    async fn list_rows(
        &self,
        pool: &PgPool,
        section: &str,
        principal: &Principal,
        after: SectionCursor,
    ) -> Result<Vec<SectionRow>, Status> {
        let household_id = principal.household_id;
        let mut connection = pool.acquire().await.map_err(|error| error::database(&error))?;
        let rows = match section {
            "accounts" => export::accounts(&mut connection, household_id, after.id).await,
            "categories" => export::categories(&mut connection, household_id, after.id).await,
            "recurring" => export::recurring(&mut connection, household_id, after.id).await,
            "transactions" => export::transactions(&mut connection, household_id, after.id).await,
            _ => export::history(&mut connection, household_id, after).await,
        };
        let rows = rows.map_err(|error| error::database(&error))?;
        Ok(rows.into_iter().map(|row| format_row(section, row)).collect())
    }
}

fn format_row(section: &str, ExportRow { id, number, mut json }: ExportRow) -> SectionRow {
    match section {
        "accounts" => write_decimals(&mut json, &[("projected_balance", "currency_code")]),
        "transactions" => {
            write_decimals(&mut json, TRANSACTION_AMOUNTS);
            let splits = json.get_mut("splits").and_then(Value::as_array_mut);
            for split in splits.into_iter().flatten() {
                write_decimals(split, &[("amount", "currency_code")]);
            }
        }
        "history" => {
            let postings = json.get_mut("postings").and_then(Value::as_array_mut);
            for posting in postings.into_iter().flatten() {
                write_decimals(posting, &[("amount", "currency_code")]);
            }
        }
        _ => {}
    }
    SectionRow { cursor: SectionCursor { id, number }, json: json.to_string() }
}
