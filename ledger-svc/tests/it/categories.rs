//! Tests categories: the default set, the tree, and deletion.

use fintrac_proto::ledger::v1 as pb;
use futures::future::join_all;
use tonic::Status;
use uuid::Uuid;

use crate::support::{Ledger, User, entry, error_reason, field_violations, mask};

async fn list(user: &User) -> Vec<pb::Category> {
    let request = pb::ListCategoriesRequest { page_size: Some(200), ..Default::default() };
    let response = user.call(user.categories().list_categories(request)).await.expect("a page");
    response.into_inner().categories
}

#[tokio::test]
async fn a_new_household_has_categories_in_its_language_once() {
    let ledger = Ledger::start().await;
    let second = ledger.replica().await;
    let ana = ledger.user_with("EUR", "Europe/Madrid", "es");
    let ana_on_second = second.client_for(&ana);
    let responses =
        join_all((0..10).map(|number| list(if number % 2 == 0 { &ana } else { &ana_on_second }))).await;
    let names = |list: &[pb::Category]| list.iter().map(|category| category.name.clone()).collect::<Vec<_>>();
    for response in &responses {
        assert_eq!(
            names(response),
            names(&responses[0]),
            "concurrent first requests must return the same categories"
        );
    }
    assert_eq!(responses[0].len(), 20);
    assert_eq!((responses[0][0].name.as_str(), responses[0][0].r#type.as_str()), ("Sueldo", "income"));
    assert_eq!(ledger.query_i64("select count(*) from ledger.events where kind = 'opened'").await, 1);
}

#[tokio::test]
async fn an_unknown_household_is_rejected() {
    let ledger = Ledger::start().await;
    let elsewhere = Ledger::start().await;
    let stranger = ledger.client_for(&elsewhere.user("EUR"));
    let listed =
        stranger.call(stranger.categories().list_categories(pb::ListCategoriesRequest::default())).await;
    assert_eq!(error_reason(listed), "NOT_FOUND");
    assert_eq!(ledger.query_i64("select count(*) from ledger.households").await, 0);
}

#[tokio::test]
async fn the_tree_has_one_type_no_cycle_and_no_duplicates() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let food = ana.category("Food", "expense").await;
    let child = |name: &str, kind: &str, parent: &pb::Category| pb::CreateCategoryRequest {
        name: name.into(),
        r#type: kind.into(),
        parent_id: Some(parent.id.clone()),
        ..Default::default()
    };
    let make = async |request| ana.call(ana.categories().create_category(request)).await;
    let fruit =
        make(child("Fruit", "expense", &food)).await.expect("made").into_inner().category.expect("one");
    let rejected = field_violations(make(child("Fruit", "expense", &food)).await);
    assert_eq!(rejected, [("name".to_owned(), "NAME_TAKEN".to_owned())]);
    let rejected = field_violations(make(child("Pay", "income", &food)).await);
    assert_eq!(rejected, [("parent_id".to_owned(), "PARENT_INVALID".to_owned())]);
    let below_itself = pb::UpdateCategoryRequest {
        category_id: food.id.clone(),
        parent_id: Some(fruit.id.clone()),
        update_mask: Some(mask(&["parent_id"])),
        ..Default::default()
    };
    let rejected = field_violations(ana.call(ana.categories().update_category(below_itself)).await);
    assert_eq!(rejected, [("parent_id".to_owned(), "PARENT_INVALID".to_owned())]);
    let bob = ledger.user("EUR");
    let rejected =
        field_violations(bob.call(bob.categories().create_category(child("Mine", "expense", &food))).await);
    assert_eq!(
        rejected,
        [("parent_id".to_owned(), "PARENT_INVALID".to_owned())],
        "another household's category must be rejected"
    );
    let bad = pb::CreateCategoryRequest {
        name: "\t".into(),
        r#type: "both".into(),
        color: Some("red".into()),
        parent_id: Some("x".into()),
        ..Default::default()
    };
    let rejected: Vec<_> = field_violations(make(bad).await).into_iter().map(|(field, _)| field).collect();
    assert_eq!(rejected, ["name", "type", "color", "parent_id"]);
}

#[tokio::test]
async fn a_tree_has_at_most_five_levels_after_any_move() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let chain = async |name: &str, length: usize| {
        let mut made: Vec<pb::Category> = Vec::new();
        for level in 0..length {
            let request = pb::CreateCategoryRequest {
                name: format!("{name}{level}"),
                r#type: "expense".into(),
                parent_id: made.last().map(|above| above.id.clone()),
                ..Default::default()
            };
            let category = ana.call(ana.categories().create_category(request)).await?;
            made.push(category.into_inner().category.expect("a category"));
        }
        Ok::<_, Status>(made)
    };
    let deep = chain("a", 5).await.expect("five levels");
    let too_deep = field_violations(chain("x", 6).await);
    assert_eq!(too_deep, [("parent_id".to_owned(), "NESTED_TOO_DEEP".to_owned())]);
    let low = chain("b", 3).await.expect("three levels");
    let change = |category: &pb::Category, parent: Option<&pb::Category>, name: &str| {
        let request = pb::UpdateCategoryRequest {
            category_id: category.id.clone(),
            parent_id: parent.map(|parent| parent.id.clone()),
            name: Some(name.into()),
            update_mask: Some(mask(if parent.is_some() { &["parent_id"] } else { &["name"] })),
            ..Default::default()
        };
        let ana = ana.clone();
        async move { ana.call(ana.categories().update_category(request)).await }
    };
    let moved = field_violations(change(&low[0], Some(&deep[2]), "").await);
    assert_eq!(moved, [("parent_id".to_owned(), "NESTED_TOO_DEEP".to_owned())], "descendants must count");
    change(&low[0], Some(&deep[1]), "").await.expect("2 + 3 levels");
    change(&low[2], None, "renamed").await.expect("a rename does not move the category");
}

#[tokio::test]
async fn only_an_unused_category_can_be_deleted() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "100").await;
    let food = ana.category("Food", "expense").await;
    let with = |category: &pb::Category| pb::CreateTransactionRequest {
        category_id: Some(category.id.clone()),
        ..entry(&bank, "expense", "3")
    };
    let lunch = ana.post(with(&food)).await.expect("posted");
    let delete = async |expected_version| {
        let request =
            pb::DeleteCategoryRequest { category_id: food.id.clone(), expected_version, move_to: None };
        ana.call(ana.categories().delete_category(request)).await
    };
    assert_eq!(error_reason(delete(None).await), "CATEGORY_IN_USE");
    ana.void(&lunch.id).await.expect("voided");
    assert_eq!(error_reason(delete(Some(7)).await), "VERSION_MISMATCH");
    delete(Some(1)).await.expect("deleted");
    assert_eq!(error_reason(delete(None).await), "NOT_FOUND");
    let rejected = field_violations(ana.post(with(&food)).await);
    assert_eq!(rejected, [("category_id".to_owned(), "CATEGORY_NOT_FOUND".to_owned())]);
    let back = ana.restore(&lunch.id).await.expect("restored");
    assert_eq!(back.category_id, None, "the restored transaction must have no category");
    ana.category("Food", "expense").await;
    ledger.verify().await;
}

#[tokio::test]
async fn a_category_is_never_deleted_under_a_transaction() {
    let ledger = Ledger::start().await;
    let second = ledger.replica().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "100").await;
    for number in 0..20 {
        let food = ana.category(&format!("Food {number}"), "expense").await;
        let spend = pb::CreateTransactionRequest {
            category_id: Some(food.id.clone()),
            ..entry(&bank, "expense", "3")
        };
        let ana_on_second = second.client_for(&ana);
        let deletion =
            pb::DeleteCategoryRequest { category_id: food.id.clone(), expected_version: None, move_to: None };
        let (posted, deleted) = tokio::join!(
            ana.post(spend),
            ana_on_second.call(async { ana_on_second.categories().delete_category(deletion).await }),
        );
        assert!(posted.is_ok() != deleted.is_ok(), "exactly one must succeed: {posted:?} {deleted:?}");
    }
    let orphans = "select count(*) from ledger.transactions join ledger.categories
        on categories.household_id = transactions.household_id and categories.id = category_id
        where deleted_at is not null";
    assert_eq!(ledger.query_i64(orphans).await, 0);
    ledger.verify().await;
}

/// Sets a budget's references at a generation; returns how many categories exist.
async fn reference(
    ledger: &Ledger,
    user: &User,
    (budget, generation): (u128, i64),
    categories: &[&pb::Category],
    remove_to_generation: Option<i64>,
) -> usize {
    let request = pb::SetCategoryReferencesRequest {
        household_id: user.household_id.to_string(),
        kind: "budget".into(),
        entity_id: Uuid::from_u128(budget).to_string(),
        category_ids: categories.iter().map(|category| category.id.clone()).collect(),
        generation,
        remove_to_generation,
    };
    let response = ledger.spending().set_category_references(request).await.expect("set");
    response.into_inner().categories.len()
}

async fn delete(user: &User, category: &pb::Category, move_to: Option<&pb::Category>) -> Result<(), Status> {
    let request = pb::DeleteCategoryRequest {
        category_id: category.id.clone(),
        expected_version: None,
        move_to: move_to.map(|category| category.id.clone()),
    };
    user.call(user.categories().delete_category(request)).await.map(|_| ())
}

#[tokio::test]
async fn a_category_that_a_budget_references_is_kept_or_merged() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (food, fun) = (ana.category("Food", "expense").await, ana.category("Fun", "expense").await);
    assert_eq!(reference(&ledger, &ana, (1, 1), &[&food], Some(1)).await, 1);
    assert_eq!(reference(&ledger, &ana, (2, 1), &[&food, &fun], Some(1)).await, 2);
    assert_eq!(error_reason(delete(&ana, &food, None).await), "CATEGORY_IN_USE");
    delete(&ana, &food, Some(&fun)).await.expect("merged");
    assert_eq!(reference(&ledger, &ana, (2, 2), &[], Some(2)).await, 0);
    assert_eq!(
        error_reason(delete(&ana, &fun, None).await),
        "CATEGORY_IN_USE",
        "the merge must move the first budget's reference"
    );
    assert_eq!(reference(&ledger, &ana, (1, 2), &[], Some(2)).await, 0);
    delete(&ana, &fun, None).await.expect("deleted");
    assert_eq!(
        reference(&ledger, &ana, (1, 3), &[&fun], Some(3)).await,
        0,
        "a deleted category must not be referenced"
    );
}

#[tokio::test]
async fn references_of_concurrent_changes_are_distinguished() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (food, fun) = (ana.category("Food", "expense").await, ana.category("Fun", "expense").await);
    // Of two concurrent changes, the second ends first and does not name the first one's category.
    reference(&ledger, &ana, (1, 1), &[&food], None).await;
    reference(&ledger, &ana, (1, 2), &[&fun], None).await;
    reference(&ledger, &ana, (1, 3), &[&fun], Some(0)).await;
    assert_eq!(error_reason(delete(&ana, &food, None).await), "CATEGORY_IN_USE");
    // The first change ends last, so its references are final.
    reference(&ledger, &ana, (1, 4), &[&food], Some(4)).await;
    delete(&ana, &fun, None).await.expect("deleted");
    // A delayed message of the first change has no effect.
    reference(&ledger, &ana, (1, 5), &[], Some(5)).await;
    reference(&ledger, &ana, (1, 1), &[&food], None).await;
    delete(&ana, &food, None).await.expect("deleted");
}

#[tokio::test]
async fn no_other_household_is_referenced() {
    let ledger = Ledger::start().await;
    let (ana, ben) = (ledger.user("EUR"), ledger.user("EUR"));
    let food = ana.category("Food", "expense").await;
    ben.category("Food", "expense").await;
    assert_eq!(reference(&ledger, &ben, (1, 1), &[&food], Some(1)).await, 0);
    delete(&ana, &food, None).await.expect("deleted");
}

#[tokio::test]
async fn a_category_is_never_deleted_while_it_becomes_referenced() {
    let ledger = Ledger::start().await;
    let second = ledger.replica().await;
    let ana = ledger.user("EUR");
    let ana_on_second = second.client_for(&ana);
    let bank = ana.account("Bank", "", "100").await;
    for number in 0..10_u128 {
        let food = ana.category(&format!("Food {number}"), "expense").await;
        let named = [&food];
        let (named, deleted) = tokio::join!(
            reference(&ledger, &ana, (number, 1), &named, None),
            delete(&ana_on_second, &food, None)
        );
        assert!((named == 1) != deleted.is_ok(), "exactly one must succeed: {named} {deleted:?}");

        let fun = ana.category(&format!("Fun {number}"), "expense").await;
        let request = pb::CreateRecurringRequest {
            transaction: Some(pb::CreateTransactionRequest {
                category_id: Some(fun.id.clone()),
                ..entry(&bank, "expense", "3")
            }),
            schedule: Some(pb::Schedule { frequency: Some("monthly".into()), ..Default::default() }),
        };
        let (made, deleted) = tokio::join!(
            ana.call(async { ana.recurring().create_recurring(request).await }),
            delete(&ana_on_second, &fun, None)
        );
        assert!(made.is_ok() != deleted.is_ok(), "exactly one must succeed: {made:?} {deleted:?}");
    }
}
