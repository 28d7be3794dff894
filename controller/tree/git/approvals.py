"""The approvals of the tree, and which of them count: those whose file is in the commit that is checked out.

The tree keeps one of these. An approval is a commit: a file that only lies there was reviewed by no one, and names
neither commit nor author.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from controller.manifest.approval import Approval

if TYPE_CHECKING:
    from controller.tree.git.info import Checkout

UNCOMMITTED = "it counts once it is committed to git as it is now"
NO_ANSWER = "git cannot be asked whether it is committed: `shjobs doctor` says what is missing"
MOST_HASHES_HELD = 10_000
"""In one tree; further ones are ignored and reported."""


class Approvals:
    """Approvals by file; `checkout` looks at git."""

    def __init__(self, checkout: "Callable[[], Checkout | None]") -> None:
        self._checkout = checkout
        self._found: dict[str, tuple[Approval, ...]] = {}
        self._committed: dict[str, bool] = {}
        self._commit = ""
        self.is_answered = True
        """Whether git could say, when it was last asked, what is committed."""

    def take(self, path: str, found: Iterable[Approval]) -> None:
        """A file was read, or is gone: these are all its approvals."""
        self._committed.pop(path, None)
        self._found.pop(path, None)
        if kept := tuple(found):
            self._found[path] = kept

    def paths(self) -> frozenset[str]:
        """The files that hold an approval."""
        return frozenset(self._found)

    def named(self) -> list[tuple[str, str]]:
        """Every hash with its file, whether it counts or not."""
        return [(each.path, label) for each in self._all() for label in each.hashes]

    def look(self, commit: str) -> None:
        """Look at git for every file not yet known to be in this commit, the one that is checked out.

        What git cannot say now is looked at again at the next call.
        """
        if commit != self._commit:
            self._commit, self._committed = commit, {}
        open_paths = [path for path in self._found if not self._committed.get(path)]
        checkout = self._checkout() if open_paths else None
        self.is_answered = checkout is None or checkout.held is not None
        differing = checkout.differing(open_paths) if checkout else set(open_paths)
        self._committed.update((path, path not in differing) for path in open_paths)

    def counting(self) -> Mapping[str, Approval]:
        """By hash, the approvals that count."""
        counted: dict[str, Approval] = {}
        for each in self._all():
            if self._committed.get(each.path):
                for label in each.hashes[: MOST_HASHES_HELD - len(counted)]:
                    counted.setdefault(label, each)
        return counted

    def problems(self) -> tuple[str, ...]:
        """One sentence for each file whose approvals do not count."""
        waiting = [path for path in sorted(self._found) if not self._committed.get(path)]
        why = UNCOMMITTED if self.is_answered else NO_ANSWER
        sentences = [f"{path}: approves nothing: {why}" for path in waiting]
        if sum(len(each.hashes) for each in self._all()) > MOST_HASHES_HELD:
            sentences.append(f"the approvals name more than {MOST_HASHES_HELD} hashes: remove those that are used up")
        return tuple(sentences)

    def _all(self) -> Iterable[Approval]:
        return (each for path in sorted(self._found) for each in self._found[path])
