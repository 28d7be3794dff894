"""Collects the problems of one document, each at its place in the text, without secrets.

`validate` makes one `ProblemCollector` for every document and hands it to the rules. A message shared by several rules
is worded here.
"""

from collections.abc import Mapping
from typing import Any

from controller.manifest.document import MOST_PROBLEMS, Document, Path, field_name
from controller.manifest.fields import is_name
from controller.model.catalog import nearest
from controller.model.errors import Problem

CodedMessage = tuple[str, str]
"""Code and message."""

# Where more than one rule looks.
REQUEST: Path = ("spec", "request")
DATA: Path = (*REQUEST, "input", "data")
BOUNDS: Path = (*REQUEST, "input", "bounds")
OUTPUT: Path = (*REQUEST, "output")
S3: Path = (*OUTPUT, "delivery", "s3")


class ProblemCollector:
    """What is wrong so far, one fault for a place: the first one told is the one that explains it.

    A place that is `silent` is explained by a fault elsewhere; nothing at or below it is told. Beside the faults
    stand the doubts: what probably is not meant, but hinders nothing.
    """

    def __init__(self, document: Document, path: str) -> None:
        self.document, self.path = document, path
        self.found: dict[Path, CodedMessage] = {}
        self.doubts: dict[Path, list[CodedMessage]] = {}
        self.silent: set[Path] = set()
        self.secrets: set[str] = set()
        self.reported = {problem.field for problem in document.problems if problem.field}

    def at(self, path: Path) -> Any:
        """What stands at `path`; None when nothing does."""
        return value_at(self.document.value, path)

    def mapping(self, path: Path) -> Mapping[str, Any]:
        """The mapping at `path`; an empty one when something else stands there."""
        value = self.at(path)
        return value if isinstance(value, dict) else {}

    def add(self, path: Path, code: str, message: str) -> None:
        """One more fault, unless the place is explained already, the message is empty, or there are too many."""
        if self.is_full:
            return
        silent = any(path[: len(each)] == each for each in self.silent)
        if message and not silent and field_name(path) not in self.reported:
            self.found.setdefault(path, (code, message))

    @property
    def is_full(self) -> bool:
        """Whether so much is wrong that nobody needs to know more before it is mended."""
        return len(self.found) >= MOST_PROBLEMS

    def doubt(self, path: Path, code: str, message: str) -> None:
        """One more doubt; a place may have several, but none beside a fault."""
        self.doubts.setdefault(path, []).append((code, message))

    def touch(self, path: Path) -> bool:
        """Whether something at, below or around `path` is wrong already."""
        if not (self.found or self.silent or self.reported):
            return False
        touched = (*self.found, *self.silent)
        wrong = any(each[: len(path)] == path or path[: len(each)] == each for each in touched)
        return wrong or any(each.startswith(field_name(path)) for each in self.reported)

    def name(self) -> str | None:
        """The name of the job, when it can be told which one is meant."""
        name = self.at(("metadata", "name"))
        return name if isinstance(name, str) and is_name(name) and name not in self.secrets else None

    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong, in the order of the text; a secret in a message is hidden."""
        found = [self._problem(path, *messages) for path, messages in self.found.items()]
        if self.is_full:
            message = f"more is wrong than these {MOST_PROBLEMS} mistakes: mend them first"
            found.append(Problem(path=self.path, message=message, code="E103"))
        return tuple(sorted((*self.document.problems, *found)))

    def warnings(self) -> tuple[Problem, ...]:
        """Every doubt about a place where nothing is wrong, in the order of the text."""
        if not self.doubts:
            return ()
        open_to_doubt = ((path, messages) for path, messages in self.doubts.items() if not self.touch(path))
        return tuple(sorted(self._problem(path, *each) for path, messages in open_to_doubt for each in messages))

    def _problem(self, path: Path, code: str, message: str) -> Problem:
        line, column = self.document.place(path)
        for secret in self.secrets:
            message = message.replace(secret, "[hidden]")
        return Problem(path=self.path, line=line, column=column, field=field_name(path), message=message, code=code)


def value_at(value: Any, path: Path) -> Any:
    """What stands at `path` below a value; None when nothing does."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def kind_of(value: Any) -> str:
    """What a person wrote where something else was meant: `a number`, `text`, `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds = {str: "text", int: "a number", float: "a number with a decimal point", dict: "a mapping", list: "a list"}
    return kinds.get(type(value), "nothing")


def one_of(choices: list[str], value: Any) -> str:
    """The choices, and which of them was probably meant."""
    near = nearest(value, choices) if isinstance(value, str) else None
    listed = " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))
    return f"must be {listed}" + (f": did you mean {near}?" if near and len(choices) > 1 else "")
