//! Tests lists: filters, both sort orders, complete pages, running balances.

use std::collections::HashSet;

use chrono::{NaiveDate, TimeDelta};
use fintrac_proto::ledger::v1 as pb;

use crate::support::{Ledger, User, entry, error_reason, field_violations, transfer};

/// A predicate for the transactions that a list contains.
type Predicate<'a> = Box<dyn Fn(&pb::Transaction) -> bool + 'a>;

fn filter() -> pb::TransactionFilter {
    pb::TransactionFilter::default()
}

/// Creates 120 transactions on three accounts over forty days, several per day.
async fn seed(ledger: &Ledger, ana: &User) -> (pb::Account, pb::Account, pb::Category) {
    let (bank, card) = (ana.account("Bank", "", "1000").await, ana.account("Card", "", "").await);
    let dollars = ana.account("Dollars", "USD", "500").await;
    let food = ana.category("Food", "expense").await;
    let first = NaiveDate::from_ymd_opt(2026, 9, 30).expect("a day");
    for number in 0..120_i64 {
        ledger.advance_clock(TimeDelta::milliseconds(1));
        let amount = format!("{}.{:02}", number % 17 + 1, number % 100);
        let request = match number % 4 {
            0 => pb::CreateTransactionRequest {
                category_id: Some(food.id.clone()),
                ..entry(&bank, "expense", &amount)
            },
            1 => entry(&card, "income", &amount),
            2 => transfer(&bank, &card, &amount),
            _ => entry(&dollars, "expense", &amount),
        };
        let day = first + TimeDelta::days(number * 7 % 40);
        let request = pb::CreateTransactionRequest {
            transaction_date: Some(day.to_string()),
            tags: if number % 2 == 1 { vec!["odd".into()] } else { Vec::new() },
            description: (number % 5 == 0).then(|| "Lunch at the Café".into()),
            ..request
        };
        ana.post(request).await.expect("posted");
    }
    (bank, card, food)
}

#[tokio::test]
async fn pages_cover_every_filter_in_both_directions_exactly_once() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, card, food) = seed(&ledger, &ana).await;
    let all = ana.list_all(filter(), 200).await;
    assert_eq!(all.len(), 122);
    let key = |row: &pb::Transaction| (row.transaction_date.clone(), row.id.clone());
    assert!(
        all.windows(2).all(|pair| key(&pair[0]) > key(&pair[1])),
        "the newest day must come first, then the newest id"
    );
    let cents = |text: &str| text.replace('.', "").parse::<i64>().expect("an amount");
    let cases: Vec<(pb::TransactionFilter, Predicate<'_>)> = vec![
        (filter(), Box::new(|_| true)),
        (
            pb::TransactionFilter { account_id: card.id.clone(), ..filter() },
            Box::new(|row| {
                row.account_id == card.id || row.to_account_id.as_deref() == Some(card.id.as_str())
            }),
        ),
        (
            pb::TransactionFilter { category_id: food.id.clone(), ..filter() },
            Box::new(|row| row.category_id.as_deref() == Some(food.id.as_str())),
        ),
        (
            pb::TransactionFilter { r#type: "TRANSFER".into(), ..filter() },
            Box::new(|row| row.r#type == "transfer"),
        ),
        (
            pb::TransactionFilter { from: "2026-10-05".into(), to: "2026-10-09".into(), ..filter() },
            Box::new(|row| ("2026-10-05"..="2026-10-09").contains(&row.transaction_date.as_str())),
        ),
        (
            pb::TransactionFilter { min_amount: "5".into(), max_amount: "9.99".into(), ..filter() },
            Box::new(|row| (500..=999).contains(&cents(row.household_amount.as_deref().expect("known")))),
        ),
        (
            pb::TransactionFilter { currency_code: "usd".into(), min_amount: "5".into(), ..filter() },
            Box::new(|row| row.currency_code == "USD" && cents(&row.amount) >= 500),
        ),
        (
            pb::TransactionFilter {
                account_id: bank.id.clone(),
                r#type: "expense".into(),
                to: "2026-10-20".into(),
                ..filter()
            },
            Box::new(|row| {
                row.account_id == bank.id
                    && row.r#type == "expense"
                    && row.transaction_date.as_str() <= "2026-10-20"
            }),
        ),
        (pb::TransactionFilter { status: "voided".into(), ..filter() }, Box::new(|_| false)),
        (pb::TransactionFilter { tag: "odd".into(), ..filter() }, Box::new(|row| row.tags == ["odd"])),
        (
            pb::TransactionFilter { q: "LUNCH caf".into(), account_id: bank.id.clone(), ..filter() },
            Box::new(|row| row.description.is_some() && row.account_id == bank.id),
        ),
    ];
    // The opening in dollars predates the first known rate, so its household amount is unpriced.
    let known = |row: &&pb::Transaction| row.household_amount.is_some();
    for (filter_case, fits) in cases {
        let by_amount = !filter_case.min_amount.is_empty() && filter_case.currency_code.is_empty();
        let expected: Vec<_> =
            all.iter().filter(|row| !by_amount || known(row)).filter(|row| fits(row)).map(key).collect();
        for size in [7, 200] {
            let found: Vec<_> = ana.list_all(filter_case.clone(), size).await.iter().map(key).collect();
            assert_eq!(found, expected, "{filter_case:?} by {size}");
        }
        let ascending = pb::TransactionFilter { sort: "transaction_date".into(), ..filter_case.clone() };
        let found: Vec<_> = ana.list_all(ascending, 7).await.iter().map(key).collect();
        assert_eq!(found, expected.iter().cloned().rev().collect::<Vec<_>>(), "{filter_case:?} ascending");
        let amount = |row: &pb::Transaction| row.household_amount.as_deref().map_or(0, cents);
        let mut expected: Vec<_> = all
            .iter()
            .filter(|row| expected.contains(&key(row)))
            .map(|row| (amount(row), row.id.clone()))
            .collect();
        expected.sort();
        for (sort, size) in [("amount", 7), ("-amount", 200), ("-amount", 7)] {
            let filter = pb::TransactionFilter { sort: sort.into(), ..filter_case.clone() };
            let found: Vec<_> =
                ana.list_all(filter, size).await.iter().map(|row| (amount(row), row.id.clone())).collect();
            let mut expected = expected.clone();
            if sort.starts_with('-') {
                expected.reverse();
            }
            assert_eq!(found, expected, "{filter_case:?} by {sort}");
        }
    }
}

#[tokio::test]
async fn concurrent_inserts_shift_no_page() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, ..) = seed(&ledger, &ana).await;
    let before: Vec<_> =
        ana.list_all(filter(), 200).await.into_iter().map(|transaction| transaction.id).collect();
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListTransactionsRequest { page_size: Some(10), page_token, ..Default::default() };
        let page =
            ana.call(ana.transactions().list_transactions(request)).await.expect("a page").into_inner();
        seen.extend(page.transactions.into_iter().map(|transaction| transaction.id));
        for day in ["2026-12-31", "2026-10-15"] {
            let new = pb::CreateTransactionRequest {
                transaction_date: Some(day.into()),
                ..entry(&bank, "income", "1")
            };
            ana.post(new).await.expect("posted");
        }
        if page.next_page_token.is_empty() {
            break;
        }
        page_token = page.next_page_token;
    }
    let once: HashSet<_> = seen.iter().collect();
    assert_eq!(once.len(), seen.len(), "no transaction may repeat");
    assert!(before.iter().all(|id| once.contains(id)), "no transaction may be missing");
}

#[tokio::test]
async fn a_running_balance_sums_all_transactions_up_to_it() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, ..) = seed(&ledger, &ana).await;
    let voided = ana.list_all(pb::TransactionFilter { account_id: bank.id.clone(), ..filter() }, 50).await;
    ana.void(&voided[3].id).await.expect("voided");
    for (filter_case, size) in
        [(filter(), 9), (pb::TransactionFilter { r#type: "expense".into(), ..filter() }, 5)]
    {
        let (mut rows, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListAccountTransactionsRequest {
                account_id: bank.id.clone(),
                filter: Some(filter_case.clone()),
                page_size: Some(size),
                page_token,
            };
            let page = ana.call(ana.accounts().list_account_transactions(request)).await.expect("a page");
            let page = page.into_inner();
            rows.extend(page.transactions);
            if page.next_page_token.is_empty() {
                break;
            }
            page_token = page.next_page_token;
        }
        let cents = |text: &str| text.replace('.', "").parse::<i64>().expect("an amount");
        let all = pb::TransactionFilter {
            account_id: bank.id.clone(),
            sort: "transaction_date".into(),
            ..filter()
        };
        let mut sum = 0;
        let mut expected = Vec::new();
        for transaction in ana.list_all(all, 200).await {
            let signed =
                if transaction.r#type == "opening" { 1 } else { -1 } * cents(&transaction.account_amount);
            sum += signed;
            if filter_case.r#type.is_empty() || filter_case.r#type == transaction.r#type {
                expected.push((transaction.id, signed, sum));
            }
        }
        expected.reverse();
        let found: Vec<_> = rows
            .into_iter()
            .map(|row| (row.transaction.expect("one").id, cents(&row.change), cents(&row.running_balance)))
            .collect();
        assert_eq!(found, expected, "{filter_case:?}");
    }
    let voided = pb::ListAccountTransactionsRequest {
        account_id: bank.id.clone(),
        filter: Some(pb::TransactionFilter { status: "voided".into(), ..filter() }),
        ..Default::default()
    };
    let voided =
        ana.call(ana.accounts().list_account_transactions(voided)).await.expect("a page").into_inner();
    assert_eq!(voided.transactions.len(), 1, "voided transactions must be listed on request");
}

#[tokio::test]
async fn an_invalid_query_names_every_parameter() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bad = pb::TransactionFilter {
        account_id: "x".into(),
        category_id: "y".into(),
        r#type: "gift".into(),
        status: "gone".into(),
        from: "2026-02-30".into(),
        to: "2026-02-01T00:00:00Z".into(),
        min_amount: "1e3".into(),
        max_amount: "0.001".into(),
        currency_code: "XXX".into(),
        tag: "two\nlines".into(),
        q: "!?".into(),
        sort: "amount,date".into(),
        children: None,
    };
    let ask = async |filter, page_size, page_token: &str| {
        let request = pb::ListTransactionsRequest { filter, page_size, page_token: page_token.into() };
        ana.call(ana.transactions().list_transactions(request)).await
    };
    let named: Vec<_> = field_violations(ask(Some(bad.clone()), None, "").await)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    let expected = [
        "currency_code",
        "tag",
        "q",
        "sort",
        "account_id",
        "category_id",
        "type",
        "status",
        "from",
        "to",
        "min_amount",
        "max_amount",
    ];
    assert_eq!(named, expected);
    assert_eq!(error_reason(ask(Some(bad), None, "").await), "QUERY_INVALID");
    assert_eq!(field_violations(ask(None, Some(0), "").await)[0].1, "PAGE_SIZE_INVALID");
    assert_eq!(field_violations(ask(None, None, "AAAA").await)[0].1, "PAGE_TOKEN_INVALID");
    let bank = ana.account("Bank", "", "1").await;
    ana.post(entry(&bank, "income", "1")).await.expect("posted");
    let page = ask(None, Some(1), "").await.expect("a page").into_inner();
    let other = Some(pb::TransactionFilter { r#type: "income".into(), ..filter() });
    assert_eq!(
        field_violations(ask(other, Some(1), &page.next_page_token).await)[0].1,
        "PAGE_TOKEN_INVALID",
        "a page token must be bound to its filter"
    );
}

#[tokio::test]
async fn a_category_lists_its_descendants() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let food = ana.category("Food all", "expense").await;
    // More children than the 32 categories that a list reads as separate ranges.
    let mut amounts = Vec::new();
    for number in 1..=40 {
        let child = pb::CreateCategoryRequest {
            name: format!("Child {number}"),
            r#type: "expense".into(),
            parent_id: Some(food.id.clone()),
            ..Default::default()
        };
        let child = ana.call(ana.categories().create_category(child)).await.expect("made").into_inner();
        let request = pb::CreateTransactionRequest {
            category_id: child.category.map(|category| category.id),
            transaction_date: Some(format!("2026-08-{:02}", number % 28 + 1)),
            ..entry(&bank, "expense", &format!("{number}"))
        };
        ana.post(request).await.expect("posted");
        ana.post(entry(&bank, "expense", "1000")).await.expect("posted");
        amounts.push(format!("{number}.00"));
        if [1, 3, 40].contains(&number) {
            for sort in ["", "-amount"] {
                let filter = pb::TransactionFilter {
                    category_id: food.id.clone(),
                    sort: sort.into(),
                    ..Default::default()
                };
                let mut found: Vec<_> = ana
                    .list_all(filter.clone(), 7)
                    .await
                    .into_iter()
                    .map(|transaction| transaction.amount)
                    .collect();
                found.sort_by_key(|amount| {
                    amount.len() * 100_000 + amount.replace('.', "").parse::<usize>().expect("digits")
                });
                assert_eq!(found, amounts, "{number} {sort}");
                let alone = pb::TransactionFilter { children: Some(false), ..filter };
                assert!(ana.list_all(alone, 50).await.is_empty());
            }
        }
    }
}
