//! Tests the RPCs of budget-svc: sums of spending, and transfers posted once.

use std::time::Duration;

use fintrac_proto::ledger::v1 as pb;
use futures::future::join_all;
use tonic::Status;
use uuid::Uuid;

use crate::support::{Ledger, User, entry, error_reason, field_violations, series};

/// Queries the spending on `categories` as budget-svc does.
async fn spent(
    ledger: &Ledger,
    user: &User,
    currency: &str,
    categories: &[&pb::Category],
    (from, to): (&str, &str),
) -> pb::Spending {
    let request = pb::SumSpendingRequest {
        household_id: user.household_id.to_string(),
        series: vec![series(currency, categories, &[(from, to)])],
        with_rates: true,
    };
    let response = ledger.spending().sum_spending(request).await.expect("a sum").into_inner();
    response.sums.into_iter().next().expect("one series").spending.into_iter().next().expect("one period")
}

fn dated_entry(
    account: &pb::Account,
    category: &pb::Category,
    kind: &str,
    amount: &str,
    date: &str,
) -> pb::CreateTransactionRequest {
    pb::CreateTransactionRequest {
        category_id: Some(category.id.clone()),
        transaction_date: Some(date.into()),
        ..entry(account, kind, amount)
    }
}

const MONTH: (&str, &str) = ("2026-10-01", "2026-10-31");

#[tokio::test]
async fn spending_counts_descendants_and_refunds_and_follows_every_change() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.user("EUR"), ledger.user("EUR"));
    let bank = ana.account("Bank", "EUR", "").await;
    let (food, fun) = (ana.category("Food", "expense").await, ana.category("Fun", "expense").await);
    let below = pb::CreateCategoryRequest {
        name: "Fruit".into(),
        r#type: "expense".into(),
        parent_id: Some(food.id.clone()),
        ..Default::default()
    };
    let fruit = ana.call(ana.categories().create_category(below)).await.expect("made");
    let fruit = fruit.into_inner().category.expect("a category");
    let post = async |request| ana.post(request).await.expect("posted");
    post(dated_entry(&bank, &food, "expense", "10", "2026-10-01")).await;
    let edited = post(dated_entry(&bank, &fruit, "expense", "5", "2026-10-31")).await;
    post(dated_entry(&bank, &food, "expense", "100", "2026-09-30")).await;
    post(dated_entry(&bank, &food, "expense", "100", "2026-11-01")).await;
    post(dated_entry(&bank, &fun, "expense", "7", "2026-10-15")).await;
    post(dated_entry(&bank, &food, "income", "2.50", "2026-10-20")).await;
    let food_spent = async || spent(&ledger, &ana, "EUR", &[&food], MONTH).await.amount;
    assert_eq!(food_spent().await, "12.50", "the child must count, the refund must be subtracted");
    assert_eq!(spent(&ledger, &ana, "EUR", &[&fruit], MONTH).await.amount, "5.00");
    assert_eq!(
        spent(&ledger, &ana, "EUR", &[&food, &fruit, &fun], MONTH).await.amount,
        "19.50",
        "each amount must count once"
    );
    ana.edit(&edited.id, entry(&bank, "expense", "6"), &["amount"]).await.expect("edited");
    assert_eq!(food_spent().await, "13.50");
    ana.void(&edited.id).await.expect("voided");
    assert_eq!(food_spent().await, "7.50");
    assert_eq!(
        spent(&ledger, &bob, "EUR", &[&food], MONTH).await.amount,
        "0.00",
        "another household has spent nothing"
    );
    let stranger = ledger.user("EUR");
    assert_eq!(
        spent(&ledger, &stranger, "USD", &[&food], MONTH).await.amount,
        "0.00",
        "an unknown household has spent nothing"
    );
    ledger.verify().await;
}

#[tokio::test]
async fn another_currency_is_converted_day_by_day_and_the_rates_are_returned() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let food = ana.category("Food", "expense").await;
    let (euros, yen) = (ana.account("Bank", "EUR", "").await, ana.account("Cash", "JPY", "").await);
    ledger
        .execute(
            "insert into ledger.exchange_rates (base_code, currency_code, day, rate, source) values
             ('EUR', 'USD', '2026-10-01', 2, 'ecb'), ('EUR', 'USD', '2026-10-03', 3, 'ecb'),
             ('EUR', 'JPY', '2026-10-01', 100, 'ecb')",
        )
        .await;
    for (account, amount, date) in
        [(&euros, "10", "2026-10-02"), (&euros, "10", "2026-10-03"), (&yen, "500", "2026-10-02")]
    {
        ana.post(dated_entry(account, &food, "expense", amount, date)).await.expect("posted");
    }
    let in_dollars = spent(&ledger, &ana, "USD", &[&food], MONTH).await;
    assert_eq!(in_dollars.amount, "60.00", "20 + 30 + 10");
    let rates: Vec<_> = in_dollars
        .rates
        .iter()
        .map(|rate| format!("{} {} {} {}", rate.date, rate.currency_code, rate.rate, rate.rate_date))
        .collect();
    assert_eq!(
        rates,
        ["2026-10-02 EUR 2 2026-10-01", "2026-10-02 JPY 0.02 2026-10-01", "2026-10-03 EUR 3 2026-10-03"]
    );
    let household_id = ana.household_id.to_string();
    let queried = series("USD", &[&food], &[MONTH]);
    let bare = pb::SumSpendingRequest { household_id, series: vec![queried; 3], with_rates: false };
    let bare = ledger.spending().sum_spending(bare).await.expect("sums").into_inner().sums;
    let bare: Vec<_> = bare.into_iter().flat_map(|sums| sums.spending).collect();
    assert!(
        bare.len() == 3
            && bare.iter().all(|spending| spending.amount == "60.00" && spending.rates.is_empty())
    );
    let in_yen = spent(&ledger, &ana, "JPY", &[&food], ("2026-10-02", "2026-10-02")).await;
    assert_eq!(
        (in_yen.amount.as_str(), in_yen.rates.len()),
        ("1500", 1),
        "an amount in yen must not be converted"
    );
    let in_euros = spent(&ledger, &ana, "EUR", &[&food], MONTH).await;
    assert_eq!(
        (in_euros.amount.as_str(), in_euros.rates.len()),
        ("25.00", 0),
        "household amounts must be those of recording"
    );
    // Before the first rate, amounts cannot be converted and are reported as unpriced.
    ana.post(dated_entry(&euros, &food, "expense", "4", "2001-01-01")).await.expect("posted");
    let early = spent(&ledger, &ana, "USD", &[&food], ("2001-01-01", "2001-01-31")).await;
    assert_eq!((early.amount.as_str(), early.unpriced.len()), ("0.00", 1));
    assert_eq!((early.unpriced[0].amount.as_str(), early.unpriced[0].date.as_str()), ("4.00", "2001-01-01"));
    // So are amounts without a household amount.
    let fun = ana.category("Fun", "expense").await;
    ana.post(dated_entry(&yen, &food, "expense", "500", "2001-01-02")).await.expect("posted");
    ana.post(dated_entry(&yen, &fun, "expense", "400", "2001-01-02")).await.expect("posted");
    let open = spent(&ledger, &ana, "EUR", &[&food, &fun], ("2001-01-01", "2001-01-31")).await;
    assert_eq!((open.amount.as_str(), open.unpriced.len()), ("4.00", 1));
    assert_eq!((open.unpriced[0].amount.as_str(), open.unpriced[0].currency_code.as_str()), ("900", "JPY"));
    // Without rates, unpriced amounts are reported by currency alone.
    ana.post(dated_entry(&yen, &food, "expense", "1", "2001-06-01")).await.expect("posted");
    let household_id = ana.household_id.to_string();
    let queried = ["EUR", "USD"].map(|code| series(code, &[&food], &[("2001-01-01", "2001-12-31")]));
    let bare = pb::SumSpendingRequest { household_id, series: queried.to_vec(), with_rates: false };
    let bare = ledger.spending().sum_spending(bare).await.expect("sums").into_inner().sums;
    let bare: Vec<_> = bare.into_iter().flat_map(|sums| sums.spending).collect();
    let lines = |spending: &pb::Spending| {
        let parts = spending
            .unpriced
            .iter()
            .map(|unpriced| format!("{}{} {}", unpriced.date, unpriced.currency_code, unpriced.amount));
        parts.collect::<Vec<_>>()
    };
    assert_eq!((bare[0].amount.as_str(), lines(&bare[0])), ("4.00", vec!["JPY 501".to_owned()]));
    assert_eq!(
        (bare[1].amount.as_str(), lines(&bare[1])),
        ("0.00", vec!["EUR 4.00".into(), "JPY 501".into()])
    );
    ledger.verify().await;
}

#[tokio::test]
async fn periods_of_many_days_have_each_days_rate() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let food = ana.category("Food", "expense").await;
    let bank = ana.account("Bank", "EUR", "").await;
    ledger
        .execute(
            "insert into ledger.exchange_rates (base_code, currency_code, day, rate, source) values
             ('EUR', 'USD', '2026-07-20', 2, 'ecb'), ('EUR', 'USD', '2026-08-10', 3, 'ecb')",
        )
        .await;
    for day in 1..=30 {
        ana.post(dated_entry(&bank, &food, "expense", "1", &format!("2026-08-{day:02}")))
            .await
            .expect("posted");
    }
    let periods = [("2026-07-01", "2026-07-31"), ("2026-08-01", "2026-08-15"), ("2026-08-16", "2026-08-20")];
    let queried = ["EUR", "USD"].map(|code| series(code, &[&food], &periods));
    let household_id = ana.household_id.to_string();
    let request = pb::SumSpendingRequest { household_id, series: queried.to_vec(), with_rates: false };
    let sums = ledger.spending().sum_spending(request).await.expect("sums").into_inner().sums;
    let amounts = |sums: &pb::SpendingSums| {
        sums.spending.iter().map(|spending| spending.amount.clone()).collect::<Vec<_>>()
    };
    assert_eq!(amounts(&sums[0]), ["0.00", "15.00", "5.00"]);
    assert_eq!(amounts(&sums[1]), ["0.00", "36.00", "15.00"], "9 × 2 + 6 × 3, 5 × 3");
}

#[tokio::test]
async fn amounts_stated_in_the_budgets_currency_count_as_stated() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("USD");
    let food = ana.category("Food", "expense").await;
    let bank = ana.account("Bank", "USD", "").await;
    let stated = |amount: &str, code: &str| pb::CreateTransactionRequest {
        currency_code: Some(code.into()),
        ..dated_entry(&bank, &food, "expense", amount, "2026-10-05")
    };
    ana.post(stated("100", "JPY")).await.expect("posted");
    assert_eq!(spent(&ledger, &ana, "JPY", &[&food], MONTH).await.amount, "100");
    let one_by_one = (0..30).map(|_| ana.post(stated("1.00", "EUR")));
    assert!(join_all(one_by_one).await.iter().all(Result::is_ok));
    let in_euros = async || spent(&ledger, &ana, "EUR", &[&food], ("2026-10-05", "2026-10-05")).await;
    let euros = async || {
        // Only the day's yen are converted, so theirs is the only rate.
        let found = in_euros().await;
        assert_eq!(found.rates.iter().map(|rate| rate.currency_code.as_str()).collect::<Vec<_>>(), ["JPY"]);
        found.amount
    };
    let cents = |text: &str| text.replace('.', "").parse::<i64>().expect("an amount");
    let yen = cents(&spent(&ledger, &ana, "EUR", &[&food], MONTH).await.amount) - 3000;
    assert!((40..=80).contains(&yen), "100 yen must be about half a euro: {yen}");
    assert_eq!(cents(&euros().await), 3000 + yen);
    // A refund, an edit and a void count unconverted, too.
    let refund = pb::CreateTransactionRequest { r#type: "income".into(), ..stated("5.00", "EUR") };
    let refund = ana.post(refund).await.expect("posted");
    assert_eq!(cents(&euros().await), 2500 + yen);
    ana.edit(&refund.id, stated("4.00", "EUR"), &["amount"]).await.expect("edited");
    assert_eq!(cents(&euros().await), 2600 + yen);
    ana.void(&refund.id).await.expect("voided");
    assert_eq!(cents(&euros().await), 3000 + yen);
    // Splits of one amount, and a category that is merged into another one.
    let fun = ana.category("Fun", "expense").await;
    let part = |category: &pb::Category, amount: &str| pb::Split {
        category_id: category.id.clone(),
        amount: amount.into(),
        ..Default::default()
    };
    let parts = pb::CreateTransactionRequest {
        category_id: None,
        splits: vec![part(&food, "3.33"), part(&fun, "6.67")],
        ..stated("10.00", "EUR")
    };
    ana.post(parts).await.expect("posted");
    assert_eq!(spent(&ledger, &ana, "EUR", &[&fun], MONTH).await.amount, "6.67");
    ana.merge_category(&fun.id, &food.id).await.expect("moved");
    assert_eq!(cents(&euros().await), 4000 + yen);
    ledger.verify().await;
}

fn transfer_request(
    user: &User,
    id: Uuid,
    from: &pb::Account,
    to: &pb::Account,
    amount: &str,
) -> pb::PostTransferRequest {
    pb::PostTransferRequest {
        household_id: user.household_id.to_string(),
        user_id: user.user_id.to_string(),
        transaction_id: id.to_string(),
        account_id: from.id.clone(),
        to_account_id: to.id.clone(),
        amount: amount.into(),
        description: Some("Boat".into()),
        transaction_date: "2026-09-20".into(),
        is_source_amount: false,
    }
}

async fn post(ledger: &Ledger, request: pb::PostTransferRequest) -> Result<pb::Transfer, Status> {
    Ok(ledger.spending().post_transfer(request).await?.into_inner().transfer.expect("a transfer"))
}

#[tokio::test]
async fn a_transfer_is_posted_once_and_then_returned_in_its_current_state() {
    let ledger = Ledger::start().await;
    let second = ledger.replica().await;
    let ana = ledger.user("EUR");
    let (bank, boat) = (ana.account("Bank", "EUR", "100").await, ana.account("Boat", "EUR", "").await);
    let id = Uuid::from_u128(5);
    let replicas = [&ledger, &second];
    let all =
        (0..20).map(|number| post(replicas[number % 2], transfer_request(&ana, id, &bank, &boat, "30")));
    for transfer in join_all(all).await {
        let transfer = transfer.expect("posted");
        assert_eq!(
            (transfer.status.as_str(), transfer.change.as_str(), transfer.version),
            ("posted", "30.00", 1)
        );
    }
    assert_eq!((ana.balance(&bank.id).await, ana.balance(&boat.id).await), ("70.00".into(), "30.00".into()));
    let posted = ana.find(&id.to_string()).await.expect("there");
    assert_eq!((posted.r#type.as_str(), posted.description.as_deref()), ("transfer", Some("Boat")));
    assert_eq!(posted.transaction_date, "2026-09-20", "the date must be the requested one");

    // After the key has expired, the id still prevents a second transfer.
    ledger.execute("delete from ledger.idempotency_keys").await;
    ana.edit(&id.to_string(), entry(&bank, "transfer", "20"), &["amount"]).await.expect("edited");
    let again = post(&ledger, transfer_request(&ana, id, &bank, &boat, "30")).await.expect("returned");
    assert_eq!((again.change.as_str(), again.version), ("20.00", 2));
    assert_eq!(again.other_account_id, bank.id);
    let find = pb::FindTransferRequest {
        household_id: ana.household_id.to_string(),
        transaction_id: id.to_string(),
        account_id: boat.id.clone(),
    };
    ana.void(&id.to_string()).await.expect("voided");
    let found = ledger.spending().find_transfer(find.clone()).await.expect("there").into_inner();
    let found = found.transfer.expect("a transfer");
    assert_eq!((found.status.as_str(), found.change.as_str()), ("voided", "0.00"));
    let strange = pb::FindTransferRequest { household_id: Uuid::from_u128(9).to_string(), ..find };
    assert_eq!(error_reason(ledger.spending().find_transfer(strange).await), "NOT_FOUND");
    assert_eq!(ana.balance(&boat.id).await, "0.00");
    ledger.verify().await;
}

#[tokio::test]
async fn across_currencies_the_rate_of_the_date_decides_the_amount_sent() {
    let ledger = Ledger::start().await;
    let ana = ledger.user_with("EUR", "UTC", "en");
    ledger
        .execute(
            "insert into ledger.exchange_rates (base_code, currency_code, day, rate, source)
             values ('EUR', 'USD', '2026-09-01', 2, 'ecb')",
        )
        .await;
    let (bank, boat) = (ana.account("Bank", "EUR", "100").await, ana.account("Boat", "USD", "").await);
    let transfer =
        post(&ledger, transfer_request(&ana, Uuid::from_u128(6), &bank, &boat, "30")).await.expect("posted");
    assert_eq!(transfer.change, "30.00");
    assert_eq!((ana.balance(&bank.id).await, ana.balance(&boat.id).await), ("85.00".into(), "30.00".into()));
    ledger.verify().await;
}

#[tokio::test]
async fn the_amount_sent_may_be_stated_instead() {
    let ledger = Ledger::start().await;
    let ana = ledger.user_with("EUR", "UTC", "en");
    ledger
        .execute(
            "insert into ledger.exchange_rates (base_code, currency_code, day, rate, source)
             values ('EUR', 'USD', '2026-09-01', 2, 'ecb')",
        )
        .await;
    let (bank, boat) = (ana.account("Bank", "EUR", "").await, ana.account("Boat", "USD", "100").await);
    let id = Uuid::from_u128(8);
    let leaving =
        pb::PostTransferRequest { is_source_amount: true, ..transfer_request(&ana, id, &boat, &bank, "30") };
    let transfer = post(&ledger, leaving.clone()).await.expect("posted");
    assert_eq!((transfer.change.as_str(), transfer.other_account_id.as_str()), ("-30.00", bank.id.as_str()));
    assert_eq!((ana.balance(&bank.id).await, ana.balance(&boat.id).await), ("15.00".into(), "70.00".into()));
    let again = post(&ledger, leaving).await.expect("returned");
    assert_eq!((again.change.as_str(), again.version), ("-30.00", 1), "the transfer must be posted once");
    ledger.verify().await;
}

#[tokio::test]
async fn an_invalid_transfer_is_rejected_and_posts_nothing() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.user("EUR"), ledger.user("EUR"));
    let (bank, boat) = (ana.account("Bank", "EUR", "100").await, ana.account("Boat", "EUR", "").await);
    let bobs_bank = bob.account("Bank", "EUR", "100").await;
    let id = Uuid::from_u128(7);
    let rejected = field_violations(post(&ledger, transfer_request(&ana, id, &bobs_bank, &boat, "30")).await);
    assert_eq!(rejected, [("account_id".to_owned(), "ACCOUNT_NOT_FOUND".to_owned())]);
    let archive = pb::UpdateAccountRequest {
        account_id: boat.id.clone(),
        is_active: Some(false),
        ..Default::default()
    };
    ana.change_account(archive.clone(), &["is_active"]).await.expect("archived");
    assert_eq!(
        error_reason(post(&ledger, transfer_request(&ana, id, &bank, &boat, "30")).await),
        "ACCOUNT_CLOSED"
    );
    let back = pb::UpdateAccountRequest { is_active: Some(true), ..archive };
    ana.change_account(back, &["is_active"]).await.expect("reopened");
    post(&ledger, transfer_request(&ana, id, &bank, &boat, "30"))
        .await
        .expect("a rejected id is usable again");
    assert_eq!(ana.balance(&boat.id).await, "30.00");
    let by_gateway =
        ana.call(ana.spending().post_transfer(transfer_request(&ana, id, &bank, &boat, "1"))).await;
    assert_eq!(error_reason(by_gateway), "CALLER_NOT_ADMITTED");
}

#[tokio::test]
async fn accounts_and_categories_are_found_in_their_household_only() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.user("EUR"), ledger.user("EUR"));
    let (bank, food) = (ana.account("Bank", "JPY", "").await, ana.category("Food", "expense").await);
    let pay = ana.category("Pay", "income").await;
    let find = async |user: &User| {
        let request = pb::FindCategoriesRequest {
            household_id: user.household_id.to_string(),
            category_ids: vec![food.id.clone(), pay.id.clone(), Uuid::from_u128(1).to_string()],
        };
        let found = ledger.spending().find_categories(request).await.expect("a response").into_inner();
        let mut types: Vec<_> = found.categories.into_iter().map(|category| category.r#type).collect();
        types.sort();
        types
    };
    assert_eq!(find(&ana).await, ["expense", "income"]);
    assert!(find(&bob).await.is_empty());
    let account = async |user: &User| {
        let household_id = user.household_id.to_string();
        let request = pb::FindAccountRequest { household_id, account_id: bank.id.clone() };
        Ok::<_, Status>(ledger.spending().find_account(request).await?.into_inner())
    };
    let found = account(&ana).await.expect("there");
    assert_eq!((found.currency_code.as_str(), found.is_open), ("JPY", true));
    assert_eq!(error_reason(account(&bob).await), "NOT_FOUND");
    let delete =
        pb::DeleteAccountRequest { account_id: bank.id.clone(), expected_version: None, with_balance: false };
    ana.call(ana.accounts().delete_account(delete)).await.expect("deleted");
    assert_eq!(error_reason(account(&ana).await), "NOT_FOUND");
}

#[tokio::test]
async fn the_current_date_follows_the_households_time_zone() {
    let ledger = Ledger::start().await;
    let ana = ledger.user_with("EUR", "UTC", "en");
    let bank = ana.account("Bank", "EUR", "").await;
    let today = async || ana.post(entry(&bank, "income", "1")).await.expect("posted").transaction_date;
    assert_eq!(today().await, "2026-09-21");
    ledger.change_timezone(&ana, "Pacific/Kiritimati");
    let moved = async {
        while today().await != "2026-09-22" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), moved).await.expect("the ledger applies the event in time");
    // Cached households of other replicas expire; they then read the new row.
    assert_eq!(
        ledger
            .query_i64("select count(*) from ledger.households where timezone = 'Pacific/Kiritimati'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_time_zone_change_during_provisioning_is_not_missed() {
    let ledger = Ledger::start().await;
    let ana = ledger.user_with("EUR", "UTC", "en");
    // The event arrives before the ledger knows the household, so it updates no row.
    ledger.change_timezone_after_first_fetch(&ana, "Pacific/Kiritimati");
    let bank = ana.account("Bank", "EUR", "").await;
    let recorded = ana.post(entry(&bank, "income", "1")).await.expect("posted");
    assert_eq!(recorded.transaction_date, "2026-09-22");
    let zones = "select count(*) from ledger.households where timezone = 'Pacific/Kiritimati'";
    assert_eq!(ledger.query_i64(zones).await, 1, "other replicas must read the new time zone, too");
}
