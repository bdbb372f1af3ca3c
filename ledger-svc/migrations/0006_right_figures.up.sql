-- What an edit of a schedule leaves of its count.
alter table ledger.recurring
    -- Occurrences that earlier versions of the schedule used up.
    add column used_before int not null default 0,
    -- First day that this version applies to; null: its start.
    add column effective_from date;

-- The part of `change` that has no value in the household's currency, minor units
-- of the account's. Every sum in the household's currency tells it.
alter table ledger.daily_changes add column unpriced_change bigint not null default 0;
update ledger.daily_changes set unpriced_change = unpriced.change
from (
    select postings.household_id, coalesce(merged_into, account_id) as account_id, day, sum(amount)::int8 as change
    from ledger.postings
    left join ledger.nominal_accounts on nominal_accounts.household_id = postings.household_id
        and nominal_accounts.id = account_id
    where household_amount is null
    group by 1, 2, 3) as unpriced
where daily_changes.household_id = unpriced.household_id
  and daily_changes.account_id = unpriced.account_id and daily_changes.day = unpriced.day;
