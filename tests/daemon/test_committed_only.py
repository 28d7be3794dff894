"""A daemon that watches a clone, with `source = "committed"`: it goes on by itself when HEAD moves."""

import pytest

from controller.ledger.reads.observed import observed_revision
from controller.ledger.reads.reader import Reader
from tests.conftest import Workspace, ndvi
from tests.daemon.test_daemon import reaches, running, status, until
from tests.operations.test_plan_revision import commit, git
from tests.reconcile.test_approvals import versioned as versioned

pytestmark = pytest.mark.slow
ONLY = {"SHJOBS_SOURCE": "committed", "SHJOBS_SCAN_EVERY": "24h"}


def observed(workspace: Workspace) -> str:
    store = Reader.of(workspace.state)
    assert store is not None
    with store:
        found = observed_revision(store)
    return found[0] if found else ""


def test_an_edit_is_held_until_head_moves_though_no_file_changes_then(versioned: Workspace) -> None:
    versioned.write("ndvi.yaml", ndvi())
    with running(versioned, **ONLY) as daemon:
        reaches(versioned, "Held")
        assert (status(versioned)["reason"], versioned.posts()) == ("Uncommitted", 0)
        git(versioned.root, "add", "--all")
        tree = git(versioned.root, "write-tree")
        made = git(versioned.root, "commit-tree", tree, "-p", "HEAD", "-m", "a job")
        git(versioned.root, "update-ref", "HEAD", made)  # without git's lock on the index, which would cause a scan
        reaches(versioned, "Succeeded")
        until(lambda: observed(versioned) == made, "it has taken in the commit")
        assert status(versioned)["revision"] == made
        versioned.write("ndvi.yaml", ndvi(west=14.42))
        reaches(versioned, "Held")
        following = commit(versioned.root, {})
        reaches(versioned, "Succeeded")
        until(lambda: observed(versioned) == following, "it has taken in the next")
        assert daemon.stop() == 0
    assert versioned.posts() == 2
