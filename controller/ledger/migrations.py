"""The database schema as migrations, oldest first. A migration that has been released is never edited."""

import sqlite3
import sys
from functools import cache
from types import ModuleType
from typing import cast

from controller.ledger.labels import group_all
from controller.ledger.outbox.schema import OUTBOX
from controller.ledger.places import place_all

# sqlite_utils loads numpy, to store arrays: a quarter of the start of every command, and 20 MiB, for nothing here.
_numpy = sys.modules.setdefault("numpy", cast(ModuleType, None))
try:
    from sqlite_utils import Database as Database
    from sqlite_utils import Migrations
finally:
    if _numpy is None:
        del sys.modules["numpy"]

migrations = Migrations("shjobs")

_FIRST = """
create table submission (
    number integer primary key,
    id text not null,
    job text not null,
    digest text not null,
    rerun integer not null,
    attempt integer not null,
    generation integer not null,
    revision text not null default '',
    body text not null,
    outputs text not null,
    prefix text not null,
    credentials_ref text,
    reserved_pu real,
    intended_at text not null,
    answer text check (answer in ('accepted', 'refused', 'unconfirmed')),
    answered_at text,
    answer_detail text,
    message text not null default '',
    request_id text unique,
    missing_at text,
    gone_at text,
    verdict text check (verdict in ('succeeded', 'failed', 'unknown')),
    reason text not null default '',
    finished_at text,
    evidence text,
    spent_pu real,
    look_at text
);
create unique index submission_paid_once on submission (job, digest, rerun, attempt) where answer is not 'refused';
create index submission_by_job on submission (job, number);
create table job (
    name text primary key,
    path text not null,
    position integer not null,
    generation integer not null,
    wanted text,
    body text,
    told text not null default ''
);
create table file (
    path text primary key,
    kind text not null,
    size integer not null,
    mtime_ns integer not null,
    ctime_ns integer not null,
    inode integer not null,
    sha256 text not null,
    uses text not null
);
create table event (
    number integer primary key,
    at text not null,
    job text,
    submission text,
    reason text not null,
    message text not null
);
create index event_by_job on event (job, number);
create table inbox (
    number integer primary key,
    at text not null,
    command text not null,
    done_at text
);
create table meta (
    key text primary key,
    value text not null
);
"""

# `batch` without `at` was accepted before it was ever due; `due.batch` is a hash, or `admitted`.
_SECOND = """
alter table submission add column adopted integer not null default 0;
update submission set adopted = 1 where exists (
    select 1 from event
    where event.reason = 'Adopted' and event.job = submission.job and event.submission = submission.id
);
create table due (
    key text primary key,
    batch text not null default '',
    is_listed integer not null default 0
);
create table batch (
    hash text primary key,
    at text,
    jobs integer not null default 0,
    units real not null default 0,
    cause text not null default '',
    accepted_at text
);
"""


# The content of a manifest's status file, as JSON, for readers of the ledger.
_THIRD = """
create table status (
    path text primary key,
    documents text not null
);
"""


# Request ids named by an operator were recorded like an answer of the service; the events say which those are. From now
# on ids are compared in one case; of two that differ in nothing else, the later stays as it was.
_OPERATORS_WORD = """
alter table submission add column said_by_operator integer not null default 0;
update submission set said_by_operator = 1 where answer = 'accepted' and exists (
    select 1 from event
    where event.reason = 'Asked' and event.job = submission.job
    and event.message = 'a person resolved ' || submission.id || ': accepted'
);
update or ignore submission set request_id = lower(request_id)
where request_id like '________-____-____-____-____________'
"""


# The names of a submission's claims in the bucket, as JSON.
_CLAIMS = "alter table submission add column claims text not null default ''"

# Who approved it, "" when no one had to.
_APPROVALS = """
alter table submission add column approved_by text not null default '';
alter table batch add column accepted_by text not null default '';
"""

# How far `shjobs retry` raised the `rerun` of a job for one digest, by the submission that it repeats.
_RETRIES = """
create table retry (
    job text not null,
    digest text not null,
    submission text not null,
    raised integer not null,
    by text not null default '',
    at text not null,
    primary key (job, digest, submission)
);
"""

# For what asks about one request, or one set: who else has it. A row that is no JSON has none.
_LOOKUPS = """
create index submission_by_digest on submission (digest);
create index job_by_digest on job (
    case when typeof(wanted) = 'text' and json_valid(wanted) then json_extract(wanted, '$.digest') end
);
create index job_by_set on job (
    case when typeof(wanted) = 'text' and json_valid(wanted) then json_extract(wanted, '$.cell.set_name') end
);
"""

# For lists of jobs, and sums of money, of a hundred thousand rows: what they filter, sort and add up is in two indices
# that hold all of it. `label_group` is the number of the labels of a job as last accepted, as JSON with sorted keys;
# its submissions have it too. A job without labels has none.
_LISTING = """
create table label_group (
    number integer primary key,
    labels text not null unique
);
alter table job add column reason text not null default '';
alter table job add column changed_at text not null default '';
alter table job add column label_group integer;
alter table submission add column day text not null default '';
alter table submission add column label_group integer;
update job set reason = substr(told, 1, instr(told, ':') - 1), changed_at = coalesce(
    (select at from event where event.job = job.name order by number desc limit 1), ''
)
"""
_LISTING_INDICES = """
update submission set day = substr(intended_at, 1, 10),
    label_group = (select label_group from job where job.name = submission.job);
create index job_by_reason on job (reason, changed_at desc, name, label_group);
create index submission_by_day on submission (day, label_group, answer, spent_pu, reserved_pu, adopted);
create index submission_running on submission (job)
    where gone_at is null and verdict is null and (answer is null or answer = 'accepted')
"""
_RELABELLED = """
create trigger relabelled after update of label_group on job when old.label_group is not new.label_group begin
    update submission set label_group = new.label_group where job = new.name;
end
"""

# For maps: where a job is, and its number in the index from which lists are read. East is past 180 beyond the
# antimeridian.
_PLACES = """
create table place (
    number integer primary key,
    west real not null,
    south real not null,
    east real not null,
    north real not null
);
alter table job add column place integer
"""
_PLACES_INDEX = """
drop index job_by_reason;
create index job_by_reason on job (reason, changed_at desc, name, label_group, place)
"""
_MOVED = """
create trigger moved after update of place on job when old.place is not new.place begin
    delete from place where number = old.place;
end
"""

# The commits whose jobs changed, and what each sink for the status of commits was sent last. `touched_at` is the last
# change; `jobs` is how many there were, `times` how often it was sent. The indices count the jobs of a commit, and what
# its submissions cost, without reading a row.
_TOUCHED_COMMITS = """
create table touched_commit (
    number integer primary key,
    revision text not null unique,
    touched_at text not null
);
create table commit_status (
    sink text not null,
    revision text not null,
    state text not null default '',
    description text not null default '',
    jobs integer not null default 0,
    times integer not null default 0,
    sent_at text,
    tries integer not null default 0,
    next_at text,
    given_up_at text,
    error text not null default '',
    primary key (sink, revision)
);
create index job_by_revision on job (
    case when typeof(wanted) = 'text' and json_valid(wanted) then json_extract(wanted, '$.revision') end, reason
);
create index submission_by_revision on submission (revision, spent_pu)
"""


@migrations()
def first(db: Database) -> None:
    _execute(db, _FIRST)


@migrations()
def second(db: Database) -> None:
    _execute(db, _SECOND)


@migrations()
def third(db: Database) -> None:
    _execute(db, _THIRD)


@migrations()
def operators_word(db: Database) -> None:
    _execute(db, _OPERATORS_WORD)


@migrations()
def claims(db: Database) -> None:
    _execute(db, _CLAIMS)


@migrations()
def approvals(db: Database) -> None:
    _execute(db, _APPROVALS)


@migrations()
def retries(db: Database) -> None:
    _execute(db, _RETRIES)


@migrations()
def lookups(db: Database) -> None:
    _execute(db, _LOOKUPS)


@migrations()
def listing(db: Database) -> None:
    _execute(db, _LISTING)
    group_all(db.conn)
    _execute(db, _LISTING_INDICES)
    db.execute(_RELABELLED)


@migrations()
def places(db: Database) -> None:
    _execute(db, _PLACES)
    place_all(db.conn)
    _execute(db, _PLACES_INDEX)
    db.execute(_MOVED)


@migrations()
def outbox(db: Database) -> None:
    _execute(db, OUTBOX)


@migrations()
def touched_commits(db: Database) -> None:
    _execute(db, _TOUCHED_COMMITS)


@migrations()
def bound_commands(_db: Database) -> None:
    """Commands name their submission from here on, which an earlier program would ignore: it must not be at work."""


def _execute(db: Database, statements: str) -> None:
    for statement in statements.split(";"):
        if statement.strip():
            db.execute(statement)


@cache
def whole() -> Database:
    """An empty ledger of this program; any thread may read it."""
    made = Database(sqlite3.connect(":memory:", check_same_thread=False))
    migrations.apply(made)
    return made


def parts_of(db: Database) -> set[tuple[str, str]]:
    """The tables, columns and indices of a ledger."""
    rows = db.query("select type, name from sqlite_master where tbl_name not like '%sqlite%'")
    found = {(each["type"], each["name"]) for each in rows}
    tables = [name for kind, name in found if kind == "table"]
    return found | {("column", f"{table}.{column.name}") for table in tables for column in db[table].columns}
