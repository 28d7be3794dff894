"""The newest answers of the service, back to the last one it decided about: what came before says nothing to the gate.

Kept by the ledger, one submission after the other, and read before each turn decides.
"""

from datetime import datetime, timedelta

from controller.limits.gate import is_decisive
from controller.model.skew import TOLERANCE
from controller.model.submission import Submission


class Trail:
    """The submissions without an answer, the last decisive one, and those answered since."""

    def __init__(self) -> None:
        self._unanswered: dict[int, Submission] = {}
        self._since: dict[int, Submission] = {}
        self._decisive: Submission | None = None

    def keep(self, submission: Submission) -> None:
        """A submission as it is now."""
        self._unanswered.pop(submission.number, None)
        self._since.pop(submission.number, None)
        if submission.answer is None:
            self._unanswered[submission.number] = submission
        elif self._decisive and answered_at(submission) < answered_at(self._decisive):
            return
        elif is_decisive(submission):
            self._decisive, since = submission, answered_at(submission)
            self._since = {number: item for number, item in self._since.items() if answered_at(item) >= since}
        else:
            self._since[submission.number] = submission

    def newest(self, now: datetime) -> list[Submission]:
        """The latest submissions, newest answer first.

        Answers that a wrong clock dated later than `now` do not count.
        """
        end = now + timedelta(seconds=TOLERANCE)
        known = [*self._since.values(), *([self._decisive] if self._decisive else [])]
        found = [*self._unanswered.values(), *(item for item in known if answered_at(item) <= end)]
        return sorted(found, key=lambda item: (answered_at(item), not is_decisive(item)), reverse=True)


def answered_at(submission: Submission) -> datetime:
    """When it was answered; without an answer, the time of its intent."""
    return submission.answered_at or submission.intended_at
