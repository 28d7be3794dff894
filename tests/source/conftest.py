"""A repository, the host that serves it over https with a token, and the state that it is fetched into."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from controller.settings.git import GitSource
from tests.support.certificates import Authority
from tests.support.git_server import TOKEN, GitHost, git_host
from tests.support.git_source import NAME, Pushed


@pytest.fixture
def pushed(tmp_path: Path) -> Pushed:
    return Pushed.made(tmp_path)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "the state"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def host(pushed: Pushed, authority: Authority) -> Iterator[GitHost]:
    with git_host(pushed.hosted, authority) as served:
        yield served


@pytest.fixture
def source(host: GitHost, authority: Authority) -> GitSource:
    """The repository on the host."""
    url, text = f"{host.url}/{NAME}", authority.file.read_text()
    return GitSource(url=url, token=SecretStr(TOKEN), authorities=text, ref="main")
