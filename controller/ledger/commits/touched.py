"""Which commits have something to say: recorded in the transaction of the turn that changed one of their jobs."""

import re
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from controller.ledger.rows.cells import format_time

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
TOUCH = (
    "insert into touched_commit (revision, touched_at) values (?, ?) "
    "on conflict (revision) do update set touched_at = excluded.touched_at"
)


class CommitRows:
    """The table of touched commits, as the deciding thread writes it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def touch(self, revisions: Iterable[str], now: datetime) -> None:
        """Jobs of these revisions changed. One that is dirty, or outside of git, is no commit that anyone can see."""
        at = format_time(now)
        commits = sorted(each for each in revisions if COMMIT.fullmatch(each))
        self._connection.executemany(TOUCH, [(each, at) for each in commits])
