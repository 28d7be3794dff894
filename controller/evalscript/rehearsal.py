"""Conversions of the rehearsal: the stage as JSON for the child, and its report as a Rehearsal.

Called by `engine`. The shapes are those of rehearsal.js.
"""

import re
from collections.abc import Mapping
from typing import Any

from controller.evalscript.exceptions import SCRIPT_NAME, frame_in
from controller.model.errors import truncate
from controller.model.script import Mosaicking, Rehearsal, RehearsalFailure, Source, Stage

_MADE_BY_SCRIPT = re.compile(r"new\b|throw\b|\w*Error\s*\(")


def stage_document(stage: Stage) -> dict[str, Any]:
    """The stage as JSON."""
    return {
        "fusion": stage.fusion,
        "scenes": any(source.mode is not Mosaicking.SIMPLE for source in stage.sources),
        "outputs": [{"id": each.id, "bands": each.bands, "sampleType": each.sample_type} for each in stage.outputs],
        "delivered": stage.delivered,
        "sources": [_source_document(source) for source in stage.sources],
    }


def rehearsal_of(report: Mapping[str, Any], script: str) -> Rehearsal:
    """The child's report on `script`."""
    kept = report["kept"]
    return Rehearsal(
        trials=report["trials"],
        failed=report["failed"],
        failures=tuple(_failure(each, script) for each in report["failures"]),
        read=frozenset((source, band) for source, bands in report["read"].items() for band in bands),
        missing=frozenset(
            (source, name) for source, names in report["missing"].items() for name, plain in names.items() if plain
        ),
        globals=frozenset(report["globals"]),
        answers={
            kind: {output: tuple(values) for output, values in answer.items()}
            for kind, answer in report["answers"].items()
        },
        resized={output: frozenset(counts) for output, counts in report["resized"].items()},
        kept=None if kept is None or None in kept else tuple(kept),
        filtered=None if report["filtered"] is None else tuple(report["filtered"]),
        nested=None if report["nested"] is None else tuple(report["nested"]),
        unsteady=report["unsteady"],
        scenes_as_array=report["array"],
        unknown_keys=tuple(dict.fromkeys((place, key) for place, key in report["keys"])),
    )


def _source_document(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "type": source.type,
        "mode": source.mode,
        "bands": source.bands,
        "values": source.values,
        "large": source.large,
        "from": source.start,
        "to": source.end,
        "blank": source.blank,
        "always": source.always,
        "ascending": source.ascending,
        "bounds": source.bounds,
        "also": source.also,
    }


def _failure(reported: Mapping[str, Any], script: str) -> RehearsalFailure:
    line, column = frame_in(reported["stack"])
    return RehearsalFailure(
        step=reported["step"],
        situation=reported["situation"],
        kind=reported["kind"],
        message=truncate(reported["message"]),
        line=line,
        column=column,
        thrown=not reported.get("complaint", False),
        by_engine=reported.get("complaint", False) or (reported["engine"] and _is_by_engine(reported["stack"], script)),
    )


def _is_by_engine(stack: str, script: str) -> bool:
    """Whether the innermost frame is not an expression that creates an error. Without any frame it is unknown."""
    line, column = frame_in(stack)
    lines = script.split("\n")
    if not line or line > len(lines):  # a script may write its own stack
        return False
    first = next((each for each in stack.split("\n") if each.lstrip().startswith("at ")), "")
    text = lines[line - 1][column - 1 :]
    return SCRIPT_NAME not in first or _MADE_BY_SCRIPT.match(text) is None
