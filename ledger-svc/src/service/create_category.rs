//! Creates a category.

use kit_core::error::{FieldCode, FieldViolation};
use kit_db::violated_constraint;
use kit_service::use_case::WriteContext;
use sqlx::PgConnection;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::category::{Category, CategoryInput};
use crate::error::Error;
use crate::store::{categories, households};

/// Maximum categories of a household: every sum of spending reads all of them.
const MAX_CATEGORIES_PER_HOUSEHOLD: i64 = 1000;
/// Maximum levels of the category tree.
const MAX_CATEGORY_DEPTH: i64 = 5;

impl LedgerUseCases {
    pub async fn create_category(
        &self,
        ctx: &WriteContext<Category>,
        input: CategoryInput,
    ) -> Result<Category, Error> {
        let household = self.household(ctx).await?;
        let now = self.clock.now();
        let category = input.resolve(self.new_id(), now)?;
        let mut transaction = self.begin_idempotent(ctx).await?;
        check_parent(&mut transaction, household.id, &category).await?;
        if categories::count(&mut transaction, household.id).await? >= MAX_CATEGORIES_PER_HOUSEHOLD {
            let text = "A household can have at most 1,000 categories. Delete one first.";
            return Err(FieldViolation::new("name", FieldCode::TooManyItems, text).into());
        }
        categories::insert(&mut transaction, household.id, &category).await.map_err(name_taken)?;
        transaction.record("category", category.id, 1, "created", &[]).await?;
        transaction.commit_with(category).await
    }
}

/// Checks that a category fits below its parent, and locks the household.
///
/// The parent must exist, have the same type and not be below the category
/// itself, and the tree must stay at most five levels deep. The lock keeps the
/// tree unchanged until the transaction ends.
pub(super) async fn check_parent(
    connection: &mut PgConnection,
    household_id: Uuid,
    category: &Category,
) -> Result<(), Error> {
    let Some(parent_id) = category.parent_id else { return Ok(()) };
    households::lock(connection, &[household_id]).await?;
    let height = categories::height(connection, household_id, category.id).await?;
    let (mut levels, mut next) = (height, Some(parent_id));
    while let Some(id) = next {
        let parent = categories::find(connection, household_id, id).await?;
        let fits =
            |parent: &Category| parent.category_type == category.category_type && parent.id != category.id;
        let invalid = || FieldViolation::from_code("parent_id", FieldCode::ParentInvalid);
        let parent = parent.filter(fits).ok_or_else(invalid)?;
        levels += 1;
        if levels > MAX_CATEGORY_DEPTH {
            return Err(FieldViolation::from_code("parent_id", FieldCode::NestedTooDeep).into());
        }
        next = parent.parent_id;
    }
    Ok(())
}

pub(super) fn name_taken(error: sqlx::Error) -> Error {
    match violated_constraint(&error) {
        Some("categories_household_id_name_key") => {
            let text = "Another category has the same name and parent. Choose another name.";
            FieldViolation::new("name", FieldCode::NameTaken, text).into()
        }
        _ => error.into(),
    }
}
