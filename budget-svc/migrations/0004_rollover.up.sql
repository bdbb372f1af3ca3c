-- What periods leave to the next ones.

alter table budget.budget_terms
    add column rollover text not null default 'none',
    add constraint budget_terms_rollover_check check (rollover in ('none', 'surplus', 'deficit', 'both'));
alter table budget.budget_terms alter column rollover drop default;

-- The limit with what went over into the period, as it stood then. It may be
-- below zero. `amount`, what the user set, still makes an alert one.
alter table budget.alerts add column budgeted bigint;
update budget.alerts set budgeted = amount;
alter table budget.alerts alter column budgeted set not null;
