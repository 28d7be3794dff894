"""What `shjobs retry` would pay for again, and what it costs; and the commands that order it.

Found on a copy of the ledger. The loop judges each run anew when it carries the commands out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.lifecycle.commands import Retry, retried, shown_run
from controller.lifecycle.phase import phase
from controller.lifecycle.shared import run_of_another
from controller.limits.guard import Batch, Due, batch_of, is_large, key_of
from controller.model.errors import UsageError, no_such_jobs, truncate
from controller.model.job import Job
from controller.model.job_set import set_reference
from controller.model.reasons import JobState, Phase
from controller.operations.inspect.ask import send
from controller.operations.inspect.cells import set_names, set_of
from controller.operations.inspect.job_states import SET
from controller.reconcile.admission import due_of
from controller.reconcile.sets.set_documents import cells_of
from controller.reconcile.wiring import Assembly, turned_copy
from controller.settings.settings import Settings

MOST_RUNS = 60
"""Runs of one command, so that it stays shorter than `LONGEST_COMMAND`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """One run to be repeated. `expected` and the `units` that are reserved for it are in PU."""

    job: str
    run: str
    job_state: JobState
    expected: float
    units: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What would be paid for again. `batch` has the hash under which the guard would hold all of it at once.

    `unknown` is how many more are of unknown outcome, `left` what is left of the month's budget in PU.
    `of` is the reference of the set, when one and nothing else was named.
    """

    of: str
    repeats: tuple[Repeat, ...]
    batch: Batch
    is_large: bool
    unknown: int = 0
    left: float | None = None


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
        found = [each for job in meant for each in _repeat(assembly, job, states[job.name], unknown=unknown)]
        others = sum(state.phase is Phase.UNKNOWN for state in states.values()) if not unknown else 0
        if not found:
            raise UsageError(_nothing(names, jobs, states, others))
        dues = [due for _, due in found]
        set_name = set_of(names[0], assembly.ledger.jobs, set_names(assembly)) if len(names) == 1 else ""
        return Offer(
            of=set_reference(set_name) if set_name else "",
            repeats=tuple(repeat for repeat, _ in found),
            batch=batch_of(dues),
            is_large=is_large(dues, settings),
            unknown=others,
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


def _repeat(
    assembly: Assembly, job: Job, job_state: JobState, *, unknown: bool
) -> Iterator[tuple[Repeat, Due]]:  # fmt: skip
    """The run of a job that is to be repeated, and as what it becomes due; nothing when it cannot be."""
    known = assembly.ledger.of(job.name)
    shared = run_of_another(job.name, job.wanted, assembly.ledger.peers) if job.wanted else None
    shown = shown_run(job.wanted, known, shared) if job.wanted else None
    raised = retried(job, known, shown.id, "", unknown=unknown, shared=shared) if shown else ""
    if shown is None or isinstance(raised, str) or raised.wanted is None:
        return
    estimate, wanted = raised.wanted.estimate, raised.wanted
    due = due_of(raised, key_of(job.name, wanted.digest, wanted.rerun, 0))
    expected = estimate.expected if estimate else due.units
    yield Repeat(job=job.name, run=shown.id, job_state=job_state, expected=expected, units=due.units), due


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
