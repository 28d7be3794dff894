"""The sets of the tree: what each was expanded to, and when it is to be expanded again.

The tree keeps one of these. A set is expanded when a file of it changed, when one of its cells becomes due, and once
after a start; what is known to be the same is not appraised again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from controller.analysis.ignores import Comments
from controller.model.errors import Problem, defect
from controller.model.job import Job, Wanted
from controller.model.job_set import JobSet
from controller.tree.contents import NAME, LoadedFile
from controller.tree.declared.declarations import Acceptance
from controller.tree.declared.ownership import TWO_JOBS, Declared, Key

if TYPE_CHECKING:
    from controller.sets.accept import ValidSet
    from controller.tree.declared.cells import Appraise, Expansion, Prepare, Pricing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """The sets of a file that was read, until all files are."""

    documents: tuple[Declared, ...]
    sets: "tuple[ValidSet, ...]"
    comments: Comments
    is_same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOfSets:
    """What a file with sets declares; `awaits` and `is_passing` as in `Expansion`."""

    path: str
    documents: Sequence[Declared]
    cells: Sequence[Declared]
    acceptances: Mapping[Key, Acceptance]
    awaits: Sequence[str]
    is_passing: bool


class Sets:
    """`found` are the sets by name; of two with one name the recorded one keeps it, else the first by path."""

    def __init__(
        self, appraise: "Appraise", pricing: "Pricing | None", claimants: Mapping[str, Sequence[Declared]],
        prepare: "Prepare | None" = None,
    ) -> None:  # fmt: skip
        self._appraise, self._pricing, self._claimants, self._prepare = appraise, pricing, claimants, prepare
        self.found: dict[str, JobSet] = {}
        self._homes: dict[str, str] = {}  # by name, the file that declared it last
        self._names: defaultdict[str, set[str]] = defaultdict(set)  # by file, the same
        self._rejected: dict[str, set[str]] = {}  # by name, the files with another set of that name
        self._blocked: dict[str, str] = {}  # by the name of a cell that another document declares, the file
        self._again: set[str] = set()
        self._pending: dict[str, _Pending] = {}
        self._new: dict[str, list[Declared]] = {}  # by name, what `_unexpanded` files declare, as far as it is known
        self._unexpanded: set[str] = set()  # files with another text, whose claimants are still those of the one before
        self._expanded_at = datetime.min.replace(tzinfo=UTC)

    def remember(self, paths: Iterable[str], jobs: Iterable[Job]) -> None:
        """Start from the ledger: these files hold sets, which the next scan expands, though nothing changed."""
        self._again.update(paths)
        for job in jobs:
            if job.wanted and job.wanted.cell:
                self._settle(job.wanted.cell.set_name, job.path)

    @property
    def next_due(self) -> datetime | None:
        """When the next cell becomes due; None: never."""
        return min((each.next_due for each in self.found.values() if each.next_due), default=None)

    def due(self, now: datetime) -> Set[str]:
        """The files whose sets must be expanded again by now: all of them when the clock was ahead of it."""
        was_ahead = now < self._expanded_at
        found = self.found.values()
        return self._again | {
            each.path for each in found if was_ahead or (each.next_due is not None and each.next_due <= now)
        }

    def drop(self, path: str) -> None:
        """A file was read, or is gone: what was known of its sets no longer counts."""
        self._again.discard(path)
        self._blocked = {name: waiting for name, waiting in self._blocked.items() if waiting != path}
        for name in self._names.pop(path, ()):
            del self._homes[name]
            self.found.pop(name, None)
            self._again |= self._rejected.pop(name, set()) - {path}

    def keep(self, file: LoadedFile, documents: Iterable[Declared]) -> None:
        """Keep the sets of a file, and its other documents, until all files are read."""
        self._pending[file.path] = _Pending(
            documents=tuple(documents), sets=file.sets, comments=file.comments, is_same=file.is_same
        )

    def expansions(self, jobs: Mapping[str, Job], now: datetime) -> "Iterator[FileOfSets]":
        """What each file with sets declares, all its documents together; `jobs` are those of the ledger."""
        pending, self._pending = self._pending, {}
        self._new, self._unexpanded = {}, {path for path, each in pending.items() if not each.is_same}
        for each in pending.values():
            self._note(each.documents)
        self._expanded_at = now if pending else self._expanded_at
        for path, each in sorted(pending.items()):
            found = [self._expand(item, each, jobs, now) for item in each.sets]
            yield FileOfSets(
                path=path,
                documents=sorted((*each.documents, *(one.whole for one in found)), key=lambda item: item.index),
                cells=[cell for one in found for cell in one.cells],
                acceptances={
                    cell.key: accepted
                    for one in found
                    for cell in one.cells
                    if (accepted := one.acceptances.get(cell.name or ""))
                },
                awaits=[question for one in found for question in one.awaits],
                is_passing=any(one.is_passing for one in found),
            )
            self._unexpanded.discard(path)
        self._new = {}

    def free(self, names: Iterable[str]) -> None:
        """Nothing else may declare these names any more: have a set read again that waits for one of them."""
        for name in self._blocked.keys() & set(names):
            if not self._claimants.get(name):
                self._again.add(self._blocked.pop(name))

    def _expand(self, found: "ValidSet", file: _Pending, jobs: Mapping[str, Job], now: datetime) -> "Expansion":
        from controller.tree.declared.cells import Expansion  # shapes and projections are slow to import

        home = self._homes.get(found.name)
        if found.name in self.found or home not in (None, found.path):
            self._rejected.setdefault(found.name, set()).add(found.path)
            message = f"the set {found.name!r} is already declared in {home}; give this one another name"
            return Expansion(whole=_rejected(found, _two_jobs(found, message)), acceptances={})

        def known(name: str) -> Wanted | None:
            job = jobs.get(name) if file.is_same else None
            return job.wanted if job and job.path == found.path and not job.problems else None

        expansion = self._cells_of(found, file.comments, known, now)
        self._settle(found.name, found.path)
        if taken := self._taken(expansion.cells, jobs):
            self._blocked[taken[0].name or ""] = found.path
            return Expansion(whole=_rejected(found, _two_jobs(found, _clash(taken))), acceptances={})
        if len(file.sets) > 1:
            self._note(expansion.cells)
        if expansion.job_set is not None:
            self.found[found.name] = expansion.job_set
        return expansion

    def _note(self, declared: Iterable[Declared]) -> None:
        for item in declared:
            self._new.setdefault(item.name or "", []).append(item)

    def _settle(self, name: str, path: str) -> None:
        """This file declares the set, unless another does already."""
        if self._homes.setdefault(name, path) == path:
            self._names[path].add(name)

    def _cells_of(
        self, found: "ValidSet", comments: Comments, known: Callable[[str], Wanted | None], now: datetime
    ) -> "Expansion":
        """The set by itself, whatever else declares its name or those of its cells.

        An error of ours is a problem of this set alone, and it is read again after a while.
        """
        from controller.tree.declared.cells import Expansion, expand_set  # as above

        try:
            return expand_set(found, self._appraise, self._pricing, known, comments, now, self._prepare)
        except Exception as error:  # noqa: BLE001  the net of one set
            line, column = found.document.place(NAME)
            whole = _rejected(found, defect(error, found.path, line, column))
            return Expansion(whole=whole, acceptances={}, is_passing=True)

    def _taken(self, cells: Iterable[Declared], jobs: Mapping[str, Job]) -> list[Declared]:
        """Who declares the names of these cells before them."""
        found = []
        for cell in cells:
            others = [item for item in self._claims(cell.name or "") if item.place != cell.place]
            job = jobs.get(cell.name or "") if others else None
            if job and job.wanted and (job.path, job.index) == cell.place:
                self._again.update(item.path for item in others if item.set_name and item.path != cell.path)
            elif others:
                found.append(others[0])
        return found

    def _claims(self, name: str) -> Iterator[Declared]:
        """Everything that declares a job, by the texts as they are now."""
        yield from (item for item in self._claimants.get(name, ()) if item.path not in self._unexpanded)
        yield from (item for item in self._new.get(name, ()) if item.path in self._unexpanded)


def _clash(taken: Sequence[Declared]) -> str:
    first, more = taken[0], f" (and {len(taken) - 1:,} more cells)" if len(taken) > 1 else ""
    owner = f"the set {first.set_name!r} in {first.path}" if first.set_name else first.path
    return f"the job {first.name!r} is already declared in {owner}{more}; give this set another name"


def _two_jobs(found: "ValidSet", message: str) -> Problem:
    line, column = found.document.place(NAME)
    return Problem(
        path=found.path, line=line, column=column, field="metadata.name", message=message, code=TWO_JOBS
    )  # fmt: skip


def _rejected(found: "ValidSet", problem: Problem) -> Declared:
    return Declared(
        path=found.path,
        index=found.index,
        name=None,
        set_name=found.name,
        line=problem.line,
        column=problem.column,
        problems=(problem,),
    )
