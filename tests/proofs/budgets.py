"""A budget is a ceiling: random histories with a budget, a spend guard, and archives denser than the estimates assume.

The histories are those of `histories`, deaths and lost databases among them, with more money at stake. What a run cost
is asked of the model only.
"""

import re
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from controller.limits.budget import TOLERANCE, overspent_hash
from controller.limits.guard import key_of
from controller.model.reasons import Reason
from controller.model.submission import Answer, Submission
from controller.reconcile.reports.changes import StatusChange
from tests.proofs.court import Court
from tests.proofs.drafts import digest_of, jobs_in
from tests.proofs.histories import STEPS, History, Kinds, lived
from tests.proofs.shelf import Shelf
from tests.proofs.world import Disk, Machine, PromiseError

HISTORIES, SMALL = 10_000, 15
BUDGET = 70.0
DENSITIES = (0.0, 0.625, 1.0, 1.0, 1.0, 1.01, 3.0)
NEAR = 20.0
BEGINS = datetime(2026, 3, 30, 16, tzinfo=UTC)
"""So late in a month that most histories see the next one begin."""
LET_GO = frozenset({Reason.ON_HOLD, Reason.REMOVED, Reason.REJECTED, Reason.SHARED_RUN, Reason.REUSED})
"""What takes a job out of the large change that it was part of; one that another name serves asks for nothing."""
ACCEPT = re.compile("shjobs accept ([0-9a-f]{12})")
NEVER = dict.fromkeys(
    ("reservations_beyond_what_was_left", "posts_after_overspending", "posts_of_broken_manifests", "retries_on_a_word"),
    0,
)
EXERCISED = (
    *("posts", "crashes", "lost_databases", "held_by_the_budget", "stopped_after_overspending", "months_begun"),
    *("held_as_large_change", "released_by_a_person", "went_on_after_overspending", "posts_near_the_ceiling"),
    "posts_after_mending",
)


class Auditor(Court):
    """Judges the money of every POST, beside everything that the court judges."""

    def __init__(self) -> None:
        super().__init__()
        self.offered: dict[int, list[str]] = defaultdict(list)
        """The hashes that each ledger has told of, as a person reads them."""
        self.accepted: dict[int, set[str]] = defaultdict(set)
        self._held: dict[tuple[int, str], tuple[str, set[str]]] = {}
        self._was_broken: dict[tuple[int, str], bool] = {}

    def noticed(self, machine: Machine) -> None:
        """Who asks for something else leaves the large change, and comes back as one job."""
        every = list(jobs_in(machine.files))
        self._was_broken |= {(id(machine.disk), draft.job): True for draft in every if draft.is_broken}
        drafts = [draft for draft in every if not draft.is_broken]
        asked = {(draft.job, f"{digest_of(draft.text)} {draft.rerun}") for draft in drafts}
        for place in [place for place in self._held if place[0] == id(machine.disk)]:
            if (place[1], self._held[place][0]) not in asked:
                del self._held[place]

    def reported(self, machine: Machine, news: StatusChange) -> None:
        super().reported(machine, news)
        disk, job_state, wanted = id(machine.disk), news.job_state, news.job.wanted
        hashes = ACCEPT.findall(job_state.message)
        self.offered[disk] += hashes
        self.figures["held_by_the_budget"] += job_state.reason is Reason.BUDGET_EXCEEDED
        self.figures["stopped_after_overspending"] += job_state.reason is Reason.OVERSPENT
        self.figures["held_as_large_change"] += job_state.reason is Reason.LARGE_CHANGE
        place, asked = (disk, news.job.name), f"{wanted.digest} {wanted.rerun}" if wanted else ""
        if job_state.reason in LET_GO or self._held.get(place, (asked,))[0] != asked:
            self._held.pop(place, None)
        if job_state.reason is Reason.LARGE_CHANGE:
            self._held.setdefault(place, (asked, set()))[1].update(hashes)

    def decided(self, machine: Machine, row: Submission) -> None:
        """Judge the money by what this ledger can know at the decision: claim and POST follow seconds later."""
        super().decided(machine, row)
        others = [each for each in machine.rows() if each.id != row.id]
        self._not_on_an_operators_word(row, others)
        self._within_budget(row, others)
        self._not_after_overspending(machine.disk, row, others)
        self._released(machine, row)
        self._not_of_a_broken_manifest(machine, row)

    def _not_of_a_broken_manifest(self, machine: Machine, row: Submission) -> None:
        """No POST is decided while every manifest that declares the job is broken."""
        assert isinstance(machine.shelf, Shelf)
        drafts = [draft for draft in jobs_in(machine.shelf.shown) if draft.job == row.job]
        if drafts and all(draft.is_broken for draft in drafts):
            raise PromiseError(f"{row.job} {row.id} is to be paid for, but its manifest is broken")
        self.figures["posts_after_mending"] += self._was_broken.pop((id(machine.disk), row.job), False)

    def _not_on_an_operators_word(self, decided: Submission, others: list[Submission]) -> None:
        """No retry follows a run of which only an operator said that it was the job's."""
        place = (decided.job, decided.digest, decided.rerun, decided.attempt - 1)
        for row in others:
            is_before = (row.job, row.digest, row.rerun, row.attempt) == place
            if is_before and row.said_by_operator and row.answer is Answer.ACCEPTED:
                raise PromiseError(f"{decided.id} of {decided.job} follows {row.request_id}, which an operator named")

    def _within_budget(self, decided: Submission, others: list[Submission]) -> None:
        """What is reserved and spent of this month, as this ledger can know it, leaves room for one more."""
        reserved, month = decided.reserved or 0.0, _month(decided)
        counted = sum(self._counted(row) for row in others if _month(row) == month)
        if counted + reserved > BUDGET + 1e-6:
            raise PromiseError(f"{decided.id} of {decided.job} reserves {reserved} beside {counted} of {BUDGET} PU")
        self.figures["posts_near_the_ceiling"] += counted + reserved > BUDGET - NEAR
        self.figures["months_begun"] += counted == 0 and any(_month(row) != month for row in others)

    def _counted(self, row: Submission) -> float:
        """Its true cost once this ledger knows a cost, before that its reservation; nothing if it was never taken."""
        if row.answer is Answer.REFUSED:
            return 0.0
        if row.spent is None:
            return row.reserved or 0.0
        sent = self.world.cloud.with_id(row.request_id)
        if sent is not None and row.spent != sent.cost:
            raise PromiseError(f"{sent} cost {sent.cost}, but {row.spent} is counted")
        return row.spent

    def _not_after_overspending(self, disk: Disk, decided: Submission, others: list[Submission]) -> None:
        for row in others:
            was_ours = row.answer is Answer.ACCEPTED and not row.adopted
            if not was_ours or row.spent is None or row.spent <= (row.reserved or 0.0) + TOLERANCE:
                continue
            if overspent_hash(row) not in self.accepted[id(disk)]:
                cost = f"{row.id} of {row.job} cost {row.spent} of {row.reserved} PU"
                raise PromiseError(f"{decided.id} of {decided.job} is decided after {cost}")
            self.figures["went_on_after_overspending"] += 1

    def _released(self, machine: Machine, decided: Submission) -> None:
        """Who was held is paid for on an operator's word, or as a cell whose set needs none any more."""
        disk = machine.disk
        asked, hashes = self._held.pop((id(disk), decided.job), ("", set()))
        if asked != f"{decided.digest} {decided.rerun}":
            return
        if not hashes & self.accepted[id(disk)]:
            if self.sets.is_free(machine, decided):
                return
            key = key_of(decided.job, decided.digest, decided.rerun, decided.attempt)
            raise PromiseError(f"{decided.id} was held as {key} and nobody said yes")
        self.figures["released_by_a_person"] += 1


class Audited(History):
    """A history with a budget, in which a person says yes now and then."""

    kinds: ClassVar[Kinds] = {
        **STEPS,
        "density": (8, (DENSITIES,)),
        "accept": (12, ((0, 1), (1, 2, 3))),
    }

    def __init__(self) -> None:
        self.auditor = Auditor()
        super().__init__(self.auditor)
        changed = {"monthly_budget": BUDGET, "large_change_jobs": 2, "large_change_processing_units": 60.0}
        self.world.policy = self.world.policy.model_copy(update=changed)
        self.world.now = BEGINS
        self.world.machines[0].die(0.0, arrives=True)  # it comes back with this policy
        self._ledgers: list[Any] = []

    def density(self, density: float) -> None:
        self.world.cloud.weather = replace(self.world.cloud.weather, density=density)

    def accept(self, number: int, back: int) -> None:
        """A person says yes to a hash that was told not long ago."""
        for machine in self._machines(number):
            offered = self.auditor.offered[id(machine.disk)]
            if machine.is_up and len(offered) >= back:
                self._say_yes(machine, offered[-back])

    def _say_yes(self, machine: Machine, label: str) -> None:
        self.auditor.accepted[id(machine.disk)].add(label)
        super()._say_yes(machine, label)

    def lose(self, number: int, down: float, arrives: bool) -> None:
        self._ledgers += [machine.disk for machine in self._machines(number)]  # so that no other gets its id
        super().lose(number, down, arrives)


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Run them all; AssertionError with a replayable history when a budget was no ceiling."""
    number = SMALL if small else HISTORIES
    figures, _ = lived(seed, number, Audited, "budgets")
    missing = [name for name in EXERCISED if not figures[name]]
    assert small or not missing, f"seed {seed}: these histories never exercised {', '.join(missing)}"
    counted = {name: figures[name] for name in EXERCISED}
    return {"histories": number, **counted, **NEVER}


def _month(row: Submission) -> str:
    return f"{row.intended_at:%Y-%m}"
