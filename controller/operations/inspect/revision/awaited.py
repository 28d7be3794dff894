"""Waits until the controller has taken in a commit, and then for the jobs that it changed: `shjobs wait --revision`.

It only reads the ledger and git, again and again. A later commit that contains the awaited one will do.
"""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.ledger.reads.observed import jobs_at, observed_revision
from controller.lifecycle.conditions import WaitTarget
from controller.lifecycle.status import timestamp
from controller.model.clock import Clock
from controller.model.errors import UsageError
from controller.model.job_set import set_reference
from controller.operations.inspect.job_states import open_reader
from controller.operations.inspect.wait import Waited, Watch, wait
from controller.settings.settings import Settings
from controller.tree.git.ancestry import contains

LOOK_EVERY = 1.0  # seconds
SHOWN = 10  # digits
_HASH = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The commit that the controller has taken in, which is the awaited one or contains it; `seconds` are left."""

    commit: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """The awaited commit was not taken in in time; `message` says where the controller is."""

    message: str


def hash_in(text: str) -> str:
    """A commit's hash, or at least seven digits of it, in lower case; UsageError for anything else."""
    if not _HASH.fullmatch(text.lower()):
        raise UsageError(f"--revision: {text!r} is no hash of a commit: write all of it, or its first 7 digits or more")
    return text.lower()


def taken_in(settings: Settings, awaited: str, seconds: float) -> Taken | NotTaken:
    """Wait for the commit whose hash begins like this, at most so many seconds."""
    clock, unclear = Clock(), dict[str, bool | None]()
    ends_at = clock.monotonic() + seconds
    while True:
        with open_reader(settings) as store:
            found = observed_revision(store) if store else None
        commit = found[0] if found else ""
        if commit and commit not in unclear:
            unclear[commit] = commit.startswith(awaited) or contains(settings.jobs, commit, awaited)
        left = ends_at - clock.monotonic()
        if unclear.get(commit):
            return Taken(commit=commit, seconds=max(0.0, left))
        if left <= 0:
            return NotTaken(message=_where(found, is_known=unclear.get(commit) is False))
        time.sleep(min(LOOK_EVERY, left))


def jobs_of_commit(settings: Settings, awaited: str) -> list[str]:
    """The jobs that want what they want since this commit, in order; cells of a set as the set."""
    with open_reader(settings) as store:
        found = jobs_at(store, awaited) if store else []
        cells = {job.wanted.cell.set_name for job in found if job.wanted and job.wanted.cell}
        plain = {job.name for job in found if job.wanted and not job.wanted.cell}
    return [*sorted(plain), *sorted(map(set_reference, cells))]


def wait_for_jobs(
    settings: Settings, awaited: str, names: Sequence[str], target: WaitTarget, seconds: float, watch: Watch
) -> Iterator[Waited]:
    """Each of these jobs as soon as its wait ends; one that a later commit removes or changes is waited for no more."""
    clock, left = Clock(), list(names)
    ends_at = clock.monotonic() + seconds
    while left:
        try:
            for each in wait(settings, left, target, max(0.0, ends_at - clock.monotonic()), watch):
                left.remove(each.name)
                yield each
        except UsageError:
            still = jobs_of_commit(settings, awaited)
            if not set(left) - set(still):
                raise
            left = [name for name in left if name in still]


def _where(found: tuple[str, datetime] | None, *, is_known: bool) -> str:
    if found is None:
        return "no commit was taken in: a controller must run, and the jobs folder be in a git repository"
    where = f"the controller is at {found[0][:SHOWN]} since {timestamp(found[1])}"
    return f"{where}, which does not contain it" if is_known else f"{where}; git cannot tell here if that contains it"
