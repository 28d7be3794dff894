"""Keeps the money rules of the sets current: what each set was read as, what was accepted, and what its cells became.

The loop calls it before it decides, with the jobs that changed. Nothing is stored: everything follows from the tree
and the ledger, so a restart changes nothing. A turn costs as much as what changed in it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from controller.ledger.ledger import Ledger
from controller.lifecycle.attempts import in_force, is_refused_for_good
from controller.lifecycle.shared import run_of_another
from controller.limits.set_limits import Everything, SetRuling, rule_on_set
from controller.model.job import Job
from controller.model.job_set import JobSet
from controller.model.step import Submit
from controller.model.submission import Outcome


class End(Enum):
    """How a cell ended, as far as a trial cares."""

    SUCCEEDED = auto()
    OTHERWISE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    set_name: str
    recipe: str
    end: End


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
        self._ended: dict[str, _Ended] = {}
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
        before, after = self._ended.pop(job.name, None), _ended(job, self._ledger)
        if after:
            self._ended[job.name] = after
        if before == after:
            return set()
        for ended, counts in ((before, False), (after, True)):
            if ended and ended.end is End.SUCCEEDED:
                names = self._succeeded[ended.set_name, ended.recipe]
                (names.add if counts else names.discard)(job.name)
            elif ended and counts:
                self._failed[ended.set_name][job.name] = None
            elif ended:
                self._failed[ended.set_name].pop(job.name, None)
        return {ended.set_name for ended in (before, after) if ended and self._is_tried(ended)}

    def _is_tried(self, ended: _Ended) -> bool:
        ruling = self.rulings.get(ended.set_name)
        return ruling is not None and ended.recipe in ruling.tried

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
        )
        if self.rulings.get(name) == ruling:
            return ()
        self.rulings[name] = ruling
        return self._ledger.jobs.keys() & set(found.cells)

    def _recipe_of(self, name: str) -> str | None:
        job = self._ledger.jobs.get(name)
        return job.wanted.cell.recipe if job and job.wanted and job.wanted.cell else None


def _ended(job: Job, ledger: Ledger) -> _Ended | None:
    """How the cell ended; None: it is none, or has not ended, or is tried again by itself."""
    cell = job.wanted.cell if job.wanted else None
    if job.wanted is None or cell is None:
        return None
    known = ledger.of(job.name)
    current = in_force(job.wanted, known)
    shared = run_of_another(job.name, job.wanted, ledger.peers)
    is_reused = shared is not None and shared.outcome is Outcome.SUCCEEDED
    if current is None:
        is_over = is_refused_for_good(Submit(rerun=job.wanted.rerun, attempt=0), job.wanted, known)
    elif current.outcome is Outcome.FAILED:
        is_over = current.attempt >= job.wanted.retries
    else:
        is_over = current.outcome is not None
    if not is_over and not is_reused:
        return None
    is_good = (current is not None and current.outcome is Outcome.SUCCEEDED) or (is_reused and not is_over)
    end = End.SUCCEEDED if is_good else End.OTHERWISE
    return _Ended(set_name=cell.set_name, recipe=cell.recipe, end=end)
