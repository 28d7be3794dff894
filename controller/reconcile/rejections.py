"""What is in the tree and has no effect, as the last scan found it: a change of it is logged and recorded once.

The loop passes every scan. What was recorded is kept in the ledger, so that a restart adds no event; it is logged anew,
since a new log should say what is wrong now.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.ledger.ledger import Ledger
from controller.ledger.reads.rejected import STAYS_IN_FORCE
from controller.lifecycle.status import rejected_status
from controller.model.errors import DEFECT, Problem
from controller.model.job import Job
from controller.model.job_set import set_reference
from controller.model.reasons import EXAMINING, Reason
from controller.reconcile.reports.announcer import Announcer
from controller.reconcile.reports.documents import jobs_of
from controller.reconcile.sets.set_documents import cells_of
from controller.tree.change import Change
from controller.tree.declared.ownership import Declared
from controller.tree.tree import Tree


class RejectionKind(StrEnum):
    """Why something in the tree has no effect, for metrics: few words, whatever the codes."""

    MANIFEST = "Manifest"
    EVALSCRIPT = "Evalscript"
    UNREADABLE = "Unreadable"
    NAME_CONFLICT = "NameConflict"
    TOO_MANY = "TooMany"


_KINDS = {
    **dict.fromkeys(("E113", "E190", "E192", "E193", "E196", DEFECT), RejectionKind.UNREADABLE),
    **dict.fromkeys(("E191", "E194"), RejectionKind.NAME_CONFLICT),
    "E195": RejectionKind.TOO_MANY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A document that is not accepted, or a folder or list that cannot be read.

    `job` is its name, as far as known, `set/NAME` that of a set; `is_job`: an earlier form was accepted, and stays in
    force.
    `problems` is empty for one that is accepted again.
    """

    path: str
    job: str = ""
    problems: tuple[Problem, ...] = ()
    is_job: bool = False

    @property
    def kind(self) -> RejectionKind:
        code = self.problems[0].code
        return _KINDS.get(code) or (RejectionKind.EVALSCRIPT if code[:2] == "E3" else RejectionKind.MANIFEST)

    @property
    def message(self) -> str:
        """The first problem, the number of the others, and what it means for the job."""
        if not self.problems:
            return f"{_visible(self.path)}: accepted again"
        first, *more = self.problems
        others = f"and {len(more):,} more" if more else ""
        outcome = STAYS_IN_FORCE if self.is_job else ""
        return "; ".join(filter(None, (_visible(str(first)), others, outcome)))


Report = Callable[[Sequence[Rejected]], None]
"""Receives what one scan found newly rejected, or accepted again."""


class Rejections:
    """Everything that is rejected now, by path."""

    def __init__(self, report: Report = lambda _rejected: None) -> None:
        self._report = report
        self._found: dict[str, tuple[Rejected, ...]] = {}
        self._elsewhere: frozenset[str] = frozenset()
        self._recorded: dict[str, str] | None = None  # by path, as the ledger has it

    def __iter__(self) -> Iterator[Rejected]:
        return (item for items in self._found.values() for item in items)

    def kinds(self) -> Mapping[RejectionKind, int]:
        """How many there are of each kind."""
        return Counter(item.kind for item in self)

    def without_job(self) -> int:
        """How many belong to no job: the jobs among them have a phase of their own."""
        return sum(not item.is_job for item in self)

    def sentence(self) -> str:
        """One line about all of them; "" without any."""
        found = [*self]
        more = f" (and {len(found) - 1:,} more without effect)" if len(found) > 1 else ""
        return f"{found[0].message}{more}" if found else ""

    def documents(self) -> dict[str, list[dict[str, object]]]:
        """The status of what belongs to no manifest file, by path."""
        return {path: [rejected_status(None, self._found[path][0].problems)] for path in sorted(self._elsewhere)}

    def take_in(
        self, change: Change, tree: Tree, ledger: Ledger, now: datetime, announcer: Announcer | None = None
    ) -> None:  # fmt: skip
        """Compare a scan with the one before; report, and record in the ledger, what differs."""
        elsewhere = {each.path or ".": each for each in change.problems if not each.is_warning}
        touched = {*change.paths, *change.gone, *self._elsewhere, *elsewhere}
        before = {path: self._found[path] for path in touched & self._found.keys()}
        for path in {*change.paths, *change.gone}:
            items = [*jobs_of(path, tree, ledger)]
            if not any(map(_is_undecided, items)):
                self._put(path, _rejected(path, items, tree, ledger))
        for path in self._elsewhere - elsewhere.keys():
            self._put(path, ())
        for path, problem in elsewhere.items():
            self._put(path, [Rejected(path=path, problems=(problem,))])
        self._elsewhere = frozenset(elsewhere)
        differing = {path for path in touched if before.get(path) != self._found.get(path)}
        if changes := [*self._changes(sorted(differing - self._elsewhere), before, tree)]:
            self._report(changes)  # the loop warns of what belongs to no manifest
        if differing or change.paths or change.gone or self._recorded is None:
            self._record(touched, tree, ledger, now, announcer or Announcer())

    def _put(self, path: str, items: Iterable[Rejected]) -> None:
        self._found.pop(path, None)
        if found := tuple(items):
            self._found[path] = found

    def _changes(
        self, paths: Iterable[str], before: Mapping[str, Sequence[Rejected]], tree: Tree
    ) -> Iterator[Rejected]:  # fmt: skip
        for path in paths:
            earlier, now = before.get(path, ()), self._found.get(path, ())
            yield from (item for item in now if item not in earlier)
            if not now and path in tree.paths():
                yield Rejected(path=path, job=earlier[0].job if len(earlier) == 1 else "")

    def _record(
        self, touched: Set[str], tree: Tree, ledger: Ledger, now: datetime, announcer: Announcer
    ) -> None:  # fmt: skip
        """Add events for what the ledger does not have yet, and the status of what has no status file."""
        if self._recorded is None:  # the first scan of this process
            self._recorded = ledger.rejections()
            touched = self._recorded.keys() | self._found.keys()
        known = self._recorded
        for path in sorted((touched & known.keys()) - self._found.keys()):
            if _is_waiting(path, tree):
                continue
            if path in tree.paths():
                ledger.add_event(now, "Accepted", Rejected(path=path).message)
            else:
                ledger.keep_statuses({}, [path])
            ledger.note_rejection(path, "")
            del known[path]
        for path in sorted(touched & self._found.keys()):
            items = self._found[path]
            lines = [f"{item.job}: {item.message}" for item in items]
            text, earlier = "\n".join(lines), known.get(path, "")
            if text == earlier:
                continue
            for item, line in zip(items, lines, strict=True):
                if line not in earlier.split("\n"):
                    ledger.add_event(now, Reason.REJECTED, item.message, item.job)
                    announcer.note_rejection(path, item.job, item.message, now)
            known[path] = text
            ledger.note_rejection(path, text)
            if path in self._elsewhere:
                ledger.keep_statuses({path: json.dumps(self.documents()[path], ensure_ascii=False)}, ())


def _visible(text: str) -> str:
    """Foreign text on one line of a log or a page: a file may have any name."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _is_waiting(path: str, tree: Tree) -> bool:
    """Whether it is not known yet what a file declares."""
    return any(map(_is_undecided, tree.documents(path)))


def _rejected(path: str, items: Iterable[Job | Declared], tree: Tree, ledger: Ledger) -> Iterator[Rejected]:
    for item in (each for each in items if each.problems):
        if isinstance(item, Declared) and item.is_set:
            is_known = item.set_name not in tree.sets and bool(cells_of(item.set_name, tree, ledger))
            yield Rejected(path=path, job=set_reference(item.set_name), problems=item.problems, is_job=is_known)
        else:
            yield Rejected(path=path, job=item.name or "", problems=item.problems, is_job=isinstance(item, Job))


def _is_undecided(item: Job | Declared) -> bool:
    """Whether its script is still being examined: what was known of it before counts until then."""
    return any(each.code == EXAMINING for each in item.problems)
