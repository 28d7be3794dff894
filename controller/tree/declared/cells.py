"""From a set that was read to the jobs it declares: each cell is named, priced and dated as a manifest of its own.

Called by the tree. One cell of each group is appraised; the others are the same elsewhere, so only their request and
its price are computed. A set is taken as a whole: with a problem in one of its groups it declares nothing new.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from controller.analysis.ignores import Comments, apply_ignores, script_comments
from controller.limits.budget import reservation
from controller.manifest.request import Request
from controller.manifest.validate import Broken, ValidManifest
from controller.model.errors import Problem
from controller.model.job import Appraisal, Estimate, Wanted
from controller.model.job_set import Cost, JobSet
from controller.sets.accept import ValidSet
from controller.sets.cell import Cell
from controller.sets.jobs import Alike, alike, in_template, waste
from controller.sets.pace import full_at, monthly, warnings
from controller.tree.declared.declarations import Acceptance, as_json
from controller.tree.declared.ownership import Declared

Price = Callable[[Request], Estimate | None]
"""What a request costs that differs from an appraised one in its place."""
Appraise = Callable[[ValidManifest], Appraisal]
Prepare = Callable[[Sequence[ValidManifest]], None]
"""Receives what will be appraised next, so that it can be done all at once."""
Pricing = Callable[[ValidManifest], Price]
Known = Callable[[str], Wanted | None]
"""What the job of this name wants, as far as it is known to be still right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A set as one document, and, unless that has problems, its jobs; what is new in them is in `acceptances`, by name.

    `awaits` are the keys of pending questions about its scripts; `is_passing`: the engine died of one.
    """

    whole: Declared
    job_set: JobSet | None = None
    cells: Sequence[Declared] = ()
    acceptances: Mapping[str, Acceptance]
    awaits: Sequence[str] = ()
    is_passing: bool = False


def expand_set(
    found: ValidSet, appraise: Appraise, pricing: Pricing | None, known: Known, comments: Comments, now: datetime,
    prepare: Prepare | None = None,
) -> Expansion:  # fmt: skip
    """The jobs of a set that are due `now`; without `pricing` each costs what the first of its group costs."""
    reading, groups = _Expansion(found, appraise, pricing, known, comments, now), list(alike(found, now))
    if prepare:
        prepare([group.first for group in groups if isinstance(group, Alike)])
    for group in groups:
        reading.take(group)
    return reading.result(now)


class _Expansion:
    """One expansion under way."""

    def __init__(
        self, found: ValidSet, appraise: Appraise, pricing: Pricing | None, known: Known, comments: Comments,
        now: datetime,
    ) -> None:  # fmt: skip
        self.found, self.appraise, self.pricing, self.known, self.comments = found, appraise, pricing, known, comments
        self.problems: dict[Problem, None] = {}
        self.warnings: dict[Problem, None] = dict.fromkeys(warnings(found, now))
        self.scripts: dict[Comments, None] = {}
        self.awaits: list[str] = []
        self.is_passing = False
        self.declared: dict[str, Declared] = {}
        self.acceptances: dict[str, Acceptance] = {}
        self.windows: dict[str, Cost] = {}
        self.costs: dict[datetime, Cost] = {}  # by the moment at which cells with a window became due
        self.recipes: set[str] = set()

    def take(self, group: Alike | Broken) -> None:
        """Appraise a group if any of its cells is new, and note what each of them asks for."""
        if isinstance(group, Broken):
            self.problems |= dict.fromkeys(group.problems)
            return
        self.recipes.add(group.place.recipe)
        known = {cell.name: self.known(cell.name) for cell in group.cells}
        if _is_same(group, known):
            for cell in group.cells:
                self.note(cell, known[cell.name])
            return
        answer = self.appraise(group.first)
        self.awaits += [answer.awaits] if answer.awaits else []
        self.is_passing |= answer.is_passing
        self.problems |= dict.fromkeys(map(in_template, answer.problems))
        self.warnings |= dict.fromkeys(map(in_template, answer.warnings))
        self.scripts[script_comments(group.first)] = None
        if answer.wanted is not None:
            self.price(group, answer)

    def price(self, group: Alike, answer: Appraisal) -> None:
        assert answer.wanted is not None
        kept = apply_ignores(map(in_template, answer.warnings), [self.comments, script_comments(group.first)])
        first = replace(answer.wanted, warnings=(*kept.warnings, *kept.unexplained), cell=group.place)
        price = self.pricing(group.first) if self.pricing else lambda _request: first.estimate
        for cell in group.cells:
            request = group.request(cell)
            wanted = replace(
                first, digest=request.digest, delivery_url=request.delivery_url, estimate=price(request)
            )  # fmt: skip
            self.acceptances[cell.name] = Acceptance(wanted=wanted, body=as_json(request.body))
            self.note(cell, wanted)

    def note(self, cell: Cell, wanted: Wanted | None) -> None:
        if wanted is None or wanted.cell is None:
            return
        self.declared[cell.name] = Declared(
            path=self.found.path, index=self.found.index, name=cell.name, set_name=self.found.name
        )
        window, expected = wanted.cell.window, wanted.estimate.expected if wanted.estimate else 0.0
        self.windows[window] = self.windows.get(window, Cost()).plus(expected, reservation(wanted))
        if cell.due:
            self.costs[cell.due] = self.costs.get(cell.due, Cost()).plus(expected, reservation(wanted))

    def result(self, now: datetime) -> Expansion:
        if self.problems:
            return Expansion(whole=self.whole(), acceptances={}, awaits=self.awaits, is_passing=self.is_passing)
        names = [cell.name for cell in self.found.cells if cell.name in self.declared]
        return Expansion(
            whole=self.whole(),
            job_set=self.job_set(names, now),
            cells=[self.declared[name] for name in names],
            acceptances=self.acceptances,
        )

    def whole(self) -> Declared:
        """The set as one document of its file."""
        kept = apply_ignores(self.warnings, [self.comments, *self.scripts])
        line, column = self.found.document.place(("metadata", "name"))
        return Declared(
            path=self.found.path,
            index=self.found.index,
            name=None,
            set_name=self.found.name,
            line=line,
            column=column,
            problems=tuple(sorted(self.problems)),
            warnings=kept.warnings,
            used=kept.used,
            idle=kept.idle,
        )

    def job_set(self, names: Sequence[str], now: datetime) -> JobSet:
        found, spec, beside = self.found, self.found.manifest.spec, waste(self.found)
        return JobSet(
            name=found.name,
            path=found.path,
            index=found.index,
            cells=tuple(names),
            labels=tuple(found.manifest.metadata.labels.items()),
            recipes=frozenset(self.recipes),
            windows=self.windows,
            trial=spec.trial,
            per_window=spec.limits.per_window,
            is_endless=any(axis.is_endless for axis in found.axes),
            later=len(found.cells) - len(names),
            next_due=found.next_due(now),
            monthly=monthly(found.axes, self.costs),
            full_at=full_at(found.axes, now),
            outside=beside.outside if beside else None,
        )


def _is_same(group: Alike, known: Mapping[str, Wanted | None]) -> bool:
    """Whether every cell of a group is known. The first one answers for all: a digest of each takes most of a start.

    What is known was read from the same bytes, so the name and the place of a cell say what it asks for.
    """
    first = known[group.cells[0].name]
    is_known = first is not None and first.digest == group.first.request.digest
    return is_known and all(wanted is not None and wanted.cell == group.place for wanted in known.values())
