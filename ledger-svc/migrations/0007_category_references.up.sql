-- What other services keep that names a category: a category that is referenced
-- cannot be deleted, only merged.
create table ledger.category_references (
    household_id uuid not null,
    category_id uuid not null,
    -- The service and the kind and id of its entity.
    service text not null,
    kind text not null,
    entity_id uuid not null,
    -- The service's number of the change that added it last.
    generation bigint not null,
    constraint category_references_pkey primary key (household_id, service, kind, entity_id, category_id),
    constraint category_references_category_id_fkey foreign key (household_id, category_id)
        references ledger.categories (household_id, id)
);
-- Up to which change an entity's references are complete: what arrives later about
-- an earlier one is ignored.
create table ledger.category_referrers (
    household_id uuid not null,
    service text not null,
    kind text not null,
    entity_id uuid not null,
    complete_to bigint not null,
    constraint category_referrers_pkey primary key (household_id, service, kind, entity_id)
);
create index category_references_category_id_idx on ledger.category_references (household_id, category_id);

-- Recurring transactions take turns: one that has just been posted, or made with
-- days in the past, comes after those that have waited longer.
drop index ledger.recurring_due_idx;
create index recurring_due_idx on ledger.recurring (greatest(due_at, updated_at)) where due_at is not null;
