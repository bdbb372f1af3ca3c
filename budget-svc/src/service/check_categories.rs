//! Whether a household has the categories that somebody names for a budget.

use std::collections::HashMap;

use fintrac_kit::error::Violation;
use fintrac_proto::ledger::v1 as pb;
use uuid::Uuid;

use super::Planning;
use crate::domain::budget::CategoryWords;
use crate::error::Error;

impl Planning {
    /// Those that are not there or not for expenses, with their refusals.
    pub(super) async fn check_categories(
        &self,
        household_id: Uuid,
        words: &CategoryWords,
    ) -> Result<Vec<(Uuid, Violation)>, Error> {
        let named = words.named();
        let read = |(field, text): &(String, &str)| Some((field.clone(), Uuid::parse_str(text.trim()).ok()?));
        let named: Vec<_> = named.iter().filter_map(read).collect();
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let request = pb::FindCategoriesRequest {
            household_id: household_id.to_string(),
            category_ids: named.iter().map(|(_, id)| id.to_string()).collect(),
        };
        let answer = self.ledger.clone().find_categories(request).await;
        let found = answer.map_err(|status| Error::Part("ledger", status))?.into_inner().categories;
        let types: HashMap<_, _> = found.into_iter().map(|found| (found.id, found.r#type)).collect();
        let refusal = |(field, id): (String, Uuid)| match types.get(&id.to_string()).map(String::as_str) {
            Some("expense") => None,
            Some(_) => {
                let text = "A budget limits spending; send a category of expenses.";
                Some((id, Violation::new(field, "CATEGORY_TYPE_MISMATCH", text)))
            }
            None => Some((id, CategoryWords::unknown(&field))),
        };
        Ok(named.into_iter().filter_map(refusal).collect())
    }
}

/// All that is wrong, whoever found it.
pub(super) fn merged<T>(
    read: Result<T, Vec<Violation>>,
    mut others: Vec<Violation>,
) -> Result<T, Vec<Violation>> {
    match read {
        Ok(read) if others.is_empty() => Ok(read),
        Ok(_) => Err(others),
        Err(mut violations) => {
            violations.append(&mut others);
            Err(violations)
        }
    }
}

/// What is refused of `unknown`; what stands already is not judged again.
pub(super) fn refusals(unknown: Vec<(Uuid, Violation)>, standing: &[Uuid]) -> Vec<Violation> {
    let new = unknown.into_iter().filter(|(id, _)| !standing.contains(id));
    new.map(|(_, violation)| violation).collect()
}
