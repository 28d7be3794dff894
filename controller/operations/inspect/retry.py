"""What `shjobs retry` would pay for again, and what it costs; and the commands that order it.

Found on a copy of the ledger, in which every run is raised as the loop will do: so what is said of price and hash is
what it decides. It judges each run anew when it carries the commands out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from controller.lifecycle.commands import Retry, retried, shown_run
from controller.lifecycle.phase import phase
from controller.lifecycle.shared import run_of_another, shared_run
from controller.limits.gate import Limits
from controller.limits.guard import Batch, Due, batch_of, is_large, key_of
from controller.limits.holds import hold_reason, lacks_keys
from controller.model.errors import UsageError, no_such_jobs, truncate
from controller.model.job import Job, Wanted
from controller.model.job_set import set_reference
from controller.model.reasons import JobState, Phase, Reason
from controller.model.submission import Submission
from controller.operations.inspect.ask import send
from controller.operations.inspect.cells import set_names, set_of
from controller.operations.inspect.job_states import SET
from controller.reconcile.guarding.newly_due import due_of
from controller.reconcile.sets.set_documents import cells_of
from controller.reconcile.wiring import Assembly, turned_copy
from controller.settings.settings import Settings

MOST_RUNS = 60
"""Runs of one command, so that it stays shorter than `LONGEST_COMMAND`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """One run to be repeated. `expected` and the `units` that are reserved for it are in PU.

    Nothing is paid for it when another job `shares` its run with it, and nothing yet while it is `held`.
    """

    job: str
    run: str
    job_state: JobState
    expected: float
    units: float
    shares: str = ""
    held: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What would be paid for again. `batch` has the hash under which the guard would hold all of it at once.

    What shares a run, or is held by something else, is in `repeats`, last, but not in `batch`.
    `unknown` is how many more are of unknown outcome, `left` what is left of the month's budget in PU.
    `of` is the reference of the set, when one and nothing else was named.
    """

    of: str
    repeats: tuple[Repeat, ...]
    batch: Batch
    is_large: bool
    unknown: int = 0
    left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raised:
    """A job as the command leaves it, what it wants then, and the run that is repeated."""

    job: Job
    wanted: Wanted
    run: Submission


def offer(settings: Settings, names: Sequence[str], now: datetime, *, unknown: bool) -> Offer:
    """What of these jobs and sets would be repeated; with `unknown` also runs of unknown outcome.

    Raises `UsageError` for a name that is neither, and when there is nothing to repeat.
    """
    with turned_copy(settings, now) as assembly:
        jobs = [assembly.ledger.jobs[name] for name in dict.fromkeys(_named(assembly, names))]
        limits = assembly.loop.limits()
        states = {job.name: phase(job, assembly.ledger.of(job.name), limits, now) for job in jobs}
        wanted = {Phase.FAILED, Phase.UNKNOWN} if unknown else {Phase.FAILED}
        meant = [job for job in jobs if states[job.name].phase in wanted]
        others = [job for job in jobs if states[job.name].phase is Phase.UNKNOWN and not unknown]
        raised = [each for job in meant for each in _raised(assembly, job, unknown=unknown)]
        if not raised:
            raise UsageError(_nothing(names, jobs, states, len(others)))
        repeats, dues = _decided(assembly, raised, states)
        set_name = set_of(names[0], assembly.ledger.jobs, set_names(assembly)) if len(names) == 1 else ""
        return Offer(
            of=set_reference(set_name) if set_name else "",
            repeats=tuple(repeats),
            batch=batch_of(dues),
            is_large=is_large(dues, settings),
            unknown=len({job.wanted.digest for job in others if job.wanted}),
            left=limits.left,
        )


def order(settings: Settings, offered: Offer, by: str, now: datetime, *, unknown: bool) -> None:
    """Send the commands that repeat exactly these runs."""
    runs = [(each.job, each.run) for each in offered.repeats]
    who = truncate(by, 100)
    parts = (tuple(runs[start : start + MOST_RUNS]) for start in range(0, len(runs), MOST_RUNS))
    send(settings.state, now, *(Retry(runs=part, unknown=unknown, of=offered.of, by=who) for part in parts))


def _named(assembly: Assembly, names: Sequence[str]) -> Iterator[str]:
    """The jobs that are named, each or by their set."""
    jobs = assembly.ledger.jobs
    sets = set_names(assembly)
    for name in names:
        if not (set_name := set_of(name, jobs, sets)):
            if name not in jobs:
                raise no_such_jobs([name], [*jobs, *sets])
            yield name
        elif set_name not in sets:
            raise no_such_jobs([name], [f"{SET}{each}" for each in sets])
        else:
            yield from (job.name for job in cells_of(set_name, assembly.tree, assembly.ledger))


def _raised(assembly: Assembly, job: Job, *, unknown: bool) -> Iterator[_Raised]:
    """The job with its run repeated; nothing when it cannot be."""
    known = assembly.ledger.of(job.name)
    shared = run_of_another(job.name, job.wanted, assembly.ledger.peers) if job.wanted else None
    shown = shown_run(job.wanted, known, shared) if job.wanted else None
    raised = retried(job, known, shown.id, "", unknown=unknown, shared=shared) if shown else ""
    if shown and isinstance(raised, Job) and raised.wanted:
        yield _Raised(job=raised, wanted=raised.wanted, run=shown)


def _decided(
    assembly: Assembly, raised: Sequence[_Raised], states: Mapping[str, JobState]
) -> tuple[list[Repeat], list[Due]]:  # fmt: skip
    """What the loop would do with each of them, what is paid for first; and what the guard would rule on."""
    with assembly.ledger.transaction():
        for each in raised:
            assembly.ledger.put_job(each.job)
    limits = assembly.loop.limits()
    found = [_repeat(assembly, each, states[each.job.name], limits) for each in raised]
    found.sort(key=lambda each: (each[0].held is not None, bool(each[0].shares)))
    return [repeat for repeat, _ in found], [due for _, due in found if due]


def _repeat(
    assembly: Assembly, raised: _Raised, job_state: JobState, limits: Limits
) -> tuple[Repeat, Due | None]:  # fmt: skip
    """One run, and as what it becomes due; None: another job pays for it, or it is held before the guard rules."""
    job, wanted = raised.job, raised.wanted
    due = due_of(job, key_of(job.name, wanted.digest, wanted.rerun, 0))
    expected = wanted.estimate.expected if wanted.estimate else due.units
    repeat = Repeat(job=job.name, run=raised.run.id, job_state=job_state, expected=expected, units=due.units)
    if shared := shared_run(job, assembly.ledger.of(job.name), limits):
        return replace(repeat, expected=0.0, units=0.0, shares=shared.owner), None
    if held := _hold(job.name, wanted, limits):
        return replace(repeat, held=held), None
    return repeat, due


def _hold(name: str, wanted: Wanted, limits: Limits) -> Reason | None:
    """What holds a job by itself; a set that needs a yes asks for it under a hash of its own."""
    ruling = limits.set_ruling(wanted.cell)
    needs_yes = ruling is not None and wanted.cell is not None and ruling.needs_yes(name, wanted.cell)
    lacking = Reason.CREDENTIAL_MISSING if lacks_keys(wanted, limits) else None
    return hold_reason(name, wanted, limits) or lacking or (Reason.LARGE_CHANGE if needs_yes else None)


def _nothing(names: Sequence[str], jobs: Sequence[Job], states: dict[str, JobState], unknown: int) -> str:
    """Why there is nothing to repeat."""
    if unknown:
        which = "it is" if len(jobs) == 1 else f"{unknown:,} are"
        return f"nothing of {' '.join(names)} is Failed; {which} Unknown, and --unknown pays for that again"
    if len(jobs) == 1:
        [job] = jobs
        broken = f"; its manifest cannot be accepted as it is now ({job.problems[0]})" if job.problems else ""
        return f"{job.name} is {states[job.name].phase}: only what is Failed is retried{broken}"
    return f"nothing of {' '.join(names)} is Failed"
