//! Tests idempotency: a request takes effect once per key.

use fintrac_proto::ledger::v1 as pb;
use futures::future::join_all;

use crate::support::{Ledger, entry, error_reason};

#[tokio::test]
async fn a_hundred_keys_sent_twenty_times_post_a_hundred_transactions() {
    let ledger = Ledger::start().await;
    let second = ledger.replica().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let ana_on_second = second.client_for(&ana);
    let requests = (0..2000_u32).map(|number| {
        let (user, key) = (if number % 2 == 0 { &ana } else { &ana_on_second }, number / 20);
        let request = pb::CreateTransactionRequest {
            description: Some(format!("number {key}")),
            ..entry(&bank, "income", "1.00")
        };
        async move { (key, user.post_with_key(request, &format!("key-{key}")).await.expect("posted")) }
    });
    let responses = join_all(requests).await;
    for key in 0..100 {
        let responses_of_key: Vec<_> =
            responses.iter().filter(|(number, _)| *number == key).map(|(_, response)| response).collect();
        assert_eq!(responses_of_key.len(), 20);
        assert!(
            responses_of_key.iter().all(|(transaction, _)| *transaction == responses_of_key[0].0),
            "the responses must be identical"
        );
        assert_eq!(
            responses_of_key.iter().filter(|(_, replayed)| !replayed).count(),
            1,
            "one request must take effect"
        );
    }
    assert_eq!(ana.balance(&bank.id).await, "100.00");
    assert_eq!(ana.list_all(pb::TransactionFilter::default(), 200).await.len(), 100);
    ledger.verify().await;
}

#[tokio::test]
async fn a_stored_response_is_the_first_one_even_after_changes() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let request = entry(&bank, "income", "5");
    let (first, _) = ana.post_with_key(request.clone(), "k").await.expect("posted");
    let update = pb::CreateTransactionRequest { amount: "6".into(), ..Default::default() };
    ana.edit(&first.id, update, &["amount"]).await.expect("edited");
    let (again, replayed) = ana.post_with_key(request.clone(), "k").await.expect("replayed");
    assert!(replayed && again == first);
    let other = entry(&bank, "income", "7");
    assert_eq!(error_reason(ana.post_with_key(other.clone(), "k").await), "IDEMPOTENCY_KEY_REUSED");
    let bob = ledger.user("EUR");
    let bobs_bank = bob.account("Bank", "", "").await;
    let (bobs, replayed) =
        bob.post_with_key(entry(&bobs_bank, "income", "5"), "k").await.expect("keys are separate per user");
    assert!(!replayed && bobs.id != first.id);
}

#[tokio::test]
async fn concurrent_requests_with_one_key_and_several_bodies_take_effect_once() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    for round in 0..20 {
        let key = format!("k{round}");
        // The zero is rejected in any order and leaves the key free.
        let amounts = ["5", "6", "7", "0"];
        let requests = amounts.map(|amount| ana.post_with_key(entry(&bank, "income", amount), &key));
        let responses = join_all(requests).await;
        let succeeded: Vec<_> = responses.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(succeeded.len(), 1, "{responses:?}");
        let (first, _) = succeeded[0].clone();
        let (again, replayed) = ana
            .post_with_key(entry(&bank, "income", &first.amount.replace(".00", "")), &key)
            .await
            .expect("the request that took effect");
        assert!(replayed && again == first);
    }
    assert_eq!(ana.list_all(pb::TransactionFilter::default(), 200).await.len(), 20);
    ledger.verify().await;
}

#[tokio::test]
async fn a_rejected_request_leaves_its_key_free() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    assert_eq!(error_reason(ana.post_with_key(entry(&bank, "income", "0"), "k").await), "VALIDATION_FAILED");
    let (_, replayed) = ana.post_with_key(entry(&bank, "income", "1"), "k").await.expect("the key is free");
    assert!(!replayed);
    // The same holds among other commands of the same batch.
    let keys: Vec<_> = (0..16).map(|number| format!("k{number}")).collect();
    let valid = join_all((0..16).map(|_| ana.post(entry(&bank, "income", "1"))));
    let rejected = join_all(keys.iter().map(|key| ana.post_with_key(entry(&bank, "income", "0"), key)));
    let (valid, rejected) = tokio::join!(valid, rejected);
    assert!(valid.iter().all(Result::is_ok) && rejected.iter().all(Result::is_err));
    for key in &keys {
        let (_, replayed) = ana.post_with_key(entry(&bank, "income", "2"), key).await.expect("free");
        assert!(!replayed);
    }
    for invalid_key in [" ", &"x".repeat(256)] {
        let mut request = tonic::Request::new(entry(&bank, "income", "1"));
        request.metadata_mut().insert("idempotency-key", invalid_key.parse().expect("a value"));
        let response = ana.call(ana.transactions().create_transaction(request)).await;
        assert_eq!(error_reason(response), "IDEMPOTENCY_KEY_INVALID");
    }
}

#[tokio::test]
async fn accounts_and_categories_are_created_once_per_key() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let account = || {
        let mut request = tonic::Request::new(pb::CreateAccountRequest {
            name: "Bank".into(),
            account_type: "bank".into(),
            balance: Some("10".into()),
            ..Default::default()
        });
        request.metadata_mut().insert("idempotency-key", "k".parse().expect("a key"));
        ana.call(async { ana.accounts().create_account(request).await })
    };
    let accounts = join_all((0..8).map(|_| account())).await;
    let ids: Vec<_> = accounts
        .into_iter()
        .map(|response| response.expect("opened").into_inner().account.expect("one").id)
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(ana.balance(&ids[0]).await, "10.00");
    let category = || {
        let mut request = tonic::Request::new(pb::CreateCategoryRequest {
            name: "Food".into(),
            r#type: "expense".into(),
            ..Default::default()
        });
        request.metadata_mut().insert("idempotency-key", "k".parse().expect("a key"));
        ana.call(async { ana.categories().create_category(request).await })
    };
    let categories = join_all((0..8).map(|_| category())).await;
    let ids: Vec<_> = categories
        .into_iter()
        .map(|response| response.expect("made").into_inner().category.expect("one").id)
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    ledger.verify().await;
}
