-- Reports of a month, one a household; told once.
create table notify.reports (
    household_id uuid not null,
    -- Its first day.
    month date not null,
    id uuid not null constraint reports_id_key unique,
    -- When it is to be told; null when it is done.
    due_at timestamptz,
    leased_until timestamptz,
    failures int not null default 0,
    constraint reports_pkey primary key (household_id, month)
);
create index reports_due_at_idx on notify.reports (due_at) where due_at is not null;
