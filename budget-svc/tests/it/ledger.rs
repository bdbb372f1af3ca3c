//! A fake ledger that returns what the test sets.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::NaiveDate;
use fintrac_money::{Currency, Money};
use fintrac_proto::events::v1::Event;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::spending_service_server::{SpendingService, SpendingServiceServer};
use kit_core::clock::Clock;
use kit_core::error::{FieldCode, FieldViolation, ProblemCode, RpcError};
use kit_core::random::Random;
use kit_rpc::transport::Transport;
use kit_testing::{FakeEventLog, TestService};
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// The state of the fake ledger.
#[derive(Clone, Default)]
pub struct Ledger {
    log: FakeEventLog,
    state: Arc<Mutex<State>>,
    /// Whether responses are held back, and the number of those held back.
    held: watch::Sender<(bool, usize)>,
}

/// The behavior of the fake ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LedgerBehavior {
    #[default]
    Normal,
    Unavailable,
    /// The call takes effect, but its response is lost.
    LosesResponses,
    /// The goal's account is archived.
    Rejects,
    /// A total exceeds the largest number.
    Overflows,
}

#[derive(Default)]
struct State {
    behavior: LedgerBehavior,
    /// The type by category.
    categories: HashMap<String, &'static str>,
    /// The target by merged category.
    merged: HashMap<String, String>,
    /// The referenced categories with their generations by budget.
    /// With each budget is the generation up to which they are complete.
    references: HashMap<String, (HashMap<String, i64>, i64)>,
    /// The currency by account.
    accounts: HashMap<String, &'static str>,
    archived: HashSet<String>,
    /// Today's balance by account.
    balances: HashMap<String, String>,
    /// The spending that is due: category, day, amount in the budget's currency.
    upcoming: Vec<(String, NaiveDate, String)>,
    /// The unpriced spending: category, day, currency, amount.
    unpriced: Vec<(String, NaiveDate, &'static str, String)>,
    /// The spending: category, day, minor units of the budget's currency.
    spending: Vec<(String, NaiveDate, i64)>,
    /// The transfer by transaction: status, change, version.
    transfers: HashMap<String, (&'static str, String, i64)>,
    sums: u32,
    /// The requested date of each transfer.
    dates: Vec<String>,
}

impl Ledger {
    pub fn transport(&self, clock: &Clock) -> Transport {
        let routes = Routes::new(self.log.clone().into_service());
        let routes = routes.add_service(SpendingServiceServer::new(self.clone()));
        TestService::fake("ledger", routes, clock).transport("budget")
    }

    /// Processes sums and transfers, but holds the responses back.
    pub fn hold_responses(&self) {
        self.held.send_modify(|(held, _)| *held = true);
    }

    /// Waits until a response is held back.
    pub async fn wait_until_held(&self) {
        let mut held = self.held.subscribe();
        let waiting = held.wait_for(|(_, waiting)| *waiting > 0);
        tokio::time::timeout(Duration::from_mins(1), waiting)
            .await
            .expect("a call")
            .expect("an open channel");
    }

    /// Sends the responses that were held back.
    pub fn release_responses(&self) {
        self.held.send_modify(|(held, _)| *held = false);
    }

    async fn hold(&self) {
        self.held.send_modify(|(_, waiting)| *waiting += 1);
        let mut held = self.held.subscribe();
        held.wait_for(|(held, _)| !held).await.expect("an open channel");
        self.held.send_modify(|(_, waiting)| *waiting -= 1);
    }

    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().expect("no panic"))
    }

    pub fn set_behavior(&self, behavior: LedgerBehavior) {
        self.state(|state| state.behavior = behavior);
    }

    pub fn category(&self, category_type: &'static str) -> String {
        let id = random_id().to_string();
        self.state(|state| state.categories.insert(id.clone(), category_type));
        id
    }

    fn found(&self, ids: Vec<String>) -> Vec<pb::ResolvedCategory> {
        self.state(|state| {
            let found = ids.into_iter().filter_map(|id| {
                let live_id = state.merged.get(&id).unwrap_or(&id).clone();
                let category_type = (*state.categories.get(&live_id)?).to_owned();
                Some(pb::ResolvedCategory { id, r#type: category_type, live_id })
            });
            found.collect()
        })
    }

    /// Merges a category into another one and appends the ledger's event.
    pub fn merge(&self, household_id: Uuid, category: &str, target: &str) {
        self.state(|state| {
            state.categories.remove(category);
            state.merged.insert(category.to_owned(), target.to_owned());
        });
        self.log.append(Event {
            household_id: household_id.to_string(),
            entity: "category".into(),
            entity_id: category.to_owned(),
            kind: "deleted".into(),
            changed: vec!["merged_into".into()],
            ..Event::default()
        });
    }

    /// Returns the categories that a budget references.
    pub fn references(&self, budget_id: &str) -> BTreeSet<String> {
        self.state(|state| {
            let (references, _) = state.references.get(budget_id).cloned().unwrap_or_default();
            references.into_keys().collect()
        })
    }

    pub fn account(&self, currency: &'static str) -> String {
        let id = random_id().to_string();
        self.state(|state| state.accounts.insert(id.clone(), currency));
        id
    }

    pub fn archive(&self, account: &str) {
        self.state(|state| state.archived.insert(account.to_owned()));
    }

    /// Posts a transfer whose call was delayed.
    pub fn arrive(&self, transaction_id: &str, amount: &str) {
        let transfer = ("posted", amount.to_owned(), 1);
        self.state(|state| state.transfers.insert(transaction_id.to_owned(), transfer));
    }

    /// Adds spending and appends the ledger's event.
    pub fn spend(&self, household_id: Uuid, category: &str, day: &str, minor: i64) {
        let day = day.parse().expect("a day");
        self.state(|state| state.spending.push((category.to_owned(), day, minor)));
        self.append_event(household_id, random_id(), "created");
    }

    pub fn append_event(&self, household_id: Uuid, transaction_id: Uuid, kind: &str) {
        self.log.append(Event {
            household_id: household_id.to_string(),
            entity: "transaction".into(),
            entity_id: transaction_id.to_string(),
            kind: kind.into(),
            ..Event::default()
        });
    }

    /// Changes a transfer as its user would in the ledger, and appends the event.
    pub fn edit(&self, household_id: Uuid, transaction_id: &str, status: &'static str, change: &str) {
        self.state(|state| {
            let transfer = state.transfers.get_mut(transaction_id).expect("a transfer");
            *transfer = (status, change.to_owned(), transfer.2 + 1);
        });
        let kind = if status == "voided" { "voided" } else { "updated" };
        self.append_event(household_id, transaction_id.parse().expect("an id"), kind);
    }

    /// Lists the transfers that were posted.
    pub fn transfers(&self) -> Vec<(&'static str, String)> {
        self.state(|state| {
            state.transfers.values().map(|transfer| (transfer.0, transfer.1.clone())).collect()
        })
    }

    /// Lists the requested dates of the transfers that were posted.
    pub fn dates(&self) -> Vec<String> {
        self.state(|state| state.dates.clone())
    }

    /// Adds spending in a currency without a rate.
    pub fn leave_unpriced(&self, category: &str, day: &str, currency: &'static str, amount: &str) {
        let day = day.parse().expect("a day");
        self.state(|state| state.unpriced.push((category.to_owned(), day, currency, amount.to_owned())));
    }

    /// Adds spending that is due in a category.
    pub fn expect_spending(&self, category: &str, day: &str, amount: &str) {
        let day = day.parse().expect("a day");
        self.state(|state| state.upcoming.push((category.to_owned(), day, amount.to_owned())));
    }

    /// Sets an account's balance.
    pub fn set_balance(&self, account: &str, balance: &str) {
        self.state(|state| state.balances.insert(account.to_owned(), balance.to_owned()));
    }

    /// Returns the number of calls for sums.
    pub fn sums(&self) -> u32 {
        self.state(|state| state.sums)
    }
}

fn random_id() -> Uuid {
    Uuid::from_bytes(Random::System.bytes())
}

fn transfer(found: Option<&(&'static str, String, i64)>) -> Result<pb::Transfer, Status> {
    let (status, change, version) = found.ok_or_else(|| Status::from(RpcError::not_found("transaction")))?;
    let (status, change) = ((*status).to_owned(), change.clone());
    Ok(pb::Transfer { status, change, version: *version, other_account_id: String::new() })
}

#[tonic::async_trait]
impl SpendingService for Ledger {
    async fn find_categories(
        &self,
        request: Request<pb::FindCategoriesRequest>,
    ) -> Result<Response<pb::FindCategoriesResponse>, Status> {
        let ids = request.into_inner().category_ids;
        Ok(Response::new(pb::FindCategoriesResponse { categories: self.found(ids) }))
    }

    async fn set_category_references(
        &self,
        request: Request<pb::SetCategoryReferencesRequest>,
    ) -> Result<Response<pb::SetCategoryReferencesResponse>, Status> {
        let request = request.into_inner();
        let categories = self.found(request.category_ids);
        self.state(|state| {
            if state.behavior == LedgerBehavior::Unavailable {
                return Err(Status::unavailable("down"));
            }
            let live: BTreeSet<_> = categories.iter().map(|found| found.live_id.clone()).collect();
            let (references, complete_to) = state.references.entry(request.entity_id).or_default();
            // A late message about a completed change adds nothing.
            let is_new = request.generation > *complete_to;
            if let Some(remove_to) = request.remove_to_generation {
                references.retain(|id, generation| live.contains(id) || *generation > remove_to);
                *complete_to = remove_to.max(*complete_to);
            }
            for id in live.into_iter().filter(|_| is_new) {
                let generation = references.entry(id).or_default();
                *generation = request.generation.max(*generation);
            }
            Ok(Response::new(pb::SetCategoryReferencesResponse { categories }))
        })
    }

    async fn find_account(
        &self,
        request: Request<pb::FindAccountRequest>,
    ) -> Result<Response<pb::FindAccountResponse>, Status> {
        let id = request.into_inner().account_id;
        let (currency, archived) =
            self.state(|state| (state.accounts.get(&id).copied(), state.archived.contains(&id)));
        let currency = currency.ok_or_else(|| Status::from(RpcError::not_found("account")))?;
        Ok(Response::new(pb::FindAccountResponse { currency_code: currency.to_owned(), is_open: !archived }))
    }

    async fn sum_spending(
        &self,
        request: Request<pb::SumSpendingRequest>,
    ) -> Result<Response<pb::SumSpendingResponse>, Status> {
        let pb::SumSpendingRequest { series, with_rates, .. } = request.into_inner();
        let periods: usize = series.iter().map(|query| query.periods.len()).sum();
        assert!(periods <= 5000, "one message holds at most 5,000 periods");
        let (behavior, spending, unpriced) = self.state(|state| {
            state.sums += 1;
            (state.behavior, state.spending.clone(), state.unpriced.clone())
        });
        match behavior {
            LedgerBehavior::Unavailable => return Err(Status::unavailable("down")),
            LedgerBehavior::Overflows => {
                let text = "A total is larger than can be kept; ask for fewer days.";
                return Err(RpcError::new(ProblemCode::BalanceOutOfRange, text).into());
            }
            LedgerBehavior::Normal | LedgerBehavior::LosesResponses | LedgerBehavior::Rejects => {}
        }
        let sum = |query: &pb::SpendingSeries, period: &pb::SpendingPeriod| {
            let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
            let span = day(&period.from)..=day(&period.to);
            let counts = |(category, day, _): &&(String, NaiveDate, i64)| {
                query.category_ids.contains(category) && span.contains(day)
            };
            let minor = spending.iter().filter(counts).map(|(_, _, minor)| minor).sum();
            let currency = Currency::from_code(&query.currency_code).expect("a currency");
            let unpriced = unpriced
                .iter()
                .filter(|(category, date, ..)| query.category_ids.contains(category) && span.contains(date));
            let unpriced = unpriced.map(|(_, date, code, amount)| pb::UnpricedSpending {
                date: if with_rates { date.to_string() } else { String::new() },
                currency_code: (*code).to_owned(),
                amount: amount.clone(),
            });
            pb::Spending {
                amount: Money::new(minor, currency).to_string(),
                rates: Vec::new(),
                unpriced: unpriced.collect(),
            }
        };
        let sums = series.iter().map(|query| pb::SpendingSums {
            spending: query.periods.iter().map(|period| sum(query, period)).collect(),
        });
        let sums = sums.collect();
        self.hold().await;
        Ok(Response::new(pb::SumSpendingResponse { sums }))
    }

    async fn list_upcoming_spending(
        &self,
        request: Request<pb::ListUpcomingSpendingRequest>,
    ) -> Result<Response<pb::ListUpcomingSpendingResponse>, Status> {
        let queries = request.into_inner().queries;
        let upcoming = self.state(|state| state.upcoming.clone());
        let list = |query: pb::SpendingQuery| {
            let due = upcoming.iter().filter(|(category, _, _)| query.category_ids.contains(category));
            let due = due.map(|(_, day, amount)| pb::UpcomingSpending {
                date: day.to_string(),
                amount: amount.clone(),
            });
            pb::UpcomingSpendingList { days: due.collect() }
        };
        let upcoming = queries.into_iter().map(list).collect();
        Ok(Response::new(pb::ListUpcomingSpendingResponse { upcoming }))
    }

    async fn list_balances(
        &self,
        request: Request<pb::ListBalancesRequest>,
    ) -> Result<Response<pb::ListBalancesResponse>, Status> {
        let ids = request.into_inner().account_ids;
        self.state(|state| {
            if state.behavior == LedgerBehavior::Unavailable {
                return Err(Status::unavailable("down"));
            }
            let balances = ids.into_iter().filter_map(|id| {
                let currency_code = (*state.accounts.get(&id)?).to_owned();
                let balance = state.balances.get(&id).cloned().unwrap_or_else(|| "0.00".to_owned());
                Some(pb::list_balances_response::AccountBalance { account_id: id, currency_code, balance })
            });
            Ok(Response::new(pb::ListBalancesResponse { balances: balances.collect() }))
        })
    }

    async fn post_transfer(
        &self,
        request: Request<pb::PostTransferRequest>,
    ) -> Result<Response<pb::PostTransferResponse>, Status> {
        let request = request.into_inner();
        self.state(|state| {
            match state.behavior {
                LedgerBehavior::Unavailable => return Err(Status::unavailable("down")),
                LedgerBehavior::Rejects => {
                    let rejected =
                        FieldViolation::new("to_account_id", FieldCode::AccountClosed, "It is archived.");
                    return Err(RpcError::invalid(vec![rejected]).into());
                }
                LedgerBehavior::Normal | LedgerBehavior::LosesResponses | LedgerBehavior::Overflows => {}
            }
            let description = request.description.expect("a note");
            assert!(!description.contains('\n'), "the ledger takes one line");
            state.dates.push(request.transaction_date);
            let id = request.transaction_id.clone();
            let change =
                if request.is_source_amount { format!("-{}", request.amount) } else { request.amount };
            let made = state.transfers.entry(id).or_insert(("posted", change, 1));
            let made = transfer(Some(made))?;
            if state.behavior == LedgerBehavior::LosesResponses {
                return Err(Status::unavailable("lost"));
            }
            Ok(Response::new(pb::PostTransferResponse { transfer: Some(made) }))
        })
    }

    async fn find_transfer(
        &self,
        request: Request<pb::FindTransferRequest>,
    ) -> Result<Response<pb::FindTransferResponse>, Status> {
        let id = request.into_inner().transaction_id;
        let found = self.state(|state| transfer(state.transfers.get(&id)))?;
        self.hold().await;
        Ok(Response::new(pb::FindTransferResponse { transfer: Some(found) }))
    }
}
