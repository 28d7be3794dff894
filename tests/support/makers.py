"""What a person sets up before a command, for tables of what goes wrong; it answers further variables, if any."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing

from tests.conftest import Workspace

NEWER = "update _sqlite_migrations set name = 'later' where id = (select max(id) from _sqlite_migrations)"
FOREIGN = "update meta set value = 'somebody-else' where key = 'account'"
Make = Callable[[Workspace], Mapping[str, str] | None]


def nothing(workspace: Workspace) -> None:
    """As it is."""


def settings(text: str | bytes) -> Make:
    """These settings instead."""

    def make(workspace: Workspace) -> None:
        path = workspace.root / "shjobs.toml"
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)

    return make


def more(text: str) -> Make:
    """These settings before the others."""

    def make(workspace: Workspace) -> None:
        path = workspace.root / "shjobs.toml"
        path.write_text(f"{text}\n{path.read_text()}")

    return make


def variables(**given: str) -> Make:
    """These variables; an empty one counts as not set."""
    return lambda _workspace: given


def both(first: Make, second: Make) -> Make:
    """One after the other."""
    return lambda workspace: {**(first(workspace) or {}), **(second(workspace) or {})}


def written(path: str, content: str | bytes) -> Make:
    """A file of this content, below the working directory."""

    def make(workspace: Workspace) -> None:
        target = workspace.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def folder(path: str) -> Make:
    """A folder where something else is expected."""
    return lambda workspace: (workspace.root / path).mkdir(parents=True, exist_ok=True)


def ledger(statement: str) -> Make:
    """A ledger in which this was done by hand."""

    def make(workspace: Workspace) -> None:
        workspace.sync()
        with closing(sqlite3.connect(workspace.state / "shjobs.db")) as db:
            db.execute(statement)
            db.commit()

    return make


def synced(workspace: Workspace) -> None:
    """A ledger."""
    workspace.sync()


def empty(workspace: Workspace) -> None:
    """No manifests."""
    (workspace.jobs / "ndvi.yaml").unlink()


def no_tree(workspace: Workspace) -> None:
    """No folder of manifests."""
    empty(workspace)
    workspace.jobs.rmdir()


def no_bucket(workspace: Workspace) -> None:
    """No bucket."""
    workspace.bucket.rmdir()
