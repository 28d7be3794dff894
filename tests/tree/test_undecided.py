"""Manifests whose scripts are still being examined: the job stays as it was, and nothing else waits for them."""

from collections.abc import Set
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from controller.analysis.appraisal import still_examined
from controller.ledger.ledger import Ledger
from controller.ledger.store import Store
from controller.limits.gate import Limits
from controller.limits.guard import Due, batch_of
from controller.manifest.approval import Approval
from controller.manifest.validate import ValidManifest
from controller.model.errors import Problem
from controller.model.job import Appraisal, Job
from controller.model.reasons import EXAMINING
from controller.model.timing import Timing
from controller.reconcile.admission import Admission
from controller.settings.file import Policy
from controller.tree.tree import Tree
from tests.conftest import ndvi
from tests.support.factories import NOW, at, wanted
from tests.support.small_set import farm


class Engine:
    """Answers for the scripts that it knows, by the name of the job."""

    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.asked: list[str] = []

    def __call__(self, item: ValidManifest) -> Appraisal:
        self.asked.append(item.name)
        if item.name in self.known:
            return Appraisal(wanted=wanted(digest=item.request.digest))
        return Appraisal(wanted=None, problems=(still_examined(item),), awaits=item.name)

    def is_pending(self, name: str) -> bool:
        return name not in self.known


def test_a_file_is_read_again_when_its_script_was_examined_and_has_not_moved_then(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ndvi("one"))
    (tmp_path / "two.yaml").write_text(ndvi("two"))
    engine, jobs = Engine("two"), dict[str, Job]()
    tree = Tree(tmp_path, engine, is_pending=engine.is_pending)
    first = tree.refresh(jobs, NOW)
    assert [job.name for job, _ in first.jobs] == ["two"]
    assert (first.moved, first.undecided) == (True, 1)
    assert [problem.code for item in tree.documents("one.yaml") for problem in item.problems] == [EXAMINING]
    jobs |= {job.name: job for job, _ in first.jobs}
    meanwhile = tree.refresh(jobs, NOW)
    assert (meanwhile.jobs, meanwhile.moved, meanwhile.undecided, engine.asked) == ((), False, 1, ["one", "two"])
    engine.known.add("one")
    last = tree.refresh(jobs, NOW)
    assert [job.name for job, _ in last.jobs] == ["one"]
    assert (last.moved, last.undecided, engine.asked) == (False, 0, ["one", "two", "one"])


def test_a_job_stays_as_last_accepted_and_asks_for_nothing_while_its_change_is_examined(tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(ndvi("one"))
    engine, jobs = Engine("one"), dict[str, Job]()
    tree = Tree(tmp_path, engine, is_pending=engine.is_pending)
    [(before, _)] = tree.refresh(jobs, NOW).jobs
    engine.known.clear()
    file.write_text(ndvi("one", west=14.2))
    [(job, _)] = tree.refresh({"one": before}, NOW).jobs
    assert (job.wanted, [each.code for each in job.problems]) == (before.wanted, [EXAMINING])


def test_a_file_that_goes_while_it_is_examined_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ndvi("one"))
    (tmp_path / "two.yaml").write_text(ndvi("two"))
    engine = Engine("two")
    tree = Tree(tmp_path, engine, is_pending=engine.is_pending)
    tree.refresh({}, NOW)
    (tmp_path / "one.yaml").unlink()
    assert (tree.refresh({}, NOW).undecided, list(tree.paths())) == (0, ["two.yaml"])


def test_what_is_still_waited_for_is_known_after_every_scan(tmp_path: Path) -> None:
    """The scripts of a file that was removed were examined all the same, before those of the others."""
    (tmp_path / "one.yaml").write_text(ndvi("one"))
    (tmp_path / "two.yaml").write_text(ndvi("two"))
    engine, kept = Engine(), list[Set[str]]()
    tree = Tree(tmp_path, engine, is_pending=engine.is_pending, keep_pending=kept.append)
    tree.refresh({}, NOW)
    (tmp_path / "one.yaml").unlink()
    tree.refresh({}, NOW)
    engine.known.add("two")
    tree.refresh({}, NOW)
    assert kept == [{"one", "two"}, {"two"}, set()]


def test_a_file_is_read_again_a_while_after_the_engine_died_of_its_script(tmp_path: Path) -> None:
    """It was Invalid for ever, though nothing was wrong with it: it was not examined again until the file changed."""
    (tmp_path / "one.yaml").write_text(ndvi("one"))
    asked: list[str] = []

    def appraise(item: ValidManifest) -> Appraisal:
        asked.append(item.name)
        if len(asked) == 1:
            return Appraisal(wanted=None, problems=(still_examined(item),), is_passing=True)
        return Appraisal(wanted=wanted(digest=item.request.digest))

    tree = Tree(tmp_path, appraise)
    assert (tree.refresh({}, NOW).undecided, len(asked)) == (0, 1)
    assert (tree.refresh({}, at(59)).jobs, len(asked)) == ((), 1)
    assert [job.name for job, _ in tree.refresh({}, at(61)).jobs] == ["one"]
    tree.refresh({}, at(200))
    assert len(asked) == 2


def test_a_set_is_read_again_a_while_after_the_engine_died_of_its_script(tmp_path: Path) -> None:
    (tmp_path / "farm.yaml").write_text(farm())
    died: list[str] = []

    def appraise(item: ValidManifest) -> Appraisal:
        if not died:
            died.append(item.name)
            return Appraisal(wanted=None, problems=(still_examined(item),), is_passing=True)
        return Appraisal(wanted=wanted(digest=item.request.digest))

    tree = Tree(tmp_path, appraise)
    assert (tree.refresh({}, NOW).undecided, len(tree.sets)) == (0, 0)
    assert tree.refresh({}, at(59)).jobs == ()
    assert [*tree.sets] == []
    assert len(tree.refresh({}, at(61)).jobs) > 1
    assert [*tree.sets] == ["farm"]


def test_a_file_is_read_again_on_the_day_on_which_its_appraisal_may_be_over_and_has_not_moved_then(
    tmp_path: Path,
) -> None:
    """It was refused for ever, since its time range was still to begin: nothing looked at the date again."""
    (tmp_path / "one.yaml").write_text(ndvi("one"))
    midnight, asked = datetime.combine(NOW.date() + timedelta(days=2), time(), UTC), list[str]()
    later = Problem(path="one.yaml", message="begins after today", code="E218")

    def appraise(item: ValidManifest) -> Appraisal:
        asked.append(item.name)
        if len(asked) == 1:
            return Appraisal(wanted=None, problems=(later,), until=midnight.date())
        return Appraisal(wanted=wanted(digest=item.request.digest))

    tree = Tree(tmp_path, appraise)
    assert (tree.refresh({}, NOW).jobs, tree.changes_at) == ((), midnight)
    assert (tree.refresh({}, midnight - timedelta(seconds=1)).jobs, len(asked)) == ((), 1)
    change = tree.refresh({}, midnight)
    assert ([job.name for job, _ in change.jobs], change.moved) == (["one"], False)
    tree.refresh({}, midnight + timedelta(days=9))
    assert (len(asked), tree.changes_at) == (2, None)


def test_a_large_change_that_is_decided_piece_by_piece_is_held_as_one(tmp_path: Path) -> None:
    """Else fifty jobs at a time would pass the guard, as their scripts are examined."""
    with Store.open(tmp_path, {}) as store:
        policy = Policy().model_copy(update={"large_change_jobs": 3})
        admission, limits = Admission(Ledger(store), policy), Limits(policy=policy, timing=Timing(), slots=10)
        admission.is_partial = True
        passed = []
        for piece in (["a", "b"], ["c", "d"], ["e"]):
            jobs = [Job(name=name, path=f"{name}.yaml", index=0, generation=1, wanted=wanted()) for name in piece]
            for job in jobs:
                admission._ledger.put_job(job)
                admission._new.put(job.name, Due(key=f"{job.name}/x", units=1.0, cause="new"))
            admission._rule_on_new(limits)
            passed.append(sorted(each.key.removesuffix("/x") for each in admission._new.values()))
        admission.is_partial = False
        admission._rule_on_new(limits)
        assert passed == [[], ["c", "d"], ["c", "d", "e"]]
        assert not admission._new
        assert [(batch.jobs, batch.cause) for batch in admission.waiting()] == [(3, "new: 3 jobs")]


def test_a_file_that_goes_when_its_script_was_just_examined_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ndvi("one"))
    (tmp_path / "two.yaml").write_text(ndvi("two"))
    engine = Engine("two")
    tree = Tree(tmp_path, engine, is_pending=engine.is_pending)
    tree.refresh({}, NOW)
    engine.known.add("one")
    (tmp_path / "one.yaml").unlink()
    assert tree.refresh({}, NOW).gone == ("one.yaml",)


def test_the_hash_of_a_whole_change_releases_what_is_left_when_part_of_it_went_ahead(tmp_path: Path) -> None:
    """A plan reads every script at once: its hash is that of all jobs, not of those that were decided last."""
    with Store.open(tmp_path, {}) as store:
        policy = Policy().model_copy(update={"large_change_jobs": 3})
        admission, limits = Admission(Ledger(store), policy), Limits(policy=policy, timing=Timing(), slots=10)
        whole = batch_of([Due(key=f"{name}/x", units=1.0, cause="new") for name in "abcde"]).hash
        for is_approved in (False, True):
            admission.is_partial = True
            for piece in ("ab", "cde"):
                for name in piece:
                    admission._ledger.put_job(Job(name=name, path=name, index=0, generation=1, wanted=wanted()))
                    admission._new.put(name, Due(key=f"{name}/x", units=1.0, cause="new"))
                if is_approved:
                    admission.approve({whole: Approval(path="yes.yaml", index=0, hashes=(whole,))}, str)
                admission._rule_on_new(limits)
                admission.is_partial = False
            assert [batch.jobs for batch in admission.waiting()] == ([] if is_approved else [3])
            assert {admission.approved_by(name) for name in "cde"} == {"yes.yaml" if is_approved else ""}


def test_that_hash_counts_also_when_it_is_approved_later(tmp_path: Path) -> None:
    with Store.open(tmp_path, {}) as store:
        policy = Policy().model_copy(update={"large_change_jobs": 3})
        ledger, limits = Ledger(store), Limits(policy=policy, timing=Timing(), slots=10)
        admission = Admission(ledger, policy)
        admission.is_partial = True
        for piece in ("ab", "cde"):
            for name in piece:
                ledger.put_job(Job(name=name, path=name, index=0, generation=1, wanted=wanted()))
                admission._new.put(name, Due(key=f"{name}/x", units=20.0, cause="new"))
            admission._rule_on_new(limits)
            admission.is_partial = False
        whole = batch_of([Due(key=f"{name}/x", units=20.0, cause="new") for name in "abcde"]).hash
        admission.approve({whole: Approval(path="yes.yaml", index=0, hashes=(whole,))}, str)
        assert admission.rule([], limits, NOW) >= {"c", "d", "e"}
        assert (admission.waiting(), ledger.accepted) == ([], {whole: "yes.yaml"})
