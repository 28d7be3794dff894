"""Problems in the forms that a person, a program and a workflow of GitHub read.

`check` prints them. A place is a path as it can be opened from the working directory.
"""

import json
from collections.abc import Iterable

from controller.cli.output.escape import printable
from controller.model.errors import Problem


def problems_as_text(problems: Iterable[Problem]) -> str:
    """A line for each: `path:line:column: CODE field: message`."""
    return "\n".join(printable(str(each)) for each in problems)


def problems_as_json(problems: Iterable[Problem]) -> str:
    """A list of objects; `field` is left out when the whole file is meant."""
    return json.dumps([_object(each) for each in problems], indent=2, ensure_ascii=False)


def github(problems: Iterable[Problem]) -> str:
    """A workflow command for each: GitHub shows it at its line of the pull request."""
    return "\n".join(_command(each) for each in problems)


def _object(problem: Problem) -> dict[str, object]:
    found = {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "severity": _severity(problem),
        "code": problem.code,
        "field": problem.field,
        "message": problem.message,
    }
    return {key: value for key, value in found.items() if value != ""}


def _command(problem: Problem) -> str:
    places = {"file": problem.path, "line": problem.line, "col": problem.column, "title": problem.code}
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in places.items())
    message = f"{problem.field}: {problem.message}" if problem.field else problem.message
    return f"::{_severity(problem)} {properties}::{_data(message)}"


def _severity(problem: Problem) -> str:
    return "warning" if problem.is_warning else "error"


def _data(words: str) -> str:
    """The escapes of a message: what would end the line, and the sign that begins an escape."""
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    """The escapes of a property: also what would end it."""
    return _data(words).replace(":", "%3A").replace(",", "%2C")
