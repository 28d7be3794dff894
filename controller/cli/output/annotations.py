"""Problems formatted as text, as JSON and as GitHub workflow commands.

`check` prints them. Paths are relative to the working directory where possible.
"""

import json
from collections.abc import Iterable

from controller.cli.output.escape import printable, printable_lines
from controller.model.errors import Problem


def problems_as_text(problems: Iterable[Problem]) -> str:
    """One line each: `path:line:column: CODE field: message`."""
    return "\n".join(printable(str(each)) for each in problems)


def problems_as_json(problems: Iterable[Problem]) -> str:
    """A list of objects; `field` is left out for problems of the whole file."""
    return json.dumps([_object(each) for each in problems], indent=2, ensure_ascii=False)


def github(problems: Iterable[Problem]) -> str:
    """One workflow command each: GitHub shows it at its line of the pull request."""
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
    """Escapes a message: whatever would end the line or move the cursor, and the escape character itself."""
    lines = (printable_lines(part).replace("%", "%25").replace("\n", "%0A") for part in words.split("\r"))
    return "%0D".join(lines)


def _property(words: str) -> str:
    """Escapes a property: also whatever would end it."""
    return _data(words).replace(":", "%3A").replace(",", "%2C")
