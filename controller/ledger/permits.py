"""The spend guard's tables in the ledger: what is admitted, which batches wait for an operator, what was accepted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from controller.ledger.migrations import Database
from controller.ledger.rows import format_time
from controller.limits.guard import Batch, Permit

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
        return {key: _permit(label, batches[label], bool(is_listed), accepted) for key, label, is_listed in rows}

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


def _label(permit: Permit) -> str:
    if permit.is_admitted:
        return f"{_ADMITTED} {permit.label}".rstrip()
    return permit.batch.hash if permit.batch else ""


def _permit(label: str, batch: Batch | None, is_listed: bool, accepted: Mapping[str, str]) -> Permit | None:
    word, _, approved = label.partition(" ")
    if word == _ADMITTED:
        return Permit(is_admitted=True, is_listed=is_listed, label=approved, approved_by=accepted.get(approved, ""))
    return Permit(batch=batch, is_listed=is_listed) if batch else None
