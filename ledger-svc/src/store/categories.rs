//! Categories of households.

use chrono::{DateTime, Utc};
use kit_core::text::name_key;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::category::CategoryRef;
use crate::domain::category::{Category, CategoryType};

/// Reads the live categories of a household that match a condition.
macro_rules! select_live {
    ($connection:expr, $condition:literal $(, $parameter:expr)*) => {
        sqlx::query_as!(
            Category,
            r#"select id, name, category_type as "category_type: CategoryType", icon, color, parent_id, version,
                      created_at, updated_at
               from ledger.categories where household_id = $1 and deleted_at is null "#
                + $condition
            $(, $parameter)*
        )
        .fetch_all($connection)
        .await
    };
}

/// Finds a live category.
pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    category_id: Uuid,
) -> Result<Option<Category>, sqlx::Error> {
    Ok(select_live!(connection, "and id = $2", household_id, category_id)?.pop())
}

/// Lists the live categories in the order in which they were created.
pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    category_type: Option<CategoryType>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Category>, sqlx::Error> {
    select_live!(
        connection,
        "and ($2::text is null or category_type = $2) and ($3::uuid is null or id > $3) order by id limit $4",
        household_id,
        category_type as _,
        after,
        limit
    )
}

/// Resolves (household, category) pairs to live categories.
///
/// A deleted category resolves to the one into which it was merged.
pub async fn find_live(
    connection: &mut PgConnection,
    keys: &[(Uuid, Uuid)],
) -> Result<Vec<((Uuid, Uuid), CategoryRef)>, sqlx::Error> {
    let (households, ids): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select requested.household_id as "household_id!", requested.id as "requested!", live.id,
                  live.category_type as "category_type: CategoryType"
           from unnest($1::uuid[], $2::uuid[]) as requested (household_id, id)
           join ledger.categories using (household_id, id)
           join ledger.categories live
               on live.household_id = categories.household_id
               and live.id = coalesce(categories.merged_into, categories.id)
           where live.deleted_at is null"#,
        &households,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    let resolved = rows.into_iter().map(|row| {
        let category = CategoryRef { id: row.id, category_type: row.category_type };
        ((row.household_id, row.requested), category)
    });
    Ok(resolved.collect())
}

pub async fn insert(
    connection: &mut PgConnection,
    household_id: Uuid,
    category: &Category,
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"insert into ledger.categories (household_id, id, name, category_type, icon, color, parent_id,
                                          version, created_at, updated_at, name_key)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"#,
        household_id,
        category.id,
        category.name,
        category.category_type as _,
        category.icon,
        category.color,
        category.parent_id,
        category.version,
        category.created_at,
        category.updated_at,
        name_key(&category.name),
    )
}

pub async fn update(
    connection: &mut PgConnection,
    household_id: Uuid,
    category: &Category,
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"update ledger.categories set name = $3, icon = $4, color = $5, parent_id = $6, version = $7,
               updated_at = $8, name_key = $9
           where household_id = $1 and id = $2"#,
        household_id,
        category.id,
        category.name,
        category.icon,
        category.color,
        category.parent_id,
        category.version,
        category.updated_at,
        name_key(&category.name),
    )
}

/// Counts the levels from a category down to its lowest live descendant.
///
/// A category without live children has one level.
pub async fn height(
    connection: &mut PgConnection,
    household_id: Uuid,
    category_id: Uuid,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"with recursive tree as (
               select $2::uuid as id, 1::int8 as level
               union all
               select categories.id, level + 1 from tree
               join ledger.categories on household_id = $1 and parent_id = tree.id and deleted_at is null
               where level < 100)
           select max(level) as "height!" from tree"#,
        household_id,
        category_id,
    )
    .fetch_one(connection)
    .await
}

/// Lists the live children of a category.
pub async fn children(
    connection: &mut PgConnection,
    household_id: Uuid,
    category_id: Uuid,
) -> Result<Vec<Category>, sqlx::Error> {
    select_live!(connection, "and parent_id = $2 order by id", household_id, category_id)
}

/// Returns whether a category, or one that was merged into it, is in use.
///
/// Posted transactions, recurring transactions, live child categories and entities
/// of other services use categories.
pub async fn is_used(
    connection: &mut PgConnection,
    household_id: Uuid,
    category_id: Uuid,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"with merged as (
               select id from ledger.categories where household_id = $1 and (id = $2 or merged_into = $2))
           select exists (
                   select from merged join ledger.transactions
                       on household_id = $1 and category_id = merged.id and status = 'posted')
               or exists (
                   select from merged join ledger.splits
                       on household_id = $1 and category_id = merged.id and status = 'posted')
               or exists (
                   select from merged join ledger.recurring
                       on household_id = $1 and deleted_at is null and strpos(template::text, merged.id::text) > 0)
               or exists (
                   select from merged join ledger.category_references
                       on household_id = $1 and category_id = merged.id)
               or exists (
                   select from ledger.categories
                   where household_id = $1 and parent_id = $2 and deleted_at is null) as "used!""#,
        household_id,
        category_id,
    )
    .fetch_one(connection)
    .await
}

/// Merges a deleted category, and those merged into it before, into another one.
pub async fn merge(
    connection: &mut PgConnection,
    household_id: Uuid,
    category_id: Uuid,
    target_id: Uuid,
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"update ledger.categories set merged_into = $3
           where household_id = $1 and (id = $2 or merged_into = $2)"#,
        household_id,
        category_id,
        target_id,
    )
}

/// Marks a category as deleted. Its row remains for past transactions.
pub async fn delete(
    connection: &mut PgConnection,
    household_id: Uuid,
    category: &Category,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"update ledger.categories set deleted_at = $3, updated_at = $3, version = $4
           where household_id = $1 and id = $2"#,
        household_id,
        category.id,
        now,
        category.version,
    )
}

/// Lists the ids of all categories of a type, including deleted ones.
pub async fn list_ids_by_type(
    connection: &mut PgConnection,
    household_id: Uuid,
    category_type: CategoryType,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from ledger.categories where household_id = $1 and category_type = $2",
        household_id,
        category_type as _,
    )
    .fetch_all(connection)
    .await
}

/// Lists the names of all categories of a household, including deleted ones.
pub async fn names(
    connection: &mut PgConnection,
    household_id: Uuid,
) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    let rows = sqlx::query!("select id, name from ledger.categories where household_id = $1", household_id)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// A live or deleted category with its parent and the category it was merged into.
#[derive(Debug)]
pub struct CategoryNode {
    pub id: Uuid,
    pub parent_id: Option<Uuid>,
    pub merged_into: Option<Uuid>,
}

pub async fn nodes(
    connection: &mut PgConnection,
    household_id: Uuid,
) -> Result<Vec<CategoryNode>, sqlx::Error> {
    sqlx::query_as!(
        CategoryNode,
        "select id, parent_id, merged_into from ledger.categories where household_id = $1",
        household_id
    )
    .fetch_all(connection)
    .await
}

/// Counts the categories of a household, including deleted ones.
pub async fn count(connection: &mut PgConnection, household_id: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from ledger.categories where household_id = $1"#,
        household_id
    )
    .fetch_one(connection)
    .await
}
