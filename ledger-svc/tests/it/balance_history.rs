//! Tests balances as of a day, and their history.

use fintrac_proto::ledger::v1 as pb;

use crate::support::{Ledger, User, entry, error_reason, field_violations, transfer};

async fn balance_on(user: &User, account: &pb::Account, date: &str) -> String {
    let request = pb::GetBalanceRequest { account_id: account.id.clone(), date: date.into() };
    let response = user.call(user.accounts().get_balance(request)).await.expect("a balance").into_inner();
    let balance = response.balance.expect("a balance");
    assert_eq!(response.currency_code, account.currency_code);
    assert!(date.is_empty() || balance.date == date);
    balance.balance
}

async fn history(user: &User, account: &pb::Account, from: &str, to: &str, interval: &str) -> Vec<String> {
    let request = pb::ListBalanceHistoryRequest {
        account_id: account.id.clone(),
        from: from.into(),
        to: to.into(),
        interval: interval.into(),
    };
    let response = user.call(user.accounts().list_balance_history(request)).await.expect("a history");
    response.into_inner().balances.into_iter().map(|row| format!("{} {}", row.date, row.balance)).collect()
}

#[tokio::test]
async fn balance_history_follows_every_day_and_every_edit() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (bank, cash) = (ana.account("Bank", "", "100").await, ana.account("Cash", "", "").await);
    let dated =
        |request, date: &str| pb::CreateTransactionRequest { transaction_date: Some(date.into()), ..request };
    ana.post(dated(entry(&bank, "income", "50"), "2026-07-31")).await.expect("posted");
    let spent = ana.post(dated(entry(&bank, "expense", "20"), "2026-08-10")).await.expect("posted");
    ana.post(dated(transfer(&bank, &cash, "5"), "2026-08-10")).await.expect("posted");
    ana.post(dated(entry(&bank, "income", "7"), "2027-01-01")).await.expect("posted");
    assert_eq!(balance_on(&ana, &bank, "2026-07-30").await, "0.00");
    assert_eq!(balance_on(&ana, &bank, "2026-08-09").await, "50.00");
    assert_eq!(balance_on(&ana, &bank, "2026-08-10").await, "25.00");
    assert_eq!(
        balance_on(&ana, &bank, "").await,
        "125.00",
        "today's opening must count, later transactions must not"
    );
    assert_eq!(balance_on(&ana, &bank, "2100-01-01").await, "132.00");
    assert_eq!(
        history(&ana, &bank, "2026-07-15", "2026-08-12", "month").await,
        ["2026-07-31 50.00", "2026-08-12 25.00"]
    );
    assert_eq!(
        history(&ana, &cash, "2026-08-08", "2026-08-17", "Week").await,
        ["2026-08-09 0.00", "2026-08-16 5.00", "2026-08-17 5.00"]
    );
    assert_eq!(
        history(&ana, &bank, "2026-08-09", "2026-08-10", "day").await,
        ["2026-08-09 50.00", "2026-08-10 25.00"]
    );
    assert_eq!(history(&ana, &bank, "", "", "").await.len(), 13, "the default must be a year by month");
    ana.void(&spent.id).await.expect("voided");
    assert_eq!(balance_on(&ana, &bank, "2026-08-10").await, "45.00");
}

#[tokio::test]
async fn invalid_parameters_are_reported_and_accounts_of_others_are_not_found() {
    let ledger = Ledger::start().await;
    let (ana, bob) = (ledger.user("EUR"), ledger.user("EUR"));
    let bank = ana.account("Bank", "", "100").await;
    let ask = async |user: &User, from: &str, to: &str, interval: &str| {
        let request = pb::ListBalanceHistoryRequest {
            account_id: bank.id.clone(),
            from: from.into(),
            to: to.into(),
            interval: interval.into(),
        };
        user.call(user.accounts().list_balance_history(request)).await
    };
    let named =
        |rejected: Vec<(String, String)>| rejected.into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    assert_eq!(
        named(field_violations(ask(&ana, "x", "2026-02-30", "year").await)),
        ["to", "from", "interval"]
    );
    assert_eq!(named(field_violations(ask(&ana, "2026-02-02", "2026-02-01", "day").await)), ["to"]);
    assert_eq!(named(field_violations(ask(&ana, "1900-01-01", "2200-01-01", "day").await)), ["from"]);
    assert_eq!(error_reason(ask(&bob, "", "", "").await), "NOT_FOUND");
    let request = pb::GetBalanceRequest { account_id: bank.id.clone(), date: "2026-1-1".into() };
    assert_eq!(
        named(field_violations(ana.call(ana.accounts().get_balance(request.clone())).await)),
        ["date"]
    );
    let request = pb::GetBalanceRequest { date: String::new(), ..request };
    assert_eq!(error_reason(bob.call(bob.accounts().get_balance(request)).await), "NOT_FOUND");
}
