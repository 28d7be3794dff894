"""What a walk costs where each manifest has a folder of its own, counted in calls, not in time."""

import shutil
import sys
import tracemalloc
from pathlib import Path
from types import FrameType

import pytest

from controller.model.files import FileRecord
from controller.tree.files import Known, seen_at
from controller.tree.walk import Walk
from tests.conftest import ndvi

FEW, MANY = 10, 110
MOST_CALLS = 46
"""Of functions of Python and of C, for a folder with a manifest and its status file, both as they are known."""
MANY_FILES = 3_000
MOST_BYTES_OF_FOLDER = 350
"""Of memory for a folder below another, as long as that is walked."""
MOST_BYTES = 150
"""Of memory for an entry of a large folder, as long as that is walked."""


def known_of(root: Path) -> tuple[Known, Known]:
    """Manifests and status files, as a walk before would have left them."""
    paths = [str(path.relative_to(root)) for path in root.rglob("*.yaml")]
    found = [seen_at(root / path, path, "status" if path.endswith(".status.yaml") else "manifest") for path in paths]
    seen = [record for record in found if record]
    return Known(each for each in seen if each.kind == "manifest"), Known(
        each for each in seen if each.kind == "status"
    )


def folders_of_one(root: Path, count: int) -> Path:
    for number in range(count):
        folder = root / f"folder-{number}"
        folder.mkdir(parents=True)
        (folder / f"job-{number}.yaml").write_text(ndvi(f"job-{number}"))
        (folder / f"job-{number}.status.yaml").write_text("")
    return root


def calls_of(walk: Walk) -> int:
    """How many functions a walk that finds nothing calls."""
    made = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        walk.run()
    finally:
        sys.setprofile(before)
    assert not (walk.suspects or walk.missing or walk.modified or walk.problems), "nothing has changed"
    return made


def test_a_folder_without_changes_costs_few_calls(tmp_path: Path) -> None:
    made = []
    for count in (FEW, MANY):
        root = folders_of_one(tmp_path / str(count), count)
        made.append(calls_of(Walk(root, *known_of(root))))
    assert (made[1] - made[0]) / (MANY - FEW) <= MOST_CALLS


def test_the_entries_of_a_large_folder_are_not_kept(tmp_path: Path) -> None:
    """Each keeps its stat, a kilobyte: those of ten thousand manifests would not fit into the processor's caches."""
    for number in range(MANY_FILES):
        (tmp_path / f"job-{number}.yaml").touch()
    walk = Walk(tmp_path, *known_of(tmp_path))
    tracemalloc.start()
    try:
        assert walk.run() == ""
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not walk.suspects
    assert most / MANY_FILES <= MOST_BYTES


def test_the_entries_of_many_folders_are_not_kept(tmp_path: Path) -> None:
    """A folder is entered by its name; with its stat an entry takes nearly a kilobyte."""
    for number in range(MANY_FILES):
        (tmp_path / f"folder-{number}").mkdir()
    tracemalloc.start()
    try:
        assert Walk(tmp_path, Known(), Known()).run() == ""
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most / MANY_FILES <= MOST_BYTES_OF_FOLDER


@pytest.mark.parametrize(
    ("folders", "files"),
    [pytest.param(300, 1, id="in many folders"), pytest.param(1, 300, id="in one folder")],
)
def test_a_walk_pulses_by_names_and_not_by_folders(tmp_path: Path, folders: int, files: int) -> None:
    """A pulse of the daemon costs more than a small folder."""
    for number in range(folders):
        (tmp_path / f"folder-{number}").mkdir()
        for file in range(files):
            (tmp_path / f"folder-{number}" / f"job-{number}-{file}.txt").touch()
    pulses: list[None] = []
    Walk(tmp_path, Known(), pulse=lambda: pulses.append(None)).run()
    assert len(pulses) == 1


def test_a_folder_takes_no_memory_of_its_own(tmp_path: Path) -> None:
    """Of what is known: with a job in each of a hundred thousand folders, that would be a fifth of a daemon."""
    sizes = []
    for folder in ("", "{}/"):
        records = [
            FileRecord(path=f"{folder.format(number)}job-{number}.yaml", kind="") for number in range(MANY_FILES)
        ]
        tracemalloc.start()
        try:
            known = Known(records)
            sizes.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert len(known) == MANY_FILES
    assert sizes[1] - sizes[0] <= MANY_FILES


def test_what_is_gone_with_its_folder_is_missing_and_what_cannot_be_seen_is_not(tmp_path: Path) -> None:
    folders_of_one(tmp_path, 4)
    known, statuses = known_of(tmp_path)
    shutil.rmtree(tmp_path / "folder-1")
    (tmp_path / "folder-2" / "job-2.status.yaml").unlink()
    (tmp_path / "folder-3" / ".shjobsignore").mkdir()
    (tmp_path / "folder-3" / "job-3.yaml").unlink()
    walk = Walk(tmp_path, known, statuses)
    assert walk.run() == ""
    assert walk.missing == {"folder-1/job-1.yaml"}
    assert walk.modified == {"folder-1/job-1.status.yaml", "folder-2/job-2.status.yaml"}
    assert walk.hidden.keys() == {"folder-3/"}


def test_a_link_to_a_folder_that_was_walked_is_not_entered_again(tmp_path: Path) -> None:
    folders_of_one(tmp_path, 2)
    (tmp_path / "folder-0" / "inner").mkdir()
    for link, target in {"again": "folder-1", "deep": "folder-0/inner", "other": ".hidden", "twice": ".hidden"}.items():
        (tmp_path / link).symlink_to(target)
    (tmp_path / ".hidden" / "below").mkdir(parents=True)
    (tmp_path / ".hidden" / "below" / "job.yaml").write_text(ndvi())
    walk = Walk(tmp_path, Known())
    walk.run()
    assert walk.suspects == {"folder-0/job-0.yaml", "folder-1/job-1.yaml", "other/below/job.yaml"}
    assert walk.folders == 6


def test_a_file_that_is_gone_from_a_folder_of_two_is_missing(tmp_path: Path) -> None:
    known = known_of(folders_of_one(tmp_path, 3))
    (tmp_path / "folder-0" / "job-0.yaml").unlink()
    (tmp_path / "folder-1" / "job-1.status.yaml").unlink()
    (tmp_path / "folder-2" / "job-2.yaml").unlink()
    (tmp_path / "folder-2" / "job-2.status.yaml").unlink()
    (tmp_path / "folder-2").rmdir()
    walk = Walk(tmp_path, *known)
    walk.run()
    assert walk.missing == {"folder-0/job-0.yaml", "folder-2/job-2.yaml"}
    assert walk.modified == {"folder-1/job-1.status.yaml", "folder-2/job-2.status.yaml"}
