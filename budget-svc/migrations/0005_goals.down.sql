drop index budget.goals_due_date_idx;
drop table budget.reminders;
-- What was taken back stays taken back; only that it was is forgotten.
delete from budget.contributions where direction = 'withdrawal';
alter table budget.contributions drop column direction;
alter table budget.contributions rename column goal_account_id to to_account_id;
alter table budget.goals drop column cancelled_at;
