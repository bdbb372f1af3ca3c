-- Budgets and goals. The household id comes first in every key. Amounts are
-- minor units of the budget's or goal's currency. Spending is read from the
-- ledger and stored nowhere.

comment on schema budget is 'intentions: budgets, goals, alerts, contributions';

create table budget.budgets (
    household_id uuid not null,
    id uuid not null,
    name text not null,
    currency_code text not null,
    frequency text not null,
    -- The first day of the first period.
    start_date date not null,
    -- The last day.
    end_date date,
    -- Percentages, ascending.
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

-- The terms of a budget from a period on. The newest row that does not begin
-- after the first day of a period is in force in it.
create table budget.budget_terms (
    household_id uuid not null,
    budget_id uuid not null,
    valid_from date not null,
    amount bigint not null,
    category_ids uuid[] not null,
    -- The remainder that a period carries over to the next one.
    rollover text not null,
    constraint budget_terms_pkey primary key (household_id, budget_id, valid_from),
    constraint budget_terms_amount_check check (amount > 0),
    constraint budget_terms_rollover_check check (rollover in ('none', 'surplus', 'deficit', 'both')),
    constraint budget_terms_budget_id_fkey foreign key (household_id, budget_id)
        references budget.budgets (household_id, id)
);

-- Thresholds that spending reached. A threshold fires once per period and limit.
create table budget.alerts (
    household_id uuid not null,
    budget_id uuid not null,
    period_start date not null,
    -- In percent.
    threshold int not null,
    -- The limit that the user set. It is part of the alert's identity.
    amount bigint not null,
    id uuid not null,
    -- False if a higher threshold was reached at the same time; that one notifies.
    is_notified boolean not null,
    -- The spending when the alert fired.
    spent bigint not null,
    period_end date not null,
    fired_at timestamptz not null,
    -- The limit with the amount carried over into the period, when the alert
    -- fired. It may be negative.
    budgeted bigint not null,
    -- Spending without an exchange rate when the alert fired: currency code to
    -- decimal amount.
    unpriced jsonb not null default '{}',
    constraint alerts_pkey primary key (household_id, budget_id, period_start, threshold, amount),
    constraint alerts_household_id_id_key unique (household_id, id),
    constraint alerts_budget_id_fkey foreign key (household_id, budget_id)
        references budget.budgets (household_id, id)
);

create table budget.goals (
    household_id uuid not null,
    id uuid not null,
    name text not null,
    currency_code text not null,
    target_amount bigint not null,
    due_date date,
    -- The account in the ledger that holds the money.
    account_id uuid,
    -- The sum of the contributions in state done.
    current_amount bigint not null,
    -- Set while the target is reached.
    completed_at timestamptz,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    cancelled_at timestamptz,
    constraint goals_pkey primary key (household_id, id),
    constraint goals_target_amount_check check (target_amount > 0),
    constraint goals_completed_at_check check ((completed_at is not null) = (current_amount >= target_amount))
);
create index goals_live_idx on budget.goals (household_id, id) where deleted_at is null;
create index goals_due_date_idx on budget.goals (due_date)
    where due_date is not null and completed_at is null and cancelled_at is null and deleted_at is null;

-- Percentages of a goal's target that were reached. Each is recorded once.
create table budget.milestones (
    household_id uuid not null,
    goal_id uuid not null,
    -- Percent of the target.
    percent int not null,
    id uuid not null,
    -- False if a higher milestone was reached at the same time; that one notifies.
    is_notified boolean not null,
    -- The amounts when the milestone was reached.
    target_amount bigint not null,
    current_amount bigint not null,
    reached_at timestamptz not null,
    constraint milestones_pkey primary key (household_id, goal_id, percent),
    constraint milestones_household_id_id_key unique (household_id, id),
    constraint milestones_percent_check check (percent in (25, 50, 75, 100)),
    constraint milestones_goal_id_fkey foreign key (household_id, goal_id)
        references budget.goals (household_id, id)
);

-- Reminders of due dates. Each is created once. A reminder whose day had passed
-- when the due date was set is stored without a notification.
create table budget.reminders (
    household_id uuid not null,
    goal_id uuid not null,
    due_date date not null,
    -- Days before the due date.
    days int not null,
    id uuid not null,
    -- False if no notification is sent.
    is_notified boolean not null,
    -- The state of the goal when the reminder was created.
    target_amount bigint not null,
    current_amount bigint not null,
    days_left int not null,
    created_at timestamptz not null,
    constraint reminders_pkey primary key (household_id, goal_id, due_date, days),
    constraint reminders_household_id_id_key unique (household_id, id),
    constraint reminders_days_check check (days in (30, 7, 1)),
    constraint reminders_goal_id_fkey foreign key (household_id, goal_id)
        references budget.goals (household_id, id)
);

-- Money set aside for a goal or withdrawn from it. A contribution that moves
-- money has the id of its transfer in the ledger: posting the transfer again is
-- idempotent.
create table budget.contributions (
    household_id uuid not null,
    id uuid not null,
    goal_id uuid not null,
    -- The user who made the contribution.
    user_id uuid not null,
    amount bigint not null,
    -- The account on the other side of the transfer and the goal's account. Both
    -- are null if the money is earmarked where it is.
    account_id uuid,
    goal_account_id uuid,
    note text,
    -- In state pending, the transfer is not confirmed. Only state done counts.
    state text not null,
    -- The version of the transfer that was read last.
    transfer_version bigint,
    -- The idempotency key of the request. It is released if the ledger rejects
    -- the transfer.
    key_operation text,
    key text,
    version bigint not null,
    created_at timestamptz not null,
    direction text not null,
    constraint contributions_pkey primary key (household_id, id),
    constraint contributions_amount_check check (amount > 0),
    constraint contributions_state_check check (
        state in ('pending', 'done', 'voided', 'rejected')
        and (state = 'done' or account_id is not null)
    ),
    constraint contributions_account_id_check check ((account_id is null) = (goal_account_id is null)),
    constraint contributions_direction_check check (direction in ('contribution', 'withdrawal')),
    constraint contributions_goal_id_fkey foreign key (household_id, goal_id)
        references budget.goals (household_id, id)
);
create index contributions_goal_id_idx on budget.contributions (household_id, goal_id, id);
create index contributions_key_idx on budget.contributions (household_id, user_id, key_operation, key)
    where key is not null;

-- Changes of a budget's categories in progress. A row exists from before the new
-- references are sent to the ledger until the result has been sent.
create table budget.category_reference_updates (
    household_id uuid not null,
    budget_id uuid not null,
    -- Increases with every change. The ledger stores it with the references.
    generation bigint generated always as identity,
    -- The time at which a job sends the result, unless the change has sent it.
    due_at timestamptz not null,
    -- True while the result is being sent: the change can no longer commit.
    is_closed boolean not null default false,
    constraint category_reference_updates_pkey primary key (household_id, budget_id, generation)
);
create index category_reference_updates_due_at_idx on budget.category_reference_updates (due_at);
