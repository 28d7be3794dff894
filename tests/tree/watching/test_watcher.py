"""The watcher: what it watches, what is worth a hint, and what it says when events cannot be relied on."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.tree.watching.folders import WatchedFolders
from controller.tree.watching.targets import WatchTarget, targets
from controller.tree.watching.watcher import Watcher
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow


class Hints:
    """Counts hints."""

    def __init__(self) -> None:
        self._heard = threading.Event()

    def __call__(self) -> None:
        self._heard.set()

    def clear(self) -> None:
        """Forget what was heard, and what is just being told."""
        time.sleep(0.05)
        self._heard.clear()

    def came(self) -> bool:
        return self._heard.wait(LONGEST)

    def did_not_come(self) -> bool:
        return not self._heard.wait(0.2)


@pytest.fixture
def hints() -> Hints:
    return Hints()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs.d"
    folder.mkdir()
    (folder / "ndvi.yaml").write_text("1")
    (folder / "ndvi.status.yaml").write_text("1")
    return folder


@pytest.fixture
def watcher(root: Path, hints: Hints) -> Iterator[Watcher]:
    made = Watcher(root, hints)
    assert made.look_after([], 1, patience=None) == ""
    hints.clear()
    yield made
    made.stop()


def write(name: str) -> Callable[[Path], object]:
    return lambda root: (root / name).write_text("2")


def remove(name: str) -> Callable[[Path], object]:
    return lambda root: (root / name).unlink()


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(write("ndvi.yaml"), id="a manifest is written"),
        pytest.param(write("new.yaml"), id="a manifest is new"),
        pytest.param(write("ndvi.js"), id="a script is new"),
        pytest.param(remove("ndvi.yaml"), id="a manifest goes"),
        pytest.param(lambda root: (root / "ndvi.yaml").rename(root / "a.yaml"), id="a manifest is renamed"),
        pytest.param(lambda root: (root / "ndvi.yaml").chmod(0o600), id="its rights change"),
        pytest.param(lambda root: (root / "deep" / "er").mkdir(parents=True), id="folders are new"),
        pytest.param(lambda root: (root / "..data").symlink_to("x"), id="the link of a ConfigMap is laid"),
        pytest.param(write(".shjobsignore"), id="an ignore list is written"),
        pytest.param(lambda root: root.rename(root.parent / "away"), id="the tree is renamed"),
    ],
)
@pytest.mark.usefixtures("watcher")
def test_it_hints_when(root: Path, hints: Hints, act: Callable[[Path], object]) -> None:
    act(root)
    assert hints.came()


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda root: (root / "ndvi.yaml").read_text(), id="a manifest is read"),
        pytest.param(lambda root: list(root.iterdir()), id="the tree is walked"),
        pytest.param(write("ndvi.status.yaml"), id="a status file is written"),
        pytest.param(write(".ndvi.status.yaml.tmp"), id="a status file is about to be written"),
        pytest.param(
            lambda root: (root / "ndvi.status.yaml").rename(root / "a.status.yaml"), id="a status file takes its place"
        ),
        pytest.param(remove("ndvi.status.yaml"), id="a status file goes"),
        pytest.param(write(".hidden.yaml"), id="something hidden is written"),
        pytest.param(lambda root: (root.parent / "state").mkdir(), id="something beside the tree is new"),
    ],
)
@pytest.mark.usefixtures("watcher")
def test_it_stays_silent_when(root: Path, hints: Hints, act: Callable[[Path], object]) -> None:
    act(root)
    assert hints.did_not_come()


def test_what_is_watched_anew_is_hinted_at(root: Path, hints: Hints) -> None:
    """It may have changed between the scan and the watch."""
    watcher = Watcher(root, hints)
    watcher.look_after([], 1, patience=None)
    assert hints.came()
    hints.clear()
    watcher.look_after([], 1, patience=None)
    assert hints.did_not_come()
    watcher.stop()


def test_a_tree_that_comes_back_is_watched_again(root: Path, hints: Hints, watcher: Watcher) -> None:
    root.rename(root.parent / "away")
    assert hints.came()
    assert watcher.look_after([], 0, patience=None) == ""
    root.mkdir()
    hints.clear()
    assert watcher.look_after([], 1, patience=None) == ""
    hints.clear()
    (root / "ndvi.yaml").write_text("3")
    assert hints.came()


def test_a_file_behind_a_link_is_watched_where_it_lies(root: Path, hints: Hints, watcher: Watcher) -> None:
    (root.parent / "library").mkdir()
    (root.parent / "library" / "shared.yaml").write_text("1")
    (root / "shared.yaml").symlink_to("../library/shared.yaml")
    assert hints.came()
    watcher.look_after(["shared.yaml"], 1, patience=None)
    hints.clear()
    (root.parent / "library" / "another.yaml").write_text("1")
    assert hints.did_not_come()
    (root.parent / "library" / "shared.yaml").write_text("2")
    assert hints.came()


@pytest.mark.parametrize(
    "aim",
    [
        pytest.param("x" * 300, id="a name that no file system takes: it ended the daemon"),
        pytest.param("/".join(["x" * 200] * 15), id="a path that is too long"),
        pytest.param("link", id="itself"),
        pytest.param("ndvi.yaml/x", id="below a file"),
        pytest.param("nowhere", id="nothing"),
    ],
)
def test_a_link_that_leads_nowhere_is_watched_by_its_name(root: Path, aim: str) -> None:
    (root / "link").symlink_to(aim)
    folders = {target.folder: target.names for target in targets(root, [root / "link"])}
    assert folders[str(root)] is None


def test_a_large_tree_is_watched_while_the_caller_goes_on(
    root: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, add = threading.Event(), WatchedFolders.add

    def add_later(watched: WatchedFolders, target: WatchTarget) -> int:
        assert goes_on.wait(LONGEST)
        return add(watched, target)

    monkeypatch.setattr(WatchedFolders, "add", add_later)
    for number in range(3_000):
        (root / f"folder-{number}").mkdir()
    watcher = Watcher(root, hints)
    try:
        assert watcher.look_after([], 1_000_000, patience=0.0) == "", "what is not watched yet is no problem"
        goes_on.set()
        assert hints.came()
        assert watcher.look_after([], 3_001, patience=None) == ""
        hints.clear()
        (root / "folder-2999" / "new.yaml").write_text("1")
        assert hints.came()
    finally:
        goes_on.set()
        watcher.stop()


def test_folders_that_are_not_watched_are_told(watcher: Watcher) -> None:
    reported = watcher.look_after([], 1_000_000)
    assert reported.startswith("only ")
    assert reported.endswith(
        "of 1000000 folders are watched (fs.inotify.max_user_watches?); changes are seen at the next scan only"
    )


def test_a_tree_that_is_a_link_is_watched_by_name_and_by_place(tmp_path: Path) -> None:
    (tmp_path / "revisions" / "one" / "jobs").mkdir(parents=True)
    (tmp_path / "current").symlink_to("revisions/one")
    root = tmp_path / "current" / "jobs"
    found = {(target.folder, target.names) for target in targets(root, [])}
    assert found == {
        (str(tmp_path), frozenset({"current"})),
        (str(tmp_path / "revisions" / "one" / "jobs"), None),
        (str(tmp_path / "revisions" / "one"), frozenset({"jobs"})),
    }


def test_a_link_that_leads_to_itself_ends_somewhere(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert {target.folder for target in targets(tmp_path / "loop", [])} == {str(tmp_path)}


def test_events_that_the_kernel_has_lost_are_reported_and_all_folders_are_watched_again(root: Path) -> None:
    read, seen = threading.Event(), threading.Event()

    def notify() -> None:
        seen.set()
        assert read.wait(LONGEST)

    watcher = Watcher(root, notify)
    read.set()
    try:
        assert watcher.look_after([], 1, patience=None) == ""
        read.clear()
        seen.clear()
        (root / "first.yaml").touch()
        assert seen.wait(LONGEST)
        for number in range(int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())):
            (root / f"{number}.yaml").touch()
        (root / "new").mkdir()
        read.set()
        deadline = time.monotonic() + LONGEST
        while (
            not (reported := watcher.look_after([], 2)).startswith("events were lost") and time.monotonic() < deadline
        ):
            time.sleep(0.01)
        assert reported.startswith("events were lost")
        assert watcher.look_after([], 2) == ""
    finally:
        read.set()
        watcher.stop()
