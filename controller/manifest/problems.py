"""Collects the problems of one document, each at its position in the text, without secrets.

`validate` creates one `ProblemCollector` for every document and passes it to the rules. Messages shared by several
rules are defined here.
"""

from collections.abc import Mapping
from typing import Any

from controller.manifest.document import MOST_PROBLEMS, Document, Path, field_name
from controller.manifest.fields import is_name
from controller.model.catalog import nearest
from controller.model.errors import Problem

CodedMessage = tuple[str, str]
"""Code and message."""

# Paths used by more than one rule.
REQUEST: Path = ("spec", "request")
DATA: Path = (*REQUEST, "input", "data")
BOUNDS: Path = (*REQUEST, "input", "bounds")
OUTPUT: Path = (*REQUEST, "output")
S3: Path = (*OUTPUT, "delivery", "s3")


class ProblemCollector:
    """The errors so far, one per place: the first one reported explains it.

    A place that is `silent` is explained by an error elsewhere; nothing at or below it is reported. Besides errors
    there are doubts: warnings about what is probably not intended, but blocks nothing.
    """

    def __init__(self, document: Document, path: str) -> None:
        self.document, self.path = document, path
        self.found: dict[Path, CodedMessage] = {}
        self.doubts: dict[Path, list[CodedMessage]] = {}
        self.silent: set[Path] = set()
        self.secrets: set[str] = set()
        self.reported = {problem.field for problem in document.problems if problem.field}

    def at(self, path: Path) -> Any:
        """The value at `path`; None when there is none."""
        return value_at(self.document.value, path)

    def mapping(self, path: Path) -> Mapping[str, Any]:
        """The mapping at `path`; an empty one when there is something else."""
        value = self.at(path)
        return value if isinstance(value, dict) else {}

    def add(self, path: Path, code: str, message: str) -> None:
        """Add an error, unless the place is explained already, the message is empty, or there are too many."""
        if self.is_full:
            return
        silent = any(path[: len(each)] == each for each in self.silent)
        if message and not silent and field_name(path) not in self.reported:
            self.found.setdefault(path, (code, message))

    @property
    def is_full(self) -> bool:
        """Whether there are so many errors that more need not be reported."""
        return len(self.found) >= MOST_PROBLEMS

    def doubt(self, path: Path, code: str, message: str) -> None:
        """Add a doubt; a place may have several, but none besides an error."""
        self.doubts.setdefault(path, []).append((code, message))

    def touch(self, path: Path) -> bool:
        """Whether there is an error at, below or around `path` already."""
        if not (self.found or self.silent or self.reported):
            return False
        touched = (*self.found, *self.silent)
        wrong = any(each[: len(path)] == path or path[: len(each)] == each for each in touched)
        name = field_name(path)
        return wrong or any(each.startswith(name) or _is_below(name, each) for each in self.reported)

    def name(self) -> str | None:
        """The name of the job, when it is clear which one is meant."""
        name = self.at(("metadata", "name"))
        return name if isinstance(name, str) and is_name(name) and name not in self.secrets else None

    def problems(self) -> tuple[Problem, ...]:
        """All errors, in the order of the text; a secret in a message is hidden."""
        found = [self._problem(path, *messages) for path, messages in self.found.items()]
        if self.is_full:
            message = f"more is wrong than these {MOST_PROBLEMS} mistakes: mend them first"
            found.append(Problem(path=self.path, message=message, code="E103"))
        return tuple(sorted((*self.document.problems, *found)))

    def warnings(self) -> tuple[Problem, ...]:
        """All doubts about places without an error, in the order of the text."""
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
    """The value at `path` below another; None when there is none."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def kind_of(value: Any) -> str:
    """The kind of a value given where another was expected: `a number`, `text`, `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds = {str: "text", int: "a number", float: "a number with a decimal point", dict: "a mapping", list: "a list"}
    return kinds.get(type(value), "nothing")


def one_of(choices: list[str], value: Any) -> str:
    """The choices, and the one probably meant."""
    near = nearest(value, choices) if isinstance(value, str) else None
    listed = " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))
    return f"must be {listed}" + (f": did you mean {near}?" if near and len(choices) > 1 else "")


def _is_below(field: str, other: str) -> bool:
    """Whether a field is part of another: `spec.request.input.bounds` of `spec.request.input`."""
    return field.startswith((f"{other}.", f"{other}["))
