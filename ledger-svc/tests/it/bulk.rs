//! Tests bulk requests and the export.

use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::bulk_operation::{Delete, Op, Update};
use futures::TryStreamExt as _;
use kit_core::headers::{IDEMPOTENCY_KEY, REPLAYED};
use tonic::Request;

use crate::support::{Ledger, entry, error_reason, field_violations, mask};

fn amount(id: &str, amount: &str) -> Op {
    Op::Update(Update {
        id: id.into(),
        update_mask: Some(mask(&["amount"])),
        transaction: Some(pb::CreateTransactionRequest { amount: amount.into(), ..Default::default() }),
    })
}

fn delete(id: &str) -> Op {
    Op::Delete(Delete { id: id.into() })
}

#[tokio::test]
async fn an_atomic_bulk_is_applied_whole_or_not_at_all() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.user("EUR"), ledger.user("EUR"));
    let (bank, bobs_bank) = (ana.account("Bank", "", "").await, bob.account("Bank", "", "").await);
    let first = ana.post(entry(&bank, "income", "10")).await.expect("posted");
    let second = ana.post(entry(&bank, "income", "20")).await.expect("posted");
    let stranger = bob.post(entry(&bobs_bank, "income", "30")).await.expect("posted");
    let good = || vec![Op::Create(entry(&bank, "expense", "3")), amount(&first.id, "11"), delete(&second.id)];
    let mut bad = good();
    bad.extend([
        Op::Create(entry(&bobs_bank, "expense", "1e3")),
        amount(&stranger.id, "1"),
        delete("no id"),
        amount(&"7".repeat(8), "1"),
    ]);
    let rejected = field_violations(ana.bulk("atomic", bad).await);
    let expected = [
        ("operations[3].account_id", "ACCOUNT_NOT_FOUND"),
        ("operations[3].amount", "AMOUNT_INVALID"),
        ("operations[4].id", "TRANSACTION_NOT_FOUND"),
        ("operations[5].id", "TRANSACTION_NOT_FOUND"),
        ("operations[6].id", "TRANSACTION_NOT_FOUND"),
    ];
    assert_eq!(rejected, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    assert_eq!(ana.balance(&bank.id).await, "30.00", "no operation must be applied");
    let results = ana.bulk("Atomic", good()).await.expect("done");
    let statuses: Vec<_> = results.iter().map(|result| result.status.as_str()).collect();
    assert_eq!(statuses, ["created", "updated", "deleted"]);
    let made = results[0].transaction.clone().expect("a transaction");
    assert_eq!(ana.find(&made.id).await.expect("there"), made);
    assert_eq!(
        (ana.balance(&bank.id).await, bob.balance(&bobs_bank.id).await),
        ("8.00".into(), "30.00".into())
    );
    let same = ana.bulk("atomic", vec![amount(&made.id, "3.00")]).await.expect("done");
    assert_eq!(
        (same[0].status.as_str(), &same[0].transaction),
        ("updated", &Some(made)),
        "an edit without a change must return the same transaction"
    );
    ledger.verify().await;
}

#[tokio::test]
async fn a_partial_bulk_applies_what_it_can_and_reports_each_result() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, shut) = (ana.account("Bank", "", "").await, ana.account("Shut", "", "").await);
    let first = ana.post(entry(&bank, "income", "10")).await.expect("posted");
    let gone = ana.post(entry(&bank, "income", "20")).await.expect("posted");
    ana.void(&gone.id).await.expect("voided");
    let archived = pb::UpdateAccountRequest {
        account_id: shut.id.clone(),
        is_active: Some(false),
        ..Default::default()
    };
    ana.change_account(archived, &["is_active"]).await.expect("archived");
    let operations = vec![
        Op::Create(entry(&shut, "expense", "3")),
        Op::Create(entry(&bank, "expense", "3")),
        delete(&gone.id),
        amount(&first.id, "x"),
        Op::Create(entry(&bank, "expense", "4")),
    ];
    let results = ana.bulk("partial", operations).await.expect("done");
    let lines: Vec<_> = results
        .iter()
        .map(|result| {
            let errors: Vec<_> =
                result.errors.iter().map(|error| format!("{} {}", error.field, error.code)).collect();
            format!("{} {}", result.status, errors.join(","))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "refused account_id ACCOUNT_CLOSED",
            "created ",
            "deleted ",
            "refused amount AMOUNT_INVALID",
            "created ",
        ]
    );
    assert_eq!(ana.balance(&bank.id).await, "3.00");
    ledger.verify().await;
}

#[tokio::test]
async fn a_bulk_that_is_sent_twice_is_applied_once() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let send = async |key: &str, mode: &str, amounts: &[&str]| {
        let op = |amount: &&str| pb::BulkOperation { op: Some(Op::Create(entry(&bank, "income", amount))) };
        let operations = amounts.iter().map(op).collect();
        let mut request = Request::new(pb::BulkTransactionsRequest { mode: mode.into(), operations });
        request.metadata_mut().insert(IDEMPOTENCY_KEY, key.parse().expect("a key"));
        let response = ana.call(ana.transactions().bulk_transactions(request)).await?;
        let replayed = response.metadata().contains_key(REPLAYED);
        Ok::<_, tonic::Status>((response.into_inner().results, replayed))
    };
    assert_eq!(error_reason(send("k", "atomic", &["1", "0"]).await), "VALIDATION_FAILED");
    let (first, replayed) = send("k", "atomic", &["1", "2"]).await.expect("a rejection leaves the key free");
    assert!(!replayed && first.len() == 2);
    let (again, replayed) = send("k", "atomic", &["1", "2"]).await.expect("replayed");
    assert_eq!((again, replayed), (first, true));
    let (one, other) = tokio::join!(send("t", "partial", &["1", "0"]), send("t", "partial", &["1", "0"]));
    assert_eq!(one.expect("done").0, other.expect("done").0, "duplicates must return the same response");
    assert_eq!(ana.balance(&bank.id).await, "4.00");
}

#[tokio::test]
async fn an_invalid_bulk_is_rejected_with_all_its_reasons() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let id = "0199f7a0-0000-7000-8000-000000000001";
    let twice = vec![amount(id, "1"), delete(&id.to_ascii_uppercase()), delete("")];
    let rejected = field_violations(ana.bulk("both", twice).await);
    let expected = [
        ("mode", "BULK_MODE_INVALID"),
        ("operations[1].id", "DUPLICATE_OPERATION"),
        ("operations[2].id", "REQUIRED"),
    ];
    assert_eq!(rejected, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    assert_eq!(field_violations(ana.bulk("atomic", Vec::new()).await)[0].1, "REQUIRED");
    let many = (0..1001).map(|_| delete(id)).collect();
    assert_eq!(
        field_violations(ana.bulk("atomic", many).await)[0],
        ("operations".to_owned(), "TOO_MANY_ITEMS".to_owned())
    );
    let request = pb::BulkTransactionsRequest {
        mode: "atomic".into(),
        operations: vec![pb::BulkOperation { op: None }],
    };
    let rejected = ana.call(ana.transactions().bulk_transactions(request)).await;
    assert_eq!(
        field_violations(rejected),
        [("operations[0].op".to_owned(), "BULK_OPERATION_INVALID".to_owned())]
    );
}

#[tokio::test]
async fn a_bulk_of_a_thousand_operations_is_applied_and_exported() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, food) = (ana.account("Bank", "", "").await, ana.category("Food", "expense").await);
    let spend = |number: i32| {
        Op::Create(pb::CreateTransactionRequest {
            category_id: Some(food.id.clone()),
            ..entry(&bank, "expense", &format!("{}.50", number % 10 + 1))
        })
    };
    let results = ana.bulk("atomic", (0..1000).map(spend).collect()).await.expect("done");
    assert!(results.len() == 1000 && results.iter().all(|result| result.status == "created"));
    let filter = pb::TransactionFilter {
        category_id: food.id.clone(),
        min_amount: "3".into(),
        sort: "amount".into(),
        ..Default::default()
    };
    let request = pb::ExportTransactionsRequest { filter: Some(filter.clone()) };
    let stream = ana.call(ana.transactions().export_transactions(request)).await.expect("a stream");
    let pages: Vec<_> = stream.into_inner().try_collect().await.expect("all pages");
    let exported: Vec<_> = pages.into_iter().flat_map(|page| page.transactions).collect();
    assert!(exported.iter().all(|row| row.account_name == "Bank" && row.category_name == "Food"));
    let exported: Vec<_> = exported.into_iter().filter_map(|row| row.transaction).collect();
    assert_eq!((exported.len(), exported), (800, ana.list_all(filter, 200).await));
    ledger.verify().await;
}
