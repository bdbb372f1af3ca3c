//! References to categories from entities of other services.

use sqlx::PgConnection;
use uuid::Uuid;

/// An entity of another service that refers to categories.
#[derive(Debug, Clone)]
pub struct Referrer {
    pub household_id: Uuid,
    pub service: String,
    pub kind: String,
    pub entity_id: Uuid,
}

/// Returns the generation up to which the references of an entity are complete.
pub async fn complete_to(
    connection: &mut PgConnection,
    referrer: &Referrer,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select complete_to from ledger.category_referrers
           where household_id = $1 and service = $2 and kind = $3 and entity_id = $4"#,
        referrer.household_id,
        referrer.service,
        referrer.kind,
        referrer.entity_id,
    )
    .fetch_optional(connection)
    .await
}

/// Sets the generation up to which the references of an entity are complete.
pub async fn set_complete_to(
    connection: &mut PgConnection,
    referrer: &Referrer,
    generation: i64,
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"insert into ledger.category_referrers (household_id, service, kind, entity_id, complete_to)
           values ($1, $2, $3, $4, $5)
           on conflict (household_id, service, kind, entity_id) do update
           set complete_to = greatest(category_referrers.complete_to, excluded.complete_to)"#,
        referrer.household_id,
        referrer.service,
        referrer.kind,
        referrer.entity_id,
        generation,
    )
}

/// Adds references to categories of the household at a generation.
pub async fn add(
    connection: &mut PgConnection,
    referrer: &Referrer,
    category_ids: &[Uuid],
    generation: i64,
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"insert into ledger.category_references (household_id, category_id, service, kind, entity_id, generation)
           select distinct $1::uuid, category_id, $2, $3, $4::uuid, $6::int8
           from unnest($5::uuid[]) as referenced (category_id)
           on conflict (household_id, service, kind, entity_id, category_id) do update
           set generation = greatest(category_references.generation, excluded.generation)"#,
        referrer.household_id,
        referrer.service,
        referrer.kind,
        referrer.entity_id,
        category_ids,
        generation,
    )
}

/// Removes the references to all other categories up to a generation.
pub async fn remove_others(
    connection: &mut PgConnection,
    referrer: &Referrer,
    category_ids: &[Uuid],
    generation: i64,
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"delete from ledger.category_references
           where household_id = $1 and service = $2 and kind = $3 and entity_id = $4
             and category_id <> all($5) and generation <= $6"#,
        referrer.household_id,
        referrer.service,
        referrer.kind,
        referrer.entity_id,
        category_ids,
        generation,
    )
}

/// Moves the references from one category to another.
pub async fn merge(
    connection: &mut PgConnection,
    household_id: Uuid,
    category_id: Uuid,
    target_id: Uuid,
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"with moved as (
               delete from ledger.category_references where household_id = $1 and category_id = $2
               returning service, kind, entity_id, generation)
           insert into ledger.category_references (household_id, category_id, service, kind, entity_id, generation)
           select $1, $3, service, kind, entity_id, generation from moved
           on conflict (household_id, service, kind, entity_id, category_id) do update
           set generation = greatest(category_references.generation, excluded.generation)"#,
        household_id,
        category_id,
        target_id,
    )
}
