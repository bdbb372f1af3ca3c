//! Exports the budgets, goals and contributions of a user's household.

use fintrac_kit::access::Principal;
use fintrac_kit::error;
use fintrac_kit::export::{ExportSource, SectionCursor, SectionRow};
use fintrac_money::write_decimals;
use serde_json::Value;
use sqlx::PgPool;
use tonic::Status;

use super::BudgetUseCases;
use crate::store::export::{self, ExportRow};

/// The fields with minor units, each with the field of its currency code.
const AMOUNTS: &[(&str, &str)] = &[
    ("amount", "currency_code"),
    ("budgeted", "currency_code"),
    ("spent", "currency_code"),
    ("target_amount", "currency_code"),
    ("current_amount", "currency_code"),
];

impl ExportSource for BudgetUseCases {
    const SECTIONS: &'static [&'static str] = &["budgets", "goals", "contributions"];

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
            "budgets" => export::budgets(&mut connection, household_id, after.id).await,
            "goals" => export::goals(&mut connection, household_id, after.id).await,
            _ => export::contributions(&mut connection, household_id, after.id).await,
        };
        Ok(rows.map_err(|error| error::database(&error))?.into_iter().map(to_row).collect())
    }
}

fn to_row(ExportRow { id, mut json }: ExportRow) -> SectionRow {
    write_decimals(&mut json, AMOUNTS);
    for list in ["terms", "alerts", "milestones"] {
        for entry in json.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            write_decimals(entry, AMOUNTS);
        }
    }
    SectionRow { cursor: id.into(), json: json.to_string() }
}
