"""The tree of manifests as the loop sees it: files in, jobs out.

Called by the loop at every scan. It reads only what changed, appraises what is new, and settles which document
declares which job; the loop updates the ledger.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import filterfalse
from pathlib import Path
from typing import TYPE_CHECKING

from controller.analysis.ignores import Comments, apply_ignores, script_comments
from controller.manifest.validate import Broken, ValidManifest
from controller.model.appraisal import Appraisal
from controller.model.errors import Problem
from controller.model.files import FileRecord
from controller.model.job import DIRTY, Job, Wanted
from controller.tree.change import Change
from controller.tree.files import Known
from controller.tree.git.approvals import Approvals
from controller.tree.ownership import Declared, Place, Settlement, hidden, is_other_request, settle_names, taken_over
from controller.tree.scan import LoadedFile, Scan, scan
from controller.tree.undecided import Undecided
from controller.tree.walk import find_modified_statuses

if TYPE_CHECKING:
    from controller.tree.git.info import Checkout

Appraise = Callable[[ValidManifest], Appraisal]
Prepare = Callable[[Sequence[ValidManifest]], None]
"""Receives what `appraise` will be called with next, so that it can do it all at once."""

MOST_DOCUMENTS = 200_000
"""Per tree: about 1 GiB of memory."""

LookAtGit = Callable[[], "Checkout | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Acceptance:
    wanted: Wanted
    body: str


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
        pulse: Callable[[], None] = lambda: None,
        is_pending: Callable[[str], bool] = lambda _question: False,
    ) -> None:
        self._root = root
        self._statuses = statuses
        self._mirror = mirror
        self._appraise = appraise
        self._prepare = prepare
        self._checkout = checkout
        self._approvals = Approvals(checkout)
        self._pulse = pulse
        self._files = Known()
        self._undecided = Undecided(is_pending)
        self._held = 0  # documents
        self._documents: dict[str, list[Declared]] = {}
        self._claimants: dict[str, list[Declared]] = {}
        self._unsettled: set[str] = set()
        self._dirty: set[str] = set()
        self._rejections: dict[Place, tuple[Problem, ...]] = {}
        # What a document wants, until a job has taken it over: newly read, or a duplicate of a name.
        self._acceptances: dict[Place, _Acceptance] = {}

    def remember(self, files: Iterable[FileRecord], jobs: Iterable[Job]) -> None:
        """Start from the ledger: files without problems, and the jobs they declare.

        A job whose file had problems is settled by the next refresh, even if that file is gone by then.
        """
        self._files = Known(files)
        for job in sorted(jobs, key=lambda item: (item.path, item.index)):
            if job.wanted is not None and job.path in self._files:
                self._declare(job.path, [*self._documents.get(job.path, ()), _declared(job)])
            elif job.wanted is not None:
                self._unsettled.add(job.name)

    def recall(self, files: Iterable[FileRecord], documents: Iterable[Declared]) -> None:
        """Start from what an earlier `check` found; every name is settled again by the next refresh."""
        self._files = Known(files)
        for item in documents:
            self._unsettled |= self._declare(item.path, [*self._documents.get(item.path, ()), item])

    def found(self) -> tuple[list[FileRecord], list[Declared]]:
        """What `recall` takes: every file, and every document as it was read, even one with a duplicate name."""
        return list(self._files), [item for path in self._documents for item in self._documents[path]]

    @property
    def unsettled(self) -> Set[str]:
        """The jobs whose current manifest was not read and accepted: nothing is submitted for them."""
        return self._unsettled

    def uses(self, path: str) -> tuple[str, ...]:
        """The scripts of a manifest file."""
        record = self._files.get(path)
        return record.uses if record else ()

    def documents(self, path: str) -> list[Declared]:
        """The documents of a manifest file in their order, with all their problems."""
        found = self._documents.get(path, ())
        return [replace(item, problems=self._rejections.get(item.place, item.problems)) for item in found]

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
        return self._documents.keys()

    def refresh(self, jobs: Mapping[str, Job], now: datetime, *, statuses: bool = True) -> Change:
        """Scan the tree and its `statuses`; returns the jobs that are new, changed, moved, removed or have problems."""
        known = self._statuses if statuses else None
        again = self._undecided.read_again(self._files)
        found, touched, names = self._look(now, None if self._mirror else known)
        if not found.ready:
            return Change(ready=False, reason=found.reason)
        names |= {job.name for job in jobs.values() if job.path in touched} if touched else set()
        unseen = hidden(jobs, found.hidden)
        settlement = self._settle((names | self._unsettled) - unseen.keys(), jobs)
        self._unsettled = set(unseen)
        stuck = {**settlement.stuck, **unseen}
        found_jobs = {job.name: (job, body) for job, body in self._changes(jobs, replace(settlement, stuck=stuck))}
        changed = self._dated(found_jobs, jobs, is_quiet=not touched)
        self._files.update(found.records.values(), found.gone, found.ignored)
        self._undecided.note(found.records)
        seen_again = touched & again.keys() & found.records.keys()  # a file to be read again may be gone
        is_same = {path for path in seen_again if found.records[path].sha256 == again[path]}
        self._approvals.look()
        paths = touched | {*(item.path for item in settlement.rejected), *(job.path for job, _ in changed)}
        return Change(
            jobs=changed,
            paths=frozenset(paths & self._documents.keys()),
            gone=tuple(path for path in touched if path not in self._documents),
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
            approvals=self._approvals.counting(),
            unapproved=self._approvals.problems(),
        )

    def _look(self, now: datetime, statuses: Known | None) -> tuple[Scan, set[str], set[str]]:
        """Scan, and appraise what is read; also returns the files that changed and the names they concern."""
        touched: set[str] = set()
        names: set[str] = set()

        def take(files: Sequence[LoadedFile]) -> None:
            touched.update(file.path for file in files)
            names.update(self._take(files))

        found = scan(self._root, self._files, take, now, statuses, self._pulse)
        self._undecided.read(found.gone)
        for path in found.gone:
            self._approvals.take(path, ())
            names |= self._declare(path, [])
        return found, touched | found.gone, names

    def _take(self, files: Sequence[LoadedFile]) -> set[str]:
        """Appraise what was read; returns every name concerned."""
        self._undecided.read(file.path for file in files)
        for file in files:
            self._approvals.take(file.path, file.approvals)
        if self._prepare:
            self._prepare([item for file in files for item in file.documents if isinstance(item, ValidManifest)])
        return set().union(*(self._declare(file.path, self._documents_of(file)) for file in files))

    def _documents_of(self, file: LoadedFile) -> list[Declared]:
        """What a file declares; nothing once the tree holds as much as one controller can keep in memory."""
        if self._held - len(self._documents.get(file.path, ())) + len(file.documents) > MOST_DOCUMENTS:
            message = f"there are more than {MOST_DOCUMENTS} documents in the tree: give some to another controller"
            error = Problem(path=file.path, message=message, code="E195")
            return [Declared(path=file.path, index=0, name=None, problems=(error,))]
        return [self._read(item, file.comments) for item in file.documents]

    def _read(self, item: ValidManifest | Broken, comments: Comments) -> Declared:
        if isinstance(item, Broken):
            errors = apply_ignores(item.warnings, [comments]).warnings
            return Declared(path=item.path, index=item.index, name=item.name, problems=item.problems, warnings=errors)
        answer = self._appraise(item)
        if answer.awaits:
            self._undecided.wait(item.path, answer.awaits)
        kept = apply_ignores(answer.warnings, [comments, script_comments(item)])
        if answer.wanted is not None:
            body = json.dumps(item.request.body, ensure_ascii=False)
            wanted = replace(answer.wanted, warnings=(*kept.warnings, *kept.unexplained))
            self._acceptances[item.path, item.index] = _Acceptance(wanted=wanted, body=body)
        line, column = item.document.place(("metadata", "name"))
        return Declared(
            path=item.path,
            index=item.index,
            name=item.name,
            line=line,
            column=column,
            digest=answer.wanted.digest if answer.wanted else "",
            problems=answer.problems,
            warnings=kept.warnings,
            used=kept.used,
            idle=kept.idle,
        )

    def _declare(self, path: str, documents: Sequence[Declared]) -> set[str]:
        """Replace the file's earlier documents with these; returns every name concerned."""
        before, names = self._documents.pop(path, []), set()
        self._held += len(documents) - len(before)
        for item in before:
            if item.name is not None:
                self._claimants[item.name].remove(item)
                names.add(item.name)
        for item in documents:
            if item.name is not None:
                self._claimants.setdefault(item.name, []).append(item)
                names.add(item.name)
        if documents:
            self._documents[path] = list(documents)
        return names

    def _settle(self, names: set[str], jobs: Mapping[str, Job]) -> Settlement:
        recorded = {name: (jobs[name].path, jobs[name].index) for name in names if name in jobs and jobs[name].wanted}
        settlement = settle_names(names, recorded, self._documents, self._claimants)
        for name in names:
            for item in self._claimants.get(name, ()):
                self._rejections.pop(item.place, None)
        self._rejections |= {item.place: item.problems for item in settlement.rejected}
        return settlement

    def _changes(self, jobs: Mapping[str, Job], settlement: Settlement) -> Iterable[tuple[Job, str | None]]:
        for name, owner in settlement.owners.items():
            job, acceptance = jobs.get(name), self._acceptances.pop(owner.place, None)
            taken = taken_over(job, owner, acceptance.wanted if acceptance else None)
            if taken != job:
                yield taken, acceptance.body if acceptance else None
        for name, problems in settlement.stuck.items():
            if jobs[name].problems != problems or name not in self._unsettled:
                yield replace(jobs[name], problems=problems), None
        for name in settlement.removed:
            yield replace(jobs[name], wanted=None, problems=()), None

    def _dated(
        self, changed: dict[str, tuple[Job, str | None]], jobs: Mapping[str, Job], *, is_quiet: bool
    ) -> tuple[tuple[Job, str | None], ...]:
        """Record the commit at which each new digest was first seen, or its `rerun` raised.

        Git moves HEAD after the files: what was marked dirty during a checkout is checked again once the files are
        quiet.
        """
        names = self._dirty | {name for name, (job, _) in changed.items() if _is_new(job, jobs.get(name))}
        checkout = self._checkout() if names else None
        self._dirty = set()
        for name in sorted(names) if checkout else ():
            job, body = changed.get(name) or (jobs[name], None)
            dated = _at(checkout, job)
            if dated != job:
                changed[name] = (dated, body)
            if not is_quiet and dated.wanted and dated.wanted.revision.endswith(DIRTY):
                self._dirty.add(name)
        return tuple(changed.values())

    def _is_clean(self, record: FileRecord) -> bool:
        """Whether a restart may trust the stored form: problems are reported, and approvals read, again."""
        return record.path not in self._approvals.paths() and all(
            item.accepted and item.place not in self._rejections for item in self._documents.get(record.path, ())
        )


def _declared(job: Job) -> Declared:
    return Declared(path=job.path, index=job.index, name=job.name)


def _is_new(job: Job, before: Job | None) -> bool:
    """Whether the job wants another request than before, or the same one again."""
    return job.wanted is not None and is_other_request(before.wanted if before else None, job.wanted)


def _at(checkout: "Checkout | None", job: Job) -> Job:
    if job.wanted is None or checkout is None:
        return job
    revision = checkout.revision_of(job.path, job.wanted.script)
    return replace(job, wanted=replace(job.wanted, revision=revision))
