"""The plan: what the loop would do, found by running it on a copy of the ledger (DESIGN §7).

The buckets are listed, because a first submission depends on it and it costs nothing; nothing is sent to the service.
Where the key pair is missing, as on a machine that only checks pull requests, no history is assumed and the plan says
so. With a git revision, its tree replaces the ledger and nothing is listed at all.
"""

import os
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from controller.ledger.ledger import Ledger
from controller.ledger.lock import is_held
from controller.lifecycle.phase import phase
from controller.lifecycle.status import timestamp
from controller.limits.gate import Limits
from controller.model.clock import Clock
from controller.model.errors import UsageError
from controller.model.job import Job
from controller.model.submission import SharedRun, Submission
from controller.operations.fetched import require_tree
from controller.operations.plan.actions import SAME, Foreseen, last_sent
from controller.operations.plan.assumptions import assumptions
from controller.operations.plan.baseline import baseline, boundless, nothing_listed, take_over, unguarded
from controller.operations.plan.basis import Basis, of_the_ledger
from controller.operations.plan.diff import Difference, difference
from controller.operations.plan.entry import describe_action, rejected_action
from controller.operations.plan.revision import tree_at
from controller.operations.plan.selection import chosen
from controller.operations.plan.sets import described_cell, kept_jobs, set_entries
from controller.operations.plan.simulate import Sight, foresee
from controller.operations.plan.totals import budget_of, prices_of, totals
from controller.reconcile.calls.workers import Call
from controller.reconcile.guarding.releases import MAY_BE_USED_UP
from controller.reconcile.reports.documents import jobs_of
from controller.reconcile.wiring import Assembly, copied_controller
from controller.settings.settings import Settings

HEADER: Mapping[str, object] = {"apiVersion": "shjobs/v1", "kind": "Plan"}
OPTIONAL = frozenset({"against", "at", "approvals", "sets"})
"""The fields of a plan that are left out when there is nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What the ledger held before the simulation."""

    jobs: Mapping[str, Job]
    submissions: Mapping[str, Sequence[Submission]]
    accepted: frozenset[str]

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        return cls(
            jobs=dict(ledger.jobs),
            submissions={name: ledger.of(name) for name in ledger.jobs},
            accepted=frozenset(ledger.accepted),
        )


def plan(
    settings: Settings,
    against: str = "",
    names: Collection[str] = (),
    selector: tuple[str, ...] = (),
    at: datetime | None = None,
    *,
    has_cells: bool = False,
) -> dict[str, Any]:
    """The plan as one JSON object, explained in `docs/plan.md`: of the jobs `names`, or all, that `selector` selects.

    With `at` it is that of a later time, when every yes was given. `has_cells`: cells of sets that do not differ too.
    Raises `UsageError` for a revision that is not here, for a name that no job has, and without a jobs folder: an empty
    plan would look like nothing to do.
    """
    now, chosen_names = Clock().now(), frozenset(names)
    require_tree(settings)
    _open_folder(settings.jobs)
    if not against:
        basis = of_the_ledger(unguarded(settings) if at else settings)
        return _planned(replace(basis, names=chosen_names, selector=selector, at=at, has_cells=has_cells), at or now)
    with tree_at(settings.jobs, against) as past:
        basis = Basis(
            settings=settings.model_copy(update={"state": past.root / ".none"}),
            read=nothing_listed,
            known=baseline(settings, past.root, now),
            ref=against,
            commit=past.commit,
            names=chosen_names,
            selector=selector,
            has_cells=has_cells,
        )
        return _planned(basis, now)


def _open_folder(jobs: Path) -> None:
    try:
        os.scandir(jobs).close()
    except FileNotFoundError:
        advice = "`shjobs init` makes one, and `jobs` names another folder"
        raise UsageError(f"{jobs} does not exist: {advice}") from None
    except OSError as error:
        raise UsageError(f"{jobs} cannot be read: {error.strerror}") from error


def _planned(basis: Basis, now: datetime) -> dict[str, Any]:
    """Run the loop on the basis and report what it would do."""
    calls, settings = deque[Call](), boundless(basis.settings)
    with copied_controller(
        settings,
        lambda _unused: None,
        calls.append,
        without_keys=basis.without_keys,
        selector=basis.selector,
        today=now.astimezone(UTC).date,
    ) as assembly:
        loop, ledger = assembly.loop, assembly.ledger
        take_over(ledger, basis.known, now)
        if basis.at:
            loop.agree_to_sets()
        before = _Before.of(ledger)
        loop.start(now, takes_over=not is_held(settings.state))
        left = loop.limits().left
        sight = foresee(loop, ledger, calls, basis.read, now, settings.timing.sync_patience)
        outlook = _Outlook(basis=basis, limits=loop.limits(), assembly=assembly, before=before, sight=sight)
        return _document(outlook, budget_of(settings, left, outlook.limits.left, now))


def _document(outlook: "_Outlook", budget: Mapping[str, Any] | None) -> dict[str, Any]:
    """The plan as it is printed; what it has nothing to say of is left out."""
    basis, assembly = outlook.basis, outlook.assembly
    ledger, prices = assembly.ledger, prices_of(basis.settings)
    jobs, sets = chosen(list(outlook.jobs()), basis.names, basis.selector, ledger.jobs)
    document = {
        **HEADER,
        "deployment": basis.settings.deployment.name,
        "against": {"ref": basis.ref, "commit": basis.commit} if basis.ref else {},
        "at": timestamp(basis.at) if basis.at else "",
        "assumptions": assumptions(basis, ledger, jobs),
        "prices": prices,
        "budget": budget,
        "totals": totals(jobs),
        "approvals": list(_approvals(assembly, outlook.before.accepted)),
        "sets": set_entries(jobs, assembly.tree.sets, sets, prices["minimum"]),
        "jobs": kept_jobs(jobs, has_cells=basis.has_cells),
    }
    return {key: value for key, value in document.items() if value or key not in OPTIONAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outlook:
    """The jobs before and after the simulation."""

    basis: Basis
    limits: Limits
    assembly: Assembly
    before: _Before
    sight: Sight

    def jobs(self) -> Iterable[dict[str, Any]]:
        """Every document in file order, then the jobs that are no longer declared."""
        ledger, tree = self.assembly.ledger, self.assembly.tree
        for path in sorted(tree.paths()):
            for item in jobs_of(path, tree, ledger):
                if isinstance(item, Job):
                    yield self._described(item)
                elif item.problems or not item.is_set:
                    yield rejected_action(item.set_name or item.name, item.path, item.problems)
                else:
                    yield from (self._described(ledger.jobs[name]) for name in tree.sets[item.set_name].cells)
        for job in sorted(ledger.jobs.values(), key=lambda item: item.name):
            if job.wanted is None:
                fields, was = self._described(job), self.before.jobs.get(job.name)
                if "superseded" in fields or (was and was.wanted):
                    yield fields

    def _described(self, job: Job) -> dict[str, Any]:
        seen = self._seen(job)
        return described_cell(describe_action(seen), seen)

    def _seen(self, job: Job) -> Foreseen:
        ledger, sight = self.assembly.ledger, self.sight
        planned = sight.posts.get(job.name)
        submissions = [item for item in ledger.of(job.name) if planned is None or item.number != planned.number]
        job_state = phase(job, ledger.of(job.name), self.limits, sight.now)
        bare = Foreseen(
            job=job,
            was=self.before.jobs.get(job.name),
            known=self.before.submissions.get(job.name, ()),
            submissions=submissions,
            planned=planned,
            job_state=job_state,
            due=sight.due.get(job.name),
            is_run_new=job_state.shared is not None and self._is_new(job_state.shared),
            is_history_assumed=job.name in self.basis.unlisted,
            ref=self.basis.ref,
        )
        return replace(bare, difference=_difference(bare, ledger))

    def _is_new(self, shared: SharedRun) -> bool:
        """Whether the ledger did not have this run before the simulation."""
        known = self.before.submissions.get(shared.owner, ())
        return shared.run is None or all(item.number != shared.run.number for item in known)


def _difference(seen: Foreseen, ledger: Ledger) -> Difference:
    """From the body that was sent last to the one wanted now."""
    last, wanted = last_sent(seen), seen.job.wanted
    if last is None or wanted is None or last.digest == wanted.digest:
        return SAME
    bodies = [ledger.sent_request(last), ledger.wanted_request(seen.job.name)]
    return difference(*bodies) if all(bodies) else SAME


def _approvals(assembly: Assembly, used: Collection[str]) -> Iterable[dict[str, str]]:
    """What each hash of the tree's approvals does; `used` are those accepted before."""
    counting, accepted = assembly.tree.approvals.counting(), assembly.ledger.accepted
    for path, label in assembly.tree.approvals.named():
        if label not in counting:
            file = "its file" if assembly.tree.approvals.is_answered else "git can say whether its file"
            effect = f"none until {file} is committed as it is now"
        elif label in used:
            effect = "none: it is used up"
        else:
            effect = "releases its large change" if label in accepted else f"none: {MAY_BE_USED_UP}"
        yield {"hash": label, "path": path, "effect": effect}
