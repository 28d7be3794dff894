"""From the engine's report of an uncaught exception to a message and a position in the script.

A report reads `evalscript:3: TypeError: …`, the source line, a line of carets, and often a stack. Called by `child`.
"""

import re
from dataclasses import dataclass

SCRIPT_NAME = "evalscript"
ENGINE_NAME = "<anonymous>"  # the parser's name for a script it could not finish reading
LONGEST = 1000  # characters of a message that the child passes on

_PREFIX = re.compile(rf"(?P<name>{SCRIPT_NAME}|{ENGINE_NAME}|[\w.]+):(?P<line>\d+): ")
_CARETS = re.compile(r"^\s*\^+\s*$")
_FRAME = re.compile(rf"^\s+at (?:.*\()?{SCRIPT_NAME}:(?P<line>\d+):(?P<column>\d+)\)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptPosition:
    """The engine's message (`TypeError: …`), on one line and at most LONGEST characters, and its position.

    `line` and `column` count from 1 and are 0 when the error is not inside the script.
    """

    message: str
    line: int = 0
    column: int = 0


def locate(report: str, script: str) -> ScriptPosition:
    """The error in `report`, located in `script`: the innermost frame inside it, else where the engine points."""
    message, below = _halves(report)
    prefix = _PREFIX.match(message)
    message = " ".join((message[prefix.end() :] if prefix else message).split())[:LONGEST]
    line, column = frame_in(below)
    if line:
        return ScriptPosition(message=message, line=line, column=column)
    if prefix is None or prefix["name"] not in (SCRIPT_NAME, ENGINE_NAME):
        return ScriptPosition(message=message)
    return _inside(script, ScriptPosition(message=message, line=int(prefix["line"]), column=_caret_column(report)))


def frame_in(stack: str) -> tuple[int, int]:
    """Line and column of the innermost stack frame in the script; zeros when there is none."""
    frame = _FRAME.search(stack)
    return (int(frame["line"]), int(frame["column"])) if frame else (0, 0)


def _halves(report: str) -> tuple[str, str]:
    """The message, which may have several lines, and what follows the line of carets."""
    lines = report.split("\n")
    for position, line in enumerate(lines):
        if position >= 2 and _CARETS.match(line):
            return "\n".join(lines[: position - 1]), "\n".join(lines[position + 1 :])
    return report.strip(), ""


def _caret_column(report: str) -> int:
    for line in report.split("\n")[2:]:
        if _CARETS.match(line):
            return line.index("^") + 1
    return 0


def _inside(script: str, place: ScriptPosition) -> ScriptPosition:
    """An unexpected end is reported on the line added after the script; the script's own end is meant."""
    lines = script.rstrip("\n").split("\n")
    if place.line <= len(lines):
        return place
    return ScriptPosition(message=place.message, line=len(lines), column=len(lines[-1]) + 1)
