//! Verifies the final state, once all faults have ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use fintrac_tests::events::Stream;
use fintrac_tests::system::System;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::bank::{Customer, LIMIT, OPENING, cents};
use crate::fault_injector::pause;

/// The time within which all events must be processed.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(1);
const EDGES: [(&str, &str); 6] = [
    ("ledger", "auth"),
    ("budget", "auth"),
    ("budget", "ledger"),
    ("notify", "auth"),
    ("notify", "ledger"),
    ("notify", "budget"),
];

pub async fn verify(system: &System, bank: &[Customer]) -> anyhow::Result<()> {
    let mut database = PgConnection::connect(&system.database_url()).await?;
    tokio::time::timeout(SETTLE_TIMEOUT, wait_until_processed(&mut database))
        .await
        .context("some events were not processed")??;
    for customer in bank {
        check_balances(system, customer).await?;
        check_live_events(system, customer).await?;
    }
    check_alerts(&mut database, bank).await?;
    check_references(&mut database).await?;
    for service in ["ledger", "budget", "notify"] {
        let sql = format!("select count(*) from {service}.event_dead_letters");
        let dead: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut database).await?;
        ensure!(dead == 0, "{service} has {dead} dead letters");
    }
    let deadlocks = system.deadlocks();
    ensure!(deadlocks == 0, "PostgreSQL detected {deadlocks} deadlocks");
    ensure!(system.verify().await, "an invariant of the ledger is violated");
    Ok(())
}

/// Waits until all events are processed and all evaluations are done.
async fn wait_until_processed(database: &mut PgConnection) -> anyhow::Result<()> {
    let behind = EDGES.map(|(reader, source)| {
        format!(
            "exists (select from {source}.events e, {reader}.event_cursors c where c.source = '{source}'
             and (e.epoch, e.transaction_id::text::bigint, e.position) > (c.epoch, c.transaction_id, c.position))"
        )
    });
    let sql = format!(
        "select not ({} or exists (select from budget.jobs where queue = 'budget-evaluations'))",
        behind.join(" or ")
    );
    loop {
        let settled: bool =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql.clone())).fetch_one(&mut *database).await?;
        if settled {
            return Ok(());
        }
        pause(Duration::from_millis(100)).await;
    }
}

/// Checks balances and transactions against the model; each exists exactly once.
async fn check_balances(system: &System, customer: &Customer) -> anyhow::Result<()> {
    for (account, moved) in customer.accounts.iter().zip(&customer.moved) {
        let balance = cents(OPENING + moved);
        let response = system.client.get_as(&customer.token, &format!("/api/v1/accounts/{account}")).await;
        ensure!(
            response.text("balance") == balance,
            "{account} has {}, not {balance}",
            response.text("balance")
        );
    }
    let mut seen = BTreeMap::new();
    for status in ["posted", "voided"] {
        for row in
            walk(system, customer, &format!("/api/v1/transactions?page_size=200&status={status}")).await
        {
            let amount = row["amount"].as_str().unwrap_or_default().to_owned();
            let id = row["id"].as_str().unwrap_or_default().to_owned();
            if row["type"] != "opening" {
                ensure!(seen.insert(id.clone(), (status, amount)).is_none(), "{id} exists twice");
            }
        }
    }
    for (id, entry) in &customer.entries {
        let (status, amount) =
            seen.remove(id).with_context(|| format!("{id} was acknowledged and is missing"))?;
        let expected = if entry.is_voided { "voided" } else { "posted" };
        ensure!(
            (status, &*amount) == (expected, &*cents(entry.cents)),
            "{id} is {status} {amount}: {entry:?}"
        );
    }
    for id in &customer.others {
        ensure!(
            seen.remove(id).is_some_and(|(status, _)| status == "posted"),
            "{id} was acknowledged and is missing"
        );
    }
    ensure!(seen.is_empty(), "unacknowledged transactions exist: {seen:?}");
    Ok(())
}

async fn walk(system: &System, customer: &Customer, path: &str) -> Vec<Value> {
    let (mut rows, mut next) = (Vec::new(), path.to_owned());
    loop {
        let mut page = system.client.get_as(&customer.token, &next).await.body;
        rows.extend(page["data"].as_array_mut().into_iter().flatten().map(Value::take));
        match page["next_page_token"].as_str() {
            Some(token) => next = format!("{path}&page_token={token}"),
            None => return rows,
        }
    }
}

/// Checks that the live events contain every transaction.
async fn check_live_events(system: &System, customer: &Customer) -> anyhow::Result<()> {
    let mut missing: BTreeSet<_> = customer.entries.keys().chain(&customer.others).cloned().collect();
    let opened = Stream::open(&system.client, &customer.token, Some("0")).await;
    let mut stream = opened.map_err(|status| anyhow::anyhow!("no stream: {status}"))?;
    let mut last = 0;
    let reading = async {
        while !missing.is_empty() {
            let event = stream.next().await.context("the stream ended")?;
            if event.name.is_empty() {
                continue;
            }
            let id: i64 = event.id.parse()?;
            ensure!(id > last, "event {id} after {last}");
            last = id;
            let data: Value = serde_json::from_str(&event.data)?;
            missing.remove(data["id"].as_str().unwrap_or_default());
        }
        Ok(())
    };
    let read = tokio::time::timeout(SETTLE_TIMEOUT, reading).await;
    read.with_context(|| format!("{} transactions have no live event", missing.len()))?
}

/// Checks that exactly the passed thresholds fired, and each alert notified once.
async fn check_alerts(database: &mut PgConnection, bank: &[Customer]) -> anyhow::Result<()> {
    let mut expected = BTreeMap::new();
    for customer in bank {
        for threshold in [5, 10, 20, 40, 80, 100] {
            if customer.watched_spent * 100 >= LIMIT * threshold {
                *expected.entry(threshold).or_insert(0_i64) += 1;
            }
        }
    }
    let fired = sqlx::query("select threshold::bigint, count(*) from budget.alerts group by 1")
        .fetch_all(&mut *database)
        .await?;
    let fired: BTreeMap<i64, i64> = fired.iter().map(|row| (row.get(0), row.get(1))).collect();
    ensure!(fired == expected, "thresholds fired: {fired:?}, expected: {expected:?}");
    let notified = sqlx::query(
        "select count(n.id) from budget.alerts a
         left join budget.events e on e.entity = 'alert' and e.entity_id = a.id
         left join notify.notifications n on n.event_id = e.id
         where is_notified group by a.id",
    )
    .fetch_all(database)
    .await?;
    ensure!(notified.iter().all(|row| row.get::<i64, _>(0) == 1), "an alert was not notified once");
    Ok(())
}

/// The categories of live budgets, with what they were merged into.
const NAMED: &str = "
    with named as (
        select b.household_id, b.id as budget_id, c.deleted_at, c.merged_into, coalesce(c.merged_into, n.id) as live_id,
            exists (
                select from budget.category_reference_updates u
                where u.household_id = b.household_id and u.budget_id = b.id) as is_pending
        from budget.budgets b
        cross join lateral (
            select category_ids from budget.budget_terms t
            where t.household_id = b.household_id and t.budget_id = b.id order by valid_from desc limit 1) t
        cross join unnest(t.category_ids) as n (id)
        left join ledger.categories c on c.household_id = b.household_id and c.id = n.id
        where b.deleted_at is null)";

/// Checks that the categories of budgets exist and that the ledger knows them.
async fn check_references(database: &mut PgConnection) -> anyhow::Result<()> {
    for (problem, condition) in [
        ("budgets refer to deleted categories", "from named where deleted_at is not null and merged_into is null"),
        ("budgets refer to merged categories", "from named where merged_into is not null and not is_pending"),
        (
            "categories of budgets are not referenced",
            "from named where not exists (
                 select from ledger.category_references r
                 where r.household_id = named.household_id and r.entity_id = budget_id and r.category_id = live_id)",
        ),
        (
            "references belong to no budget",
            "from ledger.category_references r where not exists (
                 select from named where named.household_id = r.household_id and budget_id = r.entity_id
                     and live_id = r.category_id)
             and not exists (
                 select from budget.category_reference_updates u
                 where u.household_id = r.household_id and u.budget_id = r.entity_id)",
        ),
    ] {
        let sql = format!("{NAMED} select count(*) {condition}");
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut *database).await?;
        ensure!(count == 0, "{count} {problem}");
    }
    Ok(())
}
