drop table budget.category_reference_updates, budget.contributions, budget.reminders, budget.milestones,
    budget.goals, budget.alerts, budget.budget_terms, budget.budgets;
comment on schema budget is null;
