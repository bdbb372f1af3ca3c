comment on schema budget is 'intentions: budgets, goals, alerts, contributions';
