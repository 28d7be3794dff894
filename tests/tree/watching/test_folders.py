"""What is watched as folders come, move and go, with the real kernel and no thread."""

import select
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.tree.watching.folders import WatchedFolders
from controller.tree.watching.inotify import EventQueue
from controller.tree.watching.targets import WatchTarget

MANY = 2_000
MOST_BYTES = 260
"""Of memory for a folder: a hundred thousand of them are a tenth of a daemon with the double of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    root: Path
    queue: EventQueue
    folders: WatchedFolders

    def target(self, names: frozenset[str] | None = None) -> WatchTarget:
        return WatchTarget(folder=str(self.root), names=names, identity=(0, 0))

    def matters(self) -> bool:
        """Whether something that matters happened since the last call."""
        found = False
        while select.select([self.queue], [], [], 0)[0]:
            found |= self.folders.take(self.queue.read_events())
        return found


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A tree with `a/deep`, `b` and a hidden folder, watched."""
    root = tmp_path / "jobs.d"
    for name in ("a/deep", "b", ".git/objects"):
        (root / name).mkdir(parents=True)
    queue = EventQueue()
    made = Watched(root=root, queue=queue, folders=WatchedFolders(queue))
    made.folders.add(made.target())
    yield made
    queue.release()


def test_hidden_folders_are_not_watched(watched: Watched) -> None:
    assert len(watched.folders) == 4
    (watched.root / ".git" / "objects" / "x.yaml").touch()
    assert not watched.matters()


@pytest.mark.parametrize(
    ("act", "count", "written"),
    [
        pytest.param(lambda root: None, 4, "a/deep", id="nothing happens"),
        pytest.param(lambda root: (root / "new" / "er").mkdir(parents=True), 6, "new/er", id="folders are new"),
        pytest.param(lambda root: (root / "a").rename(root / "c"), 4, "c/deep", id="a folder gets another name"),
        pytest.param(lambda root: (root / "a").rename(root / "b" / "a"), 4, "b/a/deep", id="a folder moves inside"),
        pytest.param(lambda root: swap(root / "a", root / "b"), 4, "b/deep", id="two folders change their names"),
        pytest.param(lambda root: (root / "a").rename(root / ".a"), 2, "b", id="a folder is hidden"),
        pytest.param(lambda root: (root / ".git").rename(root / "git"), 6, "git/objects", id="a folder is shown"),
        pytest.param(lambda root: (root / "a").rename(root.parent / "a"), 2, "b", id="a folder moves out of the tree"),
        pytest.param(lambda root: (root / "b").rmdir(), 3, "a/deep", id="a folder is removed"),
        pytest.param(lambda root: (root / "c.status.yaml").mkdir(), 5, "c.status.yaml", id="a folder has an odd name"),
    ],
)
def test_the_watches_follow_the_folders(
    watched: Watched, act: Callable[[Path], object], count: int, written: str
) -> None:
    act(watched.root)
    watched.matters()
    assert len(watched.folders) == count
    (watched.root / written / "new.yaml").touch()
    assert watched.matters()
    assert not watched.matters(), "a change is reported once"


def swap(one: Path, other: Path) -> None:
    one.rename(one.parent / "between")
    other.rename(one)
    (one.parent / "between").rename(other)


def test_what_moved_out_of_the_tree_is_watched_no_more(watched: Watched) -> None:
    away = watched.root.parent / "away"
    (watched.root / "a").rename(away)
    assert watched.matters()
    (away / "deep" / "new.yaml").touch()
    assert not watched.matters()


def test_a_folder_that_takes_the_name_of_one_that_moved_out_is_watched(watched: Watched) -> None:
    (watched.root / "a").rename(watched.root.parent / "away")
    (watched.root / "a").mkdir()
    assert watched.matters()
    (watched.root / "a" / "new.yaml").touch()
    assert watched.matters()


def test_of_a_folder_with_names_only_these_matter(tmp_path: Path, watched: Watched) -> None:
    above = WatchTarget(folder=str(tmp_path), names=frozenset({"jobs.d"}), identity=(0, 0))
    number = watched.folders.add(above)
    (tmp_path / "other").mkdir()
    assert not watched.matters()
    watched.root.rename(tmp_path / "away")
    assert watched.matters()
    watched.folders.remove(above, number)
    assert len(watched.folders) == 4, "what is below it belongs to another target"


def test_a_target_that_is_removed_takes_all_below_it_along(watched: Watched) -> None:
    number = watched.folders.add(watched.target())
    assert watched.folders.has(number)
    watched.folders.remove(watched.target(), number)
    assert (len(watched.folders), watched.folders.has(number)) == (0, False)


def test_a_folder_that_is_not_there_cannot_be_watched(tmp_path: Path, watched: Watched) -> None:
    with pytest.raises(FileNotFoundError):
        watched.folders.add(WatchTarget(folder=str(tmp_path / "gone"), identity=(0, 0)))


def test_a_watched_folder_takes_little_memory(watched: Watched) -> None:
    for number in range(MANY):
        (watched.root / f"folder-{number}").mkdir()
    tracemalloc.start()
    try:
        watched.folders.add(watched.target())
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(watched.folders) == MANY + 4
    assert held / MANY <= MOST_BYTES
