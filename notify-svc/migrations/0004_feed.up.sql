-- What changed in a household, in an order of its own: the live feed. Only what
-- it was and its version; whoever follows reads the rest.

create table notify.feed_heads (
    household_id uuid not null constraint feed_heads_pkey primary key,
    -- Of the newest entry. Whoever appends holds the row until he commits, so a
    -- household's entries become visible in their order.
    seq bigint not null
);

create table notify.feed (
    household_id uuid not null,
    seq bigint not null,
    -- Whom it concerns; everybody of the household where there is nobody.
    user_id uuid,
    entity text not null,
    entity_id uuid not null,
    version bigint not null,
    transaction_id xid8 not null default pg_current_xact_id(),
    told_at timestamptz not null,
    constraint feed_pkey primary key (household_id, seq)
);
create index feed_transaction_id_idx on notify.feed (transaction_id);
create index feed_told_at_idx on notify.feed (told_at);
