"""The manifests that could not be decided when they were read: their scripts are still being examined.

The tree keeps one of these. A file whose examinations are finished is read again, though it did not change.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from controller.model.files import FileRecord
from controller.tree.files import Known


class Undecided:
    """Files with the examinations they wait for; `is_pending` says which of these have no result yet."""

    def __init__(self, is_pending: Callable[[str], bool]) -> None:
        self._is_pending = is_pending
        self._questions: dict[str, set[str]] = {}
        self._seen: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._questions)

    def wait(self, path: str, question: str) -> None:
        self._questions.setdefault(path, set()).add(question)

    def read(self, paths: Iterable[str]) -> None:
        """These files were read, or are gone: what they waited for before no longer counts."""
        for path in paths:
            self._questions.pop(path, None)

    def read_again(self, known: Known) -> dict[str, str]:
        """Have the next scan read every file with all its results; returns the hashes that were read before."""
        again = [path for path, questions in self._questions.items() if not any(map(self._is_pending, questions))]
        found = {path: self._seen.get(path, "") for path in again}
        for path in again:
            if record := known.get(path):
                known.put(replace(record, ctime_ns=0, sha256=""))
        return found

    def note(self, records: Mapping[str, FileRecord]) -> None:
        """Record the hashes of what was read."""
        for path in self._questions.keys() & records.keys():
            self._seen[path] = records[path].sha256
        for path in self._seen.keys() - self._questions.keys():
            del self._seen[path]
