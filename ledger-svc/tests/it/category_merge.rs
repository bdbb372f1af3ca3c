//! Tests merging a category into another one.

use fintrac_proto::ledger::v1 as pb;
use futures::future::join_all;

use crate::support::{Ledger, User, entry, error_reason, field_violations, series};

fn expense(account: &pb::Account, category: &pb::Category, amount: &str) -> pb::CreateTransactionRequest {
    pb::CreateTransactionRequest {
        category_id: Some(category.id.clone()),
        transaction_date: Some("2026-10-01".into()),
        ..entry(account, "expense", amount)
    }
}

async fn spent(ledger: &Ledger, user: &User, category: &pb::Category) -> String {
    let request = pb::SumSpendingRequest {
        household_id: user.household_id.to_string(),
        series: vec![series("EUR", &[category], &[("2026-01-01", "2026-12-31")])],
        with_rates: false,
    };
    let response = ledger.spending().sum_spending(request).await.expect("sums").into_inner();
    response.sums[0].spending[0].amount.clone()
}

async fn count_listed(user: &User, category: &pb::Category) -> usize {
    count_listed_by(user, category, category).await
}

/// Counts the transactions listed by `filter_category`.
///
/// Unless split, they must have `expected`.
async fn count_listed_by(user: &User, filter_category: &pb::Category, expected: &pb::Category) -> usize {
    let filter = pb::TransactionFilter { category_id: filter_category.id.clone(), ..Default::default() };
    let all = user.list_all(filter, 2).await;
    assert!(all.iter().all(|transaction| transaction.category_id.as_ref() == Some(&expected.id)
        || !transaction.splits.is_empty()));
    all.len()
}

#[tokio::test]
async fn a_list_of_twenty_merged_categories_has_each_transaction_once() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let all = ana.category("All", "expense").await;
    let mut ids = Vec::new();
    for number in 0..20 {
        let merged = ana.category(&format!("Category {number}"), "expense").await;
        ids.push(ana.post(expense(&bank, &merged, &format!("{}", number + 1))).await.expect("posted").id);
        let split = |category: &pb::Category| pb::Split {
            category_id: category.id.clone(),
            amount: "1".into(),
            ..Default::default()
        };
        let splits = vec![split(&merged), split(&all)];
        let with_splits =
            pb::CreateTransactionRequest { category_id: None, splits, ..expense(&bank, &merged, "2") };
        ids.push(ana.post(with_splits).await.expect("posted").id);
        ana.merge_category(&merged.id, &all.id).await.expect("moved");
    }
    for sort in ["", "-amount"] {
        for account_id in [String::new(), bank.id.clone()] {
            let category_id = all.id.clone();
            let filter =
                pb::TransactionFilter { category_id, account_id, sort: sort.into(), ..Default::default() };
            let mut found: Vec<_> =
                ana.list_all(filter, 7).await.into_iter().map(|transaction| transaction.id).collect();
            found.sort_unstable();
            ids.sort_unstable();
            assert_eq!(found, ids);
        }
    }
}

async fn subcategory(user: &User, parent: &pb::Category, name: &str) -> pb::Category {
    let request = pb::CreateCategoryRequest {
        name: name.into(),
        r#type: "expense".into(),
        parent_id: Some(parent.id.clone()),
        ..Default::default()
    };
    let response = user.call(user.categories().create_category(request)).await.expect("made");
    response.into_inner().category.expect("a category")
}

#[tokio::test]
async fn a_merge_moves_every_transaction_without_new_postings() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, dollars) = (ana.account("Bank", "", "").await, ana.account("Dollars", "USD", "").await);
    let (lunch, food) = (ana.category("Lunch", "expense").await, ana.category("Food", "expense").await);
    let plain = ana.post(expense(&bank, &lunch, "10")).await.expect("posted");
    ana.post(expense(&dollars, &lunch, "20")).await.expect("posted");
    ana.post(expense(&bank, &food, "1")).await.expect("posted");
    let voided = ana.post(expense(&bank, &lunch, "5")).await.expect("posted");
    ana.void(&voided.id).await.expect("voided");
    let with_splits = pb::CreateTransactionRequest {
        category_id: None,
        splits: vec![
            pb::Split { category_id: lunch.id.clone(), amount: "2".into(), ..Default::default() },
            pb::Split { category_id: food.id.clone(), amount: "1".into(), ..Default::default() },
        ],
        ..expense(&bank, &lunch, "3")
    };
    let with_splits = ana.post(with_splits).await.expect("posted");
    let (before, other) = (spent(&ledger, &ana, &lunch).await, spent(&ledger, &ana, &food).await);
    let postings = "select count(*) from ledger.postings";
    let posted = ledger.query_i64(postings).await;

    ana.merge_category(&lunch.id, &food.id).await.expect("moved");
    assert_eq!(ledger.query_i64(postings).await, posted);
    let cents = |text: &str| text.replace('.', "").parse::<i64>().expect("an amount");
    let total = cents(&before) + cents(&other);
    assert_eq!(cents(&spent(&ledger, &ana, &food).await), total);
    assert_eq!(
        spent(&ledger, &ana, &lunch).await,
        spent(&ledger, &ana, &food).await,
        "a budget on the merged category must count the target"
    );
    assert_eq!(count_listed(&ana, &food).await, 4);
    assert_eq!(ana.find(&plain.id).await.expect("there").category_id, Some(food.id.clone()));
    let splits = ana.find(&with_splits.id).await.expect("there").splits;
    assert!(splits.iter().all(|split| split.category_id == food.id));
    ledger.verify().await;

    assert_eq!(count_listed_by(&ana, &lunch, &food).await, 4, "the old id must list the merged transactions");

    // Merged transactions can be edited and restored.
    let text_changes =
        pb::CreateTransactionRequest { description: Some("Soup".into()), ..Default::default() };
    let reworded = ana.edit(&plain.id, text_changes, &["description"]).await.expect("edited");
    assert_eq!(ledger.query_i64(postings).await, posted, "a text edit must post nothing");
    assert_eq!(reworded.category_id, Some(food.id.clone()));
    let more = pb::CreateTransactionRequest { amount: "11".into(), ..Default::default() };
    ana.edit(&plain.id, more, &["amount"]).await.expect("edited");
    ana.restore(&voided.id).await.expect("restored");
    assert_eq!(cents(&spent(&ledger, &ana, &food).await), total + 100 + 500);
    ledger.verify().await;

    // Merges can be chained.
    let fun = ana.category("Fun", "expense").await;
    ana.merge_category(&food.id, &fun.id).await.expect("moved");
    assert_eq!(
        (count_listed(&ana, &fun).await, cents(&spent(&ledger, &ana, &lunch).await)),
        (5, total + 600)
    );
    ana.void(&plain.id).await.expect("voided");
    assert_eq!(cents(&spent(&ledger, &ana, &fun).await), total + 600 - 1100);
    let posted = ana.post(expense(&bank, &lunch, "1")).await.expect("an old id resolves to the new category");
    assert_eq!(posted.category_id, Some(fun.id));
    ledger.verify().await;
}

#[tokio::test]
async fn children_move_below_the_target() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (lunch, food) = (ana.category("Lunch", "expense").await, ana.category("Food", "expense").await);
    let soup = subcategory(&ana, &lunch, "Soup").await;
    let pay = ana.category("Pay", "income").await;
    let rejected = async |from: &pb::Category, to: &str| {
        let mut rejected = field_violations(ana.merge_category(&from.id, to).await);
        rejected.pop().expect("a field")
    };
    let field = |reason: &str| ("move_to".to_owned(), reason.to_owned());
    assert_eq!(rejected(&lunch, &pay.id).await, field("CATEGORY_TYPE_MISMATCH"));
    assert_eq!(rejected(&lunch, &soup.id).await, field("INVALID_MOVE_TARGET"));
    assert_eq!(rejected(&lunch, &lunch.id).await, field("CATEGORY_NOT_FOUND"));
    assert_eq!(rejected(&lunch, "x").await, field("CATEGORY_NOT_FOUND"));
    let bob = ledger.user("EUR");
    let bobs_category = bob.category("Theirs", "expense").await;
    assert_eq!(rejected(&lunch, &bobs_category.id).await, field("CATEGORY_NOT_FOUND"));
    assert_eq!(error_reason(ana.merge_category(&bobs_category.id, &food.id).await), "NOT_FOUND");
    let duplicate = subcategory(&ana, &food, "Soup").await;
    assert_eq!(rejected(&lunch, &food.id).await, field("NAME_TAKEN"));
    ana.merge_category(&duplicate.id, &soup.id).await.expect("moved");
    ana.merge_category(&lunch.id, &food.id).await.expect("moved");
    let request = pb::GetCategoryRequest { category_id: soup.id.clone() };
    let soup = ana.call(ana.categories().get_category(request)).await.expect("there").into_inner().category;
    assert_eq!(soup.expect("a category").parent_id, Some(food.id));
    ledger.verify().await;
}

#[tokio::test]
async fn concurrent_posts_edits_and_voids_lose_nothing() {
    let ledger = Ledger::start().await;
    let second = ledger.replica().await;
    let ana = ledger.user("EUR");
    let ana_on_second = second.client_for(&ana);
    let bank = ana.account("Bank", "", "").await;
    for round in 0..6 {
        let from = ana.category(&format!("From {round}"), "expense").await;
        let to = ana.category(&format!("To {round}"), "expense").await;
        let mut transactions = Vec::new();
        for _ in 0..8 {
            transactions.push(ana.post(expense(&bank, &from, "10")).await.expect("posted"));
        }
        let changes = transactions.iter().enumerate().map(|(index, transaction)| {
            let user = if index % 2 == 0 { ana.clone() } else { ana_on_second.clone() };
            async move {
                if index % 4 < 2 {
                    user.void(&transaction.id).await.expect("voided");
                } else {
                    let more = pb::CreateTransactionRequest { amount: "11".into(), ..Default::default() };
                    user.edit(&transaction.id, more, &["amount"]).await.expect("edited");
                }
            }
        });
        let (_, moved, posted) = tokio::join!(
            join_all(changes),
            ana_on_second.merge_category(&from.id, &to.id),
            join_all((0..8).map(|_| ana.post(expense(&bank, &from, "1")))),
        );
        moved.expect("moved");
        assert!(posted.iter().all(Result::is_ok), "{posted:?}");
        assert_eq!(spent(&ledger, &ana, &to).await, "52.00");
        assert_eq!(count_listed(&ana, &to).await, 12);
        ledger.verify().await;
    }
}
