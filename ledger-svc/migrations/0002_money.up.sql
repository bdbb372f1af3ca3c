-- Money on double entry. Ids of the household come first in every key.

create table ledger.households (
    id uuid not null constraint households_pkey primary key,
    currency_code text not null,
    timezone text not null,
    created_at timestamptz not null
);

-- Units of a currency for one unit of the base, by day. A day without a rate
-- takes the last one before it.
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
    account_type text not null,
    currency_code text not null,
    description text,
    include_in_net_worth boolean not null,
    is_active boolean not null,
    -- Sum of its postings, minor units.
    balance bigint not null,
    -- Of what a client may edit; the balance is none of it.
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    constraint accounts_pkey primary key (household_id, id),
    constraint accounts_account_type_check check (account_type in ('cash', 'bank', 'card'))
) with (fillfactor = 70);
create unique index accounts_household_id_name_key on ledger.accounts (household_id, name)
    where deleted_at is null;

create table ledger.categories (
    household_id uuid not null,
    id uuid not null,
    name text not null,
    category_type text not null,
    icon text,
    color text,
    parent_id uuid,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    constraint categories_pkey primary key (household_id, id),
    constraint categories_category_type_check check (category_type in ('income', 'expense')),
    constraint categories_parent_id_fkey foreign key (household_id, parent_id)
        references ledger.categories (household_id, id)
);
create unique index categories_household_id_name_key
    on ledger.categories (household_id, category_type, parent_id, name) nulls not distinct
    where deleted_at is null;

-- Where money comes from and goes to: one account per category or purpose, and
-- currency. Nobody owns them and they have no balance row, so nobody waits for them.
create table ledger.nominal_accounts (
    household_id uuid not null,
    id uuid not null,
    purpose text not null,
    category_id uuid,
    currency_code text not null,
    constraint nominal_accounts_pkey primary key (household_id, id),
    constraint nominal_accounts_purpose_check check (
        purpose in ('category', 'income', 'expense', 'opening', 'adjustment', 'exchange')
        and (purpose = 'category') = (category_id is not null)
    )
);
create unique index nominal_accounts_household_id_purpose_key
    on ledger.nominal_accounts (household_id, purpose, category_id, currency_code) nulls not distinct;

-- The current state of each transaction; `postings` are the truth behind it.
create table ledger.transactions (
    household_id uuid not null,
    id uuid not null,
    transaction_type text not null,
    status text not null,
    account_id uuid not null,
    to_account_id uuid,
    category_id uuid,
    -- The user's word, minor units of its currency.
    amount bigint not null,
    currency_code text not null,
    to_amount bigint,
    -- What moved on the accounts, signed, minor units of their currencies.
    account_change bigint not null,
    to_account_change bigint,
    -- Size in the household's currency; null as long as no rate is known.
    household_amount bigint,
    -- From the word's currency to the account's, where they differ.
    rate numeric,
    rate_day date,
    rate_source text,
    description text,
    reference_number text,
    notes text,
    tags text[] not null,
    transaction_date date not null,
    -- Number of the newest revision.
    version bigint not null,
    -- The revision whose legs stand; null when voided.
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

-- Who changed what, and when. `changes` has each changed field's value before and after.
create table ledger.revisions (
    household_id uuid not null,
    transaction_id uuid not null,
    revision bigint not null,
    kind text not null,
    changes jsonb not null,
    actor text not null,
    recorded_at timestamptz not null,
    constraint revisions_pkey primary key (household_id, transaction_id, revision),
    constraint revisions_kind_check check (kind in ('created', 'updated', 'voided'))
);

-- Signed legs. Append-only: an edit posts the reversal of what stands, then the new legs.
create table ledger.postings (
    household_id uuid not null,
    transaction_id uuid not null,
    revision bigint not null,
    leg smallint not null,
    account_id uuid not null,
    currency_code text not null,
    -- Minor units; the legs of a revision sum to zero per currency.
    amount bigint not null,
    day date not null,
    is_reversal boolean not null,
    -- Frozen when posted; null as long as no rate is known, then filled once.
    household_amount bigint,
    household_rate numeric,
    household_rate_day date,
    recorded_at timestamptz not null,
    constraint postings_pkey primary key (household_id, transaction_id, revision, leg)
);
create index postings_open_idx on ledger.postings (household_id, transaction_id)
    where household_amount is null;

-- What a day changed on an account, own or nominal. For a nominal account this
-- is the day's total.
create table ledger.daily_changes (
    household_id uuid not null,
    account_id uuid not null,
    day date not null,
    change bigint not null,
    household_change bigint not null,
    constraint daily_changes_pkey primary key (household_id, account_id, day)
) with (fillfactor = 80);

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

create function ledger.keep_postings() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.household_amount is null
        and (new.household_id, new.transaction_id, new.revision, new.leg, new.account_id, new.currency_code,
             new.amount, new.day, new.is_reversal, new.recorded_at)
          = (old.household_id, old.transaction_id, old.revision, old.leg, old.account_id, old.currency_code,
             old.amount, old.day, old.is_reversal, old.recorded_at)
    then
        return new;
    end if;
    raise exception 'postings are append-only'
        using errcode = 'check_violation', constraint = 'postings_append_only_check';
end $$;
create trigger postings_keep before update or delete on ledger.postings
    for each row execute function ledger.keep_postings();
