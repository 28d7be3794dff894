"""Jobs, and what they want, to rows and back."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from sys import intern
from typing import Any

from controller.ledger.rows.cells import (
    CANNOT_BE_READ,
    amount_of,
    checked_text,
    list_of,
    name_of,
    shared_text,
    stored_outputs,
    whole_of,
)
from controller.model.errors import Problem
from controller.model.job import Estimate, Job, SetCell, Wanted


def job_of(row: Mapping[str, Any]) -> tuple[Job, bool]:
    """The job of a row with its name, path, position, generation and wanted state, and whether all can be read."""
    name, path = intern(str(row["name"])), intern(str(row["path"]))
    index, generation = (cell if isinstance(cell := row[key], int) else 0 for key in ("position", "generation"))
    try:
        return Job(name=name, path=path, index=index, generation=generation, wanted=wanted_of(row["wanted"])), True
    except CANNOT_BE_READ:
        return Job(name=name, path=path, index=index, generation=generation), False


def wanted_text(wanted: Wanted | None) -> str | None:
    """What a job wants, as JSON; None when it wants nothing."""
    return json.dumps(asdict(wanted), ensure_ascii=False, default=date.isoformat) if wanted else None


def wanted_of(text: str | None) -> Wanted | None:
    """The noun that `wanted_text` serialised. What many jobs share is read, and kept, once."""
    if not text:
        return None
    first = _DIGEST_FIRST.match(text)
    if first is None:
        return Wanted(**_wanted_fields(text))
    return Wanted(**{**_shared_fields(text[first.end() :]), "digest": intern(first[1])})


_DIGEST_FIRST = re.compile(r'\{"digest": "([0-9]+:[0-9a-f]{64})", ')


@lru_cache(maxsize=256)
def _shared_fields(rest: str) -> Mapping[str, Any]:
    """The fields of a `wanted` without its digest, which is all that differs between many jobs."""
    return _wanted_fields(f'{{"digest": "", {rest}')


def _wanted_fields(text: str) -> Mapping[str, Any]:
    detail = json.loads(text)
    estimate, labels = detail["estimate"], detail["labels"]
    fields = {
        **{key: shared_text(value) for key, value in detail.items()},
        "outputs": stored_outputs(json.dumps(detail["outputs"])),
        "estimate": _estimate(**estimate) if estimate else None,
        "warnings": tuple(_warning(each) for each in list_of(detail.get("warnings", []))),
        "labels": _labels(tuple((name, value) for name, value in dict(labels).items())),
        "cell": _cell(**detail["cell"]) if detail.get("cell") else None,
        "until": date.fromisoformat(detail["until"]) if detail.get("until") else None,
    }
    wanted = Wanted(**fields)
    for check, names in _CELLS_OF_WANTED.items():
        for name in names:
            check(getattr(wanted, name))
    return fields


_CELLS_OF_WANTED: Mapping[Callable[[Any], object], tuple[str, ...]] = {
    checked_text: ("digest", "delivery_url", "script", "script_hash", "cause", "revision", "retried_by"),
    name_of: ("credentials_ref", "role_arn"),
    whole_of: ("rerun", "retries", "hold", "priority", "raised"),
    amount_of: ("deadline", "max_processing_units"),
}


@lru_cache(maxsize=4096)
def _cell(set_name: str, recipe: str, window: str) -> SetCell:
    """Shared by the cells of one window."""
    return SetCell(set_name=checked_text(set_name), recipe=checked_text(recipe), window=checked_text(window))


@lru_cache(maxsize=1024)
def _labels(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((intern(name), intern(value)) for name, value in pairs)


def _warning(detail: Mapping[str, Any]) -> Problem:
    found = Problem(**{key: shared_text(value) for key, value in detail.items()})
    whole_of(found.line), whole_of(found.column)
    for text in (found.path, found.field, found.message, found.code):
        checked_text(text)
    return found


@lru_cache(maxsize=4096, typed=True)
def _estimate(expected: float, upper: float | None) -> Estimate:
    found = Estimate(expected=expected, upper=upper)
    amount_of(found.expected), amount_of(found.upper)
    return found
