"""The evalscript of a job as numbered lines, with the warnings of `check` at theirs.

Pure. A warning has the position in the file that the user wrote: the script's own, or the manifest around it.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from controller.model.errors import Problem
from controller.model.job import Job
from controller.page.job.cut import cut_text, weight

LONGEST_LINE = 1_500  # bytes of HTML
AROUND_A_LINE = 16  # bytes of HTML, for its element
_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")
_IN_JSON = re.compile(r"line ([0-9]{1,6}): (.*)", re.DOTALL)
_EVALSCRIPT = "spec.request.evalscript"
_PARAMETERS = "const parameters = "

Warnings = Mapping[int, Sequence[Problem]]
"""Warnings by line of the script, from 1."""


def script_lines(script: str) -> list[str]:
    """The lines, as JavaScript counts them."""
    lines = _LINE_END.split(script)
    return lines[:-1] if lines[-1] == "" else lines


def placed_warnings(job: Job, script: str, manifest: str) -> tuple[Warnings, list[Problem]]:
    """The warnings at a line of the script, and the others. `manifest` is the text of the job's file, "" unknown."""
    warnings = job.wanted.warnings if job.wanted else ()
    lines = script_lines(script)
    inside = [each for each in warnings if each.path == job.path and each.field == _EVALSCRIPT]
    above = _line_above(lines, script_lines(manifest), inside)
    placed: dict[int, list[Problem]] = defaultdict(list)
    others = []
    for each in warnings:
        line = _line_of(job, each, above)
        if 1 <= line <= len(lines):
            placed[line].append(each)
        else:
            others.append(each)
    return placed, others


def shown_script(script: str, warnings: Warnings, most: int) -> dict[str, Any]:
    """The first lines, in at most so many bytes of HTML, with their warnings; `more` counts those left out."""
    lines = script_lines(script)
    shown: list[dict[str, Any]] = []
    for number, text in enumerate(lines, start=1):
        line = {"text": cut_text(text, LONGEST_LINE)}
        notes = [_note(each) for each in warnings.get(number, ())]
        most -= AROUND_A_LINE + weight(line["text"]) + sum(60 + weight(each["message"]) for each in notes)
        if most < 0:
            break
        shown.append({**line, **({"warnings": notes} if notes else {})})
    is_cut = any(each["text"] != line for each, line in zip(shown, lines, strict=False))
    late = [warnings[number] for number in sorted(warnings) if number > len(shown)]
    return {
        "lines": shown,
        "more": len(lines) - len(shown),
        "isCut": is_cut or len(shown) < len(lines),
        "late": [str(each) for each in chain(*late)],
    }


def _note(warning: Problem) -> dict[str, str]:
    found = _IN_JSON.fullmatch(warning.message)
    return {"code": warning.code, "message": cut_text(found[2] if found else warning.message, LONGEST_LINE)}


def _line_of(job: Job, warning: Problem, above: int) -> int:
    """The line of the script that a warning is about; 0 when it is about something else, or that is not known."""
    if job.wanted and job.wanted.script:
        return warning.line if warning.path == job.wanted.script else 0
    if warning.path != job.path or warning.field != _EVALSCRIPT:
        return 0
    if found := _IN_JSON.fullmatch(warning.message):  # a JSON text has the whole script on one line
        return int(found[1])
    return warning.line - above if above else 0


def _line_above(script: Sequence[str], manifest: Sequence[str], warnings: Sequence[Problem]) -> int:
    """The number of the line above the script in its manifest, where the warnings are within; 0 when not found.

    The text is compared, not parsed: a file of a megabyte would take seconds, and may have changed meanwhile.
    """
    if not warnings or not script:
        return 0
    stripped = [line.strip() for line in script]
    file = [line.strip() for line in manifest]
    first, last = min(each.line for each in warnings), max(each.line for each in warnings)
    for above in range(max(1, last - len(stripped)), min(first, len(file) - len(stripped) + 1)):
        if all(map(_is_written_as, stripped, file[above : above + len(stripped)])):
            return above
    return 0


def _is_written_as(line: str, written: str) -> bool:
    """Whether this line of a script was written so; `spec.parameters` are declared in front of one."""
    return line == written or (line.startswith(_PARAMETERS) and line.endswith(written))
