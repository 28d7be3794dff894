"""Links and special files that a commit can hold: nothing outside the jobs folder is read, paid for or written."""

import os
import shutil
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path

import pytest

from controller.cli.settings import load_settings
from controller.manifest.validate import Broken, ValidManifest
from controller.model.errors import SettingsError, StateError
from controller.reconcile.runner import Stopped
from controller.tree import scan as scans
from controller.tree.contents import LoadedFile
from controller.tree.files import Known
from controller.tree.regular_files import UnfitFileError, read_regular, resolve_below
from controller.tree.scan import Scan, Take, load, scan
from controller.tree.status_files import StatusFiles
from controller.tree.walk import Walk
from tests.conftest import Workspace, ndvi
from tests.support.factories import NOW

STATUS = [{"phase": "Pending"}]


@pytest.fixture(params=["a folder", "below a link that is swapped"])
def jobs(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A jobs folder with one manifest, beside a folder that is none of its business."""
    if request.param == "a folder":
        return made(tmp_path)
    made(tmp_path / "trees" / "one")
    (tmp_path / "current").symlink_to("trees/one")
    return tmp_path / "current" / "jobs.d"


def made(around: Path, *names: str) -> Path:
    """The jobs folder, with a manifest of each name."""
    for folder, manifests in (("jobs.d", names or ("ndvi",)), ("outside", ("foreign",))):
        (around / folder).mkdir(parents=True)
        for name in manifests:
            (around / folder / f"{name}.yaml").write_text(ndvi(name))
    return around / "jobs.d"


def test_what_was_begun_before_a_swap_is_read_to_its_end_from_the_tree_before(tmp_path: Path) -> None:
    """Never half of one commit and half of another; the next scan reads the new one."""
    made(tmp_path / "trees" / "one", "ndvi", "only-in-one")
    made(tmp_path / "trees" / "two", "ndvi", "only-in-two")
    (tmp_path / "trees" / "two" / "jobs.d" / "ndvi.yaml").write_text(ndvi("ndvi", 14.3))
    current = tmp_path / "current"
    current.symlink_to("trees/one")

    def swap() -> None:
        fresh = tmp_path / "fresh"
        fresh.symlink_to("trees/two")
        fresh.replace(current)

    read: dict[str, str] = {}

    def take(files: Sequence[LoadedFile]) -> None:
        read.update((file.path, str(file.documents[0])) for file in files)

    def scanned(pulse: Callable[[], None]) -> dict[str, str]:
        read.clear()
        assert scan(current / "jobs.d", Known(), take, NOW, pulse=pulse).ready
        return dict(read)

    first, during = scanned(lambda: None), scanned(swap)
    assert (during, current.readlink().name) == (first, "two")
    after = scanned(lambda: None)
    assert (set(after), after["ndvi.yaml"] != first["ndvi.yaml"]) == ({"ndvi.yaml", "only-in-two.yaml"}, True)


def from_file(name: str) -> str:
    """A manifest with its script in a file beside it."""
    return ndvi(name).partition("    evalscript: |\n")[0] + "  evalscriptFile: ndvi.js\n"


class Synced:
    """Two trees of three manifests behind the link of git-sync, and what is known of the first."""

    def __init__(self, root: Path) -> None:
        self.root, self.current, self.known = root, root / "current", Known()
        for tree in ("one", "two"):
            for number in range(3):
                folder = root / "trees" / tree / f"folder-{number}"
                folder.mkdir(parents=True)
                (folder / "job.yaml").write_text(from_file(f"job-{number}"))
                (folder / "ndvi.js").write_text("//VERSION=3\n")
        self.current.symlink_to("trees/one")
        self.look()

    def look(self, pulse: Callable[[], None] = lambda: None, take: Take = lambda _: None) -> Scan:
        """A scan that reads every manifest; what it found is known from then on."""
        found = scan(self.current, self.known, take, NOW, pulse=pulse, again=frozenset(self.known.files))
        if found.ready:
            self.known.update(found.records.values(), found.gone, found.ignored)
        return found

    def swap(self, *lost: str) -> None:
        """To the second tree; of the first, these paths are removed, or all of it."""
        if self.current.readlink().name == "one":
            fresh = self.root / "fresh"
            fresh.symlink_to("trees/two")
            fresh.replace(self.current)
            for path in lost:
                (self.root / "trees" / "one" / path).unlink()
            if not lost:
                shutil.rmtree(self.root / "trees" / "one")


@pytest.fixture
def synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Synced:
    """Files are taken one by one, so that much is still to be read after the first."""
    monkeypatch.setattr(scans, "_PORTION", 1)
    return Synced(tmp_path)


def test_nothing_is_gone_when_the_tree_is_removed_while_it_is_walked(synced: Synced) -> None:
    """git-sync swaps its link and removes the old tree at once. Its jobs came back as new ones."""
    during = synced.look(pulse=synced.swap)
    assert (during.ready, during.reason) == (False, f"{synced.current} was replaced while it was read")
    assert synced.look().gone == frozenset()


def test_nothing_is_gone_when_the_tree_is_removed_while_its_files_are_read(synced: Synced) -> None:
    during = synced.look(take=lambda _: synced.swap())
    assert (during.ready, during.gone) == (True, frozenset())
    assert synced.look().gone == frozenset()


def test_a_script_that_went_with_its_tree_is_not_missing(synced: Synced) -> None:
    """Its manifest was Invalid until the next scan, and a receiver heard of it."""
    read: list[LoadedFile] = []
    scripts = [f"folder-{number}/ndvi.js" for number in range(3)]
    during = synced.look(pulse=lambda: synced.swap(*scripts), take=read.extend)
    assert (during.ready, read) == (True, [])
    synced.look(take=read.extend)
    assert [type(document) for file in read for document in file.documents] == [ValidManifest] * 3


def test_what_became_ignored_while_the_tree_was_replaced_is_gone_after_the_next_scan(synced: Synced) -> None:
    """The list was remembered, what it ignores was not: such a job stayed wanted for as long as the list did."""
    for tree in ("one", "two"):
        (synced.root / "trees" / tree / ".shjobsignore").write_text("folder-2/job.yaml\n")
    assert synced.look(take=lambda _: synced.swap("folder-1/job.yaml")).gone == frozenset()
    assert synced.look().gone == {"folder-2/job.yaml", "folder-2/ndvi.js"}


def walked(jobs: Path) -> tuple[set[str], list[str]]:
    """The manifests that a walk finds, and what it says of the rest."""
    walk = Walk(jobs, Known())
    assert walk.run() == ""
    return walk.suspects, sorted(str(each) for each in (*walk.problems, *walk.astray))


NOT_FOLLOWED = "is a link that leads out of the jobs folder and is not followed: copy what it leads to into the folder"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/", id="to the root of the file system"),
        pytest.param("/proc", id="to /proc"),
        pytest.param("../outside", id="to a folder beside the tree"),
        pytest.param("..", id="to the folder around the tree"),
        pytest.param("../outside/nothing", id="to nothing outside"),
        pytest.param("other", id="by another link"),
        pytest.param("../jobs.d/../outside", id="in and out again"),
        pytest.param("/dev/zero", id="to a device"),
    ],
)
def test_a_link_that_leaves_the_tree_is_reported_and_not_followed(jobs: Path, target: str) -> None:
    (jobs / "other").symlink_to("../outside")
    (jobs / "out").symlink_to(target)
    reported = [f"{name}:1:1: W200: {NOT_FOLLOWED}" for name in ("other", "out")]
    assert walked(jobs) == ({"ndvi.yaml"}, reported)


def test_a_manifest_behind_a_link_that_leaves_the_tree_is_a_problem_of_its_own(jobs: Path) -> None:
    (jobs / "foreign.yaml").symlink_to("../outside/foreign.yaml")
    (jobs / "zero.yaml").symlink_to("/dev/zero")
    read = [document for file in load(jobs) for document in file.documents if isinstance(document, Broken)]
    problems = {each.path: [str(problem) for problem in each.problems] for each in read}
    words = "is a link that leads out of the jobs folder: copy the file into it"
    assert problems == {name: [f"{name}:1:1: E190: {words}"] for name in ("foreign.yaml", "zero.yaml")}


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(".hidden/sub", id="relative"),
        pytest.param("../jobs.d/.hidden/sub", id="out of the tree and back"),
        pytest.param("{jobs}/.hidden/sub", id="absolute"),
        pytest.param("first", id="by another link"),
    ],
)
def test_a_link_that_stays_in_the_tree_is_followed(jobs: Path, target: str) -> None:
    (jobs / ".hidden" / "sub").mkdir(parents=True)
    (jobs / ".hidden" / "sub" / "other.yaml").write_text(ndvi("other"))
    (jobs / "a").symlink_to(target.format(jobs=jobs.resolve()))
    (jobs / "first").symlink_to(".hidden/sub")  # the same folder, which is entered once
    assert walked(jobs) == ({"ndvi.yaml", "a/other.yaml"}, [])


@pytest.mark.slow
def test_a_folder_that_became_a_link_out_of_the_tree_is_gone(workspace: Workspace) -> None:
    """Its jobs were kept, and their status files written and removed behind the link."""
    workspace.write("sub/ndvi.yaml", ndvi())
    workspace.write("good.yaml", ndvi("good"))
    workspace.sync()
    (workspace.jobs / "sub").rename(workspace.root / "outside")
    (workspace.jobs / "sub").symlink_to("../outside")
    before = sorted(path.name for path in (workspace.root / "outside").iterdir())
    (workspace.root / "outside" / "ndvi.yaml").write_text(ndvi(west=14.3))
    assert set(workspace.sync()) == {"good"}
    assert sorted(path.name for path in (workspace.root / "outside").iterdir()) == before
    assert workspace.posts() == 2


def test_a_few_folders_of_links_to_each_other_make_no_endless_tree(jobs: Path) -> None:
    names = [f"f{number}" for number in range(14)]
    for name in names:
        (jobs / name).mkdir()
    for one, other in permutations(names, 2):
        (jobs / one / other).symlink_to(f"../{other}")
    walk = Walk(jobs, Known())
    walk.run()
    assert walk.folders == 1 + len(names)


def test_a_walk_is_left_when_it_is_asked_to_stop(jobs: Path) -> None:
    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        Walk(jobs, Known(), pulse=stop).run()


def outside(jobs: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (jobs.parent / "outside").iterdir()}


@pytest.mark.parametrize("name", [".ndvi.status.yaml.tmp", ".shjobs-writable.tmp"])
def test_a_status_is_not_written_through_a_link(jobs: Path, name: str) -> None:
    (jobs.parent / "outside" / "precious").write_text("mine")
    (jobs / name).symlink_to("../outside/precious")
    before, status = outside(jobs), StatusFiles(jobs)
    status.check_writable()
    assert status.write("ndvi.yaml", STATUS)
    assert outside(jobs) == before
    assert not (jobs / "ndvi.status.yaml").is_symlink()


def test_a_link_in_the_place_of_a_status_file_is_left_as_it_is(jobs: Path) -> None:
    (jobs.parent / "outside" / "precious").write_text("mine")
    (jobs / "ndvi.status.yaml").symlink_to("../outside/precious")
    before, status = outside(jobs), StatusFiles(jobs)
    with pytest.raises(StateError, match="was not written by shjobs and is left as it is"):
        status.write("ndvi.yaml", STATUS)
    status.remove("ndvi.yaml")
    assert outside(jobs) == before
    assert (jobs / "ndvi.status.yaml").is_symlink()


def test_no_status_is_written_or_removed_in_a_folder_behind_a_link_out_of_the_tree(jobs: Path) -> None:
    for name in ("ndvi.status.yaml", ".ndvi.status.yaml.tmp"):
        (jobs.parent / "outside" / name).write_text("apiVersion: shjobs/v1\nkind: AsyncProcessStatus\n")
    (jobs / "sub").symlink_to("../outside")
    before, status = outside(jobs), StatusFiles(jobs)
    with pytest.raises(StateError, match="a link leads out of the folder there"):
        status.write("sub/ndvi.yaml", STATUS)
    status.remove("sub/ndvi.yaml")
    status.clear("sub/ndvi.status.yaml")
    assert outside(jobs) == before


@pytest.mark.parametrize("target", ["/dev/zero", "pipe", "/proc/kmsg", "ndvi.status.yaml"])
def test_what_stands_in_the_place_of_a_status_file_is_not_read(jobs: Path, target: str) -> None:
    os.mkfifo(jobs / "pipe")
    (jobs / "ndvi.status.yaml").symlink_to(target)
    StatusFiles(jobs).clear("ndvi.status.yaml")
    with pytest.raises(StateError, match="was not written by shjobs"):
        StatusFiles(jobs).write("ndvi.yaml", STATUS)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/proc", "pipe", "link", "large"])
def test_only_regular_files_of_bounded_size_are_opened(tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "large").write_bytes(b"#" * 101)
    with pytest.raises(UnfitFileError):
        read_regular(tmp_path / path, 100, follow=True)
    with pytest.raises(UnfitFileError):
        read_regular(tmp_path / path, 100)


def test_a_file_of_proc_is_read_to_the_limit_only() -> None:
    with pytest.raises(UnfitFileError, match="larger than 10 bytes"):
        read_regular("/proc/self/status", 10)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        resolve_below(str(tmp_path), "a/x")


@pytest.mark.parametrize("file", ["/dev/zero", "pipe"])
@pytest.mark.parametrize("written", ["settings", "a secret"])
def test_settings_and_secrets_are_regular_files(tmp_path: Path, written: str, file: str) -> None:
    """They were read for ever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "shjobs.toml").write_text(f'clientSecretFile = "{file}"\n')
    config = tmp_path / (file if written == "settings" else "shjobs.toml")
    with pytest.raises(SettingsError, match="cannot be read: not a regular file"):
        load_settings(config, {})
