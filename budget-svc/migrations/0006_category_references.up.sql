-- Changes of budgets' categories in progress: from before new references are sent
-- to the ledger until the result has been sent.
create table budget.category_reference_updates (
    household_id uuid not null,
    budget_id uuid not null,
    -- Ascends with every change; the ledger keeps it with the references.
    generation bigint generated always as identity,
    -- When a job sends the result, unless the change has done so.
    due_at timestamptz not null,
    -- The result is being sent: the change can no longer commit.
    is_closed boolean not null default false,
    constraint category_reference_updates_pkey primary key (household_id, budget_id, generation)
);
create index category_reference_updates_due_at_idx on budget.category_reference_updates (due_at);

insert into budget.category_reference_updates (household_id, budget_id, due_at)
select household_id, id, now() from budget.budgets where deleted_at is null;

-- What of the spending had no rate then: currency code to amount, decimal.
alter table budget.alerts add column unpriced jsonb not null default '{}';
