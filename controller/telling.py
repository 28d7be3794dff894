"""Tell what changed: status files beside the manifests, events in the ledger, lines for whoever watches.

Called once at the end of a turn, with only the jobs it touched. A status file is written when its bytes differ; one
that cannot be written stops nobody and is tried again at the next scan.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Protocol

from controller.book import Book
from controller.claims import Declared
from controller.errors import StateError
from controller.gate import Limits
from controller.job import Job
from controller.next_step import in_force
from controller.phase import phase
from controller.standing import Phase, Standing
from controller.status import document, rejected
from controller.statusfile import render
from controller.submission import Submission
from controller.tree import Tree

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A job's standing, with the submission in force; `changed` is False when an earlier process told it already."""

    job: Job
    standing: Standing
    submission: Submission | None
    changed: bool


Watch = Callable[[News], None]


class StatusPlace(Protocol):
    """Where status documents go."""

    def write(self, manifest_path: str, documents: Sequence[Mapping[str, object]]) -> bool: ...
    def remove(self, manifest_path: str) -> None: ...
    def sweep(self, manifests: Iterable[str]) -> None: ...


class Teller:
    """Remembers what it told, so that nothing is told twice."""

    def __init__(self, places: StatusPlace, deployment: str, watch: Watch) -> None:
        self._places = places
        self._deployment = deployment
        self._watch = watch
        self._standings: dict[str, Standing] = {}
        self.phases: Counter[Phase] = Counter()
        self._written: dict[str, str] = {}
        self._names: set[str] = set()
        self._paths: set[str] = set()
        self._gone: set[str] = set()
        self._unwritten: dict[str, StateError] = {}
        self._is_swept = False

    def touch(self, paths: Iterable[str], gone: Iterable[str]) -> None:
        """The tree was scanned, and these files changed, or went."""
        self._paths |= {*paths, *self._unwritten}
        self._gone |= {*gone, *self._unwritten}

    def touch_job(self, name: str) -> None:
        self._names.add(name)

    def tell(self, tree: Tree, book: Book, limits: Limits, now: datetime) -> None:
        """Tell of everything touched since the last turn."""
        names, self._names = self._names, set()
        news = [item for name in sorted(names) if (item := self._news(book.jobs[name], book, limits, now))]
        _note([item for item in news if item.changed], book, now)
        for item in news:
            self._watch(item)
        paths, self._paths = self._paths | {book.jobs[name].path for name in names}, set()
        for path in sorted(paths):
            self._write(path, tree, book, limits, now)
        self._remove(tree)
        if not self._is_swept and tree.paths():
            self._places.sweep(tree.paths())
            self._is_swept = True

    @property
    def trouble(self) -> str:
        """What keeps status files from being up to date; "" when they are."""
        error = next(iter(self._unwritten.values()), None)
        return f"{len(self._unwritten)} status files are not up to date; {error}" if error else ""

    def _news(self, job: Job, book: Book, limits: Limits, now: datetime) -> News | None:
        standing = phase(job, book.of(job.name), limits, now)
        before = self._standings.get(job.name)
        if before == standing:
            return None
        self.phases[standing.phase] += 1
        if before:
            self.phases[before.phase] -= 1
        self._standings[job.name] = standing
        current = in_force(job.wanted, book.of(job.name)) if job.wanted else None
        changed = book.told(job.name) != _spelled(standing)
        return News(job=job, standing=standing, submission=current, changed=changed)

    def _write(self, path: str, tree: Tree, book: Book, limits: Limits, now: datetime) -> None:
        documents = status_documents(path, tree, book, limits, now, self._deployment)
        if not documents:
            return
        digest = sha256(render(documents)).hexdigest()
        if self._written.get(path) == digest:
            return
        self._written.pop(path, None)
        if self._tried(path, partial(self._places.write, path, documents)):
            self._written[path] = digest

    def _remove(self, tree: Tree) -> None:
        gone, self._gone = self._gone, set()
        for path in gone - set(tree.paths()):
            self._written.pop(path, None)
            self._tried(path, partial(self._places.remove, path))

    def _tried(self, path: str, act: Callable[[], object]) -> bool:
        """Whether the disk let it happen; the first refusal for a path is logged."""
        try:
            act()
        except StateError as error:
            if path not in self._unwritten:
                log.error("%s", error)
            self._unwritten[path] = error
            return False
        self._unwritten.pop(path, None)
        return True


def status_documents(
    path: str, tree: Tree, book: Book, limits: Limits, now: datetime, deployment: str
) -> list[dict[str, object]]:
    """One status for each document of a file; jobs that a broken text still holds come with its problems."""
    return [
        rejected(item.name, item.problems)
        if isinstance(item, Declared)
        else document(item, book.of(item.name), phase(item, book.of(item.name), limits, now), deployment)
        for item in jobs_of(path, tree, book)
    ]


def jobs_of(path: str, tree: Tree, book: Book) -> list[Job | Declared]:
    """What each document of a file stands for: a job, or itself while it is none."""
    declared = tree.documents(path)
    held = iter(_held_by(path, declared, book) if any(item.name is None for item in declared) else ())
    found: list[Job | Declared] = []
    for item in declared:
        job = book.jobs.get(item.name or "")
        if job and job.wanted and job.path == path and (job.index == item.index or job.problems):
            found.append(job)
        elif item.name is None and (left := list(held)):
            found += left
        else:
            found.append(item)
    return found


def _note(news: Sequence[News], book: Book, now: datetime) -> None:
    if not news:
        return
    with book.transaction():
        for item in news:
            submission = item.submission.id if item.submission else ""
            book.tell(now, item.standing.reason, item.standing.message, item.job.name, submission)
            book.mark_told(item.job.name, _spelled(item.standing))


def _spelled(standing: Standing) -> str:
    return f"{standing.reason}: {standing.message}"


def _held_by(path: str, declared: Sequence[Declared], book: Book) -> list[Job]:
    """The jobs last accepted from a file that now has a nameless document, and that no other document names."""
    named = {item.name for item in declared}
    held = [job for job in book.jobs.values() if job.path == path and job.wanted and job.name not in named]
    return sorted(held, key=lambda job: job.index)
