"""Keeps the money rules of the sets current: what each set was read as, what was accepted, and what its cells became.

The loop calls it before it decides, with the jobs that changed. Nothing is stored: everything follows from the tree
and the ledger, so a restart changes nothing. A turn costs as much as what changed in it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from controller.ledger.ledger import Ledger
from controller.lifecycle.attempts import in_force, is_refused_for_good
from controller.lifecycle.shared import run_of_another
from controller.limits.set_limits import Everything, SetRuling, rule_on_set
from controller.model.job import Job, Wanted
from controller.model.job_set import JobSet
from controller.model.step import Submit
from controller.model.submission import Outcome, Submission


class End(Enum):
    """How a cell ended, as far as a trial cares."""

    SUCCEEDED = auto()
    OTHERWISE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """A cell that was submitted, or refused for good. `has_run`: something is, or may be, paid for it."""

    set_name: str
    recipe: str
    end: End | None
    has_run: bool


class SetRules:
    """`rulings` holds one ruling for each set of the tree, kept current."""

    def __init__(self, ledger: Ledger, sets: Callable[[], Mapping[str, JobSet]]) -> None:
        self._ledger = ledger
        self._sets = sets
        self.rulings: dict[str, SetRuling] = {}
        self._seen: dict[str, JobSet] = {}
        self.is_agreed = False
        """Every yes counts as given, and every trial as over: for a plan of what would follow."""
        self._accepted = 0
        self._tried: dict[str, _Tried] = {}
        self._succeeded: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._failed: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def look(self, names: Iterable[str]) -> set[str]:
        """Note what became of these jobs; returns the jobs whose set is ruled on otherwise than before."""
        stale = {set_name for name in names for set_name in self._note(self._ledger.jobs[name])}
        sets = self._sets()
        stale |= {name for name, each in sets.items() if self._seen.get(name) is not each}
        stale |= self._seen.keys() - sets.keys()
        if len(self._ledger.accepted) != self._accepted:
            self._accepted = len(self._ledger.accepted)
            stale |= sets.keys()
        return {cell for name in stale for cell in self._rule(name, sets.get(name))}

    def _note(self, job: Job) -> set[str]:
        """Count the job where it belongs now; returns the sets for whose trial that makes a difference."""
        before, after = self._tried.pop(job.name, None), _tried(job, self._ledger)
        if after:
            self._tried[job.name] = after
        if before == after:
            return set()
        for tried, counts in ((before, False), (after, True)):
            if tried and tried.end is End.SUCCEEDED:
                names = self._succeeded[tried.set_name, tried.recipe]
                (names.add if counts else names.discard)(job.name)
            elif tried and tried.end and counts:
                self._failed[tried.set_name][job.name] = None
            elif tried:
                self._failed[tried.set_name].pop(job.name, None)
        return {tried.set_name for tried in (before, after) if tried and self._is_on_trial(tried)}

    def _is_on_trial(self, tried: _Tried) -> bool:
        ruling = self.rulings.get(tried.set_name)
        return ruling is not None and tried.recipe in ruling.tried

    def _rule(self, name: str, found: JobSet | None) -> Iterable[str]:
        """Rule on a set again; returns its cells if the ruling has changed."""
        if found is None:
            self._seen.pop(name, None)
            self.rulings.pop(name, None)
            return ()
        self._seen[name] = found
        ruling = rule_on_set(
            found,
            Everything() if self.is_agreed else self._ledger.accepted,
            lambda recipe: len(self._succeeded[name, recipe].intersection(found.cells)),
            self._failed.get(name, ()),
            self._recipe_of,
            self._has_run,
        )
        if self.rulings.get(name) == ruling:
            return ()
        self.rulings[name] = ruling
        return self._ledger.jobs.keys() & set(found.cells)

    def _recipe_of(self, name: str) -> str | None:
        job = self._ledger.jobs.get(name)
        return job.wanted.cell.recipe if job and job.wanted and job.wanted.cell else None

    def _has_run(self, name: str) -> bool:
        tried = self._tried.get(name)
        return tried is not None and tried.has_run


def _tried(job: Job, ledger: Ledger) -> _Tried | None:
    """What a cell that was submitted, itself or under another name, came to; None: it is none, or was not."""
    cell = job.wanted.cell if job.wanted else None
    if job.wanted is None or cell is None:
        return None
    shared = run_of_another(job.name, job.wanted, ledger.peers)
    has_run = shared is not None or in_force(job.wanted, ledger.of(job.name)) is not None
    end = _end(job.wanted, ledger.of(job.name), shared)
    if end is None and not has_run:
        return None
    return _Tried(set_name=cell.set_name, recipe=cell.recipe, end=end, has_run=has_run)


def _end(wanted: Wanted, known: Sequence[Submission], shared: Submission | None) -> End | None:
    """How the cell ended; None: it has not, or is tried again by itself."""
    current = in_force(wanted, known)
    is_reused = shared is not None and shared.outcome is Outcome.SUCCEEDED
    if current is None:
        is_over = is_refused_for_good(Submit(rerun=wanted.rerun, attempt=0), wanted, known)
    elif current.outcome is Outcome.FAILED:
        is_over = current.attempt >= wanted.retries
    else:
        is_over = current.outcome is not None
    if not is_over and not is_reused:
        return None
    is_good = (current is not None and current.outcome is Outcome.SUCCEEDED) or (is_reused and not is_over)
    return End.SUCCEEDED if is_good else End.OTHERWISE
