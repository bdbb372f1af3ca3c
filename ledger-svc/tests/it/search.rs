//! Tests search by words and tags, which covers every text field.
//!
//! Words match by prefix without case and accents, only in the own household.

use fintrac_proto::ledger::v1 as pb;

use crate::support::{Ledger, User, entry, field_violations};

async fn found(user: &User, q: &str, tag: &str) -> Vec<String> {
    let filter = pb::TransactionFilter { q: q.into(), tag: tag.into(), ..Default::default() };
    let mut amounts: Vec<_> =
        user.list_all(filter, 3).await.into_iter().map(|transaction| transaction.amount).collect();
    amounts.sort();
    amounts
}

#[tokio::test]
async fn words_are_found_in_every_field_without_case_and_accents() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.user("EUR"), ledger.user("EUR"));
    let (bank, other) = (ana.account("Bank", "", "").await, bob.account("Bank", "", "").await);
    let none = |request: pb::CreateTransactionRequest| request;
    let coffee = pb::CreateTransactionRequest {
        description: Some("Café crème".into()),
        tags: vec!["work".into(), "it's \\ odd: 'so' & | !".into()],
        ..entry(&bank, "expense", "1.00")
    };
    let coffee = ana.post(coffee).await.expect("posted");
    let invoice = pb::CreateTransactionRequest {
        reference_number: Some("INV-2026/77".into()),
        notes: Some("paid late,\nsee the CREMATION file".into()),
        ..entry(&bank, "expense", "2.00")
    };
    ana.post(invoice).await.expect("posted");
    ana.post(none(entry(&bank, "expense", "3.00"))).await.expect("posted");
    let bobs_entry =
        pb::CreateTransactionRequest { description: Some("cafe".into()), ..entry(&other, "expense", "9.00") };
    bob.post(bobs_entry).await.expect("posted");
    assert_eq!(found(&ana, "cafe", "").await, ["1.00"], "another household's transactions must not be found");
    assert_eq!(found(&ana, "CREM", "").await, ["1.00", "2.00"], "a prefix of a word must match");
    assert_eq!(found(&ana, "reme", "").await, Vec::<String>::new(), "the middle of a word must not match");
    assert_eq!(found(&ana, "inv 77", "").await, ["2.00"], "all words must match");
    assert_eq!(found(&ana, "inv cafe", "").await, Vec::<String>::new());
    assert_eq!(found(&ana, "", "work").await, ["1.00"]);
    assert_eq!(found(&ana, "", "it's \\ odd: 'so' & | !").await, ["1.00"]);
    assert_eq!(found(&ana, "", "WORK").await, ["1.00"], "tags must match in any letter case");
    assert_eq!(found(&ana, "", "wor").await, Vec::<String>::new(), "only a whole tag must match");
    for odd in ["\0".to_owned(), "x".repeat(51)] {
        let filter = pb::TransactionFilter { tag: odd, ..Default::default() };
        let request = pb::ListTransactionsRequest { filter: Some(filter), ..Default::default() };
        let rejected = field_violations(ana.call(ana.transactions().list_transactions(request)).await);
        assert_eq!(rejected, [("tag".to_owned(), "PARAMETER_INVALID".to_owned())]);
    }
    assert_eq!(found(&ana, "work", "").await, ["1.00"], "words of tags must be found");
    let tea = pb::CreateTransactionRequest {
        description: Some("Té".into()),
        tags: vec!["home".into()],
        ..Default::default()
    };
    ana.edit(&coffee.id, tea, &["description", "tags"]).await.expect("edited");
    assert_eq!(found(&ana, "cafe", "").await, Vec::<String>::new());
    assert_eq!(
        (found(&ana, "te", "home").await, found(&ana, "", "work").await.len()),
        (vec!["1.00".into()], 0)
    );
    ana.void(&coffee.id).await.expect("voided");
    assert_eq!(found(&ana, "te", "").await, Vec::<String>::new());
}

#[tokio::test]
async fn transactions_older_than_the_search_index_are_found() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let old = pb::CreateTransactionRequest {
        description: Some("Ancient".into()),
        ..entry(&bank, "expense", "1.00")
    };
    ana.post(old).await.expect("posted");
    ledger.execute("update ledger.transactions set search_vector = null").await;
    assert_eq!(found(&ana, "ancient", "").await, Vec::<String>::new());
    ledger_svc::backfill_search_index(&ledger.pool).await.expect("backfilled");
    assert_eq!(found(&ana, "ancient", "").await, ["1.00"]);
    assert_eq!(
        ledger.query_i64("select count(*) from ledger.transactions where search_vector is null").await,
        0
    );
}

#[tokio::test]
async fn words_are_found_in_every_script() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    for (amount, text) in [
        ("1.00", "Τράπεζα ΟΔΟΣ"),
        ("2.00", "東京三菱銀行口座振替"),
        ("3.00", "ค่าอาหารกลางวัน"),
        ("4.00", "🍕 with friends"),
    ] {
        let request = pb::CreateTransactionRequest {
            description: Some(text.into()),
            ..entry(&bank, "expense", amount)
        };
        ana.post(request).await.expect("posted");
    }
    for (q, amount) in [
        ("οδός", "1.00"),
        ("οδοσ", "1.00"),
        ("銀行", "2.00"),
        ("三菱銀行口座", "2.00"),
        ("替", "2.00"),
        ("อาหาร", "3.00"),
        ("🍕", "4.00"),
    ] {
        assert_eq!(found(&ana, q, "").await, [amount], "{q}");
    }
    assert_eq!(found(&ana, "銀口", "").await, Vec::<String>::new());
    assert_eq!(found(&ana, "🍔", "").await, Vec::<String>::new());
}
