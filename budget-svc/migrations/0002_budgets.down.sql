drop table budget.contributions, budget.milestones, budget.goals, budget.looks, budget.alerts,
    budget.budget_terms, budget.budgets;
