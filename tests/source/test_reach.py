"""What `doctor` learns of the repository: whether it answers, and if not, why; it leaves nothing behind."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from controller.settings.git import GitSource
from controller.source.reach import unreachable
from tests.support.git_server import TOKEN, GitHost, git_host
from tests.support.git_source import NAME, Pushed

pytestmark = pytest.mark.slow


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    pushed = Pushed.made(tmp_path)
    pushed.push({"jobs.d/ndvi.yaml": "kind: none\n"})
    with git_host(pushed.hosted) as host:
        yield host


@pytest.mark.parametrize(
    ("ref", "token", "fault", "expected"),
    [
        pytest.param(None, TOKEN, "", "", id="it answers"),
        pytest.param("main", TOKEN, "", "", id="it has the branch"),
        pytest.param("0d" * 20, TOKEN, "", "", id="it answers where a commit is named"),
        pytest.param("release", TOKEN, "", "has no branch and no tag 'release'", id="it has no such branch"),
        pytest.param("main", "canary-wrong", "", "could not be fetched", id="it refuses the token"),
        pytest.param("0d" * 20, "canary-wrong", "", "could not be fetched", id="also where a commit is named"),
        pytest.param("main", TOKEN, "busy", "could not be fetched", id="it is down"),
    ],
)
def test_the_repository_is_asked_once(host: GitHost, ref: str | None, token: str, fault: str, expected: str) -> None:
    host.fault = fault
    problem = unreachable(replace(GitSource(url=f"{host.url}/{NAME}"), ref=ref, token=SecretStr(token)))
    assert (problem == "") == (expected == "") and expected in problem
    assert "canary" not in problem
    assert host.requests and not host.transfers()
