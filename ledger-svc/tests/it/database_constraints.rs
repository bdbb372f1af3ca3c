//! Tests the privileges and constraints of the database, without the service.

use sqlx::{AssertSqlSafe, ConnectOptions as _};

use crate::support::{Ledger, entry};

/// Runs `sql` as the application role; returns SQLSTATE and constraint of the error.
async fn execute_rejected(ledger: &Ledger, sql: &str) -> (String, Option<String>) {
    let mut connection = ledger.database.app("ledger").connect().await.expect("connected");
    let result = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
    let error = result.expect_err(sql);
    let error = error.as_database_error().expect("an error of the database");
    (error.code().expect("a code").into_owned(), error.constraint().map(str::to_owned))
}

const INSUFFICIENT_PRIVILEGE: &str = "42501";

#[tokio::test]
async fn the_application_role_cannot_change_or_delete_postings() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    ana.post(entry(&bank, "expense", "5")).await.expect("posted");
    for sql in [
        "update ledger.postings set amount = 0",
        "update ledger.postings set day = day + 1",
        "delete from ledger.postings",
        "truncate ledger.postings",
        "update ledger.revisions set actor = 'unknown'",
        "delete from ledger.revisions",
        "delete from ledger.events",
        "update ledger.events set kind = 'nothing'",
        "delete from ledger.transactions",
        "delete from ledger.accounts",
        "alter table ledger.postings disable trigger all",
        "select * from auth.users",
    ] {
        let (code, _) = execute_rejected(&ledger, sql).await;
        // Another service's schema does not exist in this database.
        assert!(code == INSUFFICIENT_PRIVILEGE || (sql.contains("auth") && code == "42P01"), "{sql}: {code}");
    }
    let overwritten = execute_rejected(&ledger, "update ledger.postings set household_amount = 1").await;
    assert_eq!(
        overwritten,
        ("23514".into(), Some("postings_append_only_check".into())),
        "a household amount must be filled only once"
    );
    ledger.verify().await;
}

#[tokio::test]
async fn other_schemas_are_inaccessible() {
    let ledger = Ledger::start().await;
    ledger
        .execute("create schema auth; create table auth.users (id int); insert into auth.users values (1)")
        .await;
    assert_eq!(execute_rejected(&ledger, "select * from auth.users").await.0, INSUFFICIENT_PRIVILEGE);
}

#[tokio::test]
async fn postings_that_do_not_balance_or_have_no_account_are_rejected() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, card) = (ana.account("Bank", "", "").await, ana.account("Card", "USD", "").await);
    let bob = ledger.user("EUR");
    let bobs_bank = bob.account("Bank", "", "").await;
    let household = ana.household_id;
    let posting = |number: i32, account: &str, currency: &str, amount: i64| {
        format!(
            "('{household}', '{household}', 1, {number}, '{account}', '{currency}', {amount}, '2026-01-01', false,
              {amount}, now())"
        )
    };
    let insert = |postings: &[String]| {
        format!(
            "insert into ledger.postings (household_id, transaction_id, revision, number, account_id, currency_code,
                 amount, day, is_reversal, household_amount, recorded_at) values {}",
            postings.join(", ")
        )
    };
    let (bank, card, bobs_bank) = (bank.id.as_str(), card.id.as_str(), bobs_bank.id.as_str());
    let unbalanced = ("23514".to_owned(), Some("postings_balance_check".to_owned()));
    let missing_account = ("23503".to_owned(), Some("postings_account_id_fkey".to_owned()));
    for (postings, expected) in [
        (vec![posting(0, bank, "EUR", 5)], &unbalanced),
        (vec![posting(0, bank, "EUR", 5), posting(1, bank, "EUR", -4)], &unbalanced),
        (vec![posting(0, bank, "EUR", 5), posting(1, card, "USD", -5)], &unbalanced),
        (vec![posting(0, bank, "EUR", 5), posting(1, card, "EUR", -5)], &missing_account),
        (vec![posting(0, bank, "EUR", 5), posting(1, bobs_bank, "EUR", -5)], &missing_account),
    ] {
        assert_eq!(&execute_rejected(&ledger, &insert(&postings)).await, expected, "{postings:?}");
    }
}

#[tokio::test]
async fn verification_finds_corruption() {
    for (corruption, invariant) in [
        (
            "update ledger.accounts set balance = balance + 1",
            "an account's balance is the sum of its postings",
        ),
        ("update ledger.daily_totals set change = change + 1", "a daily total"),
        ("update ledger.daily_totals set household_change = 0", "a daily total"),
        ("delete from ledger.daily_totals", "a daily total"),
        ("update ledger.transactions set account_change = account_change - 1", "a transaction's changes"),
        (
            "update ledger.transactions set status = 'voided', posted_revision = null",
            "a transaction's changes",
        ),
        ("update ledger.transactions set household_amount = 1", "a transaction's household amount"),
        (
            "alter table ledger.postings disable trigger all;
             update ledger.postings set is_reversal = true where number = 1",
            "a transaction's postings sum to those of its current revision",
        ),
        ("delete from ledger.revisions", "a transaction has all its revisions"),
        ("delete from ledger.transactions", "a posting's transaction and account exist"),
        (
            "alter table ledger.postings disable trigger all;
             update ledger.postings set amount = amount + 1 where number = 0",
            "every revision of a transaction sums to zero",
        ),
    ] {
        let ledger = Ledger::start().await;
        let ana = ledger.user("EUR");
        let bank = ana.account("Bank", "", "").await;
        ana.post(entry(&bank, "expense", "5")).await.expect("posted");
        ledger.verify().await;
        ledger.execute(corruption).await;
        let findings = ledger_svc::verify(&ledger.pool).await.expect("verified");
        let found = findings.iter().find(|finding| finding.invariant.starts_with(invariant));
        assert!(found.is_some_and(|finding| finding.violations > 0), "{corruption}: {findings:?}");
    }
}
