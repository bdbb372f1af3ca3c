//! Tests accounts: opening, updates, closing, deletion and restoration.

use fintrac_proto::ledger::v1 as pb;

use crate::support::{Ledger, entry, error_reason, field_violations, transfer};

fn update(account: &pb::Account) -> pb::UpdateAccountRequest {
    pb::UpdateAccountRequest { account_id: account.id.clone(), ..Default::default() }
}

fn delete(account: &pb::Account) -> pb::DeleteAccountRequest {
    pb::DeleteAccountRequest { account_id: account.id.clone(), expected_version: None, with_balance: false }
}

fn with_money(account: &pb::Account) -> pb::DeleteAccountRequest {
    pb::DeleteAccountRequest { with_balance: true, ..delete(account) }
}

#[tokio::test]
async fn an_account_opens_with_a_balance_that_is_a_transaction() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "-12.34").await;
    assert_eq!((bank.currency_code.as_str(), bank.balance.as_str(), bank.version), ("EUR", "-12.34", 1));
    ledger.advance_clock(chrono::TimeDelta::milliseconds(1));
    let yen = ana.account("Yen", "jpy", "5000").await;
    assert_eq!((yen.currency_code.as_str(), yen.balance.as_str()), ("JPY", "5000"));
    let openings =
        ana.list_all(pb::TransactionFilter { r#type: "opening".into(), ..Default::default() }, 50).await;
    let amounts: Vec<_> = openings.iter().map(|transaction| transaction.amount.as_str()).collect();
    assert_eq!(amounts, ["5000", "-12.34"]);
    ana.account("Empty", "", "").await;
    assert_eq!(
        ana.list_all(pb::TransactionFilter::default(), 50).await.len(),
        2,
        "a zero balance must not post an opening"
    );
    ledger.verify().await;
}

#[tokio::test]
async fn an_account_without_a_currency_is_in_the_preferred_one() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    ledger.set_preferred_currency(&ana, "JPY");
    let yen = ana.account("Yen", "", "5000").await;
    assert_eq!((yen.currency_code.as_str(), yen.balance.as_str()), ("JPY", "5000"));
    assert_eq!(
        ana.account("Bank", "EUR", "1").await.currency_code,
        "EUR",
        "the requested currency must take precedence"
    );
}

#[tokio::test]
async fn a_household_has_a_bounded_number_of_accounts() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let first = ana.account("Bank", "", "").await;
    let fill = |number: u32, deleted: &str| {
        format!(
            "insert into ledger.accounts (household_id, id, name, name_key, account_type, currency_code,
                 include_in_net_worth, is_active, balance, version, created_at, updated_at, deleted_at)
             select household_id, gen_random_uuid(), number::text, gen_random_uuid()::text, account_type,
                 currency_code, true, true, 0, 1, created_at, updated_at, {deleted}
             from ledger.accounts, generate_series(1, {number}) as number where id = '{}'",
            first.id
        )
    };
    ledger.execute(&fill(498, "null")).await;
    ana.account("Number 500", "", "").await;
    let request = pb::CreateAccountRequest {
        name: "One more".into(),
        account_type: "bank".into(),
        ..Default::default()
    };
    let too_many = [("name".to_owned(), "TOO_MANY_ITEMS".to_owned())];
    assert_eq!(field_violations(ana.open(request.clone()).await), too_many);
    ana.call(ana.accounts().delete_account(delete(&first))).await.expect("deleted");
    ana.open(request.clone()).await.expect("one more account fits");
    ledger.execute("update ledger.accounts set deleted_at = updated_at").await;
    ledger.execute(&fill(1499, "created_at")).await;
    assert_eq!(field_violations(ana.open(request).await), too_many, "deleted accounts must count, too");
}

#[tokio::test]
async fn a_changed_balance_posts_an_adjustment() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "100").await;
    ledger.advance_clock(chrono::TimeDelta::milliseconds(1));
    let wish = pb::UpdateAccountRequest { balance: Some("73.5".into()), ..update(&bank) };
    let changed = ana.change_account(wish, &["balance"]).await.expect("changed");
    assert_eq!((changed.balance.as_str(), changed.version), ("73.50", 1));
    let newest = ana.list_all(pb::TransactionFilter::default(), 1).await.remove(0);
    assert_eq!((newest.r#type.as_str(), newest.amount.as_str()), ("adjustment", "-26.50"));
    let rename = pb::UpdateAccountRequest {
        name: Some("Main".into()),
        description: None,
        is_active: Some(true),
        ..update(&bank)
    };
    let renamed = ana.change_account(rename, &["name", "description", "is_active"]).await.expect("renamed");
    assert_eq!((renamed.name.as_str(), renamed.version), ("Main", 2));
    let late =
        pb::UpdateAccountRequest { name: Some("Other".into()), expected_version: Some(1), ..update(&bank) };
    assert_eq!(error_reason(ana.change_account(late, &["name"]).await), "VERSION_MISMATCH");
    let empty = pb::UpdateAccountRequest { currency_code: Some("USD".into()), ..update(&bank) };
    let rejected = field_violations(ana.change_account(empty, &["name", "currency_code", "balance"]).await);
    let expected =
        [("name", "REQUIRED"), ("currency_code", "CURRENCY_IMMUTABLE"), ("balance", "AMOUNT_INVALID")];
    assert_eq!(rejected, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    ledger.verify().await;
}

#[tokio::test]
async fn concurrent_changes_of_one_account_are_both_applied() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    // The table is large enough for the row order of an update from a list to vary.
    ledger
        .execute(
            "insert into ledger.accounts (household_id, id, name, name_key, account_type, currency_code, include_in_net_worth,
                 is_active, balance, version, created_at, updated_at)
             select gen_random_uuid(), gen_random_uuid(), 'x', 'x', 'bank', 'EUR', true, true, 0, 1, now(), now()
             from generate_series(1, 50000);
             analyze ledger.accounts",
        )
        .await;
    for round in 0..10 {
        let name = pb::UpdateAccountRequest { name: Some(format!("Bank {round}")), ..update(&bank) };
        let text_changes =
            pb::UpdateAccountRequest { description: Some(format!("words {round}")), ..update(&bank) };
        let (named, reworded) = tokio::join!(
            ana.change_account(name, &["name"]),
            ana.change_account(text_changes, &["description"])
        );
        let newest = [named.expect("named"), reworded.expect("reworded")];
        let newest = newest.into_iter().max_by_key(|account| account.version).expect("two");
        let request = pb::GetAccountRequest { account_id: bank.id.clone() };
        let found = ana.call(ana.accounts().get_account(request)).await.expect("there").into_inner();
        let found = found.account.expect("an account");
        assert_eq!(found, newest);
        assert_eq!(
            (found.name, found.description),
            (format!("Bank {round}"), Some(format!("words {round}")))
        );
    }
}

#[tokio::test]
async fn names_are_reused_within_a_batch_and_across_replicas() {
    let ledger = Ledger::start().await;
    let second = ledger.replica().await;
    let ana = ledger.user("EUR");
    let ana_on_second = second.client_for(&ana);
    let bank = ana.account("A", "", "").await;
    let give = pb::UpdateAccountRequest { name: Some("B".into()), ..update(&bank) };
    let take =
        pb::CreateAccountRequest { name: "A".into(), account_type: "cash".into(), ..Default::default() };
    let (given, _taken) = tokio::join!(ana.change_account(give, &["name"]), ana.open(take));
    given.expect("renamed");
    let open = |user: &crate::support::User, name: String| {
        let (user, request) = (
            user.clone(),
            pb::CreateAccountRequest { name, account_type: "cash".into(), ..Default::default() },
        );
        async move { user.open(request).await }
    };
    let names: Vec<_> = (0..30).map(|number| format!("N{number}")).collect();
    let here = futures::future::join_all(names.iter().map(|name| open(&ana, name.clone())));
    let across = futures::future::join_all(names.iter().rev().map(|name| open(&ana_on_second, name.clone())));
    let (here, across) = tokio::join!(here, across);
    let opened = here.iter().chain(&across).filter(|result| result.is_ok()).count();
    assert_eq!(opened, 30, "each name must be used once: {here:?} {across:?}");
    for rejected in here.into_iter().chain(across).filter(Result::is_err) {
        assert_eq!(field_violations(rejected), [("name".to_owned(), "NAME_TAKEN".to_owned())]);
    }
}

#[tokio::test]
async fn an_archived_account_takes_reversals_only() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, card) = (ana.account("Bank", "", "100").await, ana.account("Card", "", "").await);
    let lunch = ana.post(entry(&bank, "expense", "10")).await.expect("posted");
    let archive =
        pb::UpdateAccountRequest { is_active: Some(false), balance: Some("50".into()), ..update(&bank) };
    let archived = ana.change_account(archive, &["is_active", "balance"]).await.expect("archived");
    assert_eq!((archived.is_active, archived.balance.as_str()), (false, "50.00"));
    assert_eq!(error_reason(ana.post(entry(&bank, "expense", "1")).await), "ACCOUNT_CLOSED");
    let rejected = field_violations(ana.post(transfer(&card, &bank, "1")).await);
    assert_eq!(rejected, [("to_account_id".to_owned(), "ACCOUNT_CLOSED".to_owned())]);
    ana.void(&lunch.id).await.expect("reversals are always allowed");
    assert_eq!(ana.balance(&bank.id).await, "60.00");
    ledger.verify().await;
}

#[tokio::test]
async fn a_deleted_account_keeps_its_history_and_frees_its_name() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "100").await;
    let taken =
        pb::CreateAccountRequest { name: " Bank ".into(), account_type: "card".into(), ..Default::default() };
    assert_eq!(
        field_violations(ana.open(taken.clone()).await),
        [("name".to_owned(), "NAME_TAKEN".to_owned())],
        "two live accounts must not share a name"
    );
    ana.call(ana.accounts().delete_account(with_money(&bank))).await.expect("deleted");
    assert_eq!(error_reason(ana.call(ana.accounts().delete_account(with_money(&bank))).await), "NOT_FOUND");
    let gone = pb::GetAccountRequest { account_id: bank.id.clone() };
    assert_eq!(error_reason(ana.call(ana.accounts().get_account(gone)).await), "NOT_FOUND");
    assert_eq!(error_reason(ana.post(entry(&bank, "income", "1")).await), "ACCOUNT_CLOSED");
    let history = pb::ListAccountTransactionsRequest { account_id: bank.id.clone(), ..Default::default() };
    let history = ana.call(ana.accounts().list_account_transactions(history)).await.expect("history");
    assert_eq!(history.into_inner().transactions[0].running_balance, "100.00");
    let deleted = pb::ListAccountsRequest { deleted: true, ..Default::default() };
    let deleted = ana.call(ana.accounts().list_accounts(deleted)).await.expect("a page").into_inner();
    assert!(deleted.accounts.len() == 1 && deleted.accounts[0].deleted_at.is_some());

    let second = ana.open(taken).await.expect("the name is free");
    let restore = || pb::RestoreAccountRequest { account_id: bank.id.clone() };
    assert_eq!(error_reason(ana.call(ana.accounts().restore_account(restore())).await), "ACCOUNT_NAME_TAKEN");
    let rename = pb::UpdateAccountRequest { name: Some("Second".into()), ..update(&second) };
    ana.change_account(rename, &["name"]).await.expect("renamed");
    let back = ana.call(ana.accounts().restore_account(restore())).await.expect("restored").into_inner();
    assert_eq!(back.account.expect("an account").balance, "100.00");
    ana.post(entry(&bank, "income", "1")).await.expect("the restored account accepts postings");
    let accounts = ana.call(ana.accounts().list_accounts(pb::ListAccountsRequest::default())).await;
    assert_eq!(accounts.expect("a page").into_inner().accounts.len(), 2);
    ledger.verify().await;
}

#[tokio::test]
async fn no_user_can_access_accounts_of_others() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.user("EUR"), ledger.user("EUR"));
    let (anas_bank, bobs_bank) = (ana.account("Bank", "", "100").await, bob.account("Bank", "", "5").await);
    let coffee = ana.post(entry(&anas_bank, "expense", "3")).await.expect("posted");
    let rejected = field_violations(bob.post(entry(&anas_bank, "expense", "3")).await);
    assert_eq!(rejected, [("account_id".to_owned(), "ACCOUNT_NOT_FOUND".to_owned())]);
    let rejected = field_violations(bob.post(transfer(&bobs_bank, &anas_bank, "3")).await);
    assert_eq!(rejected, [("to_account_id".to_owned(), "ACCOUNT_NOT_FOUND".to_owned())]);
    assert_eq!(error_reason(bob.find(&coffee.id).await), "NOT_FOUND");
    assert_eq!(error_reason(bob.void(&coffee.id).await), "NOT_FOUND");
    assert_eq!(
        error_reason(bob.edit(&coffee.id, entry(&bobs_bank, "expense", "1"), &["amount"]).await),
        "NOT_FOUND"
    );
    assert_eq!(error_reason(bob.call(bob.accounts().delete_account(delete(&anas_bank))).await), "NOT_FOUND");
    let rename = pb::UpdateAccountRequest { name: Some("Mine".into()), ..update(&anas_bank) };
    assert_eq!(error_reason(bob.change_account(rename, &["name"]).await), "NOT_FOUND");
    let other_list =
        pb::ListAccountTransactionsRequest { account_id: anas_bank.id.clone(), ..Default::default() };
    assert_eq!(
        error_reason(bob.call(bob.accounts().list_account_transactions(other_list)).await),
        "NOT_FOUND"
    );
    let history =
        pb::ListTransactionRevisionsRequest { transaction_id: coffee.id.clone(), ..Default::default() };
    assert_eq!(
        error_reason(bob.call(bob.transactions().list_transaction_revisions(history)).await),
        "NOT_FOUND"
    );
    let filter = pb::TransactionFilter { account_id: anas_bank.id.clone(), ..Default::default() };
    assert!(bob.list_all(filter, 50).await.is_empty());
    assert_eq!(ana.balance(&anas_bank.id).await, "97.00");
}

#[tokio::test]
async fn later_transactions_count_only_in_the_projected_balance() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "1000.00").await;
    // Today is 21 September 2026.
    let in_a_week = pb::CreateTransactionRequest {
        transaction_date: Some("2026-09-28".into()),
        ..entry(&bank, "expense", "200.00")
    };
    ana.post(in_a_week).await.expect("posted");
    let figures = |account: &pb::Account| (account.balance.clone(), account.projected_balance.clone());
    let read = async || {
        let request = pb::GetAccountRequest { account_id: bank.id.clone() };
        let response = ana.call(ana.accounts().get_account(request)).await.expect("there").into_inner();
        let list = pb::ListAccountsRequest::default();
        let list = ana.call(ana.accounts().list_accounts(list)).await.expect("a list").into_inner();
        let one = response.account.expect("an account");
        assert_eq!(figures(&one), figures(&list.accounts[0]));
        figures(&one)
    };
    let expected = |balance: &str, projected: &str| (balance.to_owned(), projected.to_owned());
    assert_eq!(read().await, expected("1000.00", "800.00"));
    let same = pb::UpdateAccountRequest { balance: Some("1000.00".into()), ..update(&bank) };
    let same = ana.change_account(same, &["balance"]).await.expect("unchanged");
    assert_eq!(figures(&same), expected("1000.00", "800.00"));
    let set_balance = pb::UpdateAccountRequest { balance: Some("900.00".into()), ..update(&bank) };
    let set = ana.change_account(set_balance, &["balance"]).await.expect("set");
    assert_eq!(figures(&set), expected("900.00", "700.00"));
    assert_eq!(read().await, expected("900.00", "700.00"));
    ledger.advance_clock(chrono::TimeDelta::days(7));
    assert_eq!(read().await, expected("700.00", "700.00"), "the transaction must count from its day on");
    ledger.verify().await;
}

#[tokio::test]
async fn an_account_with_a_balance_is_deleted_only_on_request() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, savings) = (ana.account("Bank", "", "10.00").await, ana.account("Savings", "", "").await);
    let rejected =
        ana.call(ana.accounts().delete_account(delete(&bank))).await.expect_err("the account has a balance");
    assert!(rejected.message().contains("10.00 EUR"), "{}", rejected.message());
    assert_eq!(error_reason(Err::<(), _>(rejected)), "ACCOUNT_HAS_BALANCE");
    // Later transactions count, too.
    let later = pb::CreateTransactionRequest {
        transaction_date: Some("2026-12-01".into()),
        ..transfer(&bank, &savings, "4")
    };
    let later = ana.post(later).await.expect("posted");
    let rejected = ana.call(ana.accounts().delete_account(delete(&savings))).await;
    assert_eq!(error_reason(rejected), "ACCOUNT_HAS_BALANCE");
    let on_purpose = pb::DeleteAccountRequest { with_balance: true, ..delete(&savings) };
    ana.call(ana.accounts().delete_account(on_purpose)).await.expect("deleted");
    // A transfer to the deleted account can still be voided and restored.
    ana.void(&later.id).await.expect("voided");
    ana.void(&later.id).await.expect("voided again");
    assert_eq!(ana.restore(&later.id).await.expect("restored").status, "posted");
    ledger.verify().await;
}

#[tokio::test]
async fn names_that_differ_only_in_case_or_invisible_characters_are_equal() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let savings = ana.account("savings", "", "").await;
    for same in ["Savings", "sav\u{200b}ings", " SAVINGS "] {
        let request =
            pb::CreateAccountRequest { name: same.into(), account_type: "bank".into(), ..Default::default() };
        assert_eq!(
            field_violations(ana.open(request).await),
            [("name".to_owned(), "NAME_TAKEN".to_owned())],
            "{same:?}"
        );
    }
    // An account may change the case of its own name.
    let rename = pb::UpdateAccountRequest { name: Some("Savings".into()), ..update(&savings) };
    assert_eq!(ana.change_account(rename, &["name"]).await.expect("renamed").name, "Savings");
    let other = ana.account("Other", "", "").await;
    let rename = pb::UpdateAccountRequest { name: Some("SAVINGS".into()), ..update(&other) };
    assert_eq!(
        field_violations(ana.change_account(rename, &["name"]).await),
        [("name".to_owned(), "NAME_TAKEN".to_owned())]
    );
    ana.category("Books", "expense").await;
    let again =
        pb::CreateCategoryRequest { name: "BOOKS".into(), r#type: "expense".into(), ..Default::default() };
    let again = ana.call(ana.categories().create_category(again)).await;
    assert_eq!(field_violations(again), [("name".to_owned(), "NAME_TAKEN".to_owned())]);
}

#[tokio::test]
async fn an_archived_account_accepts_text_edits_only() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, food) = (ana.account("Bank", "", "").await, ana.category("Food", "expense").await);
    let made = ana.post(entry(&bank, "expense", "5")).await.expect("posted");
    let archive = pb::UpdateAccountRequest { is_active: Some(false), ..update(&bank) };
    ana.change_account(archive, &["is_active"]).await.expect("archived");
    let category = pb::CreateTransactionRequest { category_id: Some(food.id.clone()), ..Default::default() };
    let edited = ana.edit(&made.id, category, &["category_id"]).await.expect("edited");
    assert_eq!(edited.category_id, Some(food.id));
    let dearer = pb::CreateTransactionRequest { amount: "6".into(), ..Default::default() };
    assert_eq!(error_reason(ana.edit(&made.id, dearer, &["amount"]).await), "ACCOUNT_CLOSED");
    assert_eq!(error_reason(ana.post(entry(&bank, "expense", "1")).await), "ACCOUNT_CLOSED");
    ledger.verify().await;
}
