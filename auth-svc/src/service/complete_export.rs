//! Completes exported rows with what SQL cannot convert.

use fintrac_money::write_decimals;
use kit_jobs::BoxError;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::IdentityUseCases;

impl IdentityUseCases {
    /// Decrypts the user's phone number and formats the amount in the preferences.
    pub fn complete_export(&self, section: &str, row: String) -> Result<String, BoxError> {
        match section {
            "user" => {
                let mut user: Map<String, Value> = serde_json::from_str(&row)?;
                let id = user.get("id").and_then(Value::as_str).unwrap_or_default().parse::<Uuid>()?;
                if let Some(Value::String(phone_number)) = user.get_mut("phone_number") {
                    *phone_number = self.decrypt_phone_number(id, phone_number)?;
                }
                Ok(Value::Object(user).to_string())
            }
            "preferences" => {
                let mut preferences = serde_json::from_str(&row)?;
                write_decimals(&mut preferences, &[("large_transaction_limit", "currency_code")]);
                preferences.as_object_mut().and_then(|fields| fields.remove("currency_code"));
                Ok(preferences.to_string())
            }
            _ => Ok(row),
        }
    }
}
