"""The tree: what was accepted holds only as long as its file can be read."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from controller.manifest.validate import ValidManifest
from controller.model.job import Appraisal, Job
from controller.tree.status_files import StatusFiles
from controller.tree.tree import Tree
from tests.conftest import ndvi
from tests.support.factories import NOW, wanted
from tests.tree.test_scan import without_privileges

TOO_LONG = "the name of the file is too long for its status file: at most 238 bytes before the suffix"


def appraise(item: ValidManifest) -> Appraisal:
    return Appraisal(wanted=wanted(digest=item.request.digest))


def refreshed(tree: Tree, jobs: dict[str, Job]) -> list[str]:
    """The problems of each job after a scan, which `jobs` take over; one sentence for each job that changed."""
    change = tree.refresh(jobs, NOW)
    jobs.update({job.name: job for job, _ in change.jobs})
    return [f"{job.name}: {'; '.join(map(str, job.problems)) or 'accepted'}" for job, _ in sorted(change.jobs, key=str)]


def test_a_job_in_a_folder_that_cannot_be_read_has_a_problem_until_the_folder_is_back() -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "a").mkdir()
        (root / "a" / "one.yaml").write_text(ndvi("one"))
        (root / "two.yaml").write_text(ndvi("two"))
        tree, jobs = Tree(root, appraise), dict[str, Job]()
        assert refreshed(tree, jobs) == ["one: accepted", "two: accepted"]
        (root / "a").chmod(0)
        with without_privileges():
            assert refreshed(tree, jobs) == ["one: a:1:1: E193: cannot be read: Permission denied"]
            assert refreshed(tree, jobs) == []
        (root / "a").chmod(0o700)
        assert refreshed(tree, jobs) == ["one: accepted"]
        assert refreshed(tree, jobs) == []


@pytest.mark.parametrize(
    ("stem", "is_accepted"),
    [
        pytest.param("n" * 238, True, id="the longest"),
        pytest.param("n" * 239, False, id="a byte more"),
        pytest.param("\u4e00" * 80, False, id="few characters of many bytes"),
    ],
)
def test_a_manifest_whose_name_leaves_no_room_for_its_status_is_rejected(
    tmp_path: Path, stem: str, *, is_accepted: bool
) -> None:
    """It was accepted and paid for, and then no `sync` ended well: its status could never be written."""
    for suffix in ("yaml", "yml"):
        file = tmp_path / f"{stem}.{suffix}"
        file.write_text(ndvi("one"))
        words = "accepted" if is_accepted else f"{file.name}:4:3: E192: {TOO_LONG}"
        tree = Tree(tmp_path, appraise)
        tree.refresh({}, NOW)
        [document] = tree.documents(file.name)
        assert ("; ".join(map(str, document.problems)) or "accepted", document.name) == (words, "one")
        assert StatusFiles(tmp_path).write(file.name, [{"phase": "Invalid"}]) is is_accepted
        StatusFiles(tmp_path).remove(file.name, ours=True)
        file.unlink()


def test_a_job_that_was_accepted_under_too_long_a_name_is_not_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(ndvi("one"))
    tree, jobs = Tree(tmp_path, appraise), dict[str, Job]()
    refreshed(tree, jobs)
    before = jobs["one"] = replace(jobs["one"], path="n" * 239 + ".yaml")
    file.rename(tmp_path / before.path)
    tree = Tree(tmp_path, appraise)
    tree.remember([], jobs.values())
    assert refreshed(tree, jobs) == [f"one: {before.path}:4:3: E192: {TOO_LONG}"]
    assert jobs["one"].wanted == before.wanted is not None
    (tmp_path / before.path).rename(file)
    assert refreshed(tree, jobs) == ["one: accepted"]


def test_what_has_no_status_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / f"{'n' * 250}.yaml").write_text("kind: Deployment\napiVersion: apps/v1\n")
    approval = "apiVersion: shjobs/v1\nkind: Approval\nspec: {hashes: [3e8e2ab41b53]}\n"
    (tmp_path / f"{'a' * 250}.yaml").write_text(approval)
    (tmp_path / f"{'s' * 250}.js").write_text("")
    tree = Tree(tmp_path, appraise)
    change = tree.refresh({}, NOW)
    assert (change.problems, [*tree.paths()]) == ((), [])
