"""Portions of large folders that are as known: no record is looked at, and every change is seen all the same."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from controller.model.files import FileRecord
from controller.tree.entries import stat_digest
from controller.tree.files import Known, seen_at
from controller.tree.walk import Walk
from tests.tree.test_walk import calls_of, known_of

FILES = 300  # of each kind: two full portions and one that is not full
MOST_CALLS = 2.5
"""Of functions of Python and of C, for a file of a large folder in which nothing has changed since the last walk."""
MANIFEST, STATUS = "sub/job-7.yaml", "sub/job-7.status.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for number in range(FILES):
        (tmp_path / "sub" / f"job-{number}.yaml").touch()
        (tmp_path / "sub" / f"job-{number}.status.yaml").touch()
    return tmp_path


@pytest.fixture
def known(root: Path) -> tuple[Known, Known]:
    """Walked once, so that digests are kept."""
    found = known_of(root)
    assert walked(root, *found) == (set(), set(), set())
    assert all(each.digests for each in found)
    return found


def walked(root: Path, manifests: Known, statuses: Known) -> tuple[set[str], set[str], set[str]]:
    """The suspects, the missing and the modified."""
    walk = Walk(root, manifests, statuses)
    assert walk.run() == ""
    return walk.suspects, walk.missing, walk.modified


def test_a_file_in_a_portion_that_is_as_known_costs_few_calls(root: Path, known: tuple[Known, Known]) -> None:
    assert calls_of(Walk(root, *known)) <= 2 * FILES * MOST_CALLS


def write(path: Path) -> None:
    path.write_text("changed")


def write_and_set_back(path: Path) -> None:
    """As long as before, and with the time of before: only the change of the inode shows it."""
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # the clock of a file system ticks every few milliseconds
        path.write_text("")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_by_a_copy(path: Path) -> None:
    copy = path.with_suffix(".new")
    copy.touch()
    copy.rename(path)


def replace_by_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("job-8.yaml")


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("change", "manifest", "status"),
    [
        pytest.param(write, ({MANIFEST}, set(), set()), (set(), set(), {STATUS}), id="is written"),
        pytest.param(write_and_set_back, ({MANIFEST}, set(), set()), (set(), set(), {STATUS}), id="has its old time"),
        pytest.param(replace_by_a_copy, ({MANIFEST}, set(), set()), (set(), set(), {STATUS}), id="is another file"),
        pytest.param(replace_by_a_link, ({MANIFEST}, set(), set()), (set(), set(), {STATUS}), id="is a link"),
        pytest.param(remove, (set(), {MANIFEST}, set()), (set(), set(), {STATUS}), id="is gone"),
    ],
)
def test_a_change_of_one_file_among_many_is_seen(
    root: Path, known: tuple[Known, Known], change: Callable[[Path], None],
    manifest: tuple[set[str], set[str], set[str]], status: tuple[set[str], set[str], set[str]],
) -> None:  # fmt: skip
    change(root / MANIFEST)
    assert walked(root, *known) == manifest
    assert walked(root, *known) == manifest, "until it is known"
    change(root / STATUS)
    assert walked(root, *known) == tuple(a | b for a, b in zip(manifest, status, strict=True))


def test_a_new_file_among_many_is_seen(root: Path, known: tuple[Known, Known]) -> None:
    (root / "sub" / "new.yaml").touch()
    assert walked(root, *known) == ({"sub/new.yaml"}, set(), set())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(MANIFEST, ({MANIFEST}, set(), set()), id="manifest"),
        pytest.param(STATUS, (set(), set(), {STATUS}), id="status file"),
    ],
)
@pytest.mark.parametrize("is_dropped", [pytest.param(True, id="dropped"), pytest.param(False, id="never seen")])
def test_a_record_that_changes_is_compared_with_its_file_again(
    root: Path,
    known: tuple[Known, Known],
    path: str,
    expected: tuple[set[str], set[str], set[str]],
    *,
    is_dropped: bool,
) -> None:
    """As after a file that was too fresh to be trusted, or a status file that is to be written again."""
    where = next(each for each in known if path in each)
    before = where.drop(path)
    assert before
    if not is_dropped:
        where.put(replace(before, ctime_ns=0))
    assert walked(root, *known) == expected


def test_a_file_is_missing_in_another_folder_than_the_one_that_is_as_known(
    root: Path, known: tuple[Known, Known]
) -> None:
    manifests, statuses = known
    manifests.put(FileRecord(path="gone/other.yaml", kind="manifest"))
    assert walked(root, manifests, statuses) == (set(), {"gone/other.yaml"}, set())


def test_a_list_that_ignores_files_which_are_as_known_takes_them_away(root: Path, known: tuple[Known, Known]) -> None:
    (root / ".shjobsignore").write_text("job-1*.yaml\n")
    suspects, missing, modified = walked(root, *known)
    assert (suspects, modified) == (set(), set())
    assert missing == {f"sub/job-{number}.yaml" for number in range(FILES) if str(number).startswith("1")}


def test_a_link_leaves_no_digest_since_what_it_leads_to_may_change(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "aim.txt").touch()
    paths = [f"sub/link-{number}.yaml" for number in range(100)]
    for path in paths:
        (tmp_path / path).symlink_to("aim.txt")
    records = [record for path in paths if (record := seen_at(tmp_path / path, path, "manifest"))]
    known = Known(records), Known()
    assert walked(tmp_path, *known) == (set(), set(), set())
    (tmp_path / "sub" / "aim.txt").write_text("changed")
    assert walked(tmp_path, *known)[0] == {*paths}


def test_entries_of_which_one_is_gone_have_no_digest(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / str(number)).touch()
    with os.scandir(tmp_path) as found:
        batch = list(found)
    (tmp_path / "1").unlink()
    assert stat_digest(batch) == b""
