"""What `why` and `describe` say of a job by its own rows is what a turn on a copy of the whole ledger says.

Ledgers of every kind are made by chance, from a seed: what was submitted and what became of it, jobs with equal
requests, cells, holds, pauses, commands that wait, and a process that works on it or none. Each job of each is
described both ways.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from controller.analysis.terms import terms_of, threshold_of
from controller.ledger.lock import submitter_lock
from controller.ledger.pause import pause
from controller.ledger.reads.reader import TERMS, Reader
from controller.ledger.store import Store
from controller.lifecycle.commands import Adopt, Resolve
from controller.model.answers import Refusal
from controller.model.errors import Problem
from controller.model.files import STATUS
from controller.model.job import Estimate, Job
from controller.model.reasons import Reason
from controller.model.submission import Submission
from controller.operations.inspect.describe import _description, _turned_case
from controller.operations.inspect.describe_set import explain_set, set_meant
from controller.operations.inspect.named import set_reported
from controller.operations.inspect.single.alone import case_alone
from controller.operations.inspect.single.reported import case_reported
from controller.operations.inspect.why import explain
from controller.reconcile.wiring import turned_copy
from controller.settings.settings import Settings
from tests.support.factories import (
    NOW,
    OTHER_DIGEST,
    accepted,
    at,
    evidence,
    failed,
    gone,
    refused,
    submission,
    succeeded,
    unconfirmed,
    unknown,
)
from tests.support.set_loops import PLAIN, farm, running, settings_of

pytestmark = pytest.mark.slow

LEDGERS, PORTIONS = 300, 3
POLICIES = ("", 'onUnconfirmed = "resubmit"', "monthlyBudget = 40\napprovalAbove = 30", 'holdOn = ["warning"]')
NAMES = ("plain", "second", "third", "fourth")
OFTEN = {
    *(Reason.DELIVERED, Reason.REUSED, Reason.ERROR_REPORTED, Reason.NOTHING_DELIVERED, Reason.BUCKET_UNREADABLE),
    *(Reason.RUNNING, Reason.OVERDUE, Reason.VERIFYING, Reason.SEARCHING, Reason.NEEDS_PERSON, Reason.SHARED_RUN),
    *(Reason.ON_HOLD, Reason.PAUSED, Reason.WARNED, Reason.COST_UNKNOWN, Reason.APPROVAL_NEEDED, Reason.REFUSED),
    Reason.REMOVED,
}
"""What each portion of the ledgers has jobs for; the rest, such as `RetryScheduled`, is in some of them."""
WARNING = Problem(path="plain.yaml", message="a warning", code="W101")


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A repository whose tree a loop has read, and its jobs."""

    root: Path
    jobs: dict[str, Job]

    def again(self, where: Path) -> Path:
        """A copy, with the times of its files."""
        shutil.copytree(self.root, where, dirs_exist_ok=True)
        return where


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    root = tmp_path_factory.mktemp("recorded")
    settings = settings_of(root)
    for number, name in enumerate(NAMES):
        text = PLAIN.replace("name: plain", f"name: {name}").replace("14.50", f"14.5{number}")
        (settings.jobs / f"{name}.yaml").write_text(text, encoding="utf-8")
    (settings.jobs / "farm.yaml").write_text(farm("from: 2025-11, to: 2025-12", "  trial: 1\n"), encoding="utf-8")
    with Store.open(settings.state, {}) as store, store.transaction():
        store.renew(terms_of(settings), threshold_of(settings), kept=STATUS)
    with running(root, NOW) as loop:
        loop.turns(1)
        jobs = dict(sorted(loop.ledger.jobs.items()))
    with Store.open(settings.state, {}) as store, store.transaction():
        store._db.execute("delete from due")
    return Recorded(root=root, jobs=jobs)


def by_chance(chance: Random, job: Job, number: int) -> Submission:
    """A submission of the job, at any point of its life."""
    assert job.wanted is not None
    about: dict[str, Any] = {
        "job": job.name,
        "digest": chance.choice([job.wanted.digest] * 4 + [OTHER_DIGEST]),
        "rerun": chance.choice([0, 0, 0, 1]),
        "attempt": chance.choice([0, 0, 1]),
        "intended_at": at(-chance.choice([3, 40, 900, 7200, 200_000])),
        "number": number,
    }
    seen = evidence(readable=False, objects=(), message="it is closed")
    makers = [
        lambda: submission(**about),
        lambda: accepted(**about),
        lambda: accepted(**about, look_at=at(300)),
        lambda: gone(**about),
        lambda: gone(**about, evidence=seen),
        lambda: succeeded(**about),
        lambda: succeeded(**about),
        lambda: failed(**about),
        lambda: failed(**about, finished_at=at(-40_000)),
        lambda: unknown(**about, reason=chance.choice(["NothingDelivered", "PartlyDelivered", "BucketUnreadable"])),
        lambda: unconfirmed(**about),
        lambda: unconfirmed(**about, look_at=None),
        lambda: unconfirmed(**about, look_at=None, evidence=evidence(objects=(), at=at(-5))),
        lambda: refused(chance.choice([*Refusal]), **about),
        lambda: refused(Refusal.BODY, **about),
    ]
    made = chance.choice(makers)()
    if made.request_id:
        made = replace(made, request_id=f"{number:08x}-2222-4333-8444-555555555555")
    return replace(made, approved_by=chance.choice(["", "ann"]), adopted=chance.random() < 0.1)


def changed(chance: Random, job: Job, digests: list[str]) -> Job:
    """The job with whatever a manifest may say, perhaps with the request of another; a cell is what its set says."""
    assert job.wanted is not None
    if job.wanted.cell:
        return job
    rules: dict[str, Any] = {
        "digest": chance.choice([job.wanted.digest] * 3 + digests),
        "rerun": chance.choice([0, 0, 0, 1]),
        "retries": chance.choice([0, 0, 2]),
        "deadline": chance.choice([None, 600.0, 86_400.0]),
        "hold": int(chance.random() < 0.15),
        "labels": (("team", "agri"),),
        "max_processing_units": chance.choice([None, None, 5.0, 500.0]),
        "estimate": chance.choice([job.wanted.estimate, *(Estimate(expected=9, upper=each) for each in (None, 90))]),
        "warnings": chance.choice([(), (), (), (WARNING,)]),
    }
    return replace(job, wanted=replace(job.wanted, **rules), generation=chance.randint(1, 3))


def said_by_chance(chance: Random, name: str) -> Adopt | Resolve:
    """What an operator said of a job, and no turn has acted on."""
    request_id = "cccccccc-2222-4333-8444-555555555555"
    if chance.random() < 0.5:
        return Adopt(job=name, request_id=request_id)
    return Resolve(job=name, request_id=None)


def fill(chance: Random, settings: Settings, jobs: dict[str, Job]) -> None:
    """Write a life of these jobs into the ledger."""
    digests = [job.wanted.digest for job in jobs.values() if job.wanted]
    with Store.open(settings.state, {}) as store, store.transaction():
        store.set_fact(TERMS, terms_of(settings))
        store.set_fact("largeChange", " ".join(map(repr, threshold_of(settings))))
        known, number = set[tuple[object, ...]](), 0
        for job in (changed(chance, each, digests) for each in jobs.values()):
            store.save_job(replace(job, wanted=None) if job.name in NAMES and chance.random() < 0.04 else job)
            for _ in range(chance.choice([0, 0, 1, 1, 1, 2, 3])):
                item = by_chance(chance, job, number := number + 1)
                key = (item.job, item.digest, item.rerun, item.attempt)
                if item.is_refused or key not in known:
                    known |= set() if item.is_refused else {key}
                    store.add(item, "{}")
                    store.save(item)
        if chance.random() < 0.15:
            store.add_command(NOW, said_by_chance(chance, chance.choice([*jobs])).model_dump_json())
        if chance.random() < 0.1:
            store.set_fact("clock", "the clock is about 90 s behind")


def both_ways(settings: Settings, names: list[str], now: Any) -> Iterator[tuple[str, Any, Any]]:
    """Of each job: its name, what its own rows say, and what the turn says."""
    store = Reader.of(settings.state)
    assert store is not None
    with store:
        alone = {name: case_alone(store, settings, name, now) for name in names}
        bodies = {name: store.wanted_request(name) for name in names}
    with turned_copy(settings, now) as assembly:
        for name, case in alone.items():
            whole = _turned_case(assembly, name, now)
            said = _description(settings, whole, assembly.ledger.wanted_request(name)), explain(whole, now)
            yield name, case and (_description(settings, case, bodies[name]), explain(case, now)), said


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_a_job_by_its_own_rows_is_what_a_turn_on_the_whole_ledger_says(
    portion: int, recorded: Recorded, tmp_path: Path
) -> None:
    said, unsaid = Counter[str](), Counter[str]()
    recorded.again(tmp_path)
    empty = (tmp_path / "state" / "shjobs.db").read_bytes()
    for number in range(portion, LEDGERS, PORTIONS):
        chance = Random(number)
        (tmp_path / "state" / "shjobs.db").write_bytes(empty)
        settings = settings_of(tmp_path, chance.choice(POLICIES))
        fill(chance, settings, recorded.jobs)
        with ExitStack() as around:
            if chance.random() < 0.3:
                around.enter_context(submitter_lock(settings.state))
            if chance.random() < 0.3:
                pause(settings.state, "ann", NOW)
                around.callback((settings.state / "PAUSE").unlink)
            for name, alone, whole in both_ways(
                settings, [*recorded.jobs], NOW + timedelta(seconds=chance.randint(0, 99))
            ):
                reason = whole[0]["reason"]
                (unsaid if alone is None else said)[reason] += 1
                assert alone in (None, whole), f"{name} of ledger {number} ({reason})"
    assert said.keys() >= OFTEN, "the ledgers are of every kind"
    assert said.total() > unsaid.total() / 2, "most jobs are described without the loop"


FARM = "from: 2025-11, to: 2026-01"
TRIED, LAST = "farm-2025-11-a", "farm-2026-01-a"


def plains(count: int) -> dict[str, str]:
    return {
        f"{name}.yaml": PLAIN.replace("name: plain", f"name: {name}").replace("14.50", f"14.5{number}")
        for number, name in enumerate(NAMES[:count])
    }


@dataclass(frozen=True, kw_only=True)
class Held:
    """Manifests that come one after the other, the settings, and what the jobs named are held for."""

    files: tuple[dict[str, str], ...]
    text: str = ""
    failing: frozenset[str] = frozenset()
    names: tuple[str, ...]
    reason: Reason


HELD = [
    pytest.param(
        Held(files=(plains(4),), text="largeChangeJobs = 2", names=NAMES, reason=Reason.LARGE_CHANGE),
        id="a large change",
    ),
    pytest.param(
        Held(files=(plains(1),), text="monthlyBudget = 0.1", names=("plain",), reason=Reason.BUDGET_EXCEEDED),
        id="the budget is used up",
    ),
    pytest.param(
        Held(
            files=(plains(1), plains(2)), text="monthlyBudget = 900", names=("second",),
            reason=Reason.OVERSPENT,
        ),
        id="another cost more than was reserved",
    ),
    pytest.param(
        Held(
            files=({"farm.yaml": farm(FARM, "  trial: 1\n")},), failing=frozenset({TRIED}), names=(LAST,),
            reason=Reason.TRIAL,
        ),
        id="the trial of its set failed",
    ),
    pytest.param(
        Held(
            files=({"farm.yaml": farm(FARM, "  limits: {perWindow: 0.5}\n")},), names=(TRIED, LAST),
            reason=Reason.WINDOW_LIMIT,
        ),
        id="its window may not cost as much",
    ),
]  # fmt: skip


@pytest.mark.parametrize("is_worked_on", [False, True], ids=["no process works on it", "a process works on it"])
@pytest.mark.parametrize("held", HELD)
def test_what_holds_many_is_as_it_was_reported_and_as_a_turn_says(
    tmp_path: Path, held: Held, is_worked_on: bool
) -> None:
    settings, now = settings_of(tmp_path, held.text), NOW
    with Store.open(settings.state, {}) as store, store.transaction():
        store.renew(terms_of(settings), threshold_of(settings), kept=STATUS)
    for files in held.files:
        for path, text in files.items():
            (settings.jobs / path).write_text(text, encoding="utf-8")
        with running(tmp_path, now, held.text) as loop:
            loop.failing = set(held.failing)
            loop.rest()
            loop.loop.report(loop.now)
            now = loop.now + timedelta(seconds=5)
            with loop.store.transaction():  # too little was reserved, for those who ask about it
                loop.store._db.execute("update submission set reserved_pu = 0.5")
    with ExitStack() as around, turned_copy(settings, now) as assembly:
        if is_worked_on:
            around.enter_context(submitter_lock(settings.state))
        reader = Reader.of(settings.state)
        assert reader is not None
        around.enter_context(reader)
        for name in held.names:
            whole, body = _turned_case(assembly, name, now), assembly.ledger.wanted_request(name)
            case = case_reported(reader, settings, name, now)
            assert whole.job_state.reason is held.reason
            assert case is not None
            assert (_description(settings, case, body), explain(case, now)) == (
                _description(settings, whole, body), explain(whole, now)
            )  # fmt: skip
        if "farm.yaml" in held.files[0]:
            found = set_reported(settings, "farm", now)
            assert found is not None
            assert explain_set(found) == explain_set(set_meant(assembly, "set/farm", now) or {})
        assert set_reported(settings, "plain", now) is None
        pause(settings.state, "ann", now)
        assert set_reported(settings, "farm", now) is None
        assert case_reported(reader, settings, held.names[0], now) is None
