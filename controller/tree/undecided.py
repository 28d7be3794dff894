"""The manifests that could not be decided when they were read: their scripts are still being examined.

The tree keeps one of these. A file whose examinations are finished is read again, though it did not change; and so is,
after a while, one whose script the engine died of, perhaps for want of memory, and, on that day, one with a time range
that was still to begin or to end. These count as decided.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from controller.model.files import FileRecord
from controller.tree.files import Known

AGAIN = timedelta(seconds=60)
"""After an engine died, until the file is read again: no less than its answer is kept (`examination.PASSING`)."""


class Undecided:
    """Files with the examinations they wait for; `is_pending` says which of these have no result yet.

    `keep_pending` receives all that are waited for: the others may be dropped.
    """

    def __init__(
        self, is_pending: Callable[[str], bool], keep_pending: Callable[[Set[str]], None] = lambda _questions: None
    ) -> None:
        self._is_pending, self._keep_pending = is_pending, keep_pending
        self._questions: dict[str, set[str]] = {}
        self._seen: dict[str, str] = {}
        self._passing: dict[str, datetime] = {}  # until when what was found is taken for true
        self._dated: dict[str, datetime] = {}  # the same, for the date; the text read last may be another
        self.next_day: datetime | None = None
        """When the first file with a date is read again; None: there is none."""
        self._now = datetime.min.replace(tzinfo=UTC)

    def __len__(self) -> int:
        return len(self._questions)

    def wait(self, path: str, question: str) -> None:
        self._questions.setdefault(path, set()).add(question)

    def doubt(self, path: str) -> None:
        """What was found may pass (the engine died of its script, or shjobs failed): it is read again after a while."""
        self._passing[path] = self._now + AGAIN

    def date(self, path: str, until: date) -> None:
        """What was found holds until this day, in UTC: the file is read again then."""
        begins = datetime.combine(until, time(), UTC)
        self._dated[path] = min(begins, self._dated.get(path, begins))
        self.next_day = min(begins, self.next_day or begins)

    def read(self, paths: Iterable[str]) -> None:
        """These files were read, or are gone: what they waited for before no longer counts."""
        for path in paths:
            self._questions.pop(path, None)
            self._passing.pop(path, None)

    def read_again(self, known: Known, now: datetime) -> dict[str, str]:
        """Have the next scan read every file with all its results; returns the hashes that were read before."""
        self._now = now
        again = [path for path, questions in self._questions.items() if not any(map(self._is_pending, questions))]
        again += [path for path, until in self._passing.items() if until <= now]
        again += self._on_their_day(now)
        found = {path: self._seen.get(path, "") for path in again}
        for path in again:
            if record := known.get(path):
                found[path] = found[path] or record.sha256
                known.put(replace(record, ctime_ns=0, sha256=""))
        return found

    def _on_their_day(self, now: datetime) -> list[str]:
        """The files with a date that has come, which they have no more."""
        if self.next_day is None or self.next_day > now:
            return []
        again = [path for path, until in self._dated.items() if until <= now]
        for path in again:
            del self._dated[path]
        self.next_day = min(self._dated.values(), default=None)
        return again

    def note(self, records: Mapping[str, FileRecord]) -> None:
        """Record the hashes of what was read; the tree was read to its end."""
        self._keep_pending(frozenset().union(*self._questions.values()))
        open_ones = self._questions.keys() | self._passing.keys()
        for path in open_ones & records.keys():
            self._seen[path] = records[path].sha256
        for path in self._seen.keys() - open_ones:
            del self._seen[path]
