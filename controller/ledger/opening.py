"""Makes a database file the ledger of this program when it is opened: refuses what it must not touch, migrates, checks.

`store` calls it before anything is read. A damaged or foreign ledger is refused: what it lost would be paid for again.
"""

import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile

from controller.ledger.location import damaged_error, newer, read_only, said_plainly
from controller.ledger.migrations import Database, migrations, parts_of, whole
from controller.model.errors import StateError


def prepare(db: Database, path: Path) -> Future[None]:
    """Migrate the ledger at this path, with a copy of an older one kept beside it; raises `StateError`.

    It is checked on a thread of its own while the caller reads it: the result of the future is to be awaited before
    anything is written, and raises `StateError` too.
    """
    _refuse_foreign(db, path)
    _refuse_newer(db, path)
    if migrations.applied(db) and migrations.pending(db):
        _keep_copy(db, path)
    db.enable_wal()
    db.execute("pragma synchronous = full")
    migrations.apply(db)
    _refuse_incomplete(db, path)
    pool = ThreadPoolExecutor(1, "ledger")
    checked = pool.submit(_check_file, path)
    pool.shutdown(wait=False)
    return checked


def private_database() -> Database:
    """An empty database that nothing else sees: in a temporary file without a name, in memory where none can be made.

    A plan of a hundred thousand jobs writes hundreds of megabytes there.
    """
    try:
        TemporaryFile().close()
    except OSError:
        return Database(memory=True)
    return Database(sqlite3.connect(""))


def prepare_copy(db: Database, path: Path) -> None:
    """The same for a private copy of the ledger at this path."""
    _refuse_newer(db, path)
    migrations.apply(db)
    _refuse_incomplete(db, path)
    _refuse_damaged(db.conn, path)


def _refuse_foreign(db: Database, path: Path) -> None:
    """Refuse the database of another program, untouched."""
    tables = db.table_names()
    if tables and "_sqlite_migrations" not in tables:
        raise StateError(f"{path} is a database of another program; name another state directory")


def _refuse_newer(db: Database, path: Path) -> None:
    known = {migration.name for migration in migrations._migrations}
    unknown = [item.name for item in migrations.applied(db) if item.name not in known]
    if unknown:
        raise newer(path, unknown[-1])


def _keep_copy(db: Database, path: Path) -> None:
    """Keep a copy of the older database beside the migrated one."""
    last = migrations.applied(db)[-1].name
    with closing(sqlite3.connect(path.with_suffix(f".{last}.db"))) as copy:
        db.conn.backup(copy)


def _refuse_incomplete(db: Database, path: Path) -> None:
    """Refuse a ledger without one of its tables, columns or indices."""
    missing = sorted(parts_of(whole()) - parts_of(db))
    if missing:
        raise damaged_error(path, f"it is damaged ({' '.join(missing[0])} is missing)")


def _check_file(path: Path) -> None:
    with said_plainly(path), closing(read_only(path)) as file:
        _refuse_damaged(file, path)


def _refuse_damaged(file: sqlite3.Connection, path: Path) -> None:
    """Refuse a damaged ledger: a row missing from its index would be paid for again."""
    reason = file.execute("pragma integrity_check(1)").fetchone()[0]
    if reason != "ok":
        raise damaged_error(path, f"it is damaged ({reason})")
