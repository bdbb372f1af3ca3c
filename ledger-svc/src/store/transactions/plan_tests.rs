//! Tests of the query plans of lists at a million transactions.
//!
//! Each list reads a range of an index. Only single pages are sorted, and no table is
//! scanned.

use chrono::{DateTime, NaiveDate};
use kit_core::clock::Clock;
use kit_core::pagination::Cursor;
use kit_testing::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, Execute as _, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::Filter;
use super::later_changes_that_day;
use super::list::{Sort, list, list_query, scan_ahead_query, window_query};
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
                                      name_key, is_active, balance, version, created_at, updated_at)
         select '{HOUSEHOLD}', id, name, 'bank', 'EUR', true, lower(name), true, 0, 1, now(), now()
         from (values ('{BANK}'::uuid, 'Bank'), ('{CARD}'::uuid, 'Card'), ('{OTHER}'::uuid, 'Other')) as new (id, name);
         insert into ledger.transactions (household_id, id, transaction_type, status, account_id, to_account_id,
             category_id, amount, currency_code, account_change, to_account_change, household_amount, details,
             transaction_date, version, posted_revision, created_at, updated_at, is_split, search_vector)
         select '{HOUSEHOLD}', gen_random_uuid(), case n % 3 when 2 then 'transfer' else 'expense' end,
             case when n % 50 = 0 then 'voided' else 'posted' end,
             case n % 10 when 0 then '{BANK}'::uuid else '{OTHER}'::uuid end, case n % 3 when 2 then '{CARD}'::uuid end,
             case n % 3 when 0 then '{FOOD}'::uuid end, n % 1000 + 1, 'EUR', -(n % 1000 + 1),
             case n % 3 when 2 then n % 1000 + 1 end, n % 1000 + 1, '{{}}', date '2016-01-01' + (n % 3650), 1,
             case when n % 50 = 0 then null else 1 end, now(), now(), n % 100 = 7,
             case when n % 5000 = 11 then 'rare common' when n % 10 = 1 then 'common' else '' end::tsvector
         from generate_series(1, 1000000) n;
         insert into ledger.transactions (household_id, id, transaction_type, status, account_id, amount, currency_code,
             account_change, household_amount, details, transaction_date, version, posted_revision, created_at,
             updated_at, search_vector)
         select md5('household ' || n % 100)::uuid, gen_random_uuid(), 'expense', 'posted',
             md5('account ' || n % 1000)::uuid, 1, 'EUR', -1, 1, '{{}}', date '2026-01-01', 1, 1, now(), now(), ''
         from generate_series(1, 30000) n;
         insert into ledger.splits (household_id, transaction_id, number, category_id, amount, transaction_date, status)
         select household_id, id, number, '{FOOD}', 1, transaction_date, status
         from ledger.transactions, generate_series(0, 1) number where is_split;
         analyze ledger.households, ledger.accounts, ledger.transactions, ledger.splits"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.expect("filled");
}

async fn plan(connection: &mut PgConnection, filter: &Filter, after: Option<Cursor>) -> String {
    explain(connection, list_query(HOUSEHOLD, filter, after, 51)).await
}

async fn explain(connection: &mut PgConnection, mut query: QueryBuilder<Postgres>) -> String {
    let sql = format!("explain (costs off) {}", query.sql().as_str());
    let arguments = query.build().take_arguments().expect("arguments").expect("arguments");
    let lines: Vec<String> =
        sqlx::query_scalar_with(AssertSqlSafe(sql), arguments).fetch_all(connection).await.expect("a plan");
    lines.join("\n")
}

#[tokio::test]
async fn lists_read_index_ranges_at_a_million_transactions() {
    let clock = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).expect("an instant"));
    let database = TestDatabase::new(&[&crate::SCHEMA], &clock).await;
    let mut connection = database.connect().await;
    fill(&mut connection).await;
    let day = |year| NaiveDate::from_ymd_opt(year, 6, 1);
    let cursor = Cursor::from_date(day(2021).expect("a day"), Uuid::from_u128(u128::MAX / 2));
    let filters = [
        (Filter::default(), "transactions_date_idx"),
        (Filter { voided: true, ..Filter::default() }, "transactions_voided_idx"),
        (Filter { categories: vec![FOOD], ..Filter::default() }, "transactions_category_id_idx"),
        (Filter { from: day(2020), to: day(2022), ..Filter::default() }, "transactions_date_idx"),
        (Filter { min_amount: Some(5), max_amount: Some(900), ..Filter::default() }, "transactions_date_idx"),
        (
            Filter { transaction_type: Some(TransactionType::Transfer), ..Filter::default() },
            "transactions_date_idx",
        ),
        (Filter { account_id: Some(BANK), ..Filter::default() }, "transactions_account_id_idx"),
        (Filter { account_id: Some(CARD), ..Filter::default() }, "transactions_to_account_id_idx"),
        (Filter { sort: Sort::Amount, ..Filter::default() }, "transactions_amount_idx"),
        (
            Filter { sort: Sort::Amount, min_amount: Some(5), from: day(2018), ..Filter::default() },
            "transactions_amount_idx",
        ),
        (Filter { categories: vec![FOOD, OTHER], ..Filter::default() }, "splits_category_id_idx"),
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
                let nodes: Vec<_> =
                    plan.lines().map(|line| line.trim().trim_start_matches("->").trim()).collect();
                // Node, keys, input.
                let sorts = nodes.windows(3).any(|node| {
                    let page = node[2].starts_with("Subquery Scan on ");
                    node[0] == "Incremental Sort" || node[0] == "Sort" && !page
                });
                assert!(!sorts, "sorts: {what}");
                assert!(!plan.contains("Seq Scan on transactions"), "scans: {what}");
                let cursor_in_index =
                    plan.lines().any(|line| line.contains("Index Cond") && line.contains("ROW("));
                assert!(after.is_none() || cursor_in_index, "reads rows before the cursor: {what}");
            }
        }
    }
    let search = Filter { search_query: Some("'rare':* & 'common':*".into()), ..Filter::default() };
    let filters = [
        search.clone(),
        Filter { account_id: Some(BANK), from: day(2018), ..search.clone() },
        Filter { categories: vec![FOOD, OTHER], sort: Sort::Amount, ..search.clone() },
    ];
    for filter in filters {
        let plan = plan(&mut connection, &filter, Some(cursor)).await;
        assert!(plan.contains("Bitmap Index Scan on transactions_search_vector_idx"), "{filter:?}\n{plan}");
        assert!(!plan.contains("BitmapAnd"), "reads another index too: {filter:?}\n{plan}");
    }
    let scan_ahead = [
        (search.clone(), "transactions_date_idx"),
        (Filter { min_amount: Some(5), ..search.clone() }, "transactions_date_idx"),
        (Filter { sort: Sort::Amount, from: day(2018), ..search.clone() }, "transactions_amount_idx"),
        (Filter { account_id: Some(BANK), from: day(2018), ..search.clone() }, "transactions_account_id_idx"),
        (Filter { categories: vec![FOOD, OTHER], ..search.clone() }, "splits_category_id_idx"),
    ];
    for (filter, index) in scan_ahead {
        let query = scan_ahead_query(HOUSEHOLD, &filter, Some(cursor), 51).expect("a range");
        let plan = explain(&mut connection, query).await;
        let is_range = plan.contains(index) && !plan.contains("transactions_search_vector_idx");
        assert!(is_range && !plan.contains("Seq Scan on transactions"), "{filter:?}\n{plan}");
    }
    // A parent with two hundred children: windows of the household's or the account's index.
    let many: Vec<_> = (0..200).map(|number| Uuid::from_u128(1000 + number)).chain([FOOD]).collect();
    for (filter, index) in [
        (Filter { categories: many.clone(), ..Filter::default() }, "transactions_date_idx"),
        (Filter { categories: many.clone(), from: day(2018), ..Filter::default() }, "transactions_date_idx"),
        (
            Filter { categories: many.clone(), account_id: Some(CARD), ..Filter::default() },
            "transactions_to_account_id_idx",
        ),
        (
            Filter { categories: many.clone(), sort: Sort::Amount, ..Filter::default() },
            "transactions_amount_idx",
        ),
    ] {
        let plan = explain(&mut connection, window_query(HOUSEHOLD, &filter, Some(cursor), 1000)).await;
        let is_range = plan.contains(index) && !plan.contains("Seq Scan on transactions");
        assert!(is_range, "{filter:?}\n{plan}");
        let page = list(&mut connection, HOUSEHOLD, &filter, Some(cursor), 51).await.expect("a page");
        let all = Filter { categories: vec![FOOD], ..filter };
        let all = list(&mut connection, HOUSEHOLD, &all, Some(cursor), 51).await.expect("a page");
        assert_eq!((page.len(), page == all), (51, true));
    }
    let narrow = Filter { account_id: Some(BANK), categories: vec![FOOD], ..search };
    assert!(scan_ahead_query(HOUSEHOLD, &narrow, None, 51).is_none(), "the next match could be far away");
    generic_plans_read_little(&mut connection).await;
}

/// Checks that generic plans do not read all of a large household.
///
/// A generic plan assumes a household of average size.
async fn generic_plans_read_little(connection: &mut PgConnection) {
    let mut transaction = connection.begin().await.expect("a transaction");
    sqlx::raw_sql("set local plan_cache_mode = force_generic_plan")
        .execute(&mut *transaction)
        .await
        .expect("a setting");
    let rare = Filter { search_query: Some("'rare':*".into()), ..Filter::default() };
    let filters = [
        Filter::default(),
        Filter { account_id: Some(BANK), ..Filter::default() },
        Filter { account_id: Some(OTHER), ..rare.clone() },
        Filter { categories: vec![FOOD], ..Filter::default() },
        Filter { sort: Sort::Amount, ..Filter::default() },
        rare,
    ];
    for filter in filters {
        let before = entries_read(&mut transaction).await;
        let page = list(&mut transaction, HOUSEHOLD, &filter, None, 51).await.expect("a page");
        let read = entries_read(&mut transaction).await - before;
        assert!(!page.is_empty() && read < 5_000, "{filter:?} read {read} entries");
        if let Some(account) = filter.account_id {
            let before = entries_read(&mut transaction).await;
            let sums =
                later_changes_that_day(&mut transaction, HOUSEHOLD, account, &page).await.expect("sums");
            let read = entries_read(&mut transaction).await - before;
            assert!(sums.len() == page.len() && read < 20_000, "the sums of {filter:?} read {read} entries");
        }
    }
}

/// Returns the number of index entries of transactions that this transaction read.
async fn entries_read(connection: &mut PgConnection) -> i64 {
    let sql = "select sum(pg_stat_get_xact_tuples_returned(indexrelid))::int8 from pg_index
               where indrelid = 'ledger.transactions'::regclass";
    sqlx::query_scalar(sql).fetch_one(connection).await.expect("a number")
}
