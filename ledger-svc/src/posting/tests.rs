//! Compares random batches on a real database with a simple reference model.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta};
use fintrac_money::{Currency, Household};
use kit_access::caller::RequestOrigin;
use kit_access::credential::ServiceKeys;
use kit_access::token_verifier::{TokenVerifier, TokenVerifierConfig};
use kit_access::{Principal, RequestContext};
use kit_core::clock::Clock;
use kit_core::error::ProblemCode;
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_service::module::ServiceDependencies;
use kit_service::use_case::WriteContext;
use kit_testing::TestDatabase;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::writer::Writer;
use super::{CommandSet, Submission};
use crate::domain::account::{AccountChanges, AccountInput};
use crate::domain::posting::tests::{account_change, transaction_change};
use crate::domain::posting::{Command, CommandKind, Outcome, Rejection};
use crate::domain::transaction::TransactionInput;
use crate::error::Error;
use crate::store;

const ACCOUNTS: usize = 5;
const ROUNDS: usize = 20;

/// An account of the model, with amounts in minor units.
#[derive(Clone)]
struct ModelAccount {
    id: Uuid,
    currency: &'static str,
    balance: i64,
    /// The balance including transactions dated after today.
    projected: i64,
    is_active: bool,
}

/// A transaction of the model, with amounts in minor units.
#[derive(Clone)]
struct ModelTransaction {
    kind: &'static str,
    account: usize,
    to: Option<usize>,
    amount: i64,
    to_amount: i64,
    /// Whether it is dated after today.
    is_later: bool,
    is_posted: bool,
}

#[derive(Default, Clone)]
struct Model {
    accounts: Vec<ModelAccount>,
    transactions: HashMap<Uuid, ModelTransaction>,
}

/// An action of a user.
#[derive(Clone)]
enum Step {
    Create(ModelTransaction),
    Amount {
        transaction_id: Uuid,
        amount: i64,
    },
    Void(Uuid),
    Restore(Uuid),
    /// Actions in one commit, each with the id of the transaction that it creates.
    Bulk {
        is_atomic: bool,
        acts: Vec<(Step, Uuid)>,
    },
    Balance {
        account: usize,
        balance: i64,
    },
    Active {
        account: usize,
        is_active: bool,
    },
}

impl ModelTransaction {
    /// Applies the transaction `times` times to the balances.
    fn apply(&self, accounts: &mut [ModelAccount], times: i64) {
        let sign = if self.kind == "income" { 1 } else { -1 };
        let mut add = |account: usize, amount: i64| {
            accounts[account].projected += amount;
            if !self.is_later {
                accounts[account].balance += amount;
            }
        };
        add(self.account, times * sign * self.amount);
        if let Some(to) = self.to {
            add(to, times * self.to_amount);
        }
    }

    fn is_open(&self, accounts: &[ModelAccount]) -> bool {
        accounts[self.account].is_active && self.to.is_none_or(|to| accounts[to].is_active)
    }
}

impl Model {
    /// Applies an action; returns its result, or the results of each action of a bulk.
    fn apply(&mut self, act: &Step, made: Uuid) -> Vec<Result<(), &'static str>> {
        let Step::Bulk { is_atomic, acts } = act else { return vec![self.apply_one(act, made)] };
        let before = self.clone();
        let results: Vec<_> = acts.iter().map(|(act, made)| self.apply_one(act, *made)).collect();
        if *is_atomic && results.iter().any(Result::is_err) {
            *self = before;
            return vec![Err("invalid")];
        }
        results
    }

    fn apply_one(&mut self, act: &Step, made: Uuid) -> Result<(), &'static str> {
        match act {
            Step::Create(transaction) => {
                if transaction.to == Some(transaction.account) {
                    return Err("invalid");
                }
                if !transaction.is_open(&self.accounts) {
                    return Err("closed");
                }
                transaction.apply(&mut self.accounts, 1);
                self.transactions.insert(made, transaction.clone());
            }
            Step::Amount { transaction_id, amount } => {
                let transaction = self.transactions.get_mut(transaction_id).ok_or("missing")?;
                if !transaction.is_posted {
                    return Err("voided");
                }
                if transaction.amount == *amount {
                    return Ok(());
                }
                // A cross-currency transfer would also need its `to_amount`.
                let crosses = transaction.to.is_some_and(|to| {
                    self.accounts[to].currency != self.accounts[transaction.account].currency
                });
                if crosses {
                    return Err("invalid");
                }
                if !transaction.is_open(&self.accounts) {
                    return Err("closed");
                }
                transaction.apply(&mut self.accounts, -1);
                (transaction.amount, transaction.to_amount) = (*amount, *amount);
                transaction.apply(&mut self.accounts, 1);
            }
            Step::Void(transaction_id) => {
                let transaction = self.transactions.get_mut(transaction_id).ok_or("missing")?;
                if !transaction.is_posted {
                    return Ok(());
                }
                transaction.apply(&mut self.accounts, -1);
                transaction.is_posted = false;
            }
            Step::Restore(transaction_id) => {
                let transaction = self.transactions.get_mut(transaction_id).ok_or("missing")?;
                if transaction.is_posted {
                    return Ok(());
                }
                transaction.apply(&mut self.accounts, 1);
                transaction.is_posted = true;
            }
            Step::Bulk { .. } => unreachable!("bulks are expanded by the caller"),
            Step::Balance { account, balance } => {
                let account = &mut self.accounts[*account];
                if account.balance != *balance && !account.is_active {
                    return Err("closed");
                }
                account.projected += balance - account.balance;
                account.balance = *balance;
            }
            Step::Active { account, is_active } => self.accounts[*account].is_active = *is_active,
        }
        Ok(())
    }

    fn command_kind(&self, act: &Step) -> CommandKind {
        let text = |account: usize, minor: i64| {
            let currency = Currency::from_code(self.accounts[account].currency).expect("a currency");
            fintrac_money::Money::new(minor, currency).to_string()
        };
        let change = |account: usize, changes| CommandKind::ChangeAccount {
            account_id: self.accounts[account].id,
            changes,
            expected_version: None,
        };
        match act {
            Step::Create(transaction) => {
                let crosses = transaction
                    .to
                    .filter(|to| self.accounts[*to].currency != self.accounts[transaction.account].currency);
                CommandKind::Create(TransactionInput {
                    account_id: self.accounts[transaction.account].id.to_string(),
                    transaction_type: transaction.kind.to_owned(),
                    amount: text(transaction.account, transaction.amount),
                    to_account_id: transaction.to.map(|to| self.accounts[to].id.to_string()),
                    to_amount: crosses.map(|to| text(to, transaction.to_amount)),
                    transaction_date: Some(
                        if transaction.is_later { "2026-10-01" } else { "2026-09-20" }.to_owned(),
                    ),
                    ..TransactionInput::default()
                })
            }
            Step::Amount { transaction_id, amount } => {
                let account = self.transactions[transaction_id].account;
                let changes = transaction_change("amount", |input| input.amount = text(account, *amount));
                CommandKind::Edit { transaction_id: *transaction_id, changes, expected_version: None }
            }
            Step::Void(transaction_id) => {
                CommandKind::Void { transaction_id: *transaction_id, expected_version: None }
            }
            Step::Restore(transaction_id) => {
                CommandKind::Restore { transaction_id: *transaction_id, expected_version: None }
            }
            Step::Bulk { .. } => unreachable!("bulks are expanded by the caller"),
            Step::Balance { account, balance } => {
                let balance = Some(text(*account, *balance));
                change(*account, account_change("balance", |input| input.balance = balance))
            }
            Step::Active { account, is_active } => {
                change(*account, account_change("is_active", |input| input.is_active = Some(*is_active)))
            }
        }
    }
}

/// Classifies a response, with one class for each action.
fn classes(response: &Result<Outcome, Error>) -> Vec<Result<(), &'static str>> {
    let class = |rejection: &Rejection| match rejection {
        Rejection::AccountClosed(_) => "closed",
        Rejection::Voided => "voided",
        Rejection::Invalid(_) => "invalid",
        Rejection::NotFound(_) => "missing",
        Rejection::VersionMismatch | Rejection::OutOfRange => "unexpected",
    };
    match response {
        Ok(Outcome::Many(outcomes)) => {
            outcomes.iter().map(|outcome| outcome.as_ref().map(|_| ()).map_err(class)).collect()
        }
        Ok(_) => vec![Ok(())],
        Err(error) => vec![Err(match error.code() {
            Some(ProblemCode::AccountClosed) => "closed",
            Some(ProblemCode::TransactionVoided) => "voided",
            Some(ProblemCode::ValidationFailed) => "invalid",
            Some(ProblemCode::NotFound) => "missing",
            _ => "unexpected",
        })],
    }
}

/// Returns the context of a request without an idempotency key.
fn context() -> WriteContext<Outcome> {
    let (user_id, household_id) = (Uuid::nil(), Uuid::from_u128(1));
    let principal = Principal { user_id, session_id: Uuid::nil(), household_id, roles: Vec::new() };
    let request = RequestContext { principal, origin: RequestOrigin::default() };
    WriteContext { request, key: None, encode: |_| Vec::new() }
}

struct TestLedger {
    writer: Writer,
    model: Model,
    random: Random,
    clock: Clock,
    household: Household,
}

impl TestLedger {
    async fn start(seed: u64) -> (Self, sqlx::PgPool) {
        let clock = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).expect("an instant"));
        let database = TestDatabase::new(&[&crate::SCHEMA], &clock).await;
        let config = TokenVerifierConfig {
            issuer: "fintrac".into(),
            grace_period: Duration::from_mins(1),
            hs256_secret: None,
        };
        let pool = database.pool(&crate::SCHEMA, &clock).await;
        let deps = ServiceDependencies {
            clock: clock.clone(),
            random: Random::System,
            keys: ServiceKeys::from_secret("a secret for tests"),
            token_verifier: Arc::new(TokenVerifier::new(config, clock.clone())),
            pool: pool.clone(),
            event_log_signal: WakeSignal::default(),
            job_signal: WakeSignal::default(),
            closing: CancellationToken::new(),
        };
        let (_sender, queue) = mpsc::channel(1);
        let currency = Currency::from_code("EUR").expect("EUR");
        let household = Household { id: Uuid::from_u128(1), currency, timezone: chrono_tz::UTC };
        let mut connection = pool.acquire().await.expect("a connection");
        store::households::insert(&mut connection, &household, clock.now()).await.expect("a household");
        let random = Random::seeded(seed);
        let mut world = Self {
            writer: Writer::new(0, 1, &deps, queue),
            model: Model::default(),
            random,
            clock,
            household,
        };
        for (number, currency) in ["EUR", "EUR", "EUR", "USD", "JPY"].into_iter().enumerate() {
            let id = Uuid::from_u128(100 + u128::try_from(number).expect("few"));
            let input = AccountInput {
                name: format!("Account {number}"),
                account_type: "bank".into(),
                currency_code: Some(currency.into()),
                ..AccountInput::default()
            };
            let made = Uuid::from_u128(id.as_u128() + 50);
            let command = world.command(CommandKind::OpenAccount { account_id: id, input }, made);
            let opened = world.run(vec![(CommandSet::One(Box::new(command)), made)]);
            assert!(opened.await.iter().all(|(_, response)| response.is_ok()));
            world.model.accounts.push(ModelAccount {
                id,
                currency,
                balance: 0,
                projected: 0,
                is_active: true,
            });
        }
        (world, pool)
    }

    fn number(&self, below: usize) -> usize {
        usize::from(u16::from_le_bytes(self.random.bytes())) % below
    }

    fn act(&self) -> Step {
        let account = self.number(ACCOUNTS);
        let amount = i64::try_from(self.number(50_000)).expect("small") + 1;
        let mut ids: Vec<_> = self.model.transactions.keys().copied().collect();
        ids.sort();
        let transaction_id = (!ids.is_empty()).then(|| ids[self.number(ids.len())]);
        match (self.number(10), transaction_id) {
            (0, _) => Step::Balance { account, balance: amount - 25_000 },
            (1, _) => Step::Active { account, is_active: self.number(3) > 0 },
            (2 | 3, Some(transaction_id)) => Step::Amount { transaction_id, amount },
            (4, Some(transaction_id)) if amount % 2 == 0 => Step::Restore(transaction_id),
            (4, Some(transaction_id)) => Step::Void(transaction_id),
            (5 | 6, _) => {
                let to = self.number(ACCOUNTS);
                let same = self.model.accounts[to].currency == self.model.accounts[account].currency;
                let arrives = if same { amount } else { amount / 2 + 1 };
                let (kind, to) = ("transfer", Some(to));
                Step::Create(ModelTransaction {
                    kind,
                    account,
                    to,
                    amount,
                    to_amount: arrives,
                    is_later: amount % 3 == 0,
                    is_posted: true,
                })
            }
            (number, _) => {
                let kind = if number % 2 == 0 { "income" } else { "expense" };
                Step::Create(ModelTransaction {
                    kind,
                    account,
                    to: None,
                    amount,
                    to_amount: 0,
                    is_later: amount % 3 == 0,
                    is_posted: true,
                })
            }
        }
    }

    /// Generates an action, occasionally a bulk.
    fn acts(&self, next: &mut u128) -> Step {
        if self.number(8) > 0 {
            return self.act();
        }
        let mut acts = Vec::new();
        let mut named = std::collections::HashSet::new();
        for _ in 0..=self.number(12) {
            *next += 1;
            let act = self.act();
            let fits = match &act {
                Step::Create(_) => true,
                Step::Amount { transaction_id, .. } | Step::Void(transaction_id) => {
                    named.insert(*transaction_id)
                }
                Step::Restore(_) | Step::Bulk { .. } | Step::Balance { .. } | Step::Active { .. } => false,
            };
            if fits {
                acts.push((act, Uuid::from_u128(*next)));
            }
        }
        if acts.is_empty() { self.act() } else { Step::Bulk { is_atomic: self.number(2) == 0, acts } }
    }

    fn command(&self, kind: CommandKind, transaction_id: Uuid) -> Command {
        self.clock.advance(TimeDelta::milliseconds(1));
        Command::new(self.household, kind, transaction_id, self.clock.now())
    }

    fn commands(&self, act: &Step, made: Uuid) -> CommandSet {
        let Step::Bulk { is_atomic, acts } = act else {
            return CommandSet::One(Box::new(self.command(self.model.command_kind(act), made)));
        };
        let commands =
            acts.iter().map(|(act, made)| self.command(self.model.command_kind(act), *made)).collect();
        if *is_atomic { CommandSet::Atomic(commands) } else { CommandSet::Partial(commands) }
    }

    /// Processes requests batch by batch; returns responses in execution order.
    async fn run(&mut self, requests: Vec<(CommandSet, Uuid)>) -> Vec<(Uuid, Result<Outcome, Error>)> {
        let (mut receivers, mut ids) = (HashMap::new(), HashMap::new());
        for (commands, id) in requests {
            ids.insert(commands.as_slice()[0].transaction_id, id);
            let (response, receiver) = oneshot::channel();
            self.writer.waiting.push_back(Submission { commands, ctx: context(), deadline: None, response });
            receivers.insert(id, receiver);
        }
        let mut done = Vec::new();
        loop {
            let batch = self.writer.collect_batch();
            if batch.is_empty() {
                return done;
            }
            let batched: Vec<_> = batch
                .iter()
                .map(|submission| ids[&submission.commands.as_slice()[0].transaction_id])
                .collect();
            self.writer.process(batch).await;
            for id in batched {
                let receiver = receivers.remove(&id).expect("one response per request");
                done.push((id, receiver.await.expect("a response")));
            }
        }
    }
}

#[tokio::test]
async fn random_batches_match_the_reference_model() {
    for seed in 0..4 {
        let (mut world, pool) = TestLedger::start(seed).await;
        let mut next = 1000;
        for _ in 0..ROUNDS {
            let mut acts = HashMap::new();
            let mut requests = Vec::new();
            for _ in 0..=world.number(40) {
                next += 1;
                let id = Uuid::from_u128(next);
                let act = world.acts(&mut next);
                requests.push((world.commands(&act, id), id));
                acts.insert(id, act);
            }
            for (id, response) in world.run(requests).await {
                assert_eq!(
                    classes(&response),
                    world.model.apply(&acts[&id], id),
                    "seed {seed}: {response:?}"
                );
            }
            let mut connection = pool.acquire().await.expect("a connection");
            for account in &world.model.accounts {
                let found = store::accounts::find(&mut connection, world.household.id, account.id).await;
                let found = vec![found.expect("read").expect("an account")];
                let today = world.household.today(world.clock.now());
                let state =
                    store::accounts::with_balance(&mut connection, world.household.id, found, today).await;
                let state = state.expect("read").remove(0);
                assert_eq!(
                    (state.balance.minor(), state.account.projected_balance.minor(), state.account.is_active),
                    (account.balance, account.projected, account.is_active)
                );
            }
        }
        let findings = crate::verify(&pool).await.expect("verified");
        assert!(findings.iter().all(|finding| finding.violations == 0), "{findings:?}");
        let posted = world.model.transactions.values().filter(|transaction| transaction.is_posted).count();
        let mut connection = pool.acquire().await.expect("a connection");
        let mut listed = 0;
        for day in [NaiveDate::from_ymd_opt(2026, 9, 20), NaiveDate::from_ymd_opt(2026, 10, 1)] {
            let filter = store::transactions::Filter { from: day, to: day, ..Default::default() };
            let found = store::transactions::list(&mut connection, world.household.id, &filter, None, 10_000);
            listed += found.await.expect("listed").len();
        }
        assert_eq!(listed, posted);
        assert!(world.model.transactions.len() > 50, "the test must create transactions");
    }
}

#[tokio::test]
async fn expired_submissions_are_dropped_and_duplicates_delay_no_others() {
    let (mut world, _pool) = TestLedger::start(9).await;
    let submit = |world: &mut TestLedger, kind: CommandKind, id: u128, deadline: Option<Instant>| {
        let command = Command::new(world.household, kind, Uuid::from_u128(id), world.clock.now());
        let (response, receiver) = oneshot::channel();
        let commands = CommandSet::from(command);
        world.writer.waiting.push_back(Submission { commands, ctx: context(), deadline, response });
        receiver
    };
    let id = world.model.accounts[0].id;
    let change = || CommandKind::ChangeAccount {
        account_id: id,
        changes: AccountChanges::default(),
        expected_version: None,
    };
    let late = submit(&mut world, change(), 5000, Some(Instant::now()));
    drop(submit(&mut world, change(), 5001, None));
    let duplicates: Vec<_> =
        (0..300).map(|number| submit(&mut world, change(), 6000 + number, None)).collect();
    let other = world.model.accounts[1].id;
    let other = CommandKind::ChangeAccount {
        account_id: other,
        changes: AccountChanges::default(),
        expected_version: None,
    };
    let _waits = submit(&mut world, other, 7000, None);
    let batch = world.writer.collect_batch();
    let ids: Vec<_> =
        batch.iter().map(|submission| submission.commands.as_slice()[0].transaction_id.as_u128()).collect();
    assert_eq!(ids, [6000, 7000], "one of the duplicates, and the command after them");
    let error = late.await.expect("a response").expect_err("expired");
    assert_eq!(error.code(), Some(ProblemCode::Timeout));
    assert_eq!((world.writer.waiting.len(), duplicates.len()), (299, 300));
}
