//! Tests a user's first month.
//!
//! It has three currencies, a budget that is exceeded, a goal that is reached, and notifications.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_kit::clock::Clock;
use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::budget_service_client::BudgetServiceClient;
use fintrac_tests::client::ApiResponse;
use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::{Value, json};
use tonic::{Code, Request};

use crate::money::TestUser;

const ACCOUNTS: &str = "/api/v1/accounts";
const BUDGETS: &str = "/api/v1/budgets";
const GOALS: &str = "/api/v1/goals";
const NOTIFICATIONS: &str = "/api/v1/notifications";
const PREFERENCES: &str = "/api/v1/users/me/preferences";
const TRANSACTIONS: &str = "/api/v1/transactions";

/// Polls until `found` returns a value.
async fn eventually<T>(what: &str, found: impl AsyncFn() -> Option<T>) -> T {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let polled = async {
        loop {
            tick.tick().await;
            if let Some(found) = found().await {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), polled).await.unwrap_or_else(|_| panic!("{what}"))
}

async fn create(user: &TestUser<'_>, path: &str, body: Value) -> String {
    let response = user.post(path, body).await;
    assert_eq!(response.status, 201, "{response:?}");
    response.text("id")
}

/// Lists the kinds of notifications in the inbox, newest first.
async fn inbox(user: &TestUser<'_>, query: &str) -> Vec<String> {
    let rows = user.list_all(&format!("{NOTIFICATIONS}?page_size=2{query}")).await;
    rows.iter().map(|row| row["kind"].as_str().expect("a kind").to_owned()).collect()
}

/// A user in the first month, with accounts and categories.
struct Month<'a> {
    system: &'a System,
    ana: TestUser<'a>,
    bank: String,
    card: String,
    second: String,
    /// A category for expenses.
    food: String,
    /// A subcategory of `food`.
    fruit: String,
}

const EMAIL: &str = "first-month@example.com";

impl<'a> Month<'a> {
    /// Creates accounts in three currencies, and the transactions of a month.
    async fn begin(system: &'a System) -> Self {
        let ana = TestUser::new(system, EMAIL).await;
        ana.move_to_noon().await;
        let account = async |name: &str, kind: &str, currency: &str, balance: &str| {
            let body =
                json!({"name": name, "account_type": kind, "currency_code": currency, "balance": balance});
            ana.account(body).await
        };
        let bank = account("Bank", "bank", "USD", "3000").await;
        let card = account("Card", "card", "EUR", "50.00").await;
        let cash = account("Cash", "cash", "JPY", "20000").await;
        let second = account("Second", "bank", "EUR", "0").await;
        let categories = ana.list_all("/api/v1/categories?type=expense").await;
        let food = categories[0]["id"].as_str().expect("an id").to_owned();
        let fruit = json!({"name": "Fruta", "type": "expense", "parent_id": food});
        let fruit = create(&ana, "/api/v1/categories", fruit).await;
        for body in [
            json!({"account_id": bank, "type": "income", "amount": "2500.00", "description": "Salary"}),
            json!({"account_id": bank, "type": "transfer", "amount": "1117.20", "to_account_id": card,
                "to_amount": "1000.00"}),
            json!({"account_id": card, "type": "transfer", "amount": "200", "to_account_id": second}),
        ] {
            create(&ana, TRANSACTIONS, body).await;
        }
        let taxi = json!({"account_id": cash, "type": "expense", "amount": "3500"});
        let taxi = format!("{TRANSACTIONS}/{}", create(&ana, TRANSACTIONS, taxi).await);
        assert_eq!(ana.patch(&taxi, json!({"amount": "3000"})).await.status, 200);
        let mistake = json!({"account_id": bank, "type": "expense", "amount": "999.99"});
        let mistake = format!("{TRANSACTIONS}/{}", create(&ana, TRANSACTIONS, mistake).await);
        assert_eq!(ana.delete(&mistake).await.status, 204);
        for (account, balance) in
            [(&bank, "4382.80"), (&card, "850.00"), (&cash, "17000"), (&second, "200.00")]
        {
            assert_eq!(ana.balance(account).await, balance);
        }
        Self { system, ana, bank, card, second, food, fruit }
    }

    fn emails(&self, kind: &str) -> Vec<String> {
        self.system.mailbox.subjects(kind, EMAIL)
    }

    async fn spend(&self, account: &str, category: &str, amount: &str) -> String {
        let body =
            json!({"account_id": account, "type": "expense", "amount": amount, "category_id": category});
        create(&self.ana, TRANSACTIONS, body).await
    }

    /// A budget passes 80% and 100%: two emails, and no third.
    async fn budget(&self) -> String {
        let Self { ana, bank, card, food, fruit, .. } = self;
        let budget = json!({"name": "Comida", "amount": "100", "category_id": food, "frequency": "monthly"});
        let response = ana.post(BUDGETS, budget).await;
        assert_eq!(
            (response.status, response.headers["etag"].to_str().ok()),
            (201, Some("\"1\"")),
            "{response:?}"
        );
        let budget = format!("{BUDGETS}/{}", response.text("id"));
        assert_eq!(response.headers["location"], budget);
        // An evaluation covers all budgets of a household, so this budget's alert shows that it ran.
        let witness = json!({"name": "Testigo", "amount": "1", "category_ids": [food, fruit],
            "frequency": "yearly", "alert_thresholds": []});
        let witness = format!("{BUDGETS}/{}", create(ana, BUDGETS, witness).await);
        let progress = async || ana.get(&format!("{budget}/progress")).await;
        self.spend(card, food, "79.99").await;
        let early = progress().await;
        assert_eq!((early.text("percent").as_str(), early.text("status").as_str()), ("79.99", "on_track"));
        self.spend(card, fruit, "0.01").await;
        self.system.mailbox.wait("budget_threshold", EMAIL).await;
        assert_eq!(self.emails("budget_threshold"), ["Comida: 80 % del presupuesto gastado"]);
        let expensive = self.spend(card, food, "20.00").await;
        self.system.mailbox.wait("budget_exceeded", EMAIL).await;
        assert_eq!(progress().await.text("status"), "exceeded");
        // A back-dated edit brings it below the limit, then it is exceeded again: no second alert.
        let last_year = json!({"transaction_date": "2025-06-01"});
        assert_eq!(ana.patch(&format!("{TRANSACTIONS}/{expensive}"), last_year).await.status, 200);
        let under = progress().await;
        assert_eq!(
            ["spent", "remaining", "status"].map(|name| under.text(name)),
            ["80.00", "20.00", "warning"].map(str::to_owned)
        );
        self.spend(card, food, "45.00").await;
        let dollars = self.spend(bank, food, "10.00").await;
        let dollars = ana.get(&format!("{TRANSACTIONS}/{dollars}")).await.text("household_amount");
        let cents = |text: &str| text.replace('.', "").parse::<i64>().expect("an amount");
        let spent = progress().await.text("spent");
        assert_eq!(cents(&spent), 12_500 + cents(&dollars), "the pinned household amount counts");
        assert_eq!(ana.patch(&witness, json!({"alert_thresholds": [1000]})).await.status, 200);
        let notified = async || (self.emails("budget_exceeded").len() == 2).then_some(());
        eventually("the alert of the other budget", notified).await;
        let mut exceeded = self.emails("budget_exceeded");
        exceeded.sort();
        assert_eq!(
            exceeded,
            ["Comida: presupuesto agotado (100 %)", "Testigo: presupuesto agotado (1000 %)"]
        );
        assert_eq!(self.emails("budget_threshold").len(), 1);
        assert_eq!(
            inbox(ana, "").await,
            ["budget_exceeded", "budget_exceeded", "budget_threshold", "welcome"]
        );
        budget
    }

    /// Checks a milestone by a transfer, a void, and completion by an earmark.
    ///
    /// The notifications use the user's current language and preferences.
    async fn goal(&self) -> String {
        let Self { ana, bank, card, .. } = self;
        let english = json!({"locale": "en", "notifications": {"goal_reached": {"mail": false}}});
        assert_eq!(ana.patch(PREFERENCES, english).await.status, 200);
        let savings = ana.account(json!({"name": "Savings", "account_type": "bank"})).await;
        let goal = json!({"name": "Boat", "target_amount": "1000.00", "account_id": savings,
            "due_date": "2027-06-30"});
        let goal = format!("{GOALS}/{}", create(ana, GOALS, goal).await);
        let contribute = format!("{goal}/contribute");
        let from_card = ana.post(&contribute, json!({"amount": "300", "account_id": card})).await;
        assert_eq!((from_card.status, from_card.text("status").as_str()), (201, "done"), "{from_card:?}");
        let transfer = ana.get(&format!("{TRANSACTIONS}/{}", from_card.text("transaction_id"))).await;
        assert_eq!((transfer.status, transfer.text("type").as_str()), (200, "transfer"));
        assert_eq!(ana.balance(&savings).await, "300.00");
        self.system.mailbox.wait("goal_milestone", EMAIL).await;
        assert_eq!(self.emails("goal_milestone"), ["Boat: 25% of the way"]);
        let from_bank = ana.post(&contribute, json!({"amount": "100", "account_id": bank})).await;
        assert_eq!((from_bank.status, ana.balance(&savings).await.as_str()), (201, "400.00"), "from dollars");
        let moved = format!("{TRANSACTIONS}/{}", from_bank.text("transaction_id"));
        assert_eq!(ana.delete(&moved).await.status, 204);
        let back = async || (ana.get(&goal).await.text("current_amount") == "300.00").then_some(());
        eventually("the void reduces the goal", back).await;
        let earmark = ana.post(&contribute, json!({"amount": "700.00", "note": "From the drawer"})).await;
        assert_eq!(earmark.status, 201);
        let reached = ana.get(&goal).await;
        assert_eq!(
            (reached.text("status").as_str(), reached.text("percent").as_str()),
            ("completed", "100.00")
        );
        eventually("the notification is in the inbox", async || {
            (inbox(ana, "&unread=true").await.first().map(String::as_str) == Some("goal_reached"))
                .then_some(())
        })
        .await;
        let contributions = ana.list_all(&format!("{goal}/contributions?page_size=1")).await;
        let states: Vec<_> =
            contributions.iter().map(|item| item["status"].as_str().expect("a status")).collect();
        assert_eq!(states, ["done", "voided", "done"]);
        goal
    }

    /// Marks notifications as read; returns the path of the newest one.
    async fn inbox(&self, goal: &str) -> String {
        let ana = &self.ana;
        let newest = ana.get(NOTIFICATIONS).await.body["data"][0].clone();
        let text = |name: &str| newest[name].as_str().expect("a text").to_owned();
        assert_eq!(text("title"), "Boat: goal reached");
        assert_eq!(format!("{GOALS}/{}", text("entity_id")), goal);
        let one = format!("{NOTIFICATIONS}/{}", text("id"));
        assert_eq!(ana.patch(&one, json!({"is_read": true})).await.status, 200);
        assert_eq!(inbox(ana, "&unread=true").await.len(), 5);
        let all = self.system.client.post_as(ana.token(), &format!("{NOTIFICATIONS}/read-all")).await;
        assert_eq!(
            (all.status, inbox(ana, "&unread=true").await.len(), inbox(ana, "").await.len()),
            (204, 0, 6)
        );
        one
    }

    /// Today depends on the time zone: these two zones never have the same date.
    async fn change_timezone_and_back(&self) {
        for (zone, hours) in [("Pacific/Kiritimati", 14), ("Pacific/Pago_Pago", -11)] {
            assert_eq!(self.ana.patch(PREFERENCES, json!({"timezone": zone})).await.status, 200);
            eventually(zone, async || {
                let local_date = (Clock::System.now() + TimeDelta::hours(hours)).date_naive();
                let income = json!({"account_id": self.second, "type": "income", "amount": "1"});
                let recorded = self.ana.post(TRANSACTIONS, income).await;
                (recorded.text("transaction_date") == local_date.to_string()).then_some(())
            })
            .await;
        }
    }
}

pub async fn a_users_first_month(system: &System) {
    let month = Month::begin(system).await;
    let budget = month.budget().await;
    let goal = month.goal().await;
    let notification = month.inbox(&goal).await;
    month.change_timezone_and_back().await;
    let ana = &month.ana;
    let walked = ana.list_all(&format!("{TRANSACTIONS}?page_size=3")).await;
    let ids: BTreeSet<_> = walked.iter().map(|row| row["id"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), walked.len(), "pages contain each row exactly once");
    other_households_see_nothing(&month, &budget, &goal, &notification).await;
    assert_eq!(ana.delete(&budget).await.status, 204);
    assert_eq!(ana.delete(&goal).await.status, 204);
    assert_eq!((ana.list_all(BUDGETS).await.len(), ana.list_all(GOALS).await.len()), (1, 0));
    assert!(month.emails("goal_reached").is_empty(), "emails of this kind are disabled");
    assert_eq!(month.emails("goal_milestone").len(), 1);
    the_link_in_an_email_unsubscribes_from_its_kind(system, ana).await;
}

/// Checks that the linked page acts only on its button.
///
/// An email client sends the button's request itself (RFC 8058).
async fn the_link_in_an_email_unsubscribes_from_its_kind(system: &System, ana: &TestUser<'_>) {
    let message = system.mailbox.wait("goal_milestone", EMAIL).await;
    let (_, link) = message.text.split_once("http://gateway.example/unsubscribe").expect("a link");
    let path = format!("/unsubscribe{}", link.split_whitespace().next().expect("a token"));
    let emails = async || {
        ana.get("/api/v1/users/me/preferences").await.body["notifications"]["goal_milestone"]["mail"].clone()
    };
    let (status, page) = system.client.page(system.client.request(Method::GET, &path)).await;
    assert!(status == 200 && page.contains("<button"), "{page}");
    assert_eq!(emails().await, true, "opening the link changes nothing");
    let press = |path: &str| {
        let request = system.client.request(Method::POST, path);
        let form = "application/x-www-form-urlencoded";
        request.header("content-type", form).body("List-Unsubscribe=One-Click")
    };
    assert_eq!(system.client.page(press(&path)).await.0, 200);
    assert_eq!(emails().await, false);
    let (status, page) = system.client.page(press(&format!("{path}x"))).await;
    assert!((400..500).contains(&status) && page.contains("FinTrac"), "{page}");
}

async fn other_households_see_nothing(month: &Month<'_>, budget: &str, goal: &str, notification: &str) {
    let bob = TestUser::new(month.system, "second-month@example.com").await;
    for path in [budget, &format!("{budget}/progress"), goal, &format!("{goal}/contributions")] {
        assert_eq!(bob.get(path).await.status, 404, "{path}");
    }
    assert_eq!(bob.post(&format!("{goal}/contribute"), json!({"amount": "1"})).await.status, 404);
    assert_eq!(bob.patch(notification, json!({"is_read": true})).await.status, 404);
    assert_eq!(bob.patch(budget, json!({"name": "Mine"})).await.status, 404);
    assert_eq!(bob.patch(goal, json!({"name": "Mine"})).await.status, 404);
    assert_eq!(bob.delete(budget).await.status, 404);
    assert_eq!(bob.delete(goal).await.status, 404);
    let code =
        |response: &ApiResponse| response.body["errors"][0]["code"].as_str().unwrap_or_default().to_owned();
    let food = json!({"name": "x", "amount": "1", "category_id": month.food, "frequency": "weekly"});
    let rejected = bob.post(BUDGETS, food).await;
    assert_eq!((rejected.status, code(&rejected).as_str()), (422, "CATEGORY_NOT_FOUND"));
    let rejected =
        bob.post(GOALS, json!({"name": "x", "target_amount": "1", "account_id": month.card})).await;
    assert_eq!((rejected.status, code(&rejected).as_str()), (422, "ACCOUNT_NOT_FOUND"));
    for list in [BUDGETS, GOALS, ACCOUNTS] {
        assert!(bob.list_all(list).await.is_empty(), "{list}");
    }
    eventually("the welcome notification", async || (inbox(&bob, "").await == ["welcome"]).then_some(()))
        .await;
}

pub async fn every_invalid_field_is_named(system: &System) {
    let ana = TestUser::new(system, "wrong-budget@example.com").await;
    let fields = |response: &ApiResponse| -> Vec<String> {
        let errors = response.body["errors"].as_array().cloned().unwrap_or_default();
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        errors.iter().map(|item| format!("{} {}", text(item, "field"), text(item, "code"))).collect()
    };
    let food = ana.list_all("/api/v1/categories?type=expense").await[0]["id"].clone();
    let good = json!({"name": "Food", "amount": 100, "category_id": food, "frequency": "weekly"});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (body, status, expected) in [
        (
            json!({}),
            422,
            vec!["name REQUIRED", "amount REQUIRED", "category_id REQUIRED", "frequency REQUIRED"],
        ),
        (with("amount", json!("1e3")), 422, vec!["amount AMOUNT_INVALID"]),
        (with("amount", json!(true)), 400, vec!["amount WRONG_TYPE"]),
        (with("frequency", json!("daily")), 422, vec!["frequency FREQUENCY_INVALID"]),
        (with("alert_thresholds", json!([0])), 422, vec!["alert_thresholds[0] THRESHOLD_INVALID"]),
        (with("alert_thresholds", json!("80")), 400, vec!["alert_thresholds WRONG_TYPE"]),
        (with("category_ids", json!([food])), 422, vec!["category_id CONFLICTING"]),
        (with("end_date", json!("2020-01-01")), 422, vec!["end_date DATE_TOO_EARLY"]),
        (with("rollover", json!("some")), 422, vec!["rollover ROLLOVER_INVALID"]),
        (with("rollovers", json!("none")), 400, vec!["rollovers UNKNOWN_FIELD"]),
    ] {
        let response = ana.post(BUDGETS, body.clone()).await;
        let expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!((response.status, fields(&response)), (status, expected), "{body}");
    }
    let budget = format!("{BUDGETS}/{}", create(&ana, BUDGETS, good.clone()).await);
    for (body, status, expected) in [
        (json!({"name": null}), 400, "name WRONG_TYPE"),
        (json!({"frequency": "monthly"}), 422, "frequency FIELD_IMMUTABLE"),
        (json!({"currency_code": "USD"}), 422, "currency_code CURRENCY_IMMUTABLE"),
    ] {
        let response = ana.patch(&budget, body).await;
        assert_eq!((response.status, fields(&response)), (status, vec![expected.to_owned()]));
    }
    assert_eq!(fields(&ana.get(&format!("{budget}/progress?date=x")).await), ["date PARAMETER_INVALID"]);
    assert_eq!(fields(&ana.get(&format!("{NOTIFICATIONS}?unread=x")).await), ["unread PARAMETER_INVALID"]);
    let goal = format!("{GOALS}/{}", create(&ana, GOALS, json!({"name": "Boat", "target_amount": 5})).await);
    let more = ana.post(&format!("{goal}/withdraw"), json!({"amount": "1"})).await;
    assert_eq!((more.status, fields(&more)), (422, vec!["amount GOAL_AMOUNT_EXCEEDED".to_owned()]));
    assert_eq!(ana.patch(&goal, json!({"status": "cancelled"})).await.status, 200);
    let cancelled = ana.post(&format!("{goal}/contribute"), json!({"amount": "1"})).await;
    assert_eq!((cancelled.status, cancelled.code()), (409, "GOAL_CANCELLED"));
    assert_eq!(ana.patch(&goal, json!({"status": "active"})).await.status, 200);
    let card = ana.account(json!({"name": "Card", "account_type": "card"})).await;
    let unlinked = ana.post(&format!("{goal}/contribute"), json!({"amount": "1", "account_id": card})).await;
    assert_eq!((unlinked.status, fields(&unlinked)), (422, vec!["account_id CONFLICTING".to_owned()]));
    let mismatch = ana.account(json!({"name": "Yen", "account_type": "cash", "currency_code": "JPY"})).await;
    let mismatch = ana.patch(&goal, json!({"account_id": mismatch})).await;
    assert_eq!((mismatch.status, fields(&mismatch)), (422, vec!["account_id CURRENCY_MISMATCH".to_owned()]));
    for (body, status, expected) in [
        (
            json!({"notifications": {"welcome": {"mail": false}}}),
            422,
            "notifications.welcome NOTIFICATION_KIND_INVALID",
        ),
        (json!({"notifications": {"goal_reached": true}}), 400, "notifications.goal_reached WRONG_TYPE"),
        (json!({"locale": "xx"}), 422, "locale LOCALE_INVALID"),
        (json!({"theme": null}), 400, "theme WRONG_TYPE"),
    ] {
        let response = ana.patch(PREFERENCES, body).await;
        assert_eq!((response.status, fields(&response)), (status, vec![expected.to_owned()]));
    }
    let preferences = ana.get(PREFERENCES).await;
    assert_eq!((preferences.status, preferences.headers["etag"].to_str().ok()), (200, Some("\"1\"")));
    assert_eq!(preferences.body["notifications"]["goal_reached"], json!({"mail": true, "inbox": true}));
}

pub async fn clients_read_budgets_by_grpc(system: &System) {
    let ana = TestUser::new(system, "grpc-budget@example.com").await;
    let food = ana.list_all("/api/v1/categories?type=expense").await[0]["id"].clone();
    let body = json!({"name": "Food", "amount": 100, "category_id": food, "frequency": "weekly"});
    let budget_id = create(&ana, BUDGETS, body).await;
    let channel = tonic::transport::Channel::from_shared(system.budget_grpc.clone()).expect("a URL");
    let mut client = BudgetServiceClient::new(channel.connect().await.expect("connected"));
    let mut request = Request::new(pb::GetBudgetRequest { budget_id: budget_id.clone() });
    let bearer = format!("Bearer {}", ana.token()).parse().expect("metadata");
    request.metadata_mut().insert("authorization", bearer);
    let budget = client.get_budget(request).await.expect("the budget").into_inner().budget.expect("a budget");
    assert_eq!((budget.id, budget.amount.as_str()), (budget_id.clone(), "100.00"));
    let anonymous = client.get_budget(pb::GetBudgetRequest { budget_id }).await.expect_err("no token");
    assert_eq!(anonymous.code(), Code::Unauthenticated);
}
