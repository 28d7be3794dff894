"""What receivers hear of a daemon whose ledger could not be written, as a full disk makes it."""

import resource
import sqlite3
from contextlib import closing

import pytest

from controller.ledger.location import FILE_NAME
from tests.conftest import Workspace, ndvi
from tests.daemon.test_daemon import reaches, running, until

pytestmark = pytest.mark.slow
NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def recorded(workspace: Workspace) -> list[str]:
    """The words of the conditions that began, and of those that ended."""
    with closing(sqlite3.connect(workspace.state / FILE_NAME, timeout=30)) as ledger:
        rows = ledger.execute("select reason from notice where topic = 'service' order by number")
        return [reason for (reason,) in rows]


def test_a_ledger_that_could_not_be_written_is_recorded_once_it_can_be(workspace: Workspace) -> None:
    config = workspace.root / "shjobs.toml"
    sink = '[notify.team]\ntype = "webhook"\nurl = "http://127.0.0.1:9/"\n'
    config.write_text(f"{config.read_text(encoding='utf-8')}\n{sink}", encoding="utf-8")
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace) as daemon:
        reaches(workspace, "Succeeded")
        assert recorded(workspace) == []
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        workspace.write("other.yaml", ndvi("other"))
        until(lambda: "LedgerUnusable" in daemon.page("/readyz")[1], "the ledger refuses")
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, NO_LIMIT)
        reaches(workspace, "Succeeded", "other")
        until(lambda: recorded(workspace) == ["LedgerUnusable"], "it is recorded")
