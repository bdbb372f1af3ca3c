//! Everything that is planned in a user's household.

use fintrac_kit::access::Principal;
use fintrac_kit::error;
use fintrac_kit::export::{Place, Row, Source};
use fintrac_money::write_decimals;
use serde_json::Value;
use sqlx::PgPool;
use tonic::Status;

use super::Planning;
use crate::store::export::{self, ExportRow};

const AMOUNTS: &[(&str, &str)] = &[
    ("amount", "currency_code"),
    ("spent", "currency_code"),
    ("target_amount", "currency_code"),
    ("current_amount", "currency_code"),
];

impl Source for Planning {
    const SECTIONS: &'static [&'static str] = &["budgets", "goals", "contributions"];

    async fn page(
        &self,
        pool: &PgPool,
        section: &str,
        who: &Principal,
        after: Place,
    ) -> Result<Vec<Row>, Status> {
        let household_id = who.household_id;
        let mut connection = pool.acquire().await.map_err(|error| error::database(&error))?;
        let rows = match section {
            "budgets" => export::budgets(&mut connection, household_id, after.id).await,
            "goals" => export::goals(&mut connection, household_id, after.id).await,
            _ => export::contributions(&mut connection, household_id, after.id).await,
        };
        Ok(rows.map_err(|error| error::database(&error))?.into_iter().map(readable).collect())
    }
}

fn readable(ExportRow { id, mut json }: ExportRow) -> Row {
    write_decimals(&mut json, AMOUNTS);
    for list in ["terms", "alerts", "milestones"] {
        for part in json.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            write_decimals(part, AMOUNTS);
        }
    }
    Row { place: id.into(), json: json.to_string() }
}
