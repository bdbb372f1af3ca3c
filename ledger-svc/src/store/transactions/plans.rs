//! At a million transactions each list reads a range of an index: nothing is
//! sorted, no table is scanned.

use chrono::{DateTime, NaiveDate};
use fintrac_kit::clock::Clock;
use fintrac_kit::page::Cursor;
use fintrac_kit::testing::TestDatabase;
use sqlx::{AssertSqlSafe, Execute as _, PgConnection};
use uuid::Uuid;

use super::{Filter, list_query};
use crate::domain::transaction::TransactionType;

const HOUSEHOLD: Uuid = Uuid::from_u128(1);
const BANK: Uuid = Uuid::from_u128(2);
const CARD: Uuid = Uuid::from_u128(3);
const OTHER: Uuid = Uuid::from_u128(5);
const FOOD: Uuid = Uuid::from_u128(4);

async fn fill(connection: &mut PgConnection) {
    let sql = format!(
        "insert into ledger.households values ('{HOUSEHOLD}', 'EUR', 'UTC', now());
         insert into ledger.accounts (household_id, id, name, account_type, currency_code, include_in_net_worth,
                                      is_active, balance, version, created_at, updated_at)
         select '{HOUSEHOLD}', id, name, 'bank', 'EUR', true, true, 0, 1, now(), now()
         from (values ('{BANK}'::uuid, 'Bank'), ('{CARD}'::uuid, 'Card')) as new (id, name);
         insert into ledger.transactions (household_id, id, transaction_type, status, account_id, to_account_id,
             category_id, amount, currency_code, account_change, to_account_change, household_amount, tags,
             transaction_date, version, posted_revision, created_at, updated_at)
         select '{HOUSEHOLD}', gen_random_uuid(), case n % 3 when 2 then 'transfer' else 'expense' end,
             case when n % 50 = 0 then 'voided' else 'posted' end,
             case n % 10 when 0 then '{BANK}'::uuid else '{OTHER}'::uuid end, case n % 3 when 2 then '{CARD}'::uuid end,
             case n % 3 when 0 then '{FOOD}'::uuid end, n % 1000 + 1, 'EUR', -(n % 1000 + 1),
             case n % 3 when 2 then n % 1000 + 1 end, n % 1000 + 1, '{{}}', date '2016-01-01' + (n % 3650), 1,
             case when n % 50 = 0 then null else 1 end, now(), now()
         from generate_series(1, 1000000) n;
         analyze ledger.households, ledger.accounts, ledger.transactions"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.expect("filled");
}

async fn plan(connection: &mut PgConnection, filter: &Filter, after: Option<Cursor>) -> String {
    let mut query = list_query(HOUSEHOLD, filter, after, 51);
    let sql = format!("explain (costs off) {}", query.sql().as_str());
    let arguments = query.build().take_arguments().expect("arguments").expect("arguments");
    let lines: Vec<String> =
        sqlx::query_scalar_with(AssertSqlSafe(sql), arguments).fetch_all(connection).await.expect("a plan");
    lines.join("\n")
}

#[tokio::test]
async fn lists_of_a_million_read_ranges_of_indexes() {
    let clock = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).expect("an instant"));
    let database = TestDatabase::new(&[&crate::SCHEMA], &clock).await;
    let mut connection = database.connect().await;
    fill(&mut connection).await;
    let day = |year| NaiveDate::from_ymd_opt(year, 6, 1);
    let cursor = Cursor { day: day(2021).expect("a day"), id: Uuid::from_u128(u128::MAX / 2) };
    let filters = [
        (Filter::default(), "transactions_date_idx"),
        (Filter { voided: true, ..Filter::default() }, "transactions_voided_idx"),
        (Filter { category_id: Some(FOOD), ..Filter::default() }, "transactions_category_id_idx"),
        (Filter { from: day(2020), to: day(2022), ..Filter::default() }, "transactions_date_idx"),
        (Filter { min_amount: Some(5), max_amount: Some(900), ..Filter::default() }, "transactions_date_idx"),
        (
            Filter { transaction_type: Some(TransactionType::Transfer), ..Filter::default() },
            "transactions_date_idx",
        ),
        (Filter { account_id: Some(BANK), ..Filter::default() }, "transactions_account_id_idx"),
        (Filter { account_id: Some(CARD), ..Filter::default() }, "transactions_to_account_id_idx"),
        (
            Filter { account_id: Some(CARD), from: day(2020), ..Filter::default() },
            "transactions_to_account_id_idx",
        ),
    ];
    for (filter, index) in filters {
        for ascending in [false, true] {
            for after in [None, Some(cursor)] {
                let filter = Filter { ascending, ..filter.clone() };
                let plan = plan(&mut connection, &filter, after).await;
                let what = format!("{filter:?} {after:?}\n{plan}");
                assert!(plan.contains(index), "another index: {what}");
                let nodes = plan.lines().map(|line| line.trim().trim_start_matches("->").trim());
                let sorts = nodes.into_iter().any(|node| node == "Sort" || node == "Incremental Sort");
                assert!(!sorts, "sorts: {what}");
                assert!(!plan.contains("Seq Scan on transactions"), "scans: {what}");
                let cursor_in_index =
                    plan.lines().any(|line| line.contains("Index Cond") && line.contains("ROW("));
                assert!(after.is_none() || cursor_in_index, "reads what came before: {what}");
            }
        }
    }
}
