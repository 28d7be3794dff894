"""What became of each commit, and what a sink was sent about it: for the thread that sends, on its own connection.

Nothing of a commit's state is stored: it is counted from the jobs each time, so that a restart changes nothing.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from controller.ledger.commits.touched import COMMIT, TOUCH
from controller.ledger.location import FILE_NAME, said_plainly, writable
from controller.ledger.reads.reader import REJECTED
from controller.ledger.rows.cells import format_time, read_time
from controller.model.notices.commit import CommitCounts, SentStatus, TouchedCommit

MOST_COMMITS = 100  # looked at in one pass, the newest first
MOST_UNFINISHED = 500  # looked at besides, however many commits came later: those that changed last
KEPT = 1_000  # commits, besides the unfinished ones
INSTANCE = "instance"
OBSERVED = "observed"
"""The key in `meta` of the commit that was last taken in whole; a time may follow it."""
_REVISION = "case when typeof(wanted) = 'text' and json_valid(wanted) then json_extract(wanted, '$.revision') end"
"""As the index of `job` has it, so that SQLite uses it."""
_UNFINISHED = "given_up_at is null and state in ('pending', 'running')"
"""What was sent of a commit and is not its last word: without a further one the host would show it for ever."""
_COMMAND = re.compile(r"`(shjobs (?:accept|resolve)[^`]{0,80})`")
_SENT = ("state", "description", "jobs", "times", "sent_at", "tries", "next_at", "given_up_at", "error")


class CommitStatuses:
    """The ledger as the sender of one sink sees it; used by one thread, and closed by it.

    Every method raises `StateError` when the ledger cannot be used.
    """

    def __init__(self, state: Path, sink: str) -> None:
        self._path = state / FILE_NAME
        self._sink = sink
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        connection, self._connection, self._version = self._connection, None, None
        if connection is not None:
            connection.close()

    def has_news(self) -> bool:
        """Whether another connection changed the ledger since the last call."""
        with self._opened() as connection:
            before, self._version = self._version, connection.execute("pragma data_version").fetchone()[0]
        return before != self._version

    def instance(self) -> str:
        """The name of this ledger; "" before its first turn."""
        return self._fact(INSTANCE)

    def observe(self, now: datetime) -> None:
        """Touch the commit that was last taken in whole, if it is another than before: it may have changed no job."""
        commit = self._observed()
        with self._opened() as connection:
            if commit and not self._is_known(connection, commit):
                connection.execute(TOUCH, [commit, format_time(now)])

    def begin(self) -> None:
        """A sink that is new is sent nothing about the past: only the newest commit of then counts."""
        with self._opened() as connection:
            if connection.execute("select 1 from commit_status where sink = ? limit 1", [self._sink]).fetchone():
                return
            connection.execute(
                "insert into commit_status (sink, revision, given_up_at) select ?, revision, touched_at "
                "from touched_commit where number < (select max(number) from touched_commit)",
                [self._sink],
            )

    def commits(self) -> list[TouchedCommit]:
        """The newest commits, and earlier ones that are unfinished, oldest first, but for those that were given up."""
        columns = ", ".join(f"s.{name} {name}" for name in _SENT)
        known = (
            f"select t.number, t.revision, t.touched_at, {columns} from touched_commit t left join commit_status s "
            "on s.sink = ? and s.revision = t.revision where s.given_up_at is null"
        )
        sql = (
            f"select * from ({known} order by t.number desc limit ?) "
            f"union select * from (select * from ({known}) where {_UNFINISHED} order by touched_at desc limit ?) "
            "order by number"
        )
        return [_touched(row) for row in self._rows(sql, self._sink, MOST_COMMITS, self._sink, MOST_UNFINISHED)]

    def counts(self, revision: str) -> CommitCounts:
        """What the jobs of a commit come to now."""
        rows = self._rows(f"select reason, count(*) number from job where {_REVISION} = ? group by reason", revision)
        reasons = {str(row["reason"]): int(row["number"]) for row in rows}
        [spent] = self._rows("select total(spent_pu) units from submission where revision = ?", revision)
        newest = self.newest()
        return CommitCounts(
            revision=revision,
            newest=newest,
            reasons=reasons,
            spent=float(spent["units"]),
            command=self._command(revision, reasons),
            rejected=self._rejected() if revision == newest else 0,
            is_whole=not self._is_after(revision, self._observed()),
        )

    def keep(self, revision: str, sent: SentStatus) -> None:
        """Remember what was sent, or what came of trying."""
        values = [getattr(sent, name) for name in _SENT]
        texts = [format_time(each) if isinstance(each, datetime) else each for each in values]
        with self._opened() as connection:
            connection.execute(
                f"insert or replace into commit_status (sink, revision, {', '.join(_SENT)}) "
                f"values (?, ?{', ?' * len(_SENT)})",
                [self._sink, revision, *texts],
            )
            connection.execute(
                "delete from touched_commit where number <= (select max(number) - ? from touched_commit) "
                f"and revision not in (select revision from commit_status where {_UNFINISHED})",
                [KEPT],
            )
            connection.execute("delete from commit_status where revision not in (select revision from touched_commit)")

    def newest(self) -> str:
        """The commit that was last taken in whole, or else touched last; "" without one."""
        rows = self._rows("select revision from touched_commit order by number desc limit 1")
        return self._observed() or (str(rows[0]["revision"]) if rows else "")

    def _observed(self) -> str:
        """The commit that was last taken in whole; "" when it is not known."""
        commit = self._fact(OBSERVED).partition(" ")[0]
        return commit if COMMIT.fullmatch(commit) else ""

    def _is_after(self, revision: str, observed: str) -> bool:
        """Whether a commit was first touched after the one that was last taken in whole."""
        number = "(select number from touched_commit where revision = ?)"
        [row] = self._rows(f"select {number} > {number} is_after", revision, observed)
        return bool(row["is_after"])

    def _rejected(self) -> int:
        [row] = self._rows("select count(*) number from meta where substr(key, 1, ?) = ?", len(REJECTED), REJECTED)
        return int(row["number"])

    def _command(self, revision: str, reasons: Mapping[str, int]) -> str:
        """What one of the jobs asks an operator to type."""
        for reason in sorted(reasons):
            for row in self._rows(
                f"select told from job where {_REVISION} = ? and reason = ? limit 1", revision, reason
            ):
                if found := _COMMAND.search(str(row["told"])):
                    return found[1]
        return ""

    def _fact(self, key: str) -> str:
        rows = self._rows("select value from meta where key = ?", key)
        return str(rows[0]["value"]) if rows else ""

    def _is_known(self, connection: sqlite3.Connection, commit: str) -> bool:
        return bool(connection.execute("select 1 from touched_commit where revision = ?", [commit]).fetchone())

    def _rows(self, sql: str, *arguments: object) -> list[dict[str, Any]]:
        with self._opened() as connection:
            cursor = connection.execute(sql, arguments)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The connection, in a transaction of its own; any failure closes it."""
        try:
            with said_plainly(self._path):
                self._connection = self._connection or writable(self._path)
                self._connection.text_factory = partial(str, encoding="utf-8", errors="replace")
                with self._connection:
                    yield self._connection
        except BaseException:
            self.close()
            raise


def _touched(row: Mapping[str, Any]) -> TouchedCommit:
    sent = SentStatus() if row["state"] is None else SentStatus(**{name: _cell(name, row[name]) for name in _SENT})
    return TouchedCommit(revision=str(row["revision"]), touched_at=str(row["touched_at"]), sent=sent)


def _cell(name: str, value: Any) -> Any:
    return read_time(value) if name.endswith("_at") else value
