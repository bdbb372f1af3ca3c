-- What users may set besides language and time zone, and a version to change it by.

alter table auth.preferences
    -- Minor units of the household's currency.
    add column large_transaction_limit bigint
        constraint preferences_large_transaction_limit_check check (large_transaction_limit > 0),
    add column version bigint not null default 1;
alter table auth.preferences alter column version drop default;

-- By which ways a user hears of a kind of thing; without a row by all of them.
create table auth.notification_channels (
    user_id uuid not null constraint notification_channels_user_id_fkey references auth.users (id),
    kind text not null,
    mail boolean not null,
    inbox boolean not null,
    constraint notification_channels_pkey primary key (user_id, kind)
);
