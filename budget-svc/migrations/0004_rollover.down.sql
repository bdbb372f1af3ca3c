alter table budget.alerts drop column budgeted;
alter table budget.budget_terms drop column rollover;
