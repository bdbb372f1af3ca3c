//! Deletes an unused category, or merges a category into another one.
//!
//! A merge posts nothing again: the category records its target, and its daily
//! totals are added to the target's.

use kit_core::error::{FieldCode, FieldViolation, ProblemCode};
use kit_db::violated_constraint;
use kit_service::use_case::{WriteContext, WriteTransaction};
use sqlx::PgConnection;
use uuid::Uuid;

use super::LedgerUseCases;
use super::create_category::check_parent;
use crate::domain::category::Category;
use crate::domain::posting::{NominalAccount, Purpose};
use crate::error::Error;
use crate::store::{
    accounts, categories, category_references, daily_totals, households, nominal_accounts, recurring,
};

impl LedgerUseCases {
    pub async fn delete_category(
        &self,
        ctx: &WriteContext<()>,
        category_id: Uuid,
        move_to: Option<&str>,
        expected_version: Option<i64>,
    ) -> Result<(), Error> {
        let household = self.household(ctx).await?;
        let now = self.clock.now();
        let mut transaction = self.begin_idempotent(ctx).await?;
        // An unknown id takes no locks.
        if categories::find(&mut transaction, household.id, category_id).await?.is_none() {
            return Err(Error::not_found("category"));
        }
        // Posting locks an account before it reads categories, so these locks exclude it.
        households::lock(&mut transaction, &[household.id]).await?;
        accounts::lock_all(&mut transaction, household.id).await?;
        let category = categories::find(&mut transaction, household.id, category_id).await?;
        let mut category = category.ok_or_else(|| Error::not_found("category"))?;
        Error::check_version(expected_version, category.version)?;
        let target = match move_to {
            Some(text) => Some(resolve_target(&mut transaction, household.id, &category, text).await?),
            None => None,
        };
        match &target {
            None if categories::is_used(&mut transaction, household.id, category_id).await? => {
                return Err(ProblemCode::CategoryInUse.into());
            }
            None => {}
            Some(target) => self.move_children(&mut transaction, household.id, &category, target).await?,
        }
        category.version += 1;
        categories::delete(&mut transaction, household.id, &category, now).await?;
        if let Some(target) = &target {
            merge(&mut transaction, household.id, &category, target).await?;
        }
        let changed: &[&str] = if target.is_some() { &["merged_into"] } else { &[] };
        transaction.record("category", category.id, category.version, "deleted", changed).await?;
        transaction.commit().await
    }

    /// Moves the children of `category` below `target`.
    async fn move_children(
        &self,
        transaction: &mut WriteTransaction,
        household_id: Uuid,
        category: &Category,
        target: &Category,
    ) -> Result<(), Error> {
        for mut child in categories::children(transaction, household_id, category.id).await? {
            child.parent_id = Some(target.id);
            child.version += 1;
            child.updated_at = self.clock.now();
            check_parent(transaction, household_id, &child).await.map_err(|error| match error.code() {
                Some(ProblemCode::ValidationFailed) => {
                    let text =
                        "The subcategories would be nested more than five levels deep. Move them first.";
                    move_rejected(FieldCode::InvalidMoveTarget, text)
                }
                _ => error,
            })?;
            categories::update(transaction, household_id, &child).await.map_err(|error| {
                match violated_constraint(&error) {
                    Some("categories_household_id_name_key") => {
                        let text = "A subcategory has the same name as one of the target. Rename it first.";
                        move_rejected(FieldCode::NameTaken, text)
                    }
                    _ => error.into(),
                }
            })?;
            transaction.record("category", child.id, child.version, "updated", &["parent_id"]).await?;
        }
        Ok(())
    }
}

fn move_rejected(code: FieldCode, text: &str) -> Error {
    FieldViolation::new("move_to", code, text).into()
}

/// Resolves the target of a merge: live, of the same type, not a descendant.
async fn resolve_target(
    connection: &mut PgConnection,
    household_id: Uuid,
    category: &Category,
    text: &str,
) -> Result<Category, Error> {
    let not_found =
        || move_rejected(FieldCode::CategoryNotFound, "The target must be another category. Send its id.");
    let id = Uuid::parse_str(text.trim()).map_err(|_| not_found())?;
    let found = categories::find(connection, household_id, id).await?;
    let target = found.filter(|candidate| candidate.id != category.id).ok_or_else(not_found)?;
    if target.category_type != category.category_type {
        let text = "The target must have the same type. Send another category.";
        return Err(move_rejected(FieldCode::CategoryTypeMismatch, text));
    }
    let mut ancestor_id = target.parent_id;
    while let Some(id) = ancestor_id {
        if id == category.id {
            let text = "The target must not be below this category. Send another category.";
            return Err(move_rejected(FieldCode::InvalidMoveTarget, text));
        }
        ancestor_id =
            categories::find(connection, household_id, id).await?.and_then(|parent| parent.parent_id);
    }
    Ok(target)
}

/// Merges everything that was ever posted on `category` into `target`.
async fn merge(
    connection: &mut PgConnection,
    household_id: Uuid,
    category: &Category,
    target: &Category,
) -> Result<(), Error> {
    categories::merge(connection, household_id, category.id, target.id).await?;
    recurring::replace_category(connection, household_id, category.id, target.id).await?;
    category_references::merge(connection, household_id, category.id, target.id).await?;
    let all = nominal_accounts::list_for_categories(connection, household_id).await?;
    let merged_accounts = all.iter().filter(|account| account.category_id == category.id);
    let pairs: Vec<_> = merged_accounts
        .map(|account| {
            (account.id, NominalAccount::new(household_id, Purpose::Category(target.id), account.currency))
        })
        .collect();
    let mut missing: Vec<_> = pairs.iter().map(|(_, account)| *account).collect();
    missing.sort_by_key(|account| account.id);
    nominal_accounts::insert_missing(connection, &missing).await?;
    let pairs: Vec<_> = pairs.into_iter().map(|(from, to)| (from, to.id)).collect();
    nominal_accounts::merge(connection, household_id, &pairs).await?;
    daily_totals::merge(connection, household_id, &pairs).await?;
    Ok(())
}
