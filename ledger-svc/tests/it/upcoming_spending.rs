//! Tests the future spending of recurring transactions, which budgets project.

use fintrac_proto::ledger::v1 as pb;

use crate::support::{Ledger, User, entry};

async fn recur(user: &User, transaction: pb::CreateTransactionRequest, schedule: pb::Schedule) {
    let request = pb::CreateRecurringRequest { transaction: Some(transaction), schedule: Some(schedule) };
    user.call(user.recurring().create_recurring(request)).await.expect("begun");
}

fn monthly(start: &str) -> pb::Schedule {
    pb::Schedule { frequency: Some("monthly".into()), start_date: Some(start.into()), ..Default::default() }
}

async fn upcoming(ledger: &Ledger, user: &User, currency: &str, categories: &[&str]) -> Vec<String> {
    let query = pb::SpendingQuery {
        currency_code: currency.into(),
        category_ids: categories.iter().map(|id| (*id).to_owned()).collect(),
        from: "2026-09-01".into(),
        to: "2026-12-31".into(),
    };
    let request = pb::ListUpcomingSpendingRequest {
        household_id: user.household_id.to_string(),
        from: "2026-09-21".into(),
        queries: vec![query],
    };
    let response = ledger.spending().list_upcoming_spending(request).await.expect("a list").into_inner();
    response.upcoming[0].days.iter().map(|day| format!("{} {}", day.date, day.amount)).collect()
}

#[tokio::test]
async fn upcoming_occurrences_are_summed_by_category() {
    let ledger = Ledger::start().await;
    let ana = ledger.user("EUR");
    let (home, fun) = (ana.category("Home", "expense").await, ana.category("Fun", "expense").await);
    let bank = ana.account("Bank", "", "").await;
    let yen = ana.account("Yen", "JPY", "").await;
    ledger
        .execute("insert into ledger.exchange_rates values ('EUR', 'JPY', '2026-09-21', 100, 'manual')")
        .await;
    let on = |account: &pb::Account, category: &pb::Category, kind: &str, amount: &str| {
        pb::CreateTransactionRequest {
            category_id: Some(category.id.clone()),
            ..entry(account, kind, amount)
        }
    };
    recur(&ana, on(&bank, &home, "expense", "900"), monthly("2026-10-01")).await;
    recur(&ana, on(&yen, &home, "expense", "500"), monthly("2026-10-15")).await;
    recur(&ana, on(&bank, &home, "income", "20"), monthly("2026-11-30")).await;
    let parts = pb::CreateTransactionRequest {
        splits: [(&home, "3"), (&fun, "4")]
            .map(|(category, amount)| pb::Split {
                category_id: category.id.clone(),
                amount: amount.into(),
                ..Default::default()
            })
            .to_vec(),
        ..entry(&bank, "expense", "7")
    };
    let twice = pb::Schedule { count: Some(2), ..monthly("2026-10-02") };
    recur(&ana, parts, twice).await;
    assert_eq!(
        upcoming(&ledger, &ana, "EUR", &[&home.id]).await,
        [
            "2026-10-01 900.00",
            "2026-10-02 3.00",
            "2026-10-15 5.00",
            "2026-11-01 900.00",
            "2026-11-02 3.00",
            "2026-11-15 5.00",
            "2026-11-30 -20.00",
            "2026-12-01 900.00",
            "2026-12-15 5.00",
            "2026-12-30 -20.00",
        ]
    );
    assert_eq!(upcoming(&ledger, &ana, "EUR", &[&fun.id]).await, ["2026-10-02 4.00", "2026-11-02 4.00"]);
    assert_eq!(upcoming(&ledger, &ana, "JPY", &[&fun.id]).await, ["2026-10-02 400", "2026-11-02 400"]);
    let bob = ledger.user("EUR");
    assert!(
        upcoming(&ledger, &bob, "EUR", &[&home.id]).await.is_empty(),
        "another household must have no occurrences"
    );
}
