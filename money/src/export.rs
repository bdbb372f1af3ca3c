//! Amounts in exported rows.

use serde_json::Value;

use crate::{Currency, Money};

/// Replaces minor units in a JSON object, and in the objects of its lists, by decimal strings.
/// `fields` pairs the name of each amount with the name of the field that holds its currency code.
/// A missing or null amount and an unknown currency are left as they are.
pub fn write_decimals(row: &mut Value, fields: &[(&str, &str)]) {
    let lists = row.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut);
    for item in lists.filter_map(Value::as_array_mut).flatten() {
        write_decimals(item, fields);
    }
    for (amount, currency) in fields {
        let code = row.get(*currency).and_then(Value::as_str).and_then(Currency::from_code);
        let (Some(code), Some(minor)) = (code, row.get(*amount).and_then(Value::as_i64)) else { continue };
        if let Some(field) = row.get_mut(*amount) {
            *field = Value::String(Money::new(minor, code).to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::write_decimals;

    #[test]
    fn amounts_get_the_decimals_of_their_currency() {
        let mut row = json!({"amount": 1250, "code": "EUR", "other": 7, "yen": "JPY", "open": null,
            "list": [{"amount": 5, "code": "EUR"}, "amount"]});
        write_decimals(&mut row, &[("amount", "code"), ("other", "yen"), ("open", "code"), ("none", "code")]);
        let expected = json!({"amount": "12.50", "code": "EUR", "other": "7", "yen": "JPY", "open": null,
            "list": [{"amount": "0.05", "code": "EUR"}, "amount"]});
        assert_eq!(row, expected);
    }
}
