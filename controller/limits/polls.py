"""How soon a running request is polled again: by its age, and more slowly when many run.

Pure. The ledger counts what runs; `transitions` asks when an answer is recorded, and the time of the next poll is then
in the row. A request that is polled late is only noticed late, while a submission that waits for the rate limit keeps
a slot empty: so polls have a share of the rate, and no more.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.model.submission import Answer, Submission
from controller.model.timing import Timing

POLL_SHARE = 0.5
"""The share of `requestsPerMinute` that the polls of running requests use at most, all together.

The rest is for submissions and for what each of them brings with it: a poll that finds it gone, and one that confirms
it. Half leaves room for as many new runs a minute as can be followed to their end.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollLoad:
    """How many requests run, how many of these are `young`, and how many calls a minute the service allows.

    A request is young until its age alone would have it polled at the longest interval.
    """

    running: int = 0
    young: int = 0
    per_minute: int = 1

    def spacing(self, timing: Timing) -> float:
        """The least seconds between two polls of one request with which all of them stay within their share.

        The old ones are polled at the longest interval, and the young ones share what these leave. When that is not
        enough for all, all are polled equally often.
        """
        allowed = POLL_SHARE * self.per_minute / 60
        equal = self.running / allowed
        if equal >= timing.poll_longest:
            return equal
        return self.young / (allowed - (self.running - self.young) / timing.poll_longest)


def poll_interval(age: float, load: PollLoad, timing: Timing) -> float:
    """Seconds until the next poll of a request that is `age` seconds old, without jitter."""
    by_age = min(timing.poll_longest, max(timing.poll_first, timing.poll_growth * age))
    return max(by_age, load.spacing(timing))


class Followed:
    """The submissions that are followed: those that run, in the order in which they began, and all with a next check.

    Counted as they change, so that no turn walks over the others.
    """

    def __init__(self) -> None:
        self._checked: set[int] = set()
        self._open: dict[int, str] = {}
        self._began: dict[int, datetime] = {}
        self._order: list[tuple[datetime, int]] = []

    @property
    def running(self) -> int:
        """How many run, or are about to: so many of the account's slots are in use by us."""
        return len(self._began)

    @property
    def is_waiting(self) -> bool:
        """Whether any submission has a next check due, and may be given up then."""
        return bool(self._checked)

    def open_jobs(self) -> Iterable[str]:
        """The jobs with a submission whose outcome is awaited, of those that are, or may be, accepted by now."""
        return self._open.values()

    def put(self, submission: Submission) -> None:
        """A submission as it is now."""
        if submission.outcome is None and submission.answer in (None, Answer.ACCEPTED):
            self._open[submission.number] = submission.job
        else:
            self._open.pop(submission.number, None)
        number, began = submission.number, self._began.get(submission.number)
        (self._checked.discard if submission.look_at is None else self._checked.add)(number)
        if submission.is_running and began is None:
            self._began[number] = submission.intended_at
            insort(self._order, (submission.intended_at, number))
        elif not submission.is_running and began is not None:
            del self._began[number]
            del self._order[bisect_right(self._order, (began, number)) - 1]

    def load(self, per_minute: int, now: datetime, timing: Timing) -> PollLoad:
        """What their polls ask of the service now."""
        grown = now - timedelta(seconds=timing.poll_longest / timing.poll_growth)
        old = bisect_right(self._order, grown, key=lambda each: each[0])
        return PollLoad(running=self.running, young=self.running - old, per_minute=per_minute)
