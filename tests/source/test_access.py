"""How the repository is reached: proxies of the environment, certificates of the settings, and nothing left behind."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from controller.settings.git import GitSource
from controller.source.access import open_access
from controller.source.fetcher import Fetcher
from controller.source.outcome import SourceStale, Swapped
from tests.support.certificates import Authority
from tests.support.git_server import TOKEN, GitHost
from tests.support.git_source import Pushed, tree_in_force
from tests.support.tunnel import tunnel

pytestmark = pytest.mark.slow


def test_a_proxy_of_the_environment_is_used_and_never_sees_the_token(
    pushed: Pushed, source: GitSource, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed.push({"jobs.d/a.yaml": "one"})
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with tunnel() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        assert isinstance(Fetcher(source, state).fetch(), Swapped)
    assert proxy.asked
    assert not [headers for _, headers in proxy.asked if "authorization" in headers or "proxy-authorization" in headers]


def test_a_proxy_that_is_down_is_said_without_its_password(
    source: GitSource, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://user:canary-password@127.0.0.1:1")
    fetched = Fetcher(source, state).fetch()
    assert isinstance(fetched, SourceStale)
    assert "127.0.0.1 port 1" in fetched.message and "canary" not in fetched.message


def test_own_certificates_are_trusted_beside_the_usual_ones(
    source: GitSource, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Authority(tmp_path, "usual")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(usual.file))
    with open_access(source) as access:
        trusted = Path(access.settings["http.sslCAInfo"]).read_text()
        assert usual.file.read_text() in trusted and authority.file.read_text() in trusted
        assert not list(Path(access.settings["http.sslCAPath"]).iterdir()), "those of the system are not read as well"
        assert access.scheme == "https"
    with open_access(replace(source, authorities=None)) as access:
        assert access.settings["http.sslCAInfo"] == str(usual.file)


def test_a_folder_of_certificates_is_trusted_too(
    source: GitSource, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "certificates").mkdir()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificates"))
    with open_access(source) as access:
        assert access.settings["http.sslCAPath"] == str(tmp_path / "certificates")
        assert authority.file.read_text() in Path(access.settings["http.sslCAInfo"]).read_text()


def test_the_token_is_only_in_a_variable(source: GitSource) -> None:
    with open_access(source) as access:
        assert not [value for value in access.settings.values() if TOKEN in value or "Basic" in value]
        assert access.variables["GIT_CONFIG_KEY_0"] == "http.extraHeader"
        assert "Basic" in access.variables["GIT_CONFIG_VALUE_0"] and "Basic" not in repr(access)


def test_a_fetch_leaves_nothing_in_the_folder_for_temporary_files(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    pushed.push({"jobs.d/a.yaml": "one"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    host.fault = "busy"
    fetcher.fetch()
    assert not list(folder.iterdir())


def test_a_strict_umask_changes_nothing(pushed: Pushed, source: GitSource, state: Path) -> None:
    before = os.umask(0o077)
    try:
        fetcher = Fetcher(source, state)
        for number in range(3):
            pushed.push({"jobs.d/a.yaml": f"{number}", "jobs.d/b.yaml": "same"})
            assert isinstance(fetcher.fetch(), Swapped)
    finally:
        os.umask(before)
    assert tree_in_force(state) == {"jobs.d/a.yaml": "2", "jobs.d/b.yaml": "same"}
    assert (state / "source" / "current" / "jobs.d" / "b.yaml").stat().st_nlink == 2


def test_a_tree_may_hold_links_and_large_files(pushed: Pushed, source: GitSource, state: Path) -> None:
    """A file that no one would read has only its size."""
    (pushed.work / "jobs.d" / "sub").mkdir(parents=True)
    (pushed.work / "jobs.d" / "sub" / "link.js").symlink_to("../real.js")
    (pushed.work / "jobs.d" / "image.tif").write_bytes(b"x" * 8_000_001)
    pushed.push({"jobs.d/real.js": "//VERSION=3", "jobs.d/area.geojson": "{" + " " * 2_000_000 + "}"})
    assert isinstance(fetched := Fetcher(source, state).fetch(), Swapped), fetched
    jobs = state / "source" / "current" / "jobs.d"
    assert (jobs / "sub" / "link.js").is_symlink() and (jobs / "sub" / "link.js").read_text() == "//VERSION=3"
    assert (jobs / "image.tif").stat().st_size == 8_000_001 and (jobs / "image.tif").stat().st_blocks == 0
    assert (jobs / "area.geojson").read_text().endswith(" }")
