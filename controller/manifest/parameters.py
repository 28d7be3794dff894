"""Parameters of an evalscript: `spec.parameters` becomes `const parameters = {…};` below the version comment.

Pure; `validate` calls it. The declaration shares the line that follows the comment, so that every line keeps its
number; the keys are sorted, and a number is written in one way, so that what JavaScript sees as the same is no other
request.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import rfc8785

from controller.manifest.fields import Unfit
from controller.model.script import pragma

LONGEST = 16_384  # characters, as JSON
_WITH_EXPONENT = 1e21  # from here on both write `1e+21`
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
    return json.dumps(_canonical(parameters), sort_keys=True, allow_nan=False)


def _canonical(value: Any) -> Any:
    """With integral numbers as RFC 8785 writes them: `1.0` and `1e0` are `1`. -0.0 is another number than 0."""
    if isinstance(value, Mapping):
        return {key: _canonical(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_canonical(each) for each in value]
    is_written_out = isinstance(value, float) and value.is_integer() and abs(value) < _WITH_EXPONENT
    return int(rfc8785.dumps(value)) if is_written_out and repr(value) != "-0.0" else value
