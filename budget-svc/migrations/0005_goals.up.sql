-- Goals that are cancelled, money that is taken back, and reminders.

alter table budget.goals add column cancelled_at timestamptz;

alter table budget.contributions rename column to_account_id to goal_account_id;
alter table budget.contributions
    add column direction text not null default 'contribution',
    add constraint contributions_direction_check check (direction in ('contribution', 'withdrawal'));
alter table budget.contributions alter column direction drop default;

-- Reminders of due dates, once each; those that lay in the past when the date
-- was set count as given.
create table budget.reminders (
    household_id uuid not null,
    goal_id uuid not null,
    due_date date not null,
    -- Before the due date.
    days int not null,
    id uuid not null,
    -- False: nobody is told.
    is_message boolean not null,
    -- As it stood then.
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
create index goals_due_date_idx on budget.goals (due_date)
    where due_date is not null and completed_at is null and cancelled_at is null and deleted_at is null;
