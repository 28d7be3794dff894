"""The commit that the controller last took in whole, and since when: `observedRevision`.

The loop notes it in the turn that takes in a scan, so that what the ledger says of its jobs is there when it is.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from controller.ledger.rows.cells import either, parse_stored_time
from controller.model.job import DIRTY, Job

if TYPE_CHECKING:
    from controller.ledger.reads.reader import Reader

OBSERVED = "observed"
"""The fact that keeps it."""
MOST_NAMED = 500  # in one query

Revision = tuple[str, datetime]
"""A commit, and when it was taken in first."""


class Facts(Protocol):
    """The values of `meta`, as the store keeps them."""

    def fact(self, key: str) -> str | None: ...
    def set_fact(self, key: str, value: str) -> None: ...


class Observed:
    """The commit that was taken in last, as the loop keeps it."""

    def __init__(self, store: Facts) -> None:
        self._store = store
        self._last = _read(store.fact(OBSERVED))

    def revision(self) -> Revision | None:
        """None: none was taken in yet."""
        return self._last

    def note(self, commit: str, now: datetime) -> None:
        """This commit is taken in whole. What is known already is not written again."""
        if commit and (self._last is None or self._last[0] != commit):
            self._store.set_fact(OBSERVED, f"{commit} {now.isoformat()}")
            self._last = (commit, now)


def observed_revision(reader: "Reader") -> Revision | None:
    """The same for readers; None: none was taken in yet."""
    rows = reader.rows("select value from meta where key = ?", [OBSERVED])
    return next((_read(str(row["value"])) for row in rows), None)


def transitions(reader: "Reader", names: Sequence[str] = ()) -> Iterator[tuple[str, str, datetime | None]]:
    """Each of these jobs, or all, with its reason as last reported, and since when it is so."""
    where = f"and name in ({', '.join('?' * len(names))})" if 0 < len(names) <= MOST_NAMED else ""
    sql = f"select name, reason, changed_at from job where reason <> '' {where}"
    for row in reader.rows(sql, names if where else ()):
        yield str(row["name"]), str(row["reason"]), _time(row["changed_at"])


def jobs_at(reader: "Reader", commit: str) -> list[Job]:
    """The jobs that want what they want since the commit whose hash begins like this; edits beside it do not count."""
    rows = reader.rows("select name from job where wanted like ?", [f'%"revision": "{commit}%'])
    found = (reader.job(str(row["name"])) for row in rows)
    return [job for job in found if job and job.wanted and _is_at(job.wanted.revision, commit)]


def _is_at(revision: str, commit: str) -> bool:
    return revision.startswith(commit) and not revision.endswith(DIRTY)


def _time(text: object) -> datetime | None:
    return either(lambda: parse_stored_time(str(text)), None)


def _read(text: str | None) -> Revision | None:
    commit, _, at = (text or "").partition(" ")
    with suppress(ValueError):
        return (commit, parse_stored_time(at)) if commit else None
    return None
