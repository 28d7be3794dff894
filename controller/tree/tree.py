"""The tree of manifests as the loop sees it: files in, jobs out.

Called by the loop at every scan. It reads only what changed, appraises what is new, and settles which document
declares which job; the loop updates the ledger.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from itertools import filterfalse
from pathlib import Path
from typing import TYPE_CHECKING

from controller.analysis.ignores import Comments
from controller.manifest.validate import Broken, ValidManifest
from controller.model.errors import Problem
from controller.model.files import SET, FileRecord
from controller.model.job import Appraisal, Job
from controller.model.job_set import JobSet
from controller.tree.change import Body, Change
from controller.tree.contents import LoadedFile
from controller.tree.declared.declarations import Acceptance, Declarations, by_file
from controller.tree.declared.document import Appraise, appraised
from controller.tree.declared.ownership import (
    Declared,
    Key,
    Settlement,
    hidden,
    settle_names,
    taken_over,
)
from controller.tree.declared.sets import Sets
from controller.tree.files import Known, collector_paused, freeze_if_many
from controller.tree.git.approvals import Approvals
from controller.tree.git.revisions import LookAtGit, Revisions
from controller.tree.scan import Scan, scan
from controller.tree.undecided import Undecided
from controller.tree.walk import find_modified_statuses

if TYPE_CHECKING:
    from controller.tree.declared.cells import Pricing

Prepare = Callable[[Sequence[ValidManifest]], None]
"""Receives what `appraise` will be called with next, so that it can do it all at once."""


class Tree:
    """What is declared, by path and by name.

    `statuses` are the status files as last written, in the tree or in its `mirror`, kept current.
    """

    def __init__(
        self,
        root: Path,
        appraise: Appraise,
        prepare: Prepare | None = None,
        statuses: Known | None = None,
        mirror: Path | None = None,
        checkout: LookAtGit = lambda: None,
        head: Callable[[], str] = str,
        pulse: Callable[[], None] = lambda: None,
        is_pending: Callable[[str], bool] = lambda _question: False,
        keep_pending: Callable[[Set[str]], None] = lambda _questions: None,
        pricing: "Pricing | None" = None,
    ) -> None:
        self._root = root
        self._statuses = statuses
        self._mirror = mirror
        self._appraise = self._dating(appraise)
        self._prepare = prepare
        self._checkout, self._head = checkout, head
        self._approvals, self._revisions = Approvals(checkout), Revisions(checkout)
        self._pulse = pulse
        self._files = Known()
        self._undecided = Undecided(is_pending, keep_pending)
        self._declarations = Declarations()
        self._sets = Sets(self._appraise, pricing, self._declarations.claimants, prepare)
        self._unsettled: set[str] = set()
        self._rejections: dict[Key, tuple[Problem, ...]] = {}
        # What a document wants, until a job has taken it over: newly read, or a duplicate of a name.
        self._acceptances: dict[Key, Acceptance] = {}

    def remember(self, files: Iterable[FileRecord], jobs: Iterable[Job]) -> None:
        """Start from the ledger: files without problems, and the jobs they declare.

        A job whose file had problems is settled by the next refresh, even if that file is gone by then.
        """
        self._files, wanted = Known(files), [job for job in jobs if job.wanted is not None]
        known = [job for job in wanted if job.path in self._files]  # another file may be gone without being missed
        self._sets.remember((record.path for record in self._files if record.kind == SET), known)
        self._unsettled.update(job.name for job in wanted if job.path not in self._files)
        self._revisions.remember(wanted)
        for job in wanted:
            if job.wanted and job.wanted.until:
                self._undecided.date(job.path, job.wanted.until)
        with collector_paused():
            for path, found in by_file(map(_declared, known)).items():
                documents = [item for item in found if not item.set_name]
                self._declarations.replace(path, documents, [item for item in found if item.set_name])
        freeze_if_many(len(wanted))

    def recall(self, files: Iterable[FileRecord], documents: Iterable[Declared]) -> None:
        """Start from what an earlier `check` found; every name is settled again by the next refresh."""
        self._files = Known(files)
        self._sets.remember((record.path for record in self._files if record.kind == SET), ())
        for path, found in by_file(documents).items():
            self._unsettled |= self._declarations.replace(path, found)

    def found(self) -> tuple[list[FileRecord], list[Declared]]:
        """What `recall` takes: every file, and every document as it was read, even one with a duplicate name."""
        return list(self._files), [item for found in self._declarations.files.values() for item in found]

    @property
    def unsettled(self) -> Set[str]:
        """The jobs whose current manifest was not read and accepted: nothing is submitted for them."""
        return self._unsettled

    @property
    def files(self) -> Known:
        """Every file, as it was last read."""
        return self._files

    def uses(self, path: str) -> tuple[str, ...]:
        """The scripts of a manifest file."""
        record = self._files.get(path)
        return record.uses if record else ()

    def documents(self, path: str) -> list[Declared]:
        """The documents of a manifest file in their order, with all their problems; a set is one of them."""
        found = self._declarations.files.get(path, ())
        rejected = self._rejections
        return [replace(item, problems=rejected[item.key]) if item.key in rejected else item for item in found]

    @property
    def sets(self) -> Mapping[str, JobSet]:
        """The sets of the tree, by name."""
        return self._sets.found

    @property
    def changes_at(self) -> datetime | None:
        """When the next cell of a set becomes due, or a file is read again, and the tree must be scanned."""
        return min(filter(None, (self._sets.next_due, self._undecided.next_day)), default=None)

    def signature(self, path: str) -> str:
        """Who last changed a file, and in which commit, in words."""
        checkout = self._checkout()
        return f"{checkout.signature_of(path)} in {path}" if checkout else path

    @property
    def approvals(self) -> Approvals:
        """The approvals of the tree, as last read."""
        return self._approvals

    def paths(self) -> Collection[str]:
        """Every manifest file."""
        return self._declarations.paths()

    def refresh(self, jobs: Mapping[str, Job], now: datetime, *, statuses: bool = True) -> Change:
        """Scan the tree and its `statuses`; returns the jobs that are new, changed, moved, removed or have problems."""
        known, commit = self._statuses if statuses else None, self._head()
        again = self._undecided.read_again(self._files, now)
        found, touched, names = self._look(jobs, now, None if self._mirror else known)
        if not found.ready:
            return Change(ready=False, reason=found.reason)
        names |= _jobs_in(touched, jobs)
        unseen = hidden(jobs, found.hidden)
        settlement = self._settle((names | self._unsettled) - unseen.keys(), jobs)
        self._unsettled = set(unseen)
        stuck = {**settlement.stuck, **unseen}
        found_jobs = {job.name: (job, body) for job, body in self._changes(jobs, replace(settlement, stuck=stuck))}
        changed = self._revisions.dated(found_jobs, jobs, is_quiet=not touched)
        self._files.update(found.records.values(), found.gone, found.ignored)
        self._undecided.note(found.records)
        seen_again = touched & again.keys() & found.records.keys()  # a file to be read again may be gone
        is_same = {path for path in seen_again if found.records[path].sha256 == again[path]}
        self._approvals.look(commit)
        paths = touched | {*(item.path for item in settlement.rejected), *(job.path for job, _ in changed)}
        return Change(
            jobs=changed,
            paths=frozenset(paths & self._declarations.files.keys()),
            gone=tuple(path for path in touched if path not in self._declarations.files),
            clean=tuple(filter(self._is_clean, found.records.values())),
            unclean=tuple(filterfalse(self._is_clean, found.records.values())),
            problems=tuple(sorted(found.problems)),
            foreign=tuple(sorted(self._files.foreign)),
            modified=find_modified_statuses(self._mirror, known, self._pulse)
            if self._mirror and known is not None
            else found.modified,
            links=found.links,
            folders=found.folders,
            moved=not touched <= is_same,
            undecided=len(self._undecided),
            commit=commit if self._revisions.are_known else "",
            approvals=self._approvals.counting(),
            unapproved=self._approvals.problems(),
        )

    def _look(self, jobs: Mapping[str, Job], now: datetime, statuses: Known | None) -> tuple[Scan, set[str], set[str]]:
        """Scan, and appraise what is read; also returns the files that changed and the names they concern."""
        touched: set[str] = set()
        names: set[str] = set()

        def take(files: Sequence[LoadedFile]) -> None:
            touched.update(file.path for file in files)
            names.update(self._take(files))

        found = scan(self._root, self._files, take, now, statuses, self._pulse, self._sets.due(now))
        self._undecided.read(found.gone)
        for path in found.gone:
            self._approvals.take(path, ())
            self._sets.drop(path)
            names |= self._declarations.replace(path, [])
        names |= self._expand(jobs, now)
        self._sets.free(names)
        return found, touched | found.gone, names

    def _expand(self, jobs: Mapping[str, Job], now: datetime) -> set[str]:
        """Declare what the files with sets hold that were read, or are due again; returns every name concerned."""
        names: set[str] = set()
        for each in self._sets.expansions(jobs, now):
            for question in each.awaits:
                self._undecided.wait(each.path, question)
            if each.is_passing:
                self._undecided.doubt(each.path)
            self._acceptances |= each.acceptances
            names |= self._declarations.replace(each.path, each.documents, each.cells, each.acceptances)
            if each.cells and not self._declarations.has_cells(each.path):
                self._sets.drop(each.path)
        return names

    def _take(self, files: Sequence[LoadedFile]) -> set[str]:
        """Appraise what was read; returns every name concerned."""
        self._undecided.read(file.path for file in files)
        for file in files:
            self._approvals.take(file.path, file.approvals)
        if self._prepare:
            self._prepare([item for file in files for item in file.documents if isinstance(item, ValidManifest)])
        names: set[str] = set()
        for file in files:
            self._sets.drop(file.path)
            documents = self._documents_of(file)
            if file.sets:
                self._sets.keep(file, documents)
            else:
                names |= self._declarations.replace(file.path, documents)
        return names

    def _documents_of(self, file: LoadedFile) -> list[Declared]:
        """What a file declares beside its sets."""
        return [self._read(item, file.comments) for item in file.documents]

    def _read(self, item: ValidManifest | Broken, comments: Comments) -> Declared:
        answer = appraised(item, comments, self._appraise)
        if answer.awaits:
            self._undecided.wait(item.path, answer.awaits)
        if answer.is_passing:
            self._undecided.doubt(item.path)
        if answer.acceptance:
            self._acceptances[item.path, item.index, ""] = answer.acceptance
        return answer.declared

    def _dating(self, appraise: Appraise) -> Appraise:
        """The same, which has a file read again on the day on which its appraisal may be over."""

        def dated(item: ValidManifest) -> Appraisal:
            answer = appraise(item)
            if answer.until:
                self._undecided.date(item.path, answer.until)
            return answer

        return dated

    def _settle(self, names: set[str], jobs: Mapping[str, Job]) -> Settlement:
        recorded = {name: (jobs[name].path, jobs[name].index) for name in names if name in jobs and jobs[name].wanted}
        settlement = settle_names(names, recorded, self._declarations.files, self._declarations.claimants)
        for name in names:
            for item in self._declarations.claimants.get(name, ()):
                self._rejections.pop(item.key, None)
        self._rejections |= {item.key: item.problems for item in settlement.rejected}
        return settlement

    def _changes(self, jobs: Mapping[str, Job], settlement: Settlement) -> Iterable[tuple[Job, Body | None]]:
        for name, owner in settlement.owners.items():
            job, acceptance = jobs.get(name), self._acceptances.pop(owner.key, None)
            taken = taken_over(job, owner, acceptance.wanted if acceptance else None)
            if taken != job:
                yield taken, acceptance.body if acceptance else None
        for name, problems in settlement.stuck.items():
            if jobs[name].problems != problems or name not in self._unsettled:
                yield replace(jobs[name], problems=problems), None
        for name in settlement.removed:
            yield replace(jobs[name], wanted=None, problems=()), None

    def _is_clean(self, record: FileRecord) -> bool:
        """Whether a restart may trust the stored form: problems are reported, and approvals read, again."""
        return record.path not in self._approvals.paths() and all(
            (item.accepted or (item.is_set and not item.problems)) and item.key not in self._rejections
            for item in self._declarations.all_of(record.path)
        )


def _jobs_in(paths: Set[str], jobs: Mapping[str, Job]) -> set[str]:
    """The jobs of these files; cells of sets are known by their declarations."""
    found = (job for job in jobs.values() if job.path in paths) if paths else ()
    return {job.name for job in found if not (job.wanted and job.wanted.cell)}


def _declared(job: Job) -> Declared:
    cell = job.wanted.cell if job.wanted else None
    return Declared(path=job.path, index=job.index, name=job.name, set_name=cell.set_name if cell else "")
