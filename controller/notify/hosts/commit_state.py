"""What the status of a commit says, and whether the host is sent it now. Pure.

A commit is pending while something of it is unfinished, then a success or a failure. What was final stays so while jobs
only leave it for a later commit.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from controller.model.notices.commit import CommitCounts, SentStatus
from controller.model.reasons import Phase, Reason
from controller.notify.retries import is_put_off

LONGEST_PAUSE = timedelta(hours=1)
"""Pauses after failures begin with five seconds and double."""
EVERY = timedelta(seconds=60)
"""A commit is sent nothing more often than this."""
MOST_SENT = 900
"""GitHub takes a thousand statuses of one commit and context: so much for what is only progress."""
SLOWER = 10
"""After so many of them the progress of a commit is sent half as often, after twice as many a third as often."""


class CommitState(StrEnum):
    """The state of a commit; hosts without `RUNNING` show it as pending."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"

    @property
    def is_final(self) -> bool:
        return self in (CommitState.SUCCESS, CommitState.FAILURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """What a commit's status says, and of how many jobs; `unfinished` are those that have not ended."""

    state: CommitState
    description: str
    jobs: int
    unfinished: int = 0


_ENDED_BADLY = frozenset({Phase.FAILED, Phase.UNKNOWN, Phase.INVALID})
_UNDER_WAY = frozenset({Phase.SUBMITTING, Phase.UNCONFIRMED, Phase.RUNNING, Phase.VERIFYING})


def status_of(counts: CommitCounts) -> CommitStatus:
    """The status of a commit whose jobs are these."""
    if not counts.jobs:
        return _without_jobs(counts)
    phases: Counter[Phase | None] = Counter()
    for word, number in counts.reasons.items():
        phases[_phase(word)] += number
    on_hold = counts.reasons.get(Reason.ON_HOLD, 0)
    bad = sum(number for phase, number in phases.items() if phase in _ENDED_BADLY)
    unfinished = counts.jobs - phases[Phase.SUCCEEDED] - bad - on_hold
    if unfinished or not counts.is_whole:
        is_running = any(phases[phase] for phase in _UNDER_WAY)
        state = CommitState.RUNNING if is_running or phases[Phase.SUCCEEDED] else CommitState.PENDING
    else:
        state = CommitState.FAILURE if bad or counts.rejected else CommitState.SUCCESS
    words = _description(counts, phases)
    return CommitStatus(state=state, description=words, jobs=counts.jobs, unfinished=unfinished)


def _without_jobs(counts: CommitCounts) -> CommitStatus:
    if counts.rejected:
        return CommitStatus(state=CommitState.FAILURE, description=_rejected(counts.rejected), jobs=0)
    is_newest = counts.newest in ("", counts.revision)
    words = "nothing new to deliver" if is_newest else f"replaced by {counts.newest[:7]}"
    return CommitStatus(state=CommitState.SUCCESS, description=words, jobs=0)


def _phase(word: str) -> Phase | None:
    """None: not reported yet, or a reason of another version."""
    return Reason(word).phase if word in Reason.__members__.values() else None


def _description(counts: CommitCounts, phases: Mapping[Phase | None, int]) -> str:
    """`38 of 40 delivered, 1 failed, 310 PU`; what an operator has to type comes before the amount."""
    parts = [f"{phases[Phase.SUCCEEDED]:,} of {counts.jobs:,} delivered"]
    named = ((Phase.FAILED, "failed"), (Phase.UNKNOWN, "unknown"), (Phase.INVALID, "rejected"))
    parts += [f"{phases[phase]:,} {word}" for phase, word in named if phases[phase]]
    parts += _waiting(counts.reasons, counts.command)
    parts += [_rejected(counts.rejected)] if counts.rejected else []
    return ", ".join([*parts, f"{_amount(counts.spent)} PU"])


def _waiting(reasons: Mapping[str, int], command: str) -> list[str]:
    """What is held, and what else waits for an operator."""
    held = {word: number for word, number in reasons.items() if _waits(word)}
    found = [f"{on_hold:,} on hold"] if (on_hold := reasons.get(Reason.ON_HOLD, 0)) else []
    if not held:
        return found
    number = sum(held.values())
    if command:
        return [*found, f"{number:,} {'waits' if number == 1 else 'wait'} for a yes: {command}"]
    return [*found, f"{number:,} held ({', '.join(sorted(held))})"]


def _waits(word: str) -> bool:
    is_held = _phase(word) is Phase.HELD and word != Reason.ON_HOLD
    return is_held or word == Reason.NEEDS_PERSON


def _rejected(number: int) -> str:
    return f"{number:,} {'file' if number == 1 else 'files'} cannot be accepted"


def _amount(units: float) -> str:
    return f"{units:,.0f}" if units >= 10 or units == int(units) else f"{units:.2f}".rstrip("0").rstrip(".")


def without_departed(sent: SentStatus, status: CommitStatus) -> SentStatus:
    """What was sent, of no more jobs than the commit still has, so that what becomes of these is compared with it.

    Not when the status may have changed only because jobs left: a failure of which what is left succeeded.
    """
    if not sent.state or not CommitState(sent.state).is_final or status.jobs >= sent.jobs:
        return sent
    has_changed = status.unfinished or status.state is CommitState.FAILURE  # no job that leaves makes it so
    return replace(sent, jobs=status.jobs) if has_changed or status.state == sent.state else sent


def send_at(status: CommitStatus, sent: SentStatus, now: datetime, *, shows_progress: bool) -> datetime | None:
    """When the host is to be sent the status: `now` at the earliest; None: not as long as it does not change.

    `shows_progress`: the host takes another description for a state that it has.
    """
    if not _is_news(status, sent, shows_progress=shows_progress):
        return None
    pause = EVERY
    if sent.state in (CommitState.PENDING, CommitState.RUNNING) and not status.state.is_final:
        if sent.times >= MOST_SENT:
            return None
        pause = EVERY * (1 + sent.times // SLOWER)
    earliest = [now]
    if sent.sent_at:
        earliest.append(min(sent.sent_at, now) + pause)  # the clock may have been ahead
    if sent.next_at and is_put_off(sent.next_at, now, LONGEST_PAUSE):
        earliest.append(sent.next_at)
    return max(earliest)


def _is_news(status: CommitStatus, sent: SentStatus, *, shows_progress: bool) -> bool:
    if not sent.state:
        return True
    before = CommitState(sent.state)
    if before.is_final:
        # Fewer jobs than then: some want something else now, which is no news of this commit. The same words of more
        # jobs: those that had left it are back.
        if status.state is before:
            return status.jobs > sent.jobs and status.description != sent.description
        return status.jobs >= sent.jobs
    if status.state.is_final:
        return True
    if shows_progress:
        return status.description != sent.description
    return status.state is CommitState.RUNNING and before is CommitState.PENDING
