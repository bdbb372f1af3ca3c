-- Budgets and goals. Ids of the household come first in every key; amounts are
-- minor units of the budget's or goal's currency. What was spent is asked of
-- the ledger and kept nowhere.

create table budget.budgets (
    household_id uuid not null,
    id uuid not null,
    name text not null,
    currency_code text not null,
    frequency text not null,
    -- Periods are counted from it.
    start_date date not null,
    -- The last day.
    end_date date,
    -- Percent, ascending.
    alert_thresholds int[] not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    constraint budgets_pkey primary key (household_id, id),
    constraint budgets_frequency_check check (
        frequency in ('weekly', 'monthly', 'quarterly', 'yearly', 'custom')
        and (frequency <> 'custom' or end_date is not null)
    )
);
create index budgets_live_idx on budget.budgets (household_id, id) where deleted_at is null;

-- What holds from a period on: the newest row that is not after its first day.
create table budget.budget_terms (
    household_id uuid not null,
    budget_id uuid not null,
    valid_from date not null,
    amount bigint not null,
    category_ids uuid[] not null,
    constraint budget_terms_pkey primary key (household_id, budget_id, valid_from),
    constraint budget_terms_amount_check check (amount > 0),
    constraint budget_terms_budget_id_fkey foreign key (household_id, budget_id)
        references budget.budgets (household_id, id)
);

-- Thresholds that spending reached, once each for the limit in force.
create table budget.alerts (
    household_id uuid not null,
    budget_id uuid not null,
    period_start date not null,
    -- Percent.
    threshold int not null,
    -- The limit in force.
    amount bigint not null,
    id uuid not null,
    -- False: a higher one was reached at the same time and speaks for it.
    is_message boolean not null,
    -- As it stood then.
    spent bigint not null,
    period_end date not null,
    fired_at timestamptz not null,
    constraint alerts_pkey primary key (household_id, budget_id, period_start, threshold, amount),
    constraint alerts_household_id_id_key unique (household_id, id),
    constraint alerts_budget_id_fkey foreign key (household_id, budget_id)
        references budget.budgets (household_id, id)
);

-- Households whose budgets must be looked at.
create table budget.looks (
    household_id uuid not null constraint looks_pkey primary key,
    -- Moves with every reason to look: a look that began before does not count.
    generation bigint not null,
    due_at timestamptz not null,
    leased_until timestamptz,
    -- Looks that failed in a row.
    failures int not null default 0
);
create index looks_due_at_idx on budget.looks (due_at);

create table budget.goals (
    household_id uuid not null,
    id uuid not null,
    name text not null,
    currency_code text not null,
    target_amount bigint not null,
    due_date date,
    -- Where the money is kept, in the ledger.
    account_id uuid,
    -- Sum of the contributions that are done.
    current_amount bigint not null,
    -- Set as long as the target is reached.
    completed_at timestamptz,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    constraint goals_pkey primary key (household_id, id),
    constraint goals_target_amount_check check (target_amount > 0),
    constraint goals_completed_at_check check ((completed_at is not null) = (current_amount >= target_amount))
);
create index goals_live_idx on budget.goals (household_id, id) where deleted_at is null;

-- Parts of a goal that were reached, once each.
create table budget.milestones (
    household_id uuid not null,
    goal_id uuid not null,
    -- Of the target.
    percent int not null,
    id uuid not null,
    -- False: a higher one was reached at the same time and speaks for it.
    is_message boolean not null,
    -- As it stood then.
    target_amount bigint not null,
    current_amount bigint not null,
    reached_at timestamptz not null,
    constraint milestones_pkey primary key (household_id, goal_id, percent),
    constraint milestones_household_id_id_key unique (household_id, id),
    constraint milestones_percent_check check (percent in (25, 50, 75, 100)),
    constraint milestones_goal_id_fkey foreign key (household_id, goal_id)
        references budget.goals (household_id, id)
);

-- Money set aside. One that moves money has the id of its transfer in the
-- ledger, so that the transfer can be asked for again and is still one.
create table budget.contributions (
    household_id uuid not null,
    id uuid not null,
    goal_id uuid not null,
    -- Who made it.
    user_id uuid not null,
    amount bigint not null,
    -- From where to where money moves; neither: it is earmarked where it is.
    account_id uuid,
    to_account_id uuid,
    note text,
    -- pending: its transfer is not known to be made. Only what is done counts.
    state text not null,
    -- Of the transfer, when it was last asked for.
    transfer_version bigint,
    -- The key that its request came with, to be free again if the ledger refuses.
    key_operation text,
    key text,
    -- When somebody has to ask the ledger, and how often something came up about it.
    due_at timestamptz,
    news bigint not null default 0,
    leased_until timestamptz,
    -- Times in a row that the ledger could not be asked.
    failures int not null default 0,
    version bigint not null,
    created_at timestamptz not null,
    constraint contributions_pkey primary key (household_id, id),
    constraint contributions_amount_check check (amount > 0),
    constraint contributions_state_check check (
        state in ('pending', 'done', 'voided', 'refused')
        and (state = 'done' or account_id is not null)
    ),
    constraint contributions_account_id_check check ((account_id is null) = (to_account_id is null)),
    constraint contributions_goal_id_fkey foreign key (household_id, goal_id)
        references budget.goals (household_id, id)
);
create index contributions_goal_id_idx on budget.contributions (household_id, goal_id, id);
create index contributions_due_at_idx on budget.contributions (due_at) where due_at is not null;
create index contributions_key_idx on budget.contributions (household_id, user_id, key_operation, key)
    where key is not null;
