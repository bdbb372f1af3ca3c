//! Tests analytics against sums computed by hand.

use fintrac_proto::ledger::v1 as pb;

use crate::support::{Ledger, User, entry, error_reason, field_violations, transfer};

fn dated_entry(
    account: &pb::Account,
    kind: &str,
    amount: &str,
    category: Option<&pb::Category>,
    date: &str,
) -> pb::CreateTransactionRequest {
    pb::CreateTransactionRequest {
        category_id: category.map(|category| category.id.clone()),
        transaction_date: Some(date.into()),
        ..entry(account, kind, amount)
    }
}

/// Creates two months of a household in euros with an account in dollars.
async fn seed(ledger: &Ledger, ana: &User) -> (pb::Account, pb::Account, pb::Category, pb::Category) {
    ledger
        .execute(
            "insert into ledger.exchange_rates values ('EUR', 'USD', '2026-07-01', 1.25, 'ecb'),
                 ('EUR', 'USD', '2026-08-31', 1.6, 'ecb')",
        )
        .await;
    let bank = ana.account("Bank", "", "").await;
    let dollars = ana.account("Dollars", "USD", "").await;
    let (food, fun) = (ana.category("Food", "expense").await, ana.category("Fun", "expense").await);
    let pay = ana.category("Pay", "income").await;
    for request in [
        dated_entry(&bank, "income", "1000", Some(&pay), "2026-07-01"),
        dated_entry(&bank, "expense", "100", Some(&food), "2026-07-06"),
        dated_entry(&dollars, "expense", "50", Some(&food), "2026-07-07"),
        dated_entry(&bank, "expense", "30", None, "2026-07-20"),
        dated_entry(&bank, "income", "20", Some(&food), "2026-08-03"),
        dated_entry(&bank, "expense", "120", Some(&food), "2026-08-03"),
        dated_entry(&dollars, "expense", "40", Some(&fun), "2026-08-10"),
        pb::CreateTransactionRequest {
            splits: vec![
                pb::Split { category_id: food.id.clone(), amount: "6".into(), ..Default::default() },
                pb::Split { category_id: fun.id.clone(), amount: "4".into(), ..Default::default() },
            ],
            ..dated_entry(&bank, "expense", "10", None, "2026-08-12")
        },
        pb::CreateTransactionRequest {
            to_amount: Some("125".into()),
            transaction_date: Some("2026-08-15".into()),
            ..transfer(&bank, &dollars, "100")
        },
    ] {
        ana.post(request).await.expect("posted");
    }
    let voided =
        ana.post(dated_entry(&bank, "expense", "999", Some(&food), "2026-08-20")).await.expect("posted");
    ana.void(&voided.id).await.expect("voided");
    (bank, dollars, food, fun)
}

fn format_sum(sum: Option<&pb::Sum>) -> String {
    let sum = sum.expect("a sum");
    let parts = sum.by_currency.iter().map(|part| format!(" {}{}", part.currency_code, part.amount));
    sum.amount.clone() + &parts.collect::<String>()
}

async fn spending_rows(user: &User, from: &str, to: &str, group_by: &str) -> Vec<String> {
    let request = pb::AnalyzeSpendingRequest { from: from.into(), to: to.into(), group_by: group_by.into() };
    let found = user.call(user.analytics().analyze_spending(request)).await.expect("found").into_inner();
    let group = |row: &pb::SpendingGroup| {
        let key = row.span.as_ref().map_or(row.name.clone(), |span| format!("{}..{}", span.from, span.to));
        format!("{key}: {} ({})", format_sum(row.spent.as_ref()), row.share)
    };
    let total = format!("= {}", format_sum(found.total.as_ref()));
    found.groups.iter().map(group).chain(std::iter::once(total)).collect()
}

#[tokio::test]
async fn spending_is_grouped_by_category_account_and_time() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.user("EUR"), ledger.user("EUR"));
    seed(&ledger, &ana).await;
    assert_eq!(
        spending_rows(&ana, "2026-08-01", "2026-08-31", "").await,
        [
            "Food: 106.00 EUR106.00 (74.6)",
            "Fun: 36.00 EUR4.00 USD40.00 (25.3)",
            "= 142.00 EUR110.00 USD40.00"
        ]
    );
    assert_eq!(
        spending_rows(&ana, "2026-07-01", "2026-08-31", "Account").await,
        ["Bank: 240.00 EUR240.00 (76.9)", "Dollars: 72.00 USD90.00 (23.0)", "= 312.00 EUR240.00 USD90.00"]
    );
    assert_eq!(
        spending_rows(&ana, "2026-07-10", "2026-08-31", "month").await,
        [
            "2026-07-10..2026-07-31: 30.00 EUR30.00 (17.4)",
            "2026-08-01..2026-08-31: 142.00 EUR110.00 USD40.00 (82.5)",
            "= 172.00 EUR140.00 USD40.00"
        ]
    );
    let days = spending_rows(&ana, "2026-08-02", "2026-08-03", "day").await;
    assert_eq!(
        days[..2],
        ["2026-08-02..2026-08-02: 0.00 (0.0)", "2026-08-03..2026-08-03: 100.00 EUR100.00 (100.0)"]
    );
    let weeks = spending_rows(&ana, "2026-07-06", "2026-07-20", "week").await;
    assert_eq!(weeks[0], "2026-07-06..2026-07-12: 140.00 EUR100.00 USD50.00 (82.3)");
    assert_eq!(
        spending_rows(&bob, "2026-01-01", "2026-12-31", "").await,
        ["= 0.00"],
        "another household must have spent nothing"
    );
    let invalid =
        pb::AnalyzeSpendingRequest { from: "2026-02-30".into(), to: "x".into(), group_by: "year".into() };
    let rejected = field_violations(ana.call(ana.analytics().analyze_spending(invalid)).await);
    let fields: Vec<_> = rejected.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["to", "from", "group_by"]);
}

#[tokio::test]
async fn income_and_expense_add_up_interval_by_interval() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, ..) = seed(&ledger, &ana).await;
    let change = pb::UpdateAccountRequest {
        account_id: bank.id.clone(),
        balance: Some("700".into()),
        ..Default::default()
    };
    ana.change_account(change, &["balance"]).await.expect("adjusted");
    let request = pb::AnalyzeIncomeExpenseRequest {
        from: "2026-07-01".into(),
        to: "2026-09-30".into(),
        interval: String::new(),
    };
    let found = ana.call(ana.analytics().analyze_income_expense(request)).await.expect("found").into_inner();
    let rows: Vec<_> = found
        .intervals
        .iter()
        .map(|row| {
            let amounts = [&row.income, &row.expense, &row.net, &row.other];
            let amounts: Vec<_> =
                amounts.map(|sum| sum.as_ref().expect("a sum").amount.clone()).into_iter().collect();
            format!("{} {}", amounts.join(" "), row.cumulative)
        })
        .collect();
    // The bank account has 1000 - 100 - 30 + 20 - 120 - 10 - 100 = 660.
    assert_eq!(
        rows,
        [
            "1000.00 170.00 830.00 0.00 830.00",
            "0.00 142.00 -142.00 0.00 688.00",
            "0.00 0.00 0.00 40.00 728.00"
        ]
    );
    assert_eq!(format_sum(found.intervals[0].net.as_ref()), "830.00 EUR870.00 USD-50.00");
}

#[tokio::test]
async fn categories_are_compared_with_the_previous_span() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (.., food, _) = seed(&ledger, &ana).await;
    let request = pb::AnalyzeCategoriesRequest {
        from: "2026-08-01".into(),
        to: "2026-08-31".into(),
        ..Default::default()
    };
    let found = ana.call(ana.analytics().analyze_categories(request)).await.expect("found").into_inner();
    let previous = found.previous_span.expect("a span");
    assert_eq!((previous.from.as_str(), previous.to.as_str()), ("2026-07-01", "2026-07-31"));
    let rows: Vec<_> = found
        .categories
        .iter()
        .map(|row| {
            let amount = &row.amount.as_ref().expect("a sum").amount;
            format!("{} {amount} {} {} {}", row.name, row.previous_amount, row.change, row.change_percent)
        })
        .collect();
    assert_eq!(
        rows,
        ["Food 106.00 140.00 -34.00 -24.2", "Fun 36.00 0.00 36.00 ", " 0.00 30.00 -30.00 -100.0"]
    );
    assert_eq!(found.categories[0].id, food.id);
    let request = pb::AnalyzeCategoriesRequest {
        from: "2026-07-01".into(),
        to: "2026-07-31".into(),
        r#type: "Income".into(),
    };
    let found = ana.call(ana.analytics().analyze_categories(request)).await.expect("found").into_inner();
    assert_eq!((found.categories.len(), found.categories[0].share.as_str()), (1, "100.0"));
}

/// The limit applies to the number of days times the number of currencies.
#[tokio::test]
async fn many_days_of_many_currencies_are_rejected() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    // 3,999 days; the maximum is 4,000.
    let request = || pb::AnalyzeNetWorthRequest {
        from: "2015-10-11".into(),
        to: "2026-09-21".into(),
        interval: "day".into(),
    };
    for currency in ["EUR", "USD", "JPY", "GBP", "CHF"] {
        ana.account(currency, currency, "1").await;
    }
    let found = ana.call(ana.analytics().analyze_net_worth(request())).await.expect("five currencies");
    assert_eq!(found.into_inner().days.len(), 3999);
    ana.account("SEK", "SEK", "1").await;
    assert_eq!(error_reason(ana.call(ana.analytics().analyze_net_worth(request())).await), "QUERY_INVALID");
    let shorter = pb::AnalyzeNetWorthRequest { from: "2020-01-01".into(), ..request() };
    ana.call(ana.analytics().analyze_net_worth(shorter)).await.expect("fewer days");
}

#[tokio::test]
async fn net_worth_uses_the_rates_of_the_day_and_included_accounts() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (_, dollars, ..) = seed(&ledger, &ana).await;
    let debt = ana.account("Card", "", "-200").await;
    let hidden = pb::CreateAccountRequest {
        name: "Hidden".into(),
        account_type: "cash".into(),
        balance: Some("5000".into()),
        include_in_net_worth: Some(false),
        ..Default::default()
    };
    ana.open(hidden).await.expect("opened");
    let request = pb::AnalyzeNetWorthRequest {
        from: "2026-07-01".into(),
        to: "2026-09-21".into(),
        interval: "month".into(),
    };
    let net_worth_rows = async |request| {
        let found = ana.call(ana.analytics().analyze_net_worth(request)).await.expect("found").into_inner();
        let row = |row: &pb::NetWorth| {
            format!("{} {} {} {}", row.date, format_sum(row.net_worth.as_ref()), row.assets, row.liabilities)
        };
        found.days.iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(
        net_worth_rows(request.clone()).await,
        [
            "2026-07-31 830.00 EUR870.00 USD-50.00 870.00 -40.00",
            "2026-08-31 681.88 EUR660.00 USD35.00 681.88 0.00",
            "2026-09-21 481.88 EUR460.00 USD35.00 681.88 -200.00"
        ]
    );
    for account in [&dollars, &debt] {
        let delete = pb::DeleteAccountRequest {
            account_id: account.id.clone(),
            expected_version: None,
            with_balance: true,
        };
        ana.call(ana.accounts().delete_account(delete)).await.expect("deleted");
    }
    let after = net_worth_rows(request).await;
    assert_eq!(
        after[1], "2026-08-31 681.88 EUR660.00 USD35.00 681.88 0.00",
        "the account must count before its deletion"
    );
    assert_eq!(
        after[2], "2026-09-21 660.00 EUR660.00 660.00 0.00",
        "the account must not count after its deletion"
    );
    ledger.execute("delete from ledger.exchange_rates where currency_code in ('USD', 'EUR')").await;
    let request = pb::AnalyzeNetWorthRequest {
        from: "2026-08-31".into(),
        to: "2026-08-31".into(),
        interval: "day".into(),
    };
    let found = ana.call(ana.analytics().analyze_net_worth(request)).await.expect("found").into_inner();
    assert_eq!(
        (found.days[0].unpriced.as_slice(), format_sum(found.days[0].net_worth.as_ref())),
        (["USD".to_owned()].as_slice(), "660.00 EUR660.00 USD35.00".into())
    );
}

#[tokio::test]
async fn patterns_report_weekday_averages_and_largest_and_unusual_amounts() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, .., fun) = seed(&ledger, &ana).await;
    for (date, amount) in [("2026-05-10", "30"), ("2026-06-10", "30"), ("2026-07-10", "30")] {
        ana.post(dated_entry(&bank, "expense", amount, Some(&fun), date)).await.expect("posted");
    }
    ana.post(dated_entry(&bank, "expense", "300", Some(&fun), "2026-08-12")).await.expect("posted");
    let request = pb::AnalyzePatternsRequest { from: "2026-08-01".into(), to: "2026-08-31".into() };
    let found = ana.call(ana.analytics().analyze_patterns(request)).await.expect("found").into_inner();
    let weekdays: Vec<_> =
        found.weekdays.iter().map(|weekday| format_sum(weekday.average.as_ref())).collect();
    // Five Mondays: 100 on the 3rd and 40 dollars (32 euros) on the 10th; four Wednesdays: 310.
    let expected = ["26.40 EUR20.00 USD8.00", "0.00", "77.50 EUR77.50", "0.00", "0.00", "0.00", "0.00"];
    assert_eq!(weekdays, expected);
    let largest: Vec<_> = found.largest.iter().map(|transaction| transaction.amount.as_str()).collect();
    assert_eq!(largest, ["300.00", "120.00", "40.00", "10.00"]);
    let unusual: Vec<_> = found
        .unusual
        .iter()
        .map(|row| {
            let amount = format_sum(row.amount.as_ref());
            format!("{} {amount} / {} {}", row.name, row.usual, row.change_percent)
        })
        .collect();
    assert_eq!(unusual[0], "Fun 336.00 EUR304.00 USD40.00 / 30.00 1020.0");
    assert!(unusual[1].starts_with("Food 106.00 EUR106.00 / 46.66"), "{unusual:?}");
}

#[tokio::test]
async fn a_total_out_of_range_is_an_error() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let bank = ana.account("Bank", "", "").await;
    let food = ana.category("Food", "expense").await;
    for day in ["2026-08-01", "2026-08-02"] {
        ana.post(dated_entry(&bank, "expense", "1", Some(&food), day)).await.expect("posted");
    }
    let oversized_totals =
        "update ledger.daily_totals set change = 9000000000000000000, household_change = 9000000000000000000";
    ledger.execute(oversized_totals).await;
    let request = pb::AnalyzeSpendingRequest {
        from: "2026-08-01".into(),
        to: "2026-08-31".into(),
        group_by: "category".into(),
    };
    assert_eq!(
        error_reason(ana.call(ana.analytics().analyze_spending(request)).await),
        "BALANCE_OUT_OF_RANGE"
    );
}

#[tokio::test]
async fn unpriced_amounts_are_reported_with_every_sum() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let food = ana.category("Food", "expense").await;
    let kiwi = ana.account("Kiwi", "NZD", "").await;
    // The first rate of the New Zealand dollar is dated 29 September 2026.
    ana.post(dated_entry(&kiwi, "expense", "117", Some(&food), "2026-09-10")).await.expect("posted");
    let month = ("2026-09-01", "2026-09-30");
    let unpriced = |sums: &[pb::CurrencySum]| {
        let parts = sums.iter().map(|row| format!("{} {}", row.currency_code, row.amount));
        parts.collect::<Vec<_>>().join("; ")
    };
    let unpriced_in = |sum: &Option<pb::Sum>| unpriced(&sum.as_ref().expect("a sum").unpriced);
    for group_by in ["category", "account", "day", "week", "month"] {
        let request = pb::AnalyzeSpendingRequest {
            from: month.0.into(),
            to: month.1.into(),
            group_by: group_by.into(),
        };
        let found = ana.call(ana.analytics().analyze_spending(request)).await.expect("sums").into_inner();
        assert_eq!(unpriced_in(&found.total), "NZD 117.00", "{group_by}");
        assert!(found.groups.iter().any(|group| unpriced_in(&group.spent) == "NZD 117.00"), "{group_by}");
    }
    let request = pb::AnalyzeIncomeExpenseRequest {
        from: month.0.into(),
        to: "2026-10-31".into(),
        interval: "month".into(),
    };
    let found = ana.call(ana.analytics().analyze_income_expense(request)).await.expect("sums").into_inner();
    let september = &found.intervals[0];
    assert_eq!(
        (unpriced_in(&september.expense), unpriced_in(&september.net)),
        ("NZD 117.00".into(), "NZD -117.00".into())
    );
    assert_eq!(unpriced(&found.intervals[1].cumulative_unpriced), "NZD -117.00");
    let request = pb::AnalyzeCategoriesRequest {
        from: "2026-10-01".into(),
        to: "2026-10-31".into(),
        r#type: String::new(),
    };
    let found = ana.call(ana.analytics().analyze_categories(request)).await.expect("sums").into_inner();
    assert_eq!(unpriced(&found.categories[0].previous_unpriced), "NZD 117.00");
    let request = pb::AnalyzePatternsRequest { from: month.0.into(), to: month.1.into() };
    let found = ana.call(ana.analytics().analyze_patterns(request)).await.expect("sums").into_inner();
    // 10 September is a Thursday, one of four.
    assert_eq!(unpriced_in(&found.weekdays[3].average), "NZD 29.25");
    let report = ledger.report(&ana, month).await;
    assert_eq!(
        (report.expense.as_str(), report.unpriced.as_slice()),
        ("0.00", ["NZD".to_owned()].as_slice())
    );
    assert_eq!(unpriced(&report.expense_unpriced), "NZD 117.00");
    assert_eq!(unpriced(&report.categories[0].unpriced), "NZD 117.00");
    ledger.verify().await;
}

#[tokio::test]
async fn a_constant_rent_is_neither_a_change_nor_unusual() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (rent, phone) = (ana.category("Rent", "expense").await, ana.category("Phone", "expense").await);
    let bank = ana.account("Bank", "", "").await;
    let month_ends = [("05", 31), ("06", 30), ("07", 31), ("08", 31), ("09", 30), ("10", 31), ("11", 30)];
    for (month, last) in month_ends {
        let rent = dated_entry(&bank, "expense", "900", Some(&rent), &format!("2026-{month}-01"));
        ana.post(rent).await.expect("posted");
        let phone = dated_entry(&bank, "expense", "20", Some(&phone), &format!("2026-{month}-{last}"));
        ana.post(phone).await.expect("posted");
    }
    for (from, to) in [
        ("2026-11-01", "2026-11-30"),
        ("2026-10-01", "2026-10-31"),
        ("2026-09-01", "2026-09-30"),
        ("2026-11-01", "2026-11-15"),
    ] {
        let request =
            pb::AnalyzeCategoriesRequest { from: from.into(), to: to.into(), r#type: String::new() };
        let found = ana.call(ana.analytics().analyze_categories(request)).await.expect("sums").into_inner();
        let changes: Vec<_> =
            found.categories.iter().map(|row| (row.name.as_str(), row.change.as_str())).collect();
        assert!(changes.contains(&("Rent", "0.00")), "{from}: {changes:?}");
        assert!(changes.iter().all(|(_, change)| *change == "0.00"), "{from}: {changes:?}");
        let request = pb::AnalyzePatternsRequest { from: from.into(), to: to.into() };
        let found = ana.call(ana.analytics().analyze_patterns(request)).await.expect("sums").into_inner();
        assert_eq!(found.unusual, [], "{from}");
    }
}
