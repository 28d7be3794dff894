"""The tree of the small world: the real rules of who declares which job, over manifests in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from controller.analysis.ignores import Comments
from controller.manifest.validate import ValidManifest
from controller.model.errors import Problem
from controller.model.files import SET, FileRecord
from controller.model.job import Appraisal, Job, Wanted
from controller.model.job_set import Cost, JobSet
from controller.sets.accept import ValidSet
from controller.tree.change import Change
from controller.tree.contents import LoadedFile
from controller.tree.declared.cells import Expansion
from controller.tree.declared.declarations import Acceptance
from controller.tree.declared.ownership import Declared
from controller.tree.declared.sets import Sets
from controller.tree.tree import Tree, _jobs_in
from tests.proofs.drafts import Draft, Files, digest_of

Known = Callable[[str], Wanted | None]


class Shelf(Tree):
    """What is declared by the manifests that are `shown`."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"), _never)
        self._sets = _Sets(_never, None, self._declarations.claimants)
        self.shown: Files = {}

    def documents(self, path: str) -> list[Declared]:
        """None: status files are not what the histories are about, and rendering them takes most of the time."""
        return []

    def refresh(self, jobs: Mapping[str, Job], now: datetime, *, statuses: bool = True) -> Change:
        records = {path: _record(path, drafts) for path, drafts in self.shown.items()}
        due = self._sets.due(now)
        changed = [path for path, record in records.items() if self._files.get(path) != record or path in due]
        gone = tuple(known.path for known in self._files if known.path not in records)
        touched = {*changed, *gone}
        names = _jobs_in(touched, jobs) if touched else set()
        for path in changed:
            names |= self._put(path, is_same=self._files.get(path) == records[path])
        for path in gone:
            self._sets.drop(path)
            names |= self._declarations.replace(path, [])
        names |= self._expand(jobs, now)
        self._sets.free(names)
        unsettled, self._unsettled = self._unsettled, set()
        found = tuple(self._changes(jobs, self._settle(names | unsettled, jobs)))
        self._files.update((records[path] for path in changed), gone, {})
        clean = [records[path] for path in changed if self._is_clean(records[path])]
        unclean = tuple(records[path] for path in changed if not self._is_clean(records[path]))
        return Change(jobs=found, paths=frozenset(), gone=gone, clean=tuple(clean), unclean=unclean)

    def _put(self, path: str, *, is_same: bool) -> set[str]:
        """What this file declares, its sets only once every file is read."""
        self._sets.drop(path)
        drafts = list(enumerate(self.shown[path]))
        sets = [(index, draft) for index, draft in drafts if draft.cells and not draft.is_broken]
        documents = [self._declared(path, *each) for each in drafts if each not in sets]
        if not sets:
            return self._declarations.replace(path, documents)
        wholes = tuple(cast(ValidSet, _Whole(path=path, index=index, draft=draft)) for index, draft in sets)
        file = LoadedFile(path=path, documents=(), comments=Comments(), sets=wholes, is_same=is_same)
        self._sets.keep(file, documents)
        return set()

    def _declared(self, path: str, index: int, draft: Draft) -> Declared:
        if draft.is_broken:
            problems = (Problem(path=path, message="not YAML"),)
            return Declared(
                path=path, index=index, name=None, problems=problems, set_name=draft.job if draft.cells else ""
            )
        self._acceptances[path, index, ""] = _acceptance(draft)
        return Declared(path=path, index=index, name=draft.job)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """A set as it was read, as far as the tree looks at it before it is expanded; it is its own place in the text."""

    path: str
    index: int
    draft: Draft

    @property
    def name(self) -> str:
        return self.draft.job

    @property
    def document(self) -> "_Whole":
        return self

    def place(self, _field: object) -> tuple[int, int]:
        return 1, 1


class _Sets(Sets):
    """The real rules of who declares which set and which cell; the cells are those of a draft."""

    def _cells_of(self, found: ValidSet, comments: Comments, known: Known, now: datetime) -> Expansion:
        draft = cast(_Whole, found).draft
        jobs = draft.jobs(now)
        new = [job for job in jobs if not _is_same(known(job.job), job)]
        return Expansion(
            whole=Declared(path=found.path, index=found.index, name=None, set_name=draft.job),
            job_set=_job_set(found, draft, jobs, now),
            cells=[Declared(path=found.path, index=found.index, name=job.job, set_name=draft.job) for job in jobs],
            acceptances={job.job: _acceptance(job) for job in new},
        )


def _job_set(found: ValidSet, draft: Draft, jobs: list[Draft], now: datetime) -> JobSet:
    assert draft.cells is not None, "it is a set"
    windows: dict[str, Cost] = {}
    for job in jobs:
        window, estimate = job.cell.window if job.cell else "", job.wanted.estimate
        assert estimate is not None, "every text has a price"
        windows[window] = windows.get(window, Cost()).plus(estimate.expected, estimate.upper)
    due = [draft.due_at(number) for number, _ in draft.cells.texts]
    rules = draft.cells.rules
    return JobSet(
        name=draft.job,
        path=found.path,
        index=found.index,
        cells=tuple(job.job for job in jobs),
        recipes=frozenset({draft.cells.recipe}),
        windows=windows,
        trial=rules.trial,
        per_window=rules.per_window,
        is_endless=rules.is_endless,
        later=len(due) - len(jobs),
        next_due=min((time for time in due if time > now), default=None),
        monthly=Cost(jobs=4, expected=20.0, upper=40.0),
    )


def _acceptance(draft: Draft) -> Acceptance:
    return Acceptance(wanted=draft.wanted, body=lambda: draft.text)


def _is_same(known: Wanted | None, draft: Draft) -> bool:
    return known is not None and known.digest == digest_of(draft.text) and known.cell == draft.cell


def _record(path: str, drafts: tuple[Draft, ...]) -> FileRecord:
    has_sets = any(draft.cells for draft in drafts)
    return FileRecord(path=path, kind=SET if has_sets else "manifest", sha256=repr(drafts))


def _never(_: ValidManifest) -> Appraisal:
    raise AssertionError("manifests are held in memory")
