"""The part of the court that judges the money of sets: trial, yes, limit of a window, and the freedom of ordinary jobs.

It asks the manifests that a machine is shown, the model's deliveries, and what an operator said yes to; never a ruling.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from controller.model.reasons import Reason
from controller.model.submission import Submission
from controller.reconcile.reports.changes import StatusChange
from controller.settings.file import Policy
from tests.proofs.drafts import UPPER, Draft, digest_of
from tests.proofs.shelf import Shelf
from tests.proofs.world import Agreed, Disk, Machine, PromiseError

ACCEPT = re.compile("shjobs accept ([0-9a-f]{12})")
OF_SETS = frozenset({Reason.TRIAL, Reason.WINDOW_LIMIT})
HELD = {
    Reason.TRIAL: "times_held_for_a_trial",
    Reason.WINDOW_LIMIT: "times_held_for_a_window",
    Reason.LARGE_CHANGE: "times_held_for_a_yes",
}


class SetCourt:
    """Judges what is paid for, and what is reported, of the cells of sets, and that the others are not held by them."""

    def __init__(self, figures: Counter[str]) -> None:
        self._figures = figures
        self.offered: defaultdict[int, list[tuple[str, Agreed]]] = defaultdict(list)
        """What each ledger asked a yes for, oldest first, by the hash that an operator types."""

    def said_yes(self, disk: Disk, label: str) -> None:
        """A person accepts this hash."""
        disk.agreed |= {agreed for offered, agreed in self.offered[id(disk)] if offered == label}

    def decided(self, machine: Machine, row: Submission) -> None:
        """Judge a submission that is about to be paid for, by this machine's clock: with a wrong one it is not sent."""
        whole = _set_of(machine, row.job)
        if whole is None:
            if is_cell(machine, row.job):
                raise PromiseError(f"{row.id} of {row.job} is to be paid for, but no set declares it")
            return
        self._figures["decided_for_cells"] += 1
        due = whole.jobs(machine.now)
        cell = next((each for each in due if each.job == row.job), None)
        if cell is None or whole.is_broken:
            raise PromiseError(f"{row.id} of {row.job} is to be paid for, but its set is broken, or it is not due")
        self._figures["decided_for_later_windows"] += bool(cell.cell and cell.cell.window != "w0")
        self._within_window(whole, cell, due)
        self._agreed(machine, whole, cell, due, row)

    def reported(self, machine: Machine, news: StatusChange, has_delivered: Callable[[str], bool] | None) -> None:
        """Judge what is reported; `has_delivered` None: somebody wrote what looks like a delivery."""
        reason, name = news.job_state.reason, news.job.name
        hashes = ACCEPT.findall(news.job_state.message) if reason is Reason.LARGE_CHANGE else []
        whole = _set_of(machine, name)
        if news.job.wanted is None or news.job.wanted.cell is None:
            self._not_held(machine, name, reason, hashes)
        elif reason in HELD and whole is not None and whole.cells is not None:
            self._figures[HELD[reason]] += 1
            due = whole.jobs(machine.now)
            if reason is Reason.LARGE_CHANGE and _needs_yes(machine, whole, name, due):
                if has_delivered and not _is_agreed_with_end(machine.disk, whole):
                    _tried(machine, whole, due, has_delivered)
                self.offered[id(machine.disk)] += [(label, _kind_of(whole)) for label in hashes]

    def is_free(self, machine: Machine, row: Submission) -> bool:
        """Whether this is about to be paid for by a cell that needs no yes, or whose set has it."""
        whole = _set_of(machine, row.job)
        return whole is not None and not _is_without_yes(machine, whole, row, whole.jobs(machine.now))

    def _not_held(self, machine: Machine, name: str, reason: Reason, hashes: Sequence[str]) -> None:
        of_sets = {label for label, _ in self.offered[id(machine.disk)]}
        is_free = machine.loop.limits().policy.large_change_jobs >= Policy().large_change_jobs
        is_held = reason is Reason.LARGE_CHANGE and (is_free or not of_sets.isdisjoint(hashes))
        if reason in OF_SETS or is_held:
            raise PromiseError(f"{name} belongs to no set, but is held by one: {reason}")

    def _within_window(self, whole: Draft, cell: Draft, due: Sequence[Draft]) -> None:
        assert whole.cells is not None and cell.cell is not None, "it is a set"
        most = whole.cells.rules.per_window
        needed = sum(UPPER[each.text] for each in due if each.cell and each.cell.window == cell.cell.window)
        if most is not None and needed > most:
            raise PromiseError(f"{cell.job} is to be paid for, but its window needs {needed} of {most} PU")

    def _agreed(self, machine: Machine, whole: Draft, cell: Draft, due: Sequence[Draft], row: Submission) -> None:
        assert whole.cells is not None, "it is a set"
        if _is_without_yes(machine, whole, row, due):
            raise PromiseError(f"{cell.job} is to be paid for, but nobody said yes to {whole.cells.rules}")
        kind = "decided_after_a_yes" if _has_yes(machine.disk, whole) else "decided_for_trials"
        self._figures[kind] += bool(whole.cells.rules.trial or whole.cells.rules.is_endless)


def _set_of(machine: Machine, name: str) -> Draft | None:
    """The set that declares this job where the ledger has it; None: none does."""
    job = machine.ledger.jobs.get(name)
    if not isinstance(machine.shelf, Shelf) or job is None:
        return None
    drafts = machine.shelf.shown.get(job.path, ())
    found = drafts[job.index] if job.index < len(drafts) else None
    return found if found and found.cells and any(each.job == name for each in found.jobs()) else None


def is_cell(machine: Machine, name: str) -> bool:
    """Whether this job is a cell of a set, as far as the ledger knows."""
    job = machine.ledger.jobs[name]
    return job.wanted is not None and job.wanted.cell is not None


def is_held_by_set(machine: Machine, name: str, reason: Reason) -> bool:
    """Whether this job is a cell that only its set holds."""
    whole = _set_of(machine, name)
    if whole is None:
        return False
    asks = reason is Reason.LARGE_CHANGE and _needs_yes(machine, whole, name, whole.jobs(machine.now))
    return reason in OF_SETS or asks


def _kind_of(whole: Draft) -> Agreed:
    assert whole.cells is not None, "it is a set"
    return whole.job, whole.cells.recipe, whole.cells.rules.is_endless


def _has_yes(disk: Disk, whole: Draft) -> bool:
    """A yes to a set without an end is one to the same set with an end."""
    name, recipe, is_endless = _kind_of(whole)
    return (name, recipe, True) in disk.agreed or (not is_endless and (name, recipe, False) in disk.agreed)


def _is_agreed_with_end(disk: Disk, whole: Draft) -> bool:
    """Whether someone agreed to it when it had an end: its trial is over then, and a yes is asked for at once."""
    name, recipe, _ = _kind_of(whole)
    return (name, recipe, False) in disk.agreed


def _firsts(machine: Machine, whole: Draft, due: Sequence[Draft], row: Submission | None = None) -> list[list[str]]:
    """The cells of the trial: those that have a run, besides this one that is not paid for yet, before the others.

    Another name may have paid for a request only in this turn, so both are right: with and without such runs.
    """
    assert whole.cells is not None, "it is a set"
    own_cells = [each for each in due if not _is_elsewhere(machine, whole, each.job)]
    orders = [sorted(own_cells, key=lambda each: not _has_run(machine, each, row, own)) for own in (True, False)]
    return [[each.job for each in order[: whole.cells.rules.trial or 0]] for order in orders]


def _is_elsewhere(machine: Machine, whole: Draft, name: str) -> bool:
    """Whether another document has this cell's name, or may have it: one that was its own and is broken now."""
    return name in machine.ledger.jobs and _set_of(machine, name) != whole


def _has_run(machine: Machine, draft: Draft, row: Submission | None, own: bool) -> bool:
    runs = machine.ledger.peers.runs(digest_of(draft.text))
    others = [each for each in runs if row is None or each.number != row.number]
    return any(
        (each.job == draft.job or not own) and not each.is_refused and each.rerun >= draft.rerun for each in others
    )


def _needs_yes(machine: Machine, whole: Draft, name: str, due: Sequence[Draft]) -> bool:
    """Whether it may be held for a yes."""
    return _asks(machine, whole) and not all(name in first for first in _firsts(machine, whole, due))


def _is_without_yes(machine: Machine, whole: Draft, row: Submission, due: Sequence[Draft]) -> bool:
    """Whether it must not be paid for before a yes."""
    return _asks(machine, whole) and not any(row.job in first for first in _firsts(machine, whole, due, row))


def _asks(machine: Machine, whole: Draft) -> bool:
    assert whole.cells is not None, "it is a set"
    return bool(whole.cells.rules.trial or whole.cells.rules.is_endless) and not _has_yes(machine.disk, whole)


def _tried(machine: Machine, whole: Draft, due: Sequence[Draft], has_delivered: Callable[[str], bool]) -> None:
    """A yes is only asked for once as many cells were delivered as the trial has."""
    delivered = sum(has_delivered(digest_of(each.text)) for each in due)
    if delivered < len(_firsts(machine, whole, due)[0]):
        raise PromiseError(f"a yes to {whole.job} is asked for before its trial succeeded")
