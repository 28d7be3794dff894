"""The tree: what was accepted holds only as long as its file can be read."""

from pathlib import Path
from tempfile import TemporaryDirectory

from controller.manifest.validate import ValidManifest
from controller.model.job import Appraisal, Job
from controller.tree.tree import Tree
from tests.conftest import ndvi
from tests.support.factories import NOW, wanted
from tests.tree.test_scan import without_privileges


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
