"""The tables of the outbox, as `migrations` creates them."""

# `notice` holds the events, numbered in the order in which they were recorded. `message.notices` are the numbers of its
# events as a JSON array: writing one row, however many there are, keeps the loop waiting for as short as possible.
# `sink.seen` is the number of the last event looked at of what is sent at once, `sink.collected` of what is collected.
OUTBOX = """
create table notice (
    number integer primary key,
    id text not null unique,
    at text not null,
    topic text not null,
    message text not null,
    subject text not null default '',
    set_name text not null default '',
    labels text not null default '',
    revision text not null default '',
    submission text not null default '',
    phase text not null default '',
    reason text not null default '',
    units real,
    command text not null default ''
);
create table message (
    number integer primary key,
    id text not null,
    sink text not null,
    topic text not null,
    made_at text not null,
    notices text not null,
    first integer not null,
    count integer not null,
    units real not null default 0,
    attempts integer not null default 0,
    next_at text,
    sent_at text,
    given_up_at text,
    error text not null default '',
    unique (sink, id)
);
create index message_waiting on message (sink, number) where next_at is not null;
create table sink (
    name text primary key,
    seen integer not null,
    collected integer not null,
    sent integer not null default 0,
    failed integer not null default 0,
    given_up integer not null default 0
)
"""
