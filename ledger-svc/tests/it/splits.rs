//! Tests transactions with several categories.

use fintrac_proto::ledger::v1 as pb;

use crate::support::{Ledger, entry, series};

fn split(category: &pb::Category, amount: &str, description: &str) -> pb::Split {
    let description = Some(description.to_owned()).filter(|text| !text.is_empty());
    pb::Split { category_id: category.id.clone(), amount: amount.into(), description, ..Default::default() }
}

#[tokio::test]
async fn splits_are_stored_summed_and_listed_through_every_change() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "USD", "").await;
    let (food, fun) = (ana.category("Food", "expense").await, ana.category("Fun", "expense").await);
    let request = pb::CreateTransactionRequest {
        splits: vec![split(&food, "6.66", "Bread"), split(&fun, "3.33", ""), split(&food, "0.01", "Tip")],
        transaction_date: Some("2026-10-01".into()),
        ..entry(&bank, "expense", "10")
    };
    let made = ana.post(request).await.expect("posted");
    let shares =
        |split: &pb::Split| (split.amount.clone(), split.account_amount.clone().expect("in the account"));
    let shares: Vec<_> = made.splits.iter().map(shares).collect();
    assert_eq!(
        shares,
        [("6.66", "6.66"), ("3.33", "3.33"), ("0.01", "0.01")].map(|(a, b)| (a.into(), b.into()))
    );
    assert_eq!(made.splits[0].description.as_deref(), Some("Bread"));
    assert_eq!(ana.find(&made.id).await.expect("there"), made);
    let listed = async |category: &pb::Category| {
        let filter = pb::TransactionFilter { category_id: category.id.clone(), ..Default::default() };
        ana.list_all(filter, 1).await.into_iter().map(|transaction| transaction.id).collect::<Vec<_>>()
    };
    let spent = async |category: &pb::Category| {
        let request = pb::SumSpendingRequest {
            household_id: ana.household_id.to_string(),
            series: vec![series("USD", &[category], &[("2026-10-01", "2026-10-31")])],
            with_rates: false,
        };
        let response = ledger.spending().sum_spending(request).await.expect("sums").into_inner();
        response.sums[0].spending[0].amount.clone()
    };
    assert_eq!((listed(&food).await, listed(&fun).await), (vec![made.id.clone()], vec![made.id.clone()]));
    assert_eq!((spent(&food).await, spent(&fun).await), ("6.67".into(), "3.33".into()));

    let other = pb::CreateTransactionRequest {
        amount: "4".into(),
        splits: vec![split(&fun, "3", ""), split(&fun, "1", "")],
        transaction_date: Some("2026-10-02".into()),
        ..Default::default()
    };
    let edited = ana.edit(&made.id, other, &["amount", "splits", "transaction_date"]).await.expect("edited");
    assert_eq!((edited.splits.len(), edited.amount.as_str()), (2, "4.00"));
    assert_eq!((listed(&food).await.len(), listed(&fun).await.len()), (0, 1));
    assert_eq!((spent(&food).await, spent(&fun).await), ("0.00".into(), "4.00".into()));
    let text_changes = pb::CreateTransactionRequest {
        splits: vec![split(&fun, "3", "Cinema"), split(&fun, "1", "Popcorn")],
        ..Default::default()
    };
    let reworded = ana.edit(&made.id, text_changes, &["splits"]).await.expect("edited");
    assert_eq!(reworded.splits[1].description.as_deref(), Some("Popcorn"));
    let postings = "select count(*) from ledger.postings";
    assert_eq!(ledger.query_i64(postings).await, 4 + 4 + 3, "a text edit must post nothing");

    ana.void(&made.id).await.expect("voided");
    assert_eq!((listed(&fun).await.len(), spent(&fun).await), (0, "0.00".into()));
    let back = ana.restore(&made.id).await.expect("restored");
    assert_eq!((back.splits, back.status.as_str(), back.version), (reworded.splits, "posted", 5));
    assert_eq!((listed(&fun).await.len(), spent(&fun).await), (1, "4.00".into()));
    let one = pb::CreateTransactionRequest { category_id: Some(food.id.clone()), ..Default::default() };
    let one = ana.edit(&made.id, one, &["category_id"]).await.expect("one category");
    assert_eq!((one.splits.len(), one.category_id.as_deref()), (0, Some(food.id.as_str())));
    assert_eq!(ledger.query_i64("select count(*) from ledger.splits").await, 0);
    ledger.verify().await;
}
