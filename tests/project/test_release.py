"""`make release`: what it refuses, and what it leaves behind when all is well."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.operations.test_plan_revision import commit, git
from tools.release import obstacles, release, version_of

NEWS = "### Added\n\nWhat is new."
CHANGELOG = f"# Changelog\n\n## [Unreleased]\n\n## 1.2.3\n\n{NEWS}\n\n## 1.2.2\n\nWhat was.\n"
DONE = [sys.executable, "-c", ""]
FAILED = [sys.executable, "-c", "raise SystemExit(1)"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository on main in which 1.2.3 can be released."""
    (tmp_path / "controller").mkdir()
    (tmp_path / "controller" / "__init__.py").write_text('"""It."""\n\n__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path, {})
    return tmp_path


def version(number: str) -> Callable[[Path], None]:
    def change(repository: Path) -> None:
        (repository / "controller" / "__init__.py").write_text(f'__version__ = "{number}"\n')
        commit(repository, {})

    return change


def changelog(before: str, after: str) -> Callable[[Path], None]:
    def change(repository: Path) -> None:
        (repository / "CHANGELOG.md").write_text(CHANGELOG.replace(before, after))
        commit(repository, {})

    return change


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        pytest.param(version("1.2"), "the version '1.2' is not three numbers", id="a version of two numbers"),
        pytest.param(version("1.2.4"), "CHANGELOG.md says nothing of 1.2.4", id="a version nobody wrote of"),
        pytest.param(changelog(NEWS, ""), "CHANGELOG.md says nothing of 1.2.3", id="an empty part"),
        pytest.param(
            changelog("[Unreleased]\n", "[Unreleased]\n\n- More.\n"),
            "CHANGELOG.md has unreleased entries",
            id="entries that are not released",
        ),
        pytest.param(
            lambda repository: git(repository, "checkout", "--quiet", "-b", "try"),
            "this is the branch try: releases are made on main",
            id="another branch",
        ),
        pytest.param(
            lambda repository: git(repository, "checkout", "--quiet", "--detach"), "this is no branch", id="no branch"
        ),
        pytest.param(
            lambda repository: (repository / "new.txt").write_text("x"), "not committed", id="a file nobody committed"
        ),
        pytest.param(
            lambda repository: git(repository, "tag", "v1.2.3"), "there is a tag v1.2.3 already", id="released before"
        ),
    ],
)
def test_what_stands_in_the_way_is_told_and_nothing_is_tagged(
    repository: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Path], object], reported: str
) -> None:
    before = git(repository, "tag", "--list")
    change(repository)
    tags = git(repository, "tag", "--list")
    assert release(repository, DONE, DONE) == 1
    assert reported in capsys.readouterr().err
    assert git(repository, "tag", "--list") == tags
    assert before == ""


@pytest.mark.parametrize(("test", "build"), [(FAILED, DONE), (DONE, FAILED)], ids=["tests fail", "the build fails"])
def test_what_does_not_work_is_not_tagged(repository: Path, test: list[str], build: list[str]) -> None:
    assert release(repository, test, build) == 1
    assert git(repository, "tag", "--list") == ""


def test_a_release_is_tagged_with_what_is_new(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(obstacles(repository)) == []
    assert release(repository, DONE, DONE) == 0
    assert git(repository, "tag", "--list", "--format", "%(contents)").strip() == f"shjobs 1.2.3\n\n{NEWS}"
    assert "next: git push origin main v1.2.3" in capsys.readouterr().out
    assert version_of(repository) == "1.2.3"
