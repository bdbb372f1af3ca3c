-- Mails to send. Neither addresses nor secrets are kept: both are asked of
-- auth-svc when a mail goes out.
create table notify.mails (
    id uuid not null constraint mails_pkey primary key,
    -- The event that asked for it: at most one mail an event and kind.
    event_id uuid not null,
    user_id uuid not null,
    kind text not null,
    -- What it is about: the challenge, or the user.
    subject_id uuid not null,
    state text not null constraint mails_state_check check (state in ('pending', 'sent', 'dropped', 'dead')),
    -- Failed deliveries so far.
    attempts int not null default 0,
    due_at timestamptz not null,
    leased_until timestamptz,
    last_error text,
    created_at timestamptz not null,
    settled_at timestamptz,
    constraint mails_event_id_kind_key unique (event_id, kind)
);
create index mails_due_at_idx on notify.mails (due_at) where state = 'pending';
