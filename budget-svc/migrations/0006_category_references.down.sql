alter table budget.alerts drop column unpriced;
drop table budget.category_reference_updates;
