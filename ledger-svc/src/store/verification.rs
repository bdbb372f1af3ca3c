//! Verification of the invariants between the tables.

use sqlx::PgConnection;

/// An invariant and the number of its violations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub invariant: &'static str,
    pub violations: i64,
}

/// Defines `run` by the invariants and the queries that count their violations.
macro_rules! invariants {
    ($($invariant:literal => $sql:literal;)*) => {
        /// Counts the violations of every invariant on the caller's snapshot.
        pub async fn run(connection: &mut PgConnection) -> Result<Vec<Finding>, sqlx::Error> {
            Ok(vec![$(Finding {
                invariant: $invariant,
                violations: sqlx::query_scalar!($sql).fetch_one(&mut *connection).await?,
            }),*])
        }
    };
}

invariants! {
    "every revision of a transaction sums to zero per currency" =>
        r#"select count(*) as "count!" from (
               select from ledger.postings group by household_id, transaction_id, revision, currency_code
               having sum(amount) <> 0) as unbalanced"#;
    "an account's balance is the sum of its postings" =>
        r#"select count(*) as "count!" from ledger.accounts
           left join (
               select household_id, account_id, sum(amount) as total from ledger.postings
               group by household_id, account_id) as posted
               on posted.household_id = accounts.household_id and posted.account_id = accounts.id
           where accounts.balance <> coalesce(posted.total, 0)"#;
    "a daily total is the sum of that day's postings, in both currencies" =>
        r#"select count(*) as "count!" from (
               select postings.household_id, coalesce(merged_into, account_id) as account_id, day,
                      sum(amount) as change, coalesce(sum(household_amount), 0) as household_change,
                      coalesce(sum(amount) filter (where household_amount is null), 0) as unpriced_change
               from ledger.postings
               left join ledger.nominal_accounts on nominal_accounts.household_id = postings.household_id
                   and nominal_accounts.id = account_id
               group by 1, 2, 3) as posted
           full join ledger.daily_totals using (household_id, account_id, day)
           where coalesce(posted.change, 0) <> coalesce(daily_totals.change, 0)
              or coalesce(posted.household_change, 0) <> coalesce(daily_totals.household_change, 0)
              or coalesce(posted.unpriced_change, 0) <> coalesce(daily_totals.unpriced_change, 0)"#;
    "a transaction's changes are the sums of its postings" =>
        r#"with expected as (
               select household_id, id as transaction_id, account_id,
                      case status when 'posted' then account_change else 0 end as change
               from ledger.transactions
               union all
               select household_id, id, to_account_id,
                      case status when 'posted' then to_account_change else 0 end
               from ledger.transactions where to_account_id is not null),
           posted as (
               select postings.household_id, transaction_id, postings.account_id, sum(amount) as change
               from ledger.postings
               join ledger.accounts on accounts.household_id = postings.household_id
                   and accounts.id = postings.account_id
               group by 1, 2, 3)
           select count(*) as "count!"
           from expected full join posted using (household_id, transaction_id, account_id)
           where coalesce(expected.change, 0) <> coalesce(posted.change, 0)"#;
    "a transaction's postings sum to those of its current revision on every account" =>
        r#"select count(*) as "count!" from (
               select from ledger.postings
               join ledger.transactions on transactions.household_id = postings.household_id
                   and transactions.id = postings.transaction_id
               left join ledger.nominal_accounts on nominal_accounts.household_id = postings.household_id
                   and nominal_accounts.id = postings.account_id
               group by postings.household_id, postings.transaction_id,
                   coalesce(merged_into, postings.account_id)
               having sum(postings.amount) <> coalesce(sum(postings.amount)
                       filter (where revision = posted_revision and not is_reversal), 0)
                   or coalesce(sum(postings.household_amount), 0) <> coalesce(sum(postings.household_amount)
                       filter (where revision = posted_revision and not is_reversal), 0)) as differing"#;
    "a transaction's household amount is that of its posting" =>
        r#"select count(*) as "count!" from ledger.transactions
           left join ledger.postings on postings.household_id = transactions.household_id
               and postings.transaction_id = transactions.id and postings.revision = posted_revision
               and not is_reversal and postings.account_id = transactions.account_id
           where status = 'posted'
             and (postings.number is null
                  or transactions.household_amount is distinct from abs(postings.household_amount))"#;
    "a transaction has all its revisions" =>
        r#"select count(*) as "count!" from ledger.transactions
           left join (
               select household_id, transaction_id, count(*) as revisions, max(revision) as newest
               from ledger.revisions group by household_id, transaction_id) as recorded
               on recorded.household_id = transactions.household_id
               and recorded.transaction_id = transactions.id
           where recorded.newest is distinct from transactions.version
              or recorded.revisions is distinct from transactions.version"#;
    "splits sum to the amount of their transaction and have its date and status" =>
        r#"select count(*) as "count!" from ledger.transactions
           full join (
               select household_id, transaction_id as id, sum(amount) as amount, min(transaction_date) as first,
                      max(transaction_date) as last, min(status) as least, max(status) as most
               from ledger.splits group by household_id, transaction_id) as parts using (household_id, id)
           where coalesce(is_split, false) <> (parts.amount is not null)
              or is_split and (transactions.amount, transaction_date, transaction_date, status, status)
                  is distinct from (parts.amount, first, last, least, most)"#;
    "a merged category leads to one that is not merged" =>
        r#"select (
               select count(*) from ledger.categories
               left join ledger.categories target on target.household_id = categories.household_id
                   and target.id = categories.merged_into
               where categories.merged_into is not null
                 and (categories.deleted_at is null or target.id is null or target.merged_into is not null))
             + (
               select count(*) from ledger.nominal_accounts
               left join ledger.nominal_accounts target on target.household_id = nominal_accounts.household_id
                   and target.id = nominal_accounts.merged_into
               where nominal_accounts.merged_into is not null
                 and (target.merged_into is not null
                      or target.currency_code is distinct from nominal_accounts.currency_code)) as "count!""#;
    "a posting's transaction and account exist" =>
        r#"select count(*) as "count!" from ledger.postings
           where not exists (
               select from ledger.transactions
               where transactions.household_id = postings.household_id
                 and transactions.id = postings.transaction_id)
              or not (
               exists (
                   select from ledger.accounts
                   where accounts.household_id = postings.household_id and accounts.id = postings.account_id
                     and accounts.currency_code = postings.currency_code)
               or exists (
                   select from ledger.nominal_accounts
                   where nominal_accounts.household_id = postings.household_id
                     and nominal_accounts.id = postings.account_id
                     and nominal_accounts.currency_code = postings.currency_code))"#;
    "the exchange postings of a transaction with one own account cancel" =>
        r#"select count(*) as "count!" from (
               select from ledger.postings
               left join ledger.nominal_accounts on nominal_accounts.household_id = postings.household_id
                   and nominal_accounts.id = postings.account_id
               group by postings.household_id, transaction_id, revision, is_reversal
               having count(*) filter (where nominal_accounts.id is null) = 1
                  and coalesce(sum(household_amount) filter (where purpose = 'exchange'), 0) <> 0) as differing"#;
}
