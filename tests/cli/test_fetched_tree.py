"""Commands where the tree comes from a repository: on what is in force, and a sentence where nothing is yet."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from controller.operations.fetched import NO_TREE
from tests.conftest import ndvi
from tests.support.command import shjobs
from tests.support.folder_source import FolderSource

SETTINGS = 'deployment = "sandbox"\n[credentials.my-bucket]\nprefixes = ["s3://my-bucket/"]\nfolder = "bucket"\n'
GIT = f'{SETTINGS}[git]\nurl = "https://git.example/jobs"\n'
NOBODY: Mapping[str, str] = {"SHJOBS_CLIENT_ID": "", "SHJOBS_CLIENT_SECRET": ""}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "shjobs.toml").write_text(GIT, encoding="utf-8")
    return tmp_path


@pytest.fixture
def fetched(root: Path) -> Path:
    """With a tree in force."""
    source = FolderSource(root / "state")
    source.push({"ndvi.yaml": ndvi()})
    source.fetch()
    return root


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("plan",), id="plan"),
        pytest.param(("plan", "--against", "main"), id="a plan against a revision"),
        pytest.param(("check",), id="check"),
        pytest.param(("get",), id="get"),
        pytest.param(("describe", "ndvi"), id="describe"),
        pytest.param(("why", "ndvi"), id="why"),
        pytest.param(("wait", "ndvi"), id="wait"),
    ],
)
def test_where_nothing_was_fetched_a_command_says_what_fetches(root: Path, arguments: tuple[str, ...]) -> None:
    done = shjobs(*arguments, cwd=root, environment=NOBODY)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"shjobs: {NO_TREE} from https://git.example/jobs\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(("check",), "1 file, 1 job accepted", id="check"),
        pytest.param(("plan",), "ndvi", id="plan"),
        pytest.param(("get",), "ndvi", id="get"),
        pytest.param(("describe", "ndvi"), "ndvi.yaml", id="describe"),
        pytest.param(("why", "ndvi"), "ndvi", id="why"),
    ],
)
def test_the_tree_in_force_is_what_a_command_works_on(fetched: Path, arguments: tuple[str, ...], expected: str) -> None:
    done = shjobs(*arguments, cwd=fetched, environment=NOBODY)
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in done.stdout


@pytest.mark.parametrize("arguments", [("plan",), ("check",), ("get",)])
def test_of_a_tree_that_was_not_verified_by_the_settings_of_now_a_command_says_so(
    fetched: Path, arguments: tuple[str, ...]
) -> None:
    (fetched / "shjobs.toml").write_text(f"{GIT}verify = 'head'\nallowedSignersFile = 'signers'\n", encoding="utf-8")
    done = shjobs(*arguments, cwd=fetched, environment=NOBODY)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "shjobs: nothing is submitted from commit 000000000000, which was in force: "
        "it was not verified with git.verify and the keys as they are now\n"
    )


def test_a_folder_of_a_clone_is_checked_without_any_tree(root: Path) -> None:
    (root / "clone").mkdir()
    (root / "clone" / "ndvi.yaml").write_text(ndvi(), encoding="utf-8")
    done = shjobs("check", "clone", cwd=root)
    assert (done.returncode, done.stdout[:22]) == (0, "1 file, 1 job accepted")


def test_nothing_is_imported_into_a_tree_that_the_next_commit_replaces(fetched: Path) -> None:
    (fetched / "request.json").write_text("{}", encoding="utf-8")
    before = sorted((fetched / "state").rglob("*"))
    done = shjobs("import", "request.json", cwd=fetched)
    assert done.returncode == 2
    assert "is replaced with the next commit: name a folder of your clone with --output" in done.stderr
    assert sorted((fetched / "state").rglob("*")) == before
