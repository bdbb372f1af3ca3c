-- The ledger: double-entry bookkeeping for households. The household comes first in
-- every key. Amounts are minor units of the currency named beside them.
comment on schema ledger is 'money: accounts, categories, transactions, postings, rates';

create table ledger.households (
    id uuid not null constraint households_pkey primary key,
    currency_code text not null,
    timezone text not null,
    created_at timestamptz not null
);

-- Published rates: units of a currency for one unit of the base. A day without a rate
-- uses the latest rate before it.
create table ledger.exchange_rates (
    base_code text not null,
    currency_code text not null,
    day date not null,
    rate numeric not null,
    source text not null,
    constraint exchange_rates_pkey primary key (base_code, currency_code, day),
    constraint exchange_rates_rate_check check (rate > 0)
);

create table ledger.accounts (
    household_id uuid not null,
    id uuid not null,
    name text not null,
    -- The name, normalized by the service: without differences of case and invisible characters.
    name_key text not null,
    account_type text not null,
    currency_code text not null,
    description text,
    include_in_net_worth boolean not null,
    is_active boolean not null,
    -- The sum of the account's postings, including those dated in the future.
    balance bigint not null,
    -- Counts edits by clients. Postings do not change it.
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    constraint accounts_pkey primary key (household_id, id),
    constraint accounts_account_type_check check (account_type in ('cash', 'bank', 'card'))
) with (fillfactor = 70);
create unique index accounts_household_id_name_key on ledger.accounts (household_id, name_key)
    where deleted_at is null;

create table ledger.categories (
    household_id uuid not null,
    id uuid not null,
    name text not null,
    -- See accounts.name_key.
    name_key text not null,
    category_type text not null,
    icon text,
    color text,
    parent_id uuid,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    -- The category that replaced this one when it was deleted. It is never itself merged.
    merged_into uuid,
    constraint categories_pkey primary key (household_id, id),
    constraint categories_category_type_check check (category_type in ('income', 'expense')),
    constraint categories_parent_id_fkey foreign key (household_id, parent_id)
        references ledger.categories (household_id, id)
);
create unique index categories_household_id_name_key
    on ledger.categories (household_id, category_type, parent_id, name_key) nulls not distinct
    where deleted_at is null;

-- Entities of other services that use a category. A referenced category cannot be
-- deleted, only merged.
create table ledger.category_references (
    household_id uuid not null,
    category_id uuid not null,
    service text not null,
    kind text not null,
    entity_id uuid not null,
    -- The service's sequence number of the change that last added the reference.
    generation bigint not null,
    constraint category_references_pkey primary key (household_id, service, kind, entity_id, category_id),
    constraint category_references_category_id_fkey foreign key (household_id, category_id)
        references ledger.categories (household_id, id)
);
create index category_references_category_id_idx on ledger.category_references (household_id, category_id);

-- The generation up to which an entity's references are complete. Later reports about
-- an earlier generation are ignored.
create table ledger.category_referrers (
    household_id uuid not null,
    service text not null,
    kind text not null,
    entity_id uuid not null,
    complete_to bigint not null,
    constraint category_referrers_pkey primary key (household_id, service, kind, entity_id)
);

-- The other side of every movement: one account per category or purpose, and currency.
-- Nominal accounts have no balance row, so transactions never wait for each other on them.
create table ledger.nominal_accounts (
    household_id uuid not null,
    id uuid not null,
    purpose text not null,
    category_id uuid,
    currency_code text not null,
    -- The nominal account of the category that replaced this one. Its daily totals are kept there.
    merged_into uuid,
    constraint nominal_accounts_pkey primary key (household_id, id),
    constraint nominal_accounts_purpose_check check (
        purpose in ('category', 'income', 'expense', 'opening', 'adjustment', 'exchange')
        and (purpose = 'category') = (category_id is not null)
    )
);
create unique index nominal_accounts_household_id_purpose_key
    on ledger.nominal_accounts (household_id, purpose, category_id, currency_code) nulls not distinct;

-- The current state of each transaction, derived from its postings.
create table ledger.transactions (
    household_id uuid not null,
    id uuid not null,
    transaction_type text not null,
    status text not null,
    account_id uuid not null,
    to_account_id uuid,
    category_id uuid,
    -- Whether rows in splits replace category_id.
    is_split boolean not null default false,
    -- The amounts as the user entered them.
    amount bigint not null,
    currency_code text not null,
    to_amount bigint,
    -- The signed changes of the accounts, in the accounts' currencies.
    account_change bigint not null,
    to_account_change bigint,
    -- The absolute amount in the household's currency. Null until a rate is known.
    household_amount bigint,
    -- The rate from currency_code to the account's currency, if they differ.
    rate numeric,
    rate_date date,
    rate_source text,
    -- The texts and the tags; absent if empty. The ledger computes nothing from them.
    details jsonb not null,
    -- Normalized words of the details, each prefixed with a tag of the household.
    -- Null: not indexed yet.
    search_vector tsvector,
    transaction_date date not null,
    -- The recurring transaction that posted it.
    recurring_id uuid,
    -- The number of the latest revision.
    version bigint not null,
    -- The revision whose postings are in effect. Null if voided.
    posted_revision bigint,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint transactions_pkey primary key (household_id, id),
    constraint transactions_transaction_type_check check (
        transaction_type in ('income', 'expense', 'transfer', 'opening', 'adjustment')
    ),
    constraint transactions_status_check check (
        status in ('posted', 'voided') and (status = 'voided') = (posted_revision is null)
    )
) with (fillfactor = 85);
create index transactions_date_idx on ledger.transactions (household_id, transaction_date, id)
    where status = 'posted';
create index transactions_voided_idx on ledger.transactions (household_id, transaction_date, id)
    where status = 'voided';
create index transactions_account_id_idx
    on ledger.transactions (household_id, account_id, transaction_date, id) where status = 'posted';
create index transactions_to_account_id_idx
    on ledger.transactions (household_id, to_account_id, transaction_date, id)
    where status = 'posted' and to_account_id is not null;
create index transactions_category_id_idx
    on ledger.transactions (household_id, category_id, transaction_date, id)
    where status = 'posted' and category_id is not null;
create index transactions_amount_idx
    on ledger.transactions (household_id, (coalesce(household_amount, 0)), id) where status = 'posted';
-- Empty vectors would all share one index entry.
create index transactions_search_vector_idx on ledger.transactions using gin (search_vector)
    where search_vector <> ''::tsvector;
create index transactions_not_indexed_idx on ledger.transactions (household_id, id)
    where search_vector is null;

-- The splits of a transaction with several categories. The transaction's date and status
-- are repeated here, so that one index range serves the list of a category.
create table ledger.splits (
    household_id uuid not null,
    transaction_id uuid not null,
    number smallint not null,
    category_id uuid not null,
    amount bigint not null,
    description text,
    transaction_date date not null,
    status text not null,
    constraint splits_pkey primary key (household_id, transaction_id, number),
    constraint splits_amount_check check (amount > 0)
);
create index splits_category_id_idx
    on ledger.splits (household_id, category_id, status, transaction_date, transaction_id);

-- The history of each transaction. `changes` maps each changed field to its values before
-- and after; the fields of `details` are in an object of that name.
create table ledger.revisions (
    household_id uuid not null,
    transaction_id uuid not null,
    revision bigint not null,
    kind text not null,
    changes jsonb not null,
    actor text not null,
    recorded_at timestamptz not null,
    constraint revisions_pkey primary key (household_id, transaction_id, revision),
    constraint revisions_kind_check check (kind in ('created', 'updated', 'voided', 'restored'))
);

-- The signed postings of each revision. Append-only: an edit posts the reversal of the
-- current postings, then the new ones.
create table ledger.postings (
    household_id uuid not null,
    transaction_id uuid not null,
    revision bigint not null,
    number smallint not null,
    account_id uuid not null,
    currency_code text not null,
    -- The postings of a revision sum to zero per currency.
    amount bigint not null,
    day date not null,
    is_reversal boolean not null,
    -- The value in the household's currency, fixed when posted. Null until a rate is known;
    -- it is then filled once.
    household_amount bigint,
    household_rate numeric,
    household_rate_date date,
    recorded_at timestamptz not null,
    constraint postings_pkey primary key (household_id, transaction_id, revision, number)
);
create index postings_unpriced_idx on ledger.postings (household_id, transaction_id)
    where household_amount is null;

-- The change of each account, own or nominal, per day.
create table ledger.daily_totals (
    household_id uuid not null,
    account_id uuid not null,
    day date not null,
    -- In the account's currency.
    change bigint not null,
    -- In the household's currency.
    household_change bigint not null,
    -- The part of `change` without a value in the household's currency, in the account's currency.
    unpriced_change bigint not null default 0,
    constraint daily_totals_pkey primary key (household_id, account_id, day)
) with (fillfactor = 80);

-- Recurring transactions: a template and a schedule, given by a frequency or an RFC 5545 rule.
create table ledger.recurring (
    household_id uuid not null,
    id uuid not null,
    -- The user who created it.
    user_id uuid not null,
    -- The input of the transactions that it posts.
    template jsonb not null,
    account_id uuid not null,
    to_account_id uuid,
    frequency text,
    every int,
    rrule text,
    start_date date not null,
    end_date date,
    -- The maximum number of occurrences, including those of earlier versions of the schedule.
    occurrences int,
    weekend text not null,
    -- The number of occurrences that earlier versions of the schedule consumed.
    prior_occurrences int not null default 0,
    -- The first day that this version of the schedule applies to. Null: its start.
    effective_from date,
    status text not null,
    -- The code of the error that an occurrence failed with. Null if a user paused it.
    paused_reason text,
    -- The next day of the schedule. Null if completed.
    next_occurrence date,
    last_occurrence date,
    last_transaction_id uuid,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    constraint recurring_pkey primary key (household_id, id),
    constraint recurring_rule_check check ((rrule is null) = (frequency is not null and every is not null)),
    constraint recurring_status_check check (
        status in ('active', 'paused', 'completed')
        and (next_occurrence is null) = (status = 'completed')
    )
);

-- Rejects postings that do not sum to zero, or whose account does not exist in the
-- household and currency.
create function ledger.check_postings() returns trigger language plpgsql as $$
declare
    wrong record;
begin
    select household_id, transaction_id, currency_code into wrong from inserted
    group by household_id, transaction_id, revision, currency_code
    having sum(amount) <> 0
    limit 1;
    if found then
        raise exception 'transaction % does not balance in %', wrong.transaction_id, wrong.currency_code
            using errcode = 'check_violation', constraint = 'postings_balance_check';
    end if;
    select account_id into wrong from inserted
    where not exists (
            select from ledger.accounts
            where accounts.household_id = inserted.household_id and accounts.id = inserted.account_id
              and accounts.currency_code = inserted.currency_code)
      and not exists (
            select from ledger.nominal_accounts
            where nominal_accounts.household_id = inserted.household_id
              and nominal_accounts.id = inserted.account_id
              and nominal_accounts.currency_code = inserted.currency_code)
    limit 1;
    if found then
        raise exception 'no account % in that household and currency', wrong.account_id
            using errcode = 'foreign_key_violation', constraint = 'postings_account_id_fkey';
    end if;
    return null;
end $$;
create trigger postings_check after insert on ledger.postings
    referencing new table as inserted for each statement execute function ledger.check_postings();

-- Rejects updates and deletions of postings. The household amount may be filled once.
create function ledger.reject_posting_changes() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.household_amount is null
        and (new.household_id, new.transaction_id, new.revision, new.number, new.account_id, new.currency_code,
             new.amount, new.day, new.is_reversal, new.recorded_at)
          = (old.household_id, old.transaction_id, old.revision, old.number, old.account_id, old.currency_code,
             old.amount, old.day, old.is_reversal, old.recorded_at)
    then
        return new;
    end if;
    raise exception 'postings are append-only'
        using errcode = 'check_violation', constraint = 'postings_append_only_check';
end $$;
create trigger postings_reject_changes before update or delete on ledger.postings
    for each row execute function ledger.reject_posting_changes();
