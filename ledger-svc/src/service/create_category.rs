//! A new category.

use fintrac_kit::database::violated;
use fintrac_kit::error::Violation;
use fintrac_kit::idempotency::{self, Claim, Key};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{By, Change, Ledger};
use crate::domain::category::{Category, CategoryInput, parent_unknown};
use crate::error::Error;
use crate::store::categories;

/// How deep categories may be nested.
const DEEPEST: usize = 5;

/// What a request for a category gets.
#[derive(Debug)]
pub enum CategoryAnswer {
    Fresh(Category),
    Replayed(Vec<u8>),
}

impl Ledger {
    pub async fn create_category(
        &self,
        by: &By,
        input: CategoryInput,
        key: Option<Key>,
        encode: fn(&Category) -> Vec<u8>,
    ) -> Result<CategoryAnswer, Error> {
        let household = self.household(by).await?;
        let now = self.clock.now();
        let category = input.resolve(self.id(), now)?;
        let mut transaction = self.pool.begin().await?;
        if let Some(key) = &key {
            match idempotency::claim(&mut transaction, key, now).await? {
                Claim::Fresh => {}
                Claim::Replay(reply) => return Ok(CategoryAnswer::Replayed(reply)),
                Claim::Reused => return Err(Error::KeyReused),
            }
        }
        check_parent(&mut transaction, household.id, &category).await?;
        categories::insert(&mut transaction, household.id, &category).await.map_err(name_taken)?;
        let change =
            Change { entity: "category", entity_id: category.id, version: 1, kind: "created", changed: &[] };
        self.record(&mut transaction, by, change).await?;
        if let Some(key) = &key {
            idempotency::store(&mut transaction, key, &encode(&category)).await?;
        }
        transaction.commit().await?;
        self.bell.ring();
        Ok(CategoryAnswer::Fresh(category))
    }
}

/// The parent is there, of the same type, and not below the category itself.
/// The household's categories are locked against other changes of the tree.
pub(super) async fn check_parent(
    connection: &mut PgConnection,
    household_id: Uuid,
    category: &Category,
) -> Result<(), Error> {
    let Some(mut parent_id) = category.parent_id else { return Ok(()) };
    crate::store::households::lock(connection, household_id).await?;
    for _ in 0..DEEPEST {
        let parent = categories::find(connection, household_id, parent_id).await?;
        let fits =
            |parent: &Category| parent.category_type == category.category_type && parent.id != category.id;
        let Some(parent) = parent.filter(fits) else { return Err(vec![parent_unknown()].into()) };
        match parent.parent_id {
            None => return Ok(()),
            Some(above) => parent_id = above,
        }
    }
    let text = "Categories can be nested five deep; choose a higher one.";
    Err(vec![Violation::new("parent_id", "NESTED_TOO_DEEP", text)].into())
}

pub(super) fn name_taken(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("categories_household_id_name_key") => {
            let text = "Another category has this name there; choose another one.";
            vec![Violation::new("name", "NAME_TAKEN", text)].into()
        }
        _ => error.into(),
    }
}
