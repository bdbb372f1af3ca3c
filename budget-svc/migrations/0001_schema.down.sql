comment on schema budget is null;
