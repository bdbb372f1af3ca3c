//! Tests spending in many budgets while budget-svc and notify-svc are killed.
//!
//! The alerts match a plain model, and each notification is sent once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fintrac_tests::client::Client;
use fintrac_tests::events::Stream;
use fintrac_tests::system::{Layout, Settings, System};
use futures::future::join_all;
use kit_core::random::Random;
use serde_json::json;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::sync::watch;

use crate::BINARY;
use crate::support::{TestUser, elapse};

const USERS: usize = 10;
const BUDGETS_EACH: usize = 20;
const CATEGORIES_EACH: usize = 12;
const TRANSACTIONS: usize = 10_000;
const KILLS: usize = 10;
const WORKERS: usize = 16;

/// A user's token, account and categories.
struct SpendingUser {
    token: String,
    account: String,
    categories: Vec<String>,
}

/// A budget of the model; amounts in cents.
struct WatchedBudget {
    id: String,
    owner: usize,
    categories: BTreeSet<usize>,
    thresholds: Vec<i64>,
    limit: i64,
}

/// An expense: owner, category, cents.
type Expense = (usize, usize, i64);

/// Budget, threshold, and the limit of the period.
type FiredAlerts = BTreeSet<(String, i64, i64)>;

/// The number of live event readers that disconnect and resume.
const READERS: usize = 50;

/// A reader: whose events it reads, and those that it received, by id.
struct Reader {
    owner: usize,
    received: Vec<(i64, String)>,
}

impl Reader {
    /// Reads until stopped and up to event `until`, with random disconnects.
    async fn read(
        &mut self,
        client: &Client,
        token: &str,
        until: &watch::Receiver<Option<Vec<i64>>>,
        random: &Random,
    ) {
        let mut until = until.clone();
        let mut after = "0".to_owned();
        loop {
            let end = until.borrow_and_update().as_ref().map(|ends| ends[self.owner]);
            if end.is_some_and(|end| self.received.last().is_some_and(|(id, _)| *id >= end)) {
                return;
            }
            // notify-svc may be down.
            let Ok(mut stream) = Stream::open(client, token, Some(&after)).await else {
                elapse(Duration::from_millis(50)).await;
                continue;
            };
            for _ in 0..=random_below(random, 400) {
                let event = tokio::select! {
                    event = stream.next() => event,
                    _changed = until.changed() => break,
                };
                let Some(event) = event else { break };
                if !event.id.is_empty() {
                    after.clone_from(&event.id);
                }
                if !event.name.is_empty() {
                    self.received.push((event.id.parse().expect("a number"), event.name));
                }
                if end.is_some_and(|end| self.received.last().is_some_and(|(id, _)| *id >= end)) {
                    return;
                }
            }
        }
    }
}

/// A random number below `end`.
fn random_below(random: &Random, end: usize) -> usize {
    usize::try_from(u64::from_le_bytes(random.bytes())).expect("64 bits") % end
}

fn cents(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

async fn spender(system: &System, number: usize) -> SpendingUser {
    let user = TestUser::new(system, &format!("storm{number}@example.com")).await;
    user.move_to_noon().await;
    let account = user.account(json!({"name": "Card", "account_type": "card"})).await;
    let mut categories = Vec::new();
    for name in 0..CATEGORIES_EACH {
        let body = json!({"name": format!("C{name}"), "type": "expense"});
        categories.push(user.post("/api/v1/categories", body).await.text("id"));
    }
    SpendingUser { token: user.token().to_owned(), account, categories }
}

async fn budget(system: &System, spenders: &[SpendingUser], owner: usize, random: &Random) -> WatchedBudget {
    let user = TestUser::with_existing_token(system, &spenders[owner].token);
    let categories: BTreeSet<_> =
        (0..=random_below(random, 3)).map(|_| random_below(random, CATEGORIES_EACH)).collect();
    let thresholds: BTreeSet<_> =
        (0..=random_below(random, 3)).map(|_| [25, 50, 80, 100, 150][random_below(random, 5)]).collect();
    let thresholds: Vec<i64> = thresholds.into_iter().collect();
    let limit = 5_000 + i64::try_from(random_below(random, 150_000)).expect("small");
    let frequency = ["weekly", "monthly", "quarterly", "yearly"][random_below(random, 4)];
    let ids: Vec<_> = categories.iter().map(|index| &spenders[owner].categories[*index]).collect();
    let body = json!({"name": "B", "amount": cents(limit), "category_ids": ids, "frequency": frequency,
        "alert_thresholds": thresholds});
    let made = user.post("/api/v1/budgets", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    WatchedBudget { id: made.text("id"), owner, categories, thresholds, limit }
}

/// Posts the expenses with many workers while services are killed.
async fn storm(system: &mut System, spenders: &[SpendingUser], expenses: &[Expense], random: &Random) {
    let client = system.client.clone();
    let share = expenses.len().div_ceil(WORKERS);
    let workers = expenses.chunks(share).map(async |expenses| {
        for (owner, category, minor) in expenses {
            let SpendingUser { token, account, categories } = &spenders[*owner];
            let body = json!({"account_id": account, "type": "expense", "amount": cents(*minor),
                "category_id": categories[*category]});
            let response = client.post_json_as(token, "/api/v1/transactions", body).await;
            assert_eq!(response.status, 201, "{response:?}");
        }
    });
    let killing = async {
        for round in 0..KILLS / 2 {
            elapse(Duration::from_millis(300 + u64::try_from(random_below(random, 900)).expect("small")))
                .await;
            for service in [["budget", "notify"][round % 2], ["notify", "budget"][random_below(random, 2)]] {
                system.kill_service(service).await;
                system.restart_service(service);
            }
        }
    };
    tokio::join!(join_all(workers), killing);
    system.wait_until_ready().await;
}

/// Waits until all events are processed and all emails are sent.
async fn wait_until_processed(database: &mut PgConnection) {
    let read = |reader: &str, source: &str| {
        format!(
            "not exists (select from {source}.events e, {reader}.event_cursors c where c.source = '{source}'
             and (e.epoch, e.transaction_id::text::bigint, e.position) > (c.epoch, c.transaction_id, c.position))"
        )
    };
    let sql = format!(
        "select {} and {} and {} and not exists (select from budget.jobs where queue = 'budget-evaluations')
         and not exists (select from notify.emails where state = 'pending')",
        read("budget", "ledger"),
        read("notify", "budget"),
        read("notify", "ledger"),
    );
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let processed = async {
        loop {
            tick.tick().await;
            let row = sqlx::query(sqlx::AssertSqlSafe(sql.clone())).fetch_one(&mut *database).await;
            if row.expect("query").get::<bool, _>(0) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(2), processed).await.expect("everything is processed");
}

/// Computes the alerts that must fire for `spent` (by owner and category).
fn model(budgets: &[WatchedBudget], spent: &BTreeMap<(usize, usize), i64>) -> FiredAlerts {
    let mut fired = FiredAlerts::new();
    for budget in budgets {
        let sum: i64 =
            budget.categories.iter().filter_map(|category| spent.get(&(budget.owner, *category))).sum();
        for threshold in budget.thresholds.iter().filter(|percent| sum * 100 >= **percent * budget.limit) {
            fired.insert((budget.id.clone(), *threshold, budget.limit));
        }
    }
    fired
}

async fn rows(database: &mut PgConnection, sql: &str) -> Vec<sqlx::postgres::PgRow> {
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(database).await.expect("query")
}

type ReaderTasks = Vec<tokio::task::JoinHandle<Reader>>;

fn start_readers(
    system: &System,
    spenders: &[SpendingUser],
) -> (watch::Sender<Option<Vec<i64>>>, ReaderTasks) {
    let (until, ends) = watch::channel(None);
    let reader = |number: usize| {
        let owner = number % spenders.len();
        let (client, token, ends) = (system.client.clone(), spenders[owner].token.clone(), ends.clone());
        tokio::spawn(async move {
            let mut reader = Reader { owner, received: Vec::new() };
            let random = Random::seeded(u64::try_from(1000 + number).expect("small"));
            reader.read(&client, &token, &ends, &random).await;
            reader
        })
    };
    (until, (0..READERS).map(reader).collect())
}

/// Checks that each reader received every event of the household once, in order.
async fn read_everything(
    system: &System,
    database: &mut PgConnection,
    spenders: &[SpendingUser],
    until: watch::Sender<Option<Vec<i64>>>,
    reading: ReaderTasks,
) {
    let mut histories = Vec::new();
    for spender in spenders {
        let me =
            TestUser::with_existing_token(system, &spender.token).get("/api/v1/users/me").await.text("id");
        let sql = format!(
            "select seq, entity from notify.changes where seq is not null and household_id = (
                 select household_id from notify.changes where user_id = '{me}' and seq is not null limit 1)
             order by seq"
        );
        let history = rows(database, &sql).await;
        histories.push(
            history.iter().map(|row| (row.get::<i64, _>(0), row.get::<String, _>(1))).collect::<Vec<_>>(),
        );
    }
    let ends = histories.iter().map(|history| history.last().expect("entries").0).collect();
    until.send(Some(ends)).expect("readers");
    let all = tokio::time::timeout(Duration::from_mins(2), join_all(reading))
        .await
        .expect("the readers reach the end");
    for reader in all {
        let Reader { owner, received } = reader.expect("no panic");
        assert!(histories[owner].len() > 500, "{} events", histories[owner].len());
        assert_eq!(received, histories[owner], "each event once");
    }
}

pub async fn alerts_fired_in_a_storm_match_a_plain_model() {
    let environment = vec![("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "1440".to_owned())];
    let settings = Settings { environment, ..Settings::default() };
    let mut system = System::start_with(BINARY, Layout::FiveProcesses, settings).await;
    let random = Random::seeded(21);
    let mut spenders = Vec::new();
    for number in 0..USERS {
        spenders.push(spender(&system, number).await);
    }
    let mut budgets = Vec::new();
    for owner in 0..USERS {
        for _ in 0..BUDGETS_EACH {
            budgets.push(budget(&system, &spenders, owner, &random).await);
        }
    }
    let expenses: Vec<Expense> = (0..TRANSACTIONS)
        .map(|_| {
            let minor = 1 + i64::try_from(random_below(&random, 2_000)).expect("small");
            (random_below(&random, USERS), random_below(&random, CATEGORIES_EACH), minor)
        })
        .collect();
    let mut database = PgConnection::connect(&system.database_url()).await.expect("connected");
    let (until, reading) = start_readers(&system, &spenders);
    let (mut spent, mut expected) = (BTreeMap::new(), FiredAlerts::new());
    for half in expenses.chunks(TRANSACTIONS / 2) {
        storm(&mut system, &spenders, half, &random).await;
        wait_until_processed(&mut database).await;
        for (owner, category, minor) in half {
            *spent.entry((*owner, *category)).or_default() += minor;
        }
        expected.extend(model(&budgets, &spent));
        // From here on, some limits are lower and some higher.
        for budget in budgets.iter_mut().step_by(3) {
            budget.limit = budget.limit * [1, 3][random_below(&random, 2)] / 2;
            let user = TestUser::with_existing_token(&system, &spenders[budget.owner].token);
            let path = format!("/api/v1/budgets/{}", budget.id);
            let changed = user.patch(&path, json!({"amount": cents(budget.limit)})).await;
            assert_eq!(changed.status, 200, "{changed:?}");
        }
        wait_until_processed(&mut database).await;
        expected.extend(model(&budgets, &spent));
    }

    read_everything(&system, &mut database, &spenders, until, reading).await;

    let fired = rows(&mut database, "select budget_id::text, threshold::bigint, amount from budget.alerts");
    let fired: Vec<_> = fired
        .await
        .iter()
        .map(|row| (row.get::<String, _>(0), row.get::<i64, _>(1), row.get::<i64, _>(2)))
        .collect();
    assert_eq!(fired.iter().cloned().collect::<FiredAlerts>(), expected);
    assert_eq!(fired.len(), expected.len(), "each alert once");
    assert!(expected.len() > 200, "enough alerts: {}", expected.len());

    let missing = rows(
        &mut database,
        "select from budget.alerts a where not is_notified and threshold = (
             select max(threshold) from budget.alerts b
             where (a.budget_id, a.period_start, a.amount) = (b.budget_id, b.period_start, b.amount))",
    );
    assert_eq!(missing.await.len(), 0, "the highest threshold of each period and limit notified");
    let notified = rows(
        &mut database,
        "select count(e.id), count(n.id), count(m.id) from budget.alerts a
         left join budget.events e on e.entity = 'alert' and e.entity_id = a.id
         left join notify.notifications n on n.event_id = e.id
         left join notify.emails m on m.event_id = e.id and m.state = 'sent'
         where is_notified group by a.id",
    );
    let notified = notified.await;
    for row in &notified {
        let counts = [0, 1, 2].map(|column| row.get::<i64, _>(column));
        assert_eq!(counts, [1, 1, 1], "one event, notification and email per alert");
    }
    let count = rows(&mut database, "select count(*) from notify.emails where kind like 'budget%'").await;
    assert_eq!(usize::try_from(count[0].get::<i64, _>(0)).expect("a count"), notified.len());
    let files: usize = ["budget_threshold", "budget_exceeded"]
        .iter()
        .flat_map(|kind| {
            (0..USERS)
                .map(|number| system.mailbox.subjects(kind, &format!("storm{number}@example.com")).len())
        })
        .sum();
    // After its sender was killed, an email may be sent again to the same file.
    assert_eq!(files, notified.len(), "each email arrived");
    let dead = rows(
        &mut database,
        "select from budget.event_dead_letters union all select from notify.event_dead_letters",
    );
    assert!(dead.await.is_empty());
    assert!(system.verify().await, "every invariant of the ledger holds");
}
