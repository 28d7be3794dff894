"""Ignore lists in real trees: every scan obeys them as they are then, and none that cannot be read ignores anything."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from controller.model.job import Job
from controller.tree.files import Known
from controller.tree.ignore.lists import LARGEST_LIST, MOST_STATES
from controller.tree.tree import Tree
from controller.tree.walk import Walk, find_modified_statuses
from tests.conftest import ndvi
from tests.support.factories import NOW
from tests.tree.test_scan import Jobs, jobs, manifest, without_privileges
from tests.tree.test_tree import appraise, refreshed

__all__ = ["jobs"]
LIST = ".shjobsignore"
STAYS = "nothing below this folder is read until then, and its jobs stay as they are"


def found(jobs: Jobs) -> list[str]:
    """Every manifest file that a fresh scan reads."""
    return [file.path for file in Jobs(jobs.root).scan().changed]


def test_what_a_list_names_is_not_read_and_reports_nothing(jobs: Jobs) -> None:
    jobs.write(LIST, "docs/\n*.geo.json\n/k8s\nout\n")
    jobs.write("docs/broken.yaml", "a: [")
    jobs.write("area.geo.json", "[1,")
    jobs.write("k8s/deployment.yaml", "}")
    jobs.write("sub/k8s/ours.yaml", manifest("ours", "../../ndvi.js"))
    (jobs.root / "out").symlink_to("/")
    scanned = jobs.scan()
    assert ([file.path for file in scanned.changed], scanned.problems) == (["ndvi.yaml", "sub/k8s/ours.yaml"], ())


def test_a_list_in_a_folder_is_for_what_is_below_it_and_comes_before_those_around(jobs: Jobs) -> None:
    jobs.write(LIST, "*.json\n")
    jobs.write("a/.shjobsignore", "!keep.json\n/b/x.yaml\n")
    for path in ("keep.json", "a/keep.json", "a/b/keep.json", "a/b/x.yaml", "a/x.yaml", "a/other.json"):
        jobs.write(path, manifest(path.replace("/", "-").replace(".", "-"), "../ndvi.js"))
    assert found(jobs) == ["a/b/keep.json", "a/keep.json", "a/x.yaml", "ndvi.yaml"]


@pytest.mark.parametrize(
    ("before", "after", "gone", "new"),
    [
        pytest.param(None, "a.yaml\n", ["a.yaml"], [], id="a list appears"),
        pytest.param("a.yaml\n", None, [], ["a.yaml"], id="a list goes"),
        pytest.param("a.yaml\n", "b/\n", ["b/c.yaml"], ["a.yaml"], id="a list changes"),
        pytest.param("a.yaml\n", "\na.yaml\n", [], [], id="a list means the same"),
        pytest.param("*\n!a.yaml\n", "*\n!/*\n", [], ["ndvi.yaml"], id="a list lets more through"),
    ],
)
def test_a_changed_list_counts_from_the_next_scan(
    jobs: Jobs, before: str | None, after: str | None, gone: list[str], new: list[str]
) -> None:
    jobs.write("a.yaml", manifest("a"))
    jobs.write("b/c.yaml", manifest("c", "../ndvi.js"))
    for content in (before, after):
        if content is None:
            (jobs.root / LIST).unlink(missing_ok=True)
        else:
            jobs.write(LIST, content)
        scanned = jobs.scan()
    assert (sorted(scanned.gone - {"ndvi.js"}), [file.path for file in scanned.changed]) == (gone, new)


def test_a_list_that_did_not_change_is_not_asked_again_about_what_is_known(jobs: Jobs) -> None:
    jobs.write(LIST, "a.yaml\n")
    jobs.write("a.yaml", manifest("a"))
    jobs.scan()
    again = Walk(jobs.root, jobs.known)
    again.run()
    assert (again.suspects, again.missing, again.ignored[""].is_same) == (set(), set(), True)
    assert again.ignored[""].verdicts == {"a.yaml": True}


def test_an_ignored_file_shares_no_status_file(jobs: Jobs) -> None:
    jobs.write("ndvi.json", manifest("other"))
    assert len(jobs.reported()) == 2
    jobs.write(LIST, "ndvi.json\n")
    scanned = jobs.scan()
    assert (scanned.gone, [document.name for file in scanned.changed for document in file.documents]) == (
        {"ndvi.json"}, ["ndvi"],
    )  # fmt: skip


def test_a_script_that_is_ignored_is_still_the_script_of_its_manifest(jobs: Jobs) -> None:
    jobs.write(LIST, "*.js\n")
    assert jobs.reported() == []


def test_our_status_files_are_no_business_of_a_list(jobs: Jobs) -> None:
    jobs.write(LIST, "*.status.yaml\n")
    jobs.write("ndvi.status.yaml", "edited")
    walk = Walk(jobs.root, Known(), Known())
    walk.run()
    assert walk.modified == {"ndvi.status.yaml"}
    assert find_modified_statuses(jobs.root, Known()) == {"ndvi.status.yaml"}


def test_a_list_behind_a_link_in_the_tree_is_obeyed_and_watched(jobs: Jobs) -> None:
    """As Kubernetes mounts a ConfigMap."""
    jobs.write("..data/list", "a.yaml\n")
    jobs.write("a.yaml", manifest("a"))
    (jobs.root / LIST).symlink_to("..data/list")
    scanned = jobs.scan()
    assert ([file.path for file in scanned.changed], scanned.scan.links) == (["ndvi.yaml"], (LIST,))


def test_a_link_to_a_folder_counts_as_a_folder(jobs: Jobs) -> None:
    jobs.write(".elsewhere/a.yaml", manifest("a", "../ndvi.js"))
    (jobs.root / "linked").symlink_to(".elsewhere")
    assert found(jobs) == ["linked/a.yaml", "ndvi.yaml"]
    jobs.write(LIST, "linked/\n")
    assert found(jobs) == ["ndvi.yaml"]


@pytest.mark.parametrize("content", ["*\n", "**\n", "/*\n", "*.yaml\n*.js\n"])
def test_a_list_that_ignores_everything_is_a_root_that_is_not_ready(jobs: Jobs, content: str) -> None:
    jobs.scan()
    jobs.write(LIST, content)
    scanned = jobs.scan().scan
    assert (scanned.ready, scanned.reason) == (False, f"{LIST} ignores everything in {jobs.root}")


def test_a_pattern_that_matches_nothing_is_a_warning_at_its_line(jobs: Jobs) -> None:
    jobs.write(LIST, "# all of these\n[ab\n/\na\\\n[[:letters:]]\n")
    assert [str(each) for each in jobs.scan().problems] == [
        f"{LIST}:2:1: W202: matches nothing: it has a `[` that is not closed",
        f"{LIST}:3:1: W202: matches nothing: it names nothing",
        f"{LIST}:4:1: W202: matches nothing: it ends with a backslash that escapes nothing",
        f"{LIST}:5:1: W202: matches nothing: it has an unknown class `[:letters:]`",
    ]


def too_large(root: Path) -> None:
    (root / LIST).write_bytes(b"#" * (LARGEST_LIST + 1))


def too_long(root: Path) -> None:
    (root / LIST).write_text("a" * (MOST_STATES // 2) + "\n")
    (root / "b" / LIST).write_text("a" * (MOST_STATES // 2) + "\n")


def outside(root: Path) -> None:
    (root.parent / "list").write_text("*\n")
    (root / LIST).symlink_to("../list")


def nowhere(root: Path) -> None:
    (root / LIST).symlink_to("list")


def folder(root: Path) -> None:
    (root / LIST).mkdir()


@pytest.mark.parametrize(
    ("plant", "at", "words"),
    [
        pytest.param(too_large, "", "is larger than 65536 bytes", id="too large"),
        pytest.param(outside, "", "is a link that leads out of the jobs folder", id="a link out of the tree"),
        pytest.param(nowhere, "", "cannot be read: No such file or directory", id="a link to nothing"),
        pytest.param(folder, "", "is not a regular file", id="a folder"),
        pytest.param(
            too_long, "b/", "is too long: the patterns of a tree may have 16,384 characters together", id="too long"
        ),
    ],
)
def test_a_list_that_cannot_be_used_ignores_nothing_and_nothing_below_it_changes(
    tmp_path: Path, plant: object, at: str, words: str
) -> None:
    assert callable(plant)
    root = tmp_path / "jobs.d"
    (root / "b").mkdir(parents=True)
    (root / "b" / "one.yaml").write_text(ndvi("one"))
    tree, jobs = Tree(root, appraise), dict[str, Job]()
    assert refreshed(tree, jobs) == ["one: accepted"]
    plant(root)
    (root / "b" / "new.yaml").write_text(ndvi("new"))
    (root / "b" / "one.yaml").unlink()
    assert refreshed(tree, jobs) == [f"one: {at}{LIST}:1:1: E196: {words}; {STAYS}"]
    assert [str(each) for each in tree.refresh(jobs, NOW).problems] == [f"{at}{LIST}:1:1: E196: {words}; {STAYS}"]
    for place in (root / LIST, root / "b" / LIST):
        place.rmdir() if place.is_dir() and not place.is_symlink() else place.unlink(missing_ok=True)
    assert refreshed(tree, jobs) == ["new: accepted", "one: accepted"]


def test_lists_that_are_refused_anyway_are_not_read_by_every_scan(tmp_path: Path) -> None:
    """Beyond the limit for all lists, each further one cost every scan as long as it takes to read it."""
    for number in range(100):
        folder = tmp_path / f"{number:02}"
        folder.mkdir()
        (folder / LIST).write_text("[b]" * (LARGEST_LIST // 3))
    began = time.process_time()
    walk = Walk(tmp_path, Known())
    walk.run()
    assert time.process_time() - began < 5
    assert [each.code for each in walk.problems] == ["E196"] * 100


def test_a_list_without_permission_ignores_nothing() -> None:
    with TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "one.yaml").write_text(ndvi("one"))
        (root / LIST).write_text("*\n")
        (root / LIST).chmod(0)
        with without_privileges():
            tree = Tree(root, appraise)
            change = tree.refresh({}, NOW)
        assert (change.ready, list(tree.paths())) == (True, [])
        assert [str(each) for each in change.problems] == [
            f"{LIST}:1:1: E196: cannot be read: Permission denied; {STAYS}"
        ]


@pytest.mark.parametrize("name", ["NDVI.YAML", "ndvi.Yml", "a.JSON"])
def test_a_name_that_ends_in_capitals_is_not_passed_by_in_silence(jobs: Jobs, name: str) -> None:
    jobs.write(name, manifest("other"))
    words = "is not read: let its name end in .yaml, .yml, .json in small letters, or list it in .shjobsignore"
    assert [str(each) for each in jobs.scan().problems] == [f"{name}:1:1: W201: {words}"]
    jobs.write(LIST, f"{name}\n")
    assert jobs.scan().problems == ()
