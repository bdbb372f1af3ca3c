//! Lists transactions page by page.
//!
//! The index that serves a list depends on its filter, so a query contains only the
//! conditions that are used.

use chrono::NaiveDate;
use fintrac_money::Currency;
use kit_core::pagination::Cursor;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{COLUMNS, fetch};
use crate::domain::transaction::{Transaction, TransactionType};

/// The sort order of a list; the id breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Date,
    /// Sorts by household amount; an unpriced amount counts as zero.
    Amount,
}

impl Sort {
    fn column(self) -> &'static str {
        match self {
            Self::Date => "transaction_date",
            Self::Amount => "coalesce(household_amount, 0)",
        }
    }

    /// Returns the position of `transaction` in this order.
    pub fn cursor(self, transaction: &Transaction) -> Cursor {
        match self {
            Self::Date => Cursor::from_date(transaction.date, transaction.id),
            Self::Amount => {
                let amount = transaction.household_amount.map_or(0, fintrac_money::Money::minor);
                Cursor { sort_key: amount, id: transaction.id }
            }
        }
    }
}

/// The conditions and the order of a list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub account_id: Option<Uuid>,
    /// The categories to match, on the transaction or a split. Empty: any.
    pub categories: Vec<Uuid>,
    pub transaction_type: Option<TransactionType>,
    /// Whether to list voided transactions instead of posted ones.
    pub voided: bool,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    /// The minimum amount in minor units of `currency`, or of the household's currency.
    pub min_amount: Option<i64>,
    /// The maximum amount in minor units of `currency`, or of the household's currency.
    pub max_amount: Option<i64>,
    pub currency: Option<Currency>,
    /// The `tsquery` on `search_vector`, for words and a tag.
    pub search_query: Option<String>,
    pub sort: Sort,
    /// Whether the oldest or smallest come first.
    pub ascending: bool,
}

impl Filter {
    fn direction(&self) -> &'static str {
        if self.ascending { "" } else { " desc" }
    }

    fn order(&self) -> String {
        let direction = self.direction();
        format!(" order by {}{direction}, id{direction}", self.sort.column())
    }

    fn status(&self) -> &'static str {
        if self.voided { "voided" } else { "posted" }
    }

    /// Returns the conditions that select a range of an index, without categories.
    fn index_range(&self) -> Self {
        let by_date = self.sort == Sort::Date;
        Self {
            account_id: self.account_id,
            voided: self.voided,
            from: self.from.filter(|_| by_date),
            to: self.to.filter(|_| by_date),
            sort: self.sort,
            ascending: self.ascending,
            ..Self::default()
        }
    }
}

/// The number of next transactions in order that a search checks first.
const MAX_SCANNED_ROWS: i64 = 1000;
/// The maximum number of categories that are read as separate ranges.
///
/// Each has a second range, for splits.
const MAX_CATEGORY_RANGES: usize = 32;
/// The number of rows in the first window of a list with more categories.
const FIRST_WINDOW_ROWS: i64 = 1000;
/// The number of rows in the largest window.
const MAX_WINDOW_ROWS: i64 = 64_000;

/// The position and the size of a page.
///
/// The limit is part of the SQL text: for a parameter the planner assumes a tenth of
/// all rows.
#[derive(Clone, Copy)]
struct ListPage {
    after: Option<Cursor>,
    limit: i64,
}

/// One source of a list: a sorted and limited range of an index.
#[derive(Clone, Copy)]
struct UnionBranch<'a> {
    /// The account and the column that names it.
    account_filter: Option<(&'static str, Uuid)>,
    /// The categories to match. Empty: any.
    categories: &'a [Uuid],
    /// Whether the categories are matched on splits.
    on_splits: bool,
}

/// Builds the query for a page of transactions.
pub fn list_query(
    household_id: Uuid,
    filter: &Filter,
    after: Option<Cursor>,
    limit: i64,
) -> QueryBuilder<Postgres> {
    let page = ListPage { after, limit };
    let mut query = QueryBuilder::new("");
    if filter.search_query.is_some() {
        push_search_ctes(&mut query, household_id, filter);
        query.push("select ").push(COLUMNS).push(" from (select * from found as transactions where true");
        push_cursor_condition(&mut query, filter, after);
        query.push(filter.order()).push(format!(" limit {limit}"));
    } else {
        query.push("select ").push(COLUMNS).push(" from (");
        push_union(&mut query, household_id, filter, page);
    }
    query.push(") as transactions").push(filter.order());
    query
}

/// Builds the query for matches among the next [`MAX_SCANNED_ROWS`] transactions.
///
/// A common word fills the page at once, whereas reading all its matches takes long.
/// Returns `None` if the next transactions are not a range of one index.
pub fn scan_ahead_query(
    household_id: Uuid,
    filter: &Filter,
    after: Option<Cursor>,
    limit: i64,
) -> Option<QueryBuilder<Postgres>> {
    filter.search_query.as_ref()?;
    let is_whole_household = filter.account_id.is_none() && filter.categories.is_empty();
    let is_range = match filter.sort {
        Sort::Date => filter.account_id.is_none() || filter.categories.is_empty(),
        Sort::Amount => is_whole_household && !filter.voided,
    };
    let index_filter = Filter { categories: filter.categories.clone(), ..filter.index_range() };
    let mut query = QueryBuilder::new("select ");
    query.push(COLUMNS).push(" from (select * from (");
    push_union(&mut query, household_id, &index_filter, ListPage { after, limit: MAX_SCANNED_ROWS });
    query.push(") as transactions where ");
    push_search_condition(&mut query, filter);
    push_conditions(&mut query, filter);
    query.push(filter.order()).push(format!(" limit {limit}"));
    query.push(") as transactions").push(filter.order());
    is_range.then_some(query)
}

fn push_search_condition(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    query
        .push("search_vector <> ''::tsvector and search_vector @@ ")
        .push_bind(filter.search_query.clone())
        .push("::tsquery");
}

/// Adds CTEs that find transactions by words, and then apply the other conditions.
///
/// Rare words match few transactions, which are then filtered and sorted. Without
/// `materialized` the planner might read all transactions by date, or read other
/// indexes for the other conditions, which may match all of a household.
fn push_search_ctes(query: &mut QueryBuilder<Postgres>, household_id: Uuid, filter: &Filter) {
    query.push("with matching as materialized (select * from ledger.transactions where ");
    push_search_condition(query, filter);
    query.push("), found as (select * from matching as transactions where household_id = ");
    query.push_bind(household_id);
    if let Some(account) = filter.account_id {
        query.push(" and (account_id = ").push_bind(account);
        query.push(" or to_account_id = ").push_bind(account).push(")");
    }
    if !filter.categories.is_empty() {
        query.push(" and (");
        push_category_condition(query, household_id, filter);
        query.push(")");
    }
    push_conditions(query, filter);
    query.push(") ");
}

/// Adds the sources of a list, merged by `union all`.
fn push_union(query: &mut QueryBuilder<Postgres>, household_id: Uuid, filter: &Filter, page: ListPage) {
    let account_filters = match filter.account_id {
        None => vec![None],
        Some(account) => vec![Some(("account_id", account)), Some(("to_account_id", account))],
    };
    let branches_for = |account_filter| {
        let each = filter.categories.chunks(1).flat_map(move |categories| {
            [false, true].map(|on_splits| UnionBranch { account_filter, categories, on_splits })
        });
        let all = UnionBranch { account_filter, categories: &[], on_splits: false };
        if filter.categories.is_empty() { vec![all] } else { each.collect() }
    };
    let branches: Vec<_> = account_filters.into_iter().flat_map(branches_for).collect();
    if let [only] = branches.as_slice() {
        return push_branch(query, household_id, filter, *only, page);
    }
    query.push("select * from (");
    for (number, one) in branches.into_iter().enumerate() {
        query.push(if number == 0 { "select * from (" } else { " union all select * from (" });
        push_branch(query, household_id, filter, one, page);
        query.push(format!(") as branch_{number}"));
    }
    query.push(") as branches").push(filter.order()).push(format!(" limit {}", page.limit));
}

fn push_branch(
    query: &mut QueryBuilder<Postgres>,
    household_id: Uuid,
    filter: &Filter,
    branch: UnionBranch<'_>,
    page: ListPage,
) {
    if branch.on_splits {
        query.push("select transactions.* from ledger.splits");
        // Splits are read in order. A transaction with several of the categories appears once.
        query.push(" cross join lateral (select * from ledger.transactions where household_id = ");
        query.push_bind(household_id).push(" and id = transaction_id offset 0) as transactions");
        query.push(" where splits.household_id = ").push_bind(household_id);
        query.push(" and splits.category_id");
        push_equals_any(query, branch.categories);
        query.push(format!(" and splits.status = '{}'", filter.status()));
        query.push(" and number = (select min(number) from ledger.splits other where other.household_id = ");
        query.push_bind(household_id).push(" and other.transaction_id = splits.transaction_id");
        query.push(" and other.category_id = any(").push_bind(filter.categories.clone()).push("))");
        if filter.sort == Sort::Date
            && let Some(after) = page.after
        {
            let operator = if filter.ascending { ">" } else { "<" };
            query.push(format!(" and (splits.transaction_date, transaction_id) {operator} ("));
            query.push_bind(after.date()).push(", ").push_bind(after.id).push(")");
        }
        push_date_conditions(query, filter, "splits");
    } else {
        query.push("select * from ledger.transactions where household_id = ").push_bind(household_id);
        if !branch.categories.is_empty() {
            query.push(" and category_id");
            push_equals_any(query, branch.categories);
        }
    }
    if let Some((column, account)) = branch.account_filter {
        query.push(format!(" and {column} = ")).push_bind(account);
    }
    push_conditions(query, filter);
    push_cursor_condition(query, filter, page.after);
    if branch.on_splits && filter.sort == Sort::Date {
        let direction = filter.direction();
        query.push(format!(" order by splits.transaction_date{direction}, transaction_id{direction}"));
    } else {
        query.push(filter.order());
    }
    query.push(format!(" limit {}", page.limit));
}

fn push_equals_any(query: &mut QueryBuilder<Postgres>, ids: &[Uuid]) {
    match ids {
        [only] => query.push(" = ").push_bind(*only),
        several => query.push(" = any(").push_bind(several.to_vec()).push(")"),
    };
}

/// Adds the conditions on the transaction itself.
fn push_conditions(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    query.push(format!(" and transactions.status = '{}'", filter.status()));
    if let Some(kind) = filter.transaction_type {
        query.push(" and transaction_type = ").push_bind(kind);
    }
    push_date_conditions(query, filter, "transactions");
    if let Some(currency) = filter.currency {
        query.push(" and currency_code = ").push_bind(currency.code());
    }
    let amount = if filter.currency.is_some() { "abs(transactions.amount)" } else { "household_amount" };
    for (operator, limit) in [(">=", filter.min_amount), ("<=", filter.max_amount)] {
        if let Some(limit) = limit {
            query.push(format!(" and {amount} {operator} ")).push_bind(limit);
        }
    }
}

/// Adds the conditions on the dates of a table.
fn push_date_conditions(query: &mut QueryBuilder<Postgres>, filter: &Filter, table: &str) {
    for (operator, day) in [(">=", filter.from), ("<=", filter.to)] {
        if let Some(day) = day {
            query.push(format!(" and {table}.transaction_date {operator} ")).push_bind(day);
        }
    }
}

/// Adds the condition for rows after the cursor.
fn push_cursor_condition(query: &mut QueryBuilder<Postgres>, filter: &Filter, after: Option<Cursor>) {
    let Some(after) = after else { return };
    let operator = if filter.ascending { ">" } else { "<" };
    let column = match filter.sort {
        Sort::Date => "transactions.transaction_date",
        Sort::Amount => filter.sort.column(),
    };
    query.push(format!(" and ({column}, id) {operator} ("));
    match filter.sort {
        Sort::Date => query.push_bind(after.date()),
        Sort::Amount => query.push_bind(after.sort_key),
    };
    query.push(", ").push_bind(after.id).push(")");
}

/// Builds the query for the next rows in order, whatever their categories.
///
/// It returns id, date and household amount.
pub fn window_query(
    household_id: Uuid,
    filter: &Filter,
    after: Option<Cursor>,
    limit: i64,
) -> QueryBuilder<Postgres> {
    let index_filter = filter.index_range();
    let columns = "select id, transaction_date, coalesce(household_amount, 0)::int8 from (";
    let mut query = QueryBuilder::new(columns);
    push_union(&mut query, household_id, &index_filter, ListPage { after, limit });
    query.push(") as transactions").push(filter.order());
    query
}

/// Lists transactions of many categories, window by window.
///
/// Many categories match many transactions, so a page fills soon.
async fn list_by_windows(
    connection: &mut PgConnection,
    household_id: Uuid,
    filter: &Filter,
    mut after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Transaction>, sqlx::Error> {
    let (mut page, mut size) = (Vec::new(), FIRST_WINDOW_ROWS);
    loop {
        let mut window = window_query(household_id, filter, after, size);
        let window: Vec<(Uuid, NaiveDate, i64)> = window.build_query_as().fetch_all(&mut *connection).await?;
        let remaining = limit.saturating_sub(i64::try_from(page.len()).unwrap_or(limit));
        let mut query = QueryBuilder::new("select ");
        query.push(COLUMNS).push(" from (select * from ledger.transactions where household_id = ");
        query.push_bind(household_id).push(" and id = any(");
        query.push_bind(window.iter().map(|(id, ..)| *id).collect::<Vec<_>>()).push(") and (");
        push_category_condition(&mut query, household_id, filter);
        query.push(")");
        push_conditions(&mut query, filter);
        query.push(filter.order()).push(format!(" limit {remaining}")).push(") as transactions");
        query.push(filter.order());
        page.extend(fetch(&mut *connection, query).await?);
        let is_last = i64::try_from(window.len()) != Ok(size);
        let is_full = i64::try_from(page.len()).is_ok_and(|found| found >= limit);
        let Some((id, date, amount)) = window.last().filter(|_| !is_last && !is_full) else {
            return Ok(page);
        };
        after = Some(match filter.sort {
            Sort::Date => Cursor::from_date(*date, *id),
            Sort::Amount => Cursor { sort_key: *amount, id: *id },
        });
        size = size.saturating_mul(4).min(MAX_WINDOW_ROWS);
    }
}

fn push_category_condition(query: &mut QueryBuilder<Postgres>, household_id: Uuid, filter: &Filter) {
    query.push("category_id = any(").push_bind(filter.categories.clone());
    query.push(") or is_split and exists (select from ledger.splits where splits.household_id = ");
    query.push_bind(household_id).push(" and transaction_id = transactions.id and splits.category_id = any(");
    query.push_bind(filter.categories.clone()).push("))");
}

pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    filter: &Filter,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Transaction>, sqlx::Error> {
    let few_categories = filter.categories.len() <= MAX_CATEGORY_RANGES;
    if let Some(query) = scan_ahead_query(household_id, filter, after, limit).filter(|_| few_categories) {
        let page = fetch(&mut *connection, query).await?;
        if i64::try_from(page.len()) == Ok(limit) {
            return Ok(page);
        }
    }
    if filter.search_query.is_none() && filter.categories.len() > MAX_CATEGORY_RANGES {
        return list_by_windows(connection, household_id, filter, after, limit).await;
    }
    fetch(connection, list_query(household_id, filter, after, limit)).await
}
