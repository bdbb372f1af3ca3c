//! Categories of households.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::known;
use crate::domain::category::{Category, CategoryType};

struct CategoryRow {
    id: Uuid,
    name: String,
    category_type: String,
    icon: Option<String>,
    color: Option<String>,
    parent_id: Option<Uuid>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<CategoryRow> for Category {
    type Error = sqlx::Error;

    fn try_from(row: CategoryRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            name: row.name,
            category_type: known(&row.category_type, CategoryType::from_text)?,
            icon: row.icon,
            color: row.color,
            parent_id: row.parent_id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A live one.
pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    category_id: Uuid,
) -> Result<Option<Category>, sqlx::Error> {
    let row = sqlx::query_as!(
        CategoryRow,
        r#"select id, name, category_type, icon, color, parent_id, version, created_at, updated_at
           from ledger.categories where household_id = $1 and id = $2 and deleted_at is null"#,
        household_id,
        category_id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Category::try_from).transpose()
}

/// The live ones, in the order in which they were made.
pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    category_type: Option<CategoryType>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Category>, sqlx::Error> {
    let rows = sqlx::query_as!(
        CategoryRow,
        r#"select id, name, category_type, icon, color, parent_id, version, created_at, updated_at
           from ledger.categories
           where household_id = $1 and deleted_at is null
             and ($2::text is null or category_type = $2) and ($3::uuid is null or id > $3)
           order by id limit $4"#,
        household_id,
        category_type.map(CategoryType::as_str),
        after,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Category::try_from).collect()
}

/// Types of the live ones among these (household, category) pairs.
pub async fn types(
    connection: &mut PgConnection,
    keys: &[(Uuid, Uuid)],
) -> Result<Vec<((Uuid, Uuid), CategoryType)>, sqlx::Error> {
    let (households, ids): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select categories.household_id, categories.id, category_type
           from unnest($1::uuid[], $2::uuid[]) as wanted (household_id, id)
           join ledger.categories using (household_id, id)
           where deleted_at is null"#,
        &households,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok(((row.household_id, row.id), known(&row.category_type, CategoryType::from_text)?)))
        .collect()
}

pub async fn insert(
    connection: &mut PgConnection,
    household_id: Uuid,
    category: &Category,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"insert into ledger.categories (household_id, id, name, category_type, icon, color, parent_id,
                                          version, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"#,
        household_id,
        category.id,
        category.name,
        category.category_type.as_str(),
        category.icon,
        category.color,
        category.parent_id,
        category.version,
        category.created_at,
        category.updated_at,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

pub async fn update(
    connection: &mut PgConnection,
    household_id: Uuid,
    category: &Category,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update ledger.categories set name = $3, icon = $4, color = $5, parent_id = $6, version = $7,
               updated_at = $8
           where household_id = $1 and id = $2"#,
        household_id,
        category.id,
        category.name,
        category.icon,
        category.color,
        category.parent_id,
        category.version,
        category.updated_at,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Levels from a category down to its lowest live descendant; 1 alone.
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

/// Whether a posted transaction or a live category below hangs on it.
pub async fn is_used(
    connection: &mut PgConnection,
    household_id: Uuid,
    category_id: Uuid,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
                   select from ledger.transactions
                   where household_id = $1 and category_id = $2 and status = 'posted')
               or exists (
                   select from ledger.categories
                   where household_id = $1 and parent_id = $2 and deleted_at is null) as "used!""#,
        household_id,
        category_id,
    )
    .fetch_one(connection)
    .await
}

/// Keeps the row for what happened before.
pub async fn delete(
    connection: &mut PgConnection,
    household_id: Uuid,
    category: &Category,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update ledger.categories set deleted_at = $3, updated_at = $3, version = $4
           where household_id = $1 and id = $2"#,
        household_id,
        category.id,
        now,
        category.version,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Every category, deleted ones too, with what is above it.
pub async fn parents(
    connection: &mut PgConnection,
    household_id: Uuid,
) -> Result<Vec<(Uuid, Option<Uuid>)>, sqlx::Error> {
    let rows =
        sqlx::query!("select id, parent_id from ledger.categories where household_id = $1", household_id)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.parent_id)).collect())
}

/// How many there are, deleted ones too.
pub async fn count(connection: &mut PgConnection, household_id: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from ledger.categories where household_id = $1"#,
        household_id
    )
    .fetch_one(connection)
    .await
}
