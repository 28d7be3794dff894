"""What became due and is not ruled on yet. That all of it is listed is known without a walk over it."""

from collections.abc import Collection

from controller.limits.guard import Due


class NewlyDue:
    """By the name of the job."""

    def __init__(self) -> None:
        self._due: dict[str, Due] = {}
        self._unlisted: set[str] = set()

    def __len__(self) -> int:
        return len(self._due)

    @property
    def is_listed(self) -> bool:
        """Whether the bucket of each was listed."""
        return not self._unlisted

    def put(self, name: str, due: Due) -> None:
        """This job became due."""
        self._due[name] = due
        (self._unlisted.discard if due.is_listed else self._unlisted.add)(name)

    def drop(self, name: str) -> None:
        """It is due no more, or is ruled on."""
        self._due.pop(name, None)
        self._unlisted.discard(name)

    def values(self) -> Collection[Due]:
        """Each of them, in the order in which they became due."""
        return self._due.values()

    def take_all(self) -> dict[str, Due]:
        """All of them, which are ruled on now."""
        found, self._due = self._due, {}
        self._unlisted.clear()
        return found
