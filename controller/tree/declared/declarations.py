"""What the files of the tree declare: every document by file and, the cells of sets among them, by name.

The tree keeps one of these; `ownership` settles which document declares which job.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from controller.model.errors import Problem
from controller.model.job import Wanted
from controller.tree.declared.ownership import Declared, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What a document wants, and the body of its request as JSON."""

    wanted: Wanted
    body: Callable[[], str]


SCRIPT = "evalscript"
MOST_DOCUMENTS = 200_000
"""Per tree: about 1 GiB of memory."""


class Declarations:
    """`files` are the documents of each file, a set as one; `claimants` everything that declares a job, by its name."""

    def __init__(self) -> None:
        self.files: dict[str, list[Declared]] = {}
        self.claimants: dict[str, list[Declared]] = {}
        self._cells: dict[str, Sequence[Declared]] = {}
        self._count = 0

    def __len__(self) -> int:
        """How many documents and cells there are."""
        return self._count

    def paths(self) -> Collection[str]:
        """Every manifest file."""
        return self.files.keys()

    def has_cells(self, path: str) -> bool:
        """Whether a file declares cells: one that would be too much declares none."""
        return path in self._cells

    def all_of(self, path: str) -> Iterable[Declared]:
        """Every document of a file, and the cells of its sets."""
        yield from self.files.get(path, ())
        yield from self._cells.get(path, ())

    def replace(
        self, path: str, documents: Iterable[Declared], cells: Sequence[Declared] = (), new: Collection[Key] = ()
    ) -> set[str]:
        """Replace what a file declared; returns every name concerned. Of the cells those that differ, or are `new`.

        Once the tree holds as much as one controller can keep in memory, a file declares nothing.
        """
        before = [*self.files.pop(path, ()), *self._cells.pop(path, ())]
        self._count -= len(before)
        known = {item.name: item for item in before if item.set_name and item.name}
        names = {item.name for item in before if item.name and not item.set_name}
        after = list(documents)
        if self._count + len(after) + len(cells) > MOST_DOCUMENTS:
            after, cells = [_too_many(path)], ()
        self._count += len(after) + len(cells)
        for item in before:
            if item.name is not None:
                self.claimants[item.name].remove(item)
        for item in [*after, *cells]:
            if item.name is None:
                continue
            if item.name in self.claimants:
                self.claimants[item.name].append(item)
            else:
                self.claimants[item.name] = [item]  # a list that never grew is smaller
            if not item.set_name or item.key in new or known.get(item.name) != item:
                names.add(item.name)
            known.pop(item.name, None)
        if after:
            self.files[path] = after
        if cells:
            self._cells[path] = cells
        return names | {name for name in known if name}


def by_file(documents: Iterable[Declared]) -> Mapping[str, list[Declared]]:
    """Those of each file, in order."""
    found: dict[str, list[Declared]] = {}
    for item in sorted(documents, key=lambda each: each.place):
        found.setdefault(item.path, []).append(item)
    return found


def _too_many(path: str) -> Declared:
    message = f"there are more than {MOST_DOCUMENTS} documents in the tree: give some to another controller"
    problem = Problem(path=path, message=message, code="E195")
    return Declared(path=path, index=0, name=None, problems=(problem,))


def as_json(body: Mapping[str, object]) -> Callable[[], str]:
    """The body of a request as the ledger keeps it, kept as text: ten thousand parsed ones would fill the memory.

    The script is not in that text, since many requests share one.
    """
    script = body.get(SCRIPT)
    if len(body) == 1 or [*body][-1] != SCRIPT or not isinstance(script, str):
        return partial(str, _text_of(body))
    return partial(_with_script, _text_of({key: value for key, value in body.items() if key != SCRIPT}), script)


def _with_script(text: str, script: str) -> str:
    return f'{text[:-1]}, "{SCRIPT}": {_text_of(script)}}}'


def _text_of(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
