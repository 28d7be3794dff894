"""The plan: what the loop would do, found by running it on a copy of the ledger (DESIGN §7).

The buckets are listed, because a first submission depends on it and it costs nothing; nothing is sent to the service.
Where the key pair is missing, as on a machine that only checks pull requests, no history is assumed and the plan says
so. With a git revision, its tree replaces the ledger and nothing is listed at all.
"""

import os
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.evalscript import cache as scripts
from controller.ledger.ledger import Ledger
from controller.ledger.location import is_there
from controller.ledger.lock import is_held
from controller.lifecycle.phase import phase
from controller.lifecycle.status import timestamp
from controller.limits.gate import Limits
from controller.model.answers import BucketAnswer, Listing
from controller.model.clock import Clock
from controller.model.errors import UsageError
from controller.model.job import Job
from controller.model.script import Mosaicking, ScriptFailure
from controller.model.step import List
from controller.model.submission import SharedRun, Submission
from controller.operations.fetched import require_tree
from controller.operations.plan.actions import PRICED, SAME, Foreseen, describe_action, last_sent, rejected_action
from controller.operations.plan.baseline import (
    EMPTY,
    Baseline,
    baseline,
    boundless,
    nothing_listed,
    take_over,
    unguarded,
)
from controller.operations.plan.diff import Difference, difference
from controller.operations.plan.revision import tree_at
from controller.operations.plan.selection import chosen
from controller.operations.plan.sets import described_cell, kept_jobs, set_entries
from controller.operations.plan.simulate import Read, Sight, foresee
from controller.operations.plan.totals import budget_of, prices_of, totals
from controller.reconcile.calls.workers import Call, ListObjects
from controller.reconcile.guarding.releases import MAY_BE_USED_UP
from controller.reconcile.reports.documents import jobs_of
from controller.reconcile.wiring import Assembly, bucket_client, copied_controller, without_keys
from controller.settings.deployments import Credential
from controller.settings.settings import Settings

HEADER: Mapping[str, object] = {"apiVersion": "shjobs/v1", "kind": "Plan"}
ORBIT = "mosaicking ORBIT: one scene every 3 days is expected, one a day at most"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What the ledger held before the simulation."""

    jobs: Mapping[str, Job]
    submissions: Mapping[str, Sequence[Submission]]


@dataclass(slots=True, kw_only=True)
class _Basis:
    """What a plan is based on: the ledger with the buckets, or the tree at `ref`."""

    settings: Settings
    read: Read
    known: Baseline = EMPTY
    without_keys: frozenset[str] = frozenset()
    ref: str = ""
    commit: str = ""
    names: frozenset[str] = frozenset()
    selector: tuple[str, ...] = ()
    at: datetime | None = None
    has_cells: bool = False
    unlisted: dict[str, str] = field(default_factory=dict)
    """By job: the credential whose key pair is missing here, so the job's history was not looked up."""


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
        basis = _of_the_ledger(unguarded(settings) if at else settings)
        return _planned(replace(basis, names=chosen_names, selector=selector, at=at, has_cells=has_cells), at or now)
    with tree_at(settings.jobs, against) as past:
        basis = _Basis(
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


def _of_the_ledger(settings: Settings) -> _Basis:
    """Without an OAuth client nothing can be sent from here: the plan is for the machine that also has the keys."""
    is_complete = settings.client_id and settings.client_secret
    unlisted: dict[str, str] = {}
    return _Basis(
        settings=settings,
        read=_reader(settings, unlisted),
        without_keys=without_keys(settings.credentials) if is_complete else frozenset(),
        unlisted=unlisted,
    )


def _reader(settings: Settings, unlisted: dict[str, str]) -> Read:
    """Lists the buckets that can be listed from here, and records in `unlisted` the jobs whose bucket cannot."""
    bucket = bucket_client(settings)

    def read(look: ListObjects) -> BucketAnswer | None:
        credential = _credential(settings, look.step)
        if credential is None or _is_usable(credential):
            return bucket.read(look.step.prefix, look.step.credentials_ref, only=look.step.only)
        if look.step.submission is not None:
            return None
        unlisted[look.job] = credential.name
        return Listing()

    return read


def _credential(settings: Settings, step: List) -> Credential | None:
    """The credential to list the bucket with."""
    if step.credentials_ref is not None:
        return settings.credentials.get(step.credentials_ref)
    able = (each for _, each in sorted(settings.credentials.items()) if each.may_use(step.prefix))
    return next(able, None)


def _is_usable(credential: Credential) -> bool:
    return bool(credential.folder or (credential.access_key and credential.secret_access_key))


def _planned(basis: _Basis, now: datetime) -> dict[str, Any]:
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
        take_over(assembly.ledger, basis.known, now)
        if basis.at:
            assembly.loop.agree_to_sets()
        before = _Before(
            jobs=dict(assembly.ledger.jobs),
            submissions={name: assembly.ledger.of(name) for name in assembly.ledger.jobs},
        )
        used = frozenset(assembly.ledger.accepted)
        assembly.loop.start(now, takes_over=not is_held(settings.state))
        left = assembly.loop.limits().left
        sight = foresee(assembly.loop, assembly.ledger, calls, basis.read, now, settings.timing.sync_patience)
        limits = assembly.loop.limits()
        outlook = _Outlook(basis=basis, limits=limits, assembly=assembly, before=before, sight=sight)
        jobs, sets = chosen(list(outlook.jobs()), basis.names, basis.selector, assembly.ledger.jobs)
        prices = prices_of(settings)
        shown = kept_jobs(jobs, has_cells=basis.has_cells)
        return {
            **HEADER,
            "deployment": settings.deployment.name,
            **({"against": {"ref": basis.ref, "commit": basis.commit}} if basis.ref else {}),
            **({"at": timestamp(basis.at)} if basis.at else {}),
            "assumptions": [
                *_assumptions(basis),
                *_pricing_assumptions(assembly, jobs),
                *_claim_assumptions(assembly, jobs),
            ],
            "prices": prices,
            "budget": budget_of(settings, left, limits.left, now),
            "totals": totals(jobs),
            **({"approvals": found} if (found := list(_approvals(assembly, used))) else {}),
            **(
                {"sets": entries} if (entries := set_entries(jobs, assembly.tree.sets, sets, prices["minimum"])) else {}
            ),
            "jobs": shown,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outlook:
    """The jobs before and after the simulation."""

    basis: _Basis
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


def _assumptions(basis: _Basis) -> Iterable[str]:
    """What the plan assumes about the past, and about the command."""
    if basis.selector:
        options = " ".join(f"-l {each}" for each in basis.selector)
        yield f"only the jobs that `{options}` selects are submitted, as `sync {options}` does"
    if basis.at:
        yield "until then every yes is given and every trial succeeds; no budget and no large change holds anything"
    if basis.ref:
        yield f"the jobs of {basis.ref} count as submitted; no bucket is listed, and nothing is known of money spent"
        return
    names = ", ".join(sorted(set(basis.unlisted.values())))
    has_ledger = is_there(basis.settings.state)
    if names:
        where = "beyond the ledger" if has_ledger else "and there is no ledger"
        yield f"no history is assumed {where}: the key pair of {names} is not here, so no bucket is listed with it"
    elif not has_ledger:
        yield "the buckets show what was paid for before: there is no ledger here"


def _pricing_assumptions(assembly: Assembly, jobs: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    priced = [job["name"] for job in jobs if job["action"] in PRICED]
    if any(_uses_orbit(assembly.ledger.wanted_request(name)) for name in priced):
        yield ORBIT


def _claim_assumptions(assembly: Assembly, jobs: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Where nothing keeps two controllers with separate state directories from paying for the same request."""
    for place, why in sorted(assembly.ledger.without_claims.items()) if jobs else ():
        yield f"no other controller pays for the same in {place}, where a request cannot be claimed: {why}"


def _approvals(assembly: Assembly, used: Collection[str]) -> Iterable[dict[str, str]]:
    """What each hash of the tree's approvals does; `used` are those accepted before."""
    counting, accepted = assembly.tree.approvals.counting(), assembly.ledger.accepted
    for path, label in assembly.tree.approvals.named():
        if label not in counting:
            effect = "none until its file is committed as it is now"
        elif label in used:
            effect = "none: it is used up"
        else:
            effect = "releases its large change" if label in accepted else f"none: {MAY_BE_USED_UP}"
        yield {"hash": label, "path": path, "effect": effect}


def _uses_orbit(request: Mapping[str, Any]) -> bool:
    script = request.get("evalscript", "")
    if Mosaicking.ORBIT not in script:
        return False
    facts = scripts.facts(script)
    return not isinstance(facts, ScriptFailure) and any(item.mosaicking is Mosaicking.ORBIT for item in facts.inputs)
