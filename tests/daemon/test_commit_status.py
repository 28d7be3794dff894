"""The daemon shows at a host what becomes of a commit."""

import pytest

from tests.conftest import Workspace, ndvi
from tests.daemon.test_daemon import reaches, running, until
from tests.daemon.test_notifier import metric
from tests.support.commits import commit
from tests.support.git_hosts import REPOSITORY, TOKEN, StatusHost

pytestmark = pytest.mark.slow


def test_a_commit_has_a_status_and_its_token_is_nowhere(workspace: Workspace) -> None:
    with StatusHost(kind="github") as host:
        (workspace.root / "token").write_text(TOKEN, encoding="utf-8")
        where = f'url = "{host.url}"\nrepository = "{REPOSITORY}"\ntokenFile = "token"\n'
        with (workspace.root / "shjobs.toml").open("a", encoding="utf-8") as settings:
            settings.write(f'\n[notify.code]\ntype = "github"\n{where}')
        workspace.write("ndvi.yaml", ndvi())
        this = commit(workspace.root, host)
        with running(workspace) as daemon:
            reaches(workspace, "Succeeded")
            until(lambda: host.shown(this), "the commit has a status")
            until(lambda: metric(daemon, "shjobs_notifications_total")['result="sent",sink="code"'] >= 1.0, "counted")
            assert daemon.stop() == 0
            log = daemon.log
    [(context, state, words)] = host.shown(this)
    assert (context.partition("/")[0], state in ("pending", "success")) == ("shjobs", True)
    assert "of 1 delivered" in words
    assert TOKEN not in log
