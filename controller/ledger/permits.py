"""What operators and the spend guard decided about money, in tables of the ledger.

Of the guard: what is admitted, which batches wait for an operator, what was accepted. Of `shjobs retry`: by how much
the `rerun` of a job is raised above its manifest's. A raise belongs to (job, digest): a changed request begins without
one, and finds it again when the change is reverted; then its run is in force again, and nothing is paid twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from sys import intern
from typing import Any, Protocol

from controller.ledger.migrations import Database
from controller.ledger.rows.cells import CANNOT_BE_READ, checked_text, format_time, whole_of
from controller.limits.guard import Batch, Permit
from controller.model.job import Job

Raise = tuple[int, str]
"""By how much, and by whom last."""

_ADMITTED = "admitted"
"""The value in a `due` row instead of the hash of a batch; the hash of an approved one follows it."""


class Read(Protocol):
    """Reads rows by column name."""

    def __call__(self, sql: str, arguments: Sequence[object] = ()) -> Iterator[dict[str, Any]]: ...


class PermitRows:
    """The tables `due` and `batch`. What changes them belongs inside the store's `transaction()`."""

    def __init__(self, db: Database, read: Read) -> None:
        self._db = db
        self._read = read

    def due(self) -> dict[str, Permit | None]:
        """The guard's ruling by key; None for one held with a batch that is not here: it has no meaning."""
        sql = "select cast(key as text), cast(batch as text), is_listed from due order by key"
        rows = [tuple(row.values()) for row in self._read(sql)]
        batches = {label: self.batch(label) for label in {label for _, label, _ in rows}}
        accepted = self.accepted()
        return {
            intern(key): _permit(label, batches[label], bool(is_listed), accepted) for key, label, is_listed in rows
        }

    def put_due(self, permits: Mapping[str, Permit]) -> None:
        """Store the guard's rulings by key."""
        self._db.conn.executemany(
            "insert or replace into due (key, batch, is_listed) values (?, ?, ?)",
            [(key, _label(each), each.is_listed) for key, each in permits.items()],
        )

    def drop_due(self, keys: Iterable[str]) -> None:
        self._db.conn.executemany("delete from due where key = ?", [(key,) for key in keys])

    def drop_admitted(self) -> None:
        """All that is admitted is ruled on again; what is held stays held."""
        self._db.conn.execute("delete from due where batch like ?", [f"{_ADMITTED}%"])

    def drop_held(self) -> None:
        """All that is held is ruled on again."""
        self._db.conn.execute("delete from due where batch not like ?", [f"{_ADMITTED}%"])

    def batch(self, label: str) -> Batch | None:
        """The batch with this hash, if there ever was one."""
        sql = "select hash, jobs, units, cause from batch where hash = ? and at is not null"
        row = next((tuple(row.values()) for row in self._read(sql, [label])), None)
        if row is None or not isinstance(row[1], int) or not isinstance(row[2], int | float):
            return None
        return Batch(hash=row[0], jobs=row[1], units=row[2], cause=str(row[3]))

    def put_batch(self, batch: Batch, at: datetime) -> None:
        """Store a waiting batch; an earlier acceptance of it is kept."""
        self._db.execute(
            "insert into batch (hash, at, jobs, units, cause) values (?, ?, ?, ?, ?) on conflict (hash) do update "
            "set at = excluded.at, jobs = excluded.jobs, units = excluded.units, cause = excluded.cause",
            [batch.hash, format_time(at), batch.jobs, batch.units, batch.cause],
        )

    def accepted(self) -> dict[str, str]:
        """Every hash that was accepted, with who did."""
        sql = "select cast(hash as text) hash, cast(accepted_by as text) by from batch where accepted_at is not null"
        return {row["hash"]: row["by"] for row in self._read(sql)}

    def accept(self, label: str, at: datetime, by: str) -> None:
        """Store an acceptance, which is permanent."""
        self._db.execute(
            "insert into batch (hash, accepted_at, accepted_by) values (?, ?, ?) on conflict (hash) do update "
            "set accepted_by = iif(accepted_at is null, excluded.accepted_by, accepted_by), "
            "accepted_at = coalesce(accepted_at, excluded.accepted_at)",
            [label, format_time(at), by],
        )


class Retries:
    """The table `retry`, and what it holds in memory. What changes it belongs inside the store's `transaction()`."""

    def __init__(self, db: Database, read: Read) -> None:
        self._db = db
        self._read = read

    @cached_property
    def _raises(self) -> dict[tuple[str, str], Raise]:
        """The highest raise by job and digest; a row that cannot be read raises nothing."""
        found: dict[tuple[str, str], Raise] = {}
        for row in self._read("select job, digest, raised, by from retry order by raised, at"):
            found.update(_raise_of(row))
        return found

    def note(self, job: Job, submission: str, now: datetime) -> None:
        """Store the job's raise, made to repeat this submission; the first time counts."""
        assert job.wanted is not None, "only a wanted job is retried"
        raised, by = job.wanted.raised, job.wanted.retried_by
        self._raises[job.name, job.wanted.digest] = (raised, by)
        self._db.execute(
            "insert or ignore into retry (job, digest, submission, raised, by, at) values (?, ?, ?, ?, ?, ?)",
            [job.name, job.wanted.digest, submission, raised, by, format_time(now)],
        )

    def applied_to(self, job: Job) -> Job:
        """The job with the raise of what it wants, whatever it came with."""
        if job.wanted is None:
            return job
        found = self._raises.get((job.name, job.wanted.digest), (0, ""))
        if found == (job.wanted.raised, job.wanted.retried_by):
            return job
        return replace(job, wanted=job.wanted.with_raise(*found))


def _label(permit: Permit) -> str:
    if permit.is_admitted:
        return f"{_ADMITTED} {permit.label}".rstrip()
    return permit.batch.hash if permit.batch else ""


def _permit(label: str, batch: Batch | None, is_listed: bool, accepted: Mapping[str, str]) -> Permit | None:
    word, _, approved = label.partition(" ")
    if word == _ADMITTED:
        return Permit(is_admitted=True, is_listed=is_listed, label=approved, approved_by=accepted.get(approved, ""))
    return Permit(batch=batch, is_listed=is_listed) if batch else None


def _raise_of(row: dict[str, Any]) -> dict[tuple[str, str], Raise]:
    try:
        key = checked_text(row["job"]), checked_text(row["digest"])
        return {key: (whole_of(row["raised"]), checked_text(row["by"]))}
    except CANNOT_BE_READ:
        return {}
