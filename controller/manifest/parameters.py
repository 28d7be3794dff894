"""Parameters of an evalscript: `spec.parameters` becomes `const parameters = {…};` below the version comment.

Pure; `validate` calls it. The declaration shares the line that follows the comment, so that every line keeps its
number; the keys are sorted, so that another order of them is no other request.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from controller.manifest.fields import Unfit
from controller.model.script import pragma

LONGEST = 16_384  # characters, as JSON
_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")


def checked_parameters(given: dict[str, Any]) -> dict[str, Any]:
    """The same, when JavaScript reads it as it is written. Raises `Unfit`."""
    text = _as_json(given)
    if len(text) > LONGEST:
        raise Unfit("E109", f"is longer than {LONGEST} characters as JSON: a script has no room for data")
    if '"__proto__":' in text:
        raise Unfit("E108", "`__proto__` has a meaning of its own in JavaScript: name it otherwise")
    return given


def with_parameters(script: str, parameters: Mapping[str, Any]) -> str:
    """The script with its parameters; unchanged without any, and where it has no version comment."""
    found = pragma(script) if parameters else None
    if found is None:
        return script
    end = _LINE_END.search(script, found.end)
    place = end.end() if end else len(script)
    return script[:place] + ("" if end else "\n") + declaration(parameters) + script[place:]


def written_place(script: str, parameters: Mapping[str, Any], line: int, column: int) -> tuple[int, int]:
    """Where a place of the script with its parameters is in the script as it was written."""
    found = pragma(script)
    if not parameters or found is None:
        return line, column
    shared = len(_LINE_END.findall(script, 0, found.end)) + 2
    return (line, max(1, column - len(declaration(parameters)))) if line == shared else (line, column)


def declaration(parameters: Mapping[str, Any]) -> str:
    return f"const parameters = {_as_json(parameters)}; "


def _as_json(parameters: Mapping[str, Any]) -> str:
    """In ASCII, so that no line separator of JavaScript can end the line."""
    return json.dumps(parameters, sort_keys=True, allow_nan=False)
