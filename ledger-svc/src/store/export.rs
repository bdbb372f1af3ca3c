//! Export of a household's ledger data, section by section.
//!
//! Amounts are in minor units, as stored, each with its currency.

use fintrac_kit::export::{PAGE_SIZE, SectionCursor};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// An exported row.
#[derive(Debug)]
pub struct ExportRow {
    pub id: Uuid,
    /// The number of the row among those with the same id.
    pub number: i64,
    pub json: Value,
}

pub async fn accounts(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: Uuid,
) -> Result<Vec<ExportRow>, sqlx::Error> {
    sqlx::query_as!(
        ExportRow,
        r#"select id, 0::int8 as "number!", jsonb_build_object('id', id, 'name', name, 'account_type', account_type, 'currency_code',
               currency_code, 'description', description, 'include_in_net_worth', include_in_net_worth,
               'is_active', is_active, 'projected_balance', balance, 'created_at', created_at, 'updated_at', updated_at,
               'deleted_at', deleted_at) as "json!"
           from ledger.accounts where household_id = $1 and id > $2 order by id limit $3"#,
        household_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}

pub async fn categories(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: Uuid,
) -> Result<Vec<ExportRow>, sqlx::Error> {
    sqlx::query_as!(
        ExportRow,
        r#"select id, 0::int8 as "number!", jsonb_build_object('id', id, 'name', name, 'type', category_type, 'icon', icon, 'color',
               color, 'parent_id', parent_id, 'merged_into', merged_into, 'created_at', created_at,
               'updated_at', updated_at, 'deleted_at', deleted_at) as "json!"
           from ledger.categories where household_id = $1 and id > $2 order by id limit $3"#,
        household_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}

pub async fn transactions(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: Uuid,
) -> Result<Vec<ExportRow>, sqlx::Error> {
    sqlx::query_as!(
        ExportRow,
        r#"select transactions.id, 0::int8 as "number!", jsonb_build_object('id', transactions.id, 'type', transaction_type, 'status',
               status, 'account_id', account_id, 'to_account_id', to_account_id, 'category_id', category_id,
               'splits', (
                   select coalesce(jsonb_agg(jsonb_build_object('category_id', splits.category_id, 'amount',
                       splits.amount, 'currency_code', transactions.currency_code, 'description',
                       splits.description) order by number), '[]')
                   from ledger.splits
                   where splits.household_id = $1 and splits.transaction_id = transactions.id),
               'amount', amount, 'currency_code', transactions.currency_code, 'to_amount', to_amount,
               'to_currency_code', target.currency_code, 'household_amount', household_amount,
               'household_currency_code', households.currency_code, 'rate', rate, 'rate_day', rate_date,
               'rate_source', rate_source, 'description', transactions.description, 'reference_number',
               reference_number, 'notes', notes, 'tags', tags, 'transaction_date', transaction_date,
               'recurring_id', recurring_id, 'version', transactions.version, 'created_at', transactions.created_at, 'updated_at',
               transactions.updated_at) as "json!"
           from ledger.transactions
           join ledger.households on households.id = transactions.household_id
           left join ledger.accounts target
             on target.household_id = transactions.household_id and target.id = to_account_id
           where transactions.household_id = $1 and transactions.id > $2 order by transactions.id limit $3"#,
        household_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}

pub async fn recurring(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: Uuid,
) -> Result<Vec<ExportRow>, sqlx::Error> {
    sqlx::query_as!(
        ExportRow,
        r#"select id, 0::int8 as "number!", jsonb_build_object('id', id, 'transaction', template, 'frequency', frequency, 'interval',
               every, 'rrule', rrule, 'start_date', start_date, 'end_date', end_date, 'count', occurrences,
               'weekend', weekend, 'status', status, 'paused_reason', paused_reason, 'next_occurrence',
               next_occurrence, 'last_occurrence', last_occurrence, 'last_transaction_id', last_transaction_id,
               'created_at', created_at, 'updated_at', updated_at, 'deleted_at', deleted_at) as "json!"
           from ledger.recurring where household_id = $1 and id > $2 order by id limit $3"#,
        household_id,
        after,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}

/// Lists the revisions of transactions with their postings.
///
/// Pages are by revision, because a transaction can have any number of them.
pub async fn history(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: SectionCursor,
) -> Result<Vec<ExportRow>, sqlx::Error> {
    sqlx::query_as!(
        ExportRow,
        r#"select transaction_id as id, revision as "number!", jsonb_build_object('transaction_id', transaction_id,
               'revision', revision, 'kind', kind, 'changes', changes, 'actor', actor, 'recorded_at', recorded_at,
               'postings', (
                   select coalesce(jsonb_agg(jsonb_build_object('leg', number, 'account_id', account_id, 'amount',
                       amount, 'currency_code', currency_code, 'day', day, 'is_reversal', is_reversal) order by number),
                       '[]')
                   from ledger.postings
                   where postings.household_id = $1 and postings.transaction_id = revisions.transaction_id
                     and postings.revision = revisions.revision))
               as "json!"
           from ledger.revisions where household_id = $1 and (transaction_id, revision) > ($2, $3)
           order by transaction_id, revision limit $4"#,
        household_id,
        after.id,
        after.number,
        PAGE_SIZE
    )
    .fetch_all(connection)
    .await
}
