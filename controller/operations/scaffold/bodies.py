"""Finds request bodies in the values of a pasted text, and takes one out without its keys: for `pasted`.

Pure. Bucket keys are removed here and never leave this module, not even in messages.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from controller.manifest.remedies import WRAPPER
from controller.manifest.rules.delivery import is_secret_key
from controller.model.errors import UsageError
from controller.operations.scaffold.names import DEEPEST, Names, UnknownValue, single_keys, unknown_part, unread_request

Body = dict[str, Any]

_VALUE = 16  # characters of JSON, about
_LONE = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which no file can hold."""


def is_request(value: Any) -> bool:
    """Whether it is a body; the `setup()` of a script has an input and an output too, but its input is a list."""
    is_body = isinstance(value, dict) and "input" in value and ("output" in value or "evalscript" in value)
    return is_body and not isinstance(value["input"], list | str)


def requests_in(value: Any, names: Names) -> Iterator[Body]:
    """The bodies in a value: itself, below a wrapper such as `processRequest`, or as JSON in a text."""
    return _requests_in(value, 0, set(), names)


def _requests_in(value: Any, depth: int, visited: set[int], names: Names) -> Iterator[Body]:
    if isinstance(value, str):
        parsed = None if id(value) in visited else json_object(value)
        visited.add(id(value))
        names.search(1 if parsed is None else len(value) // _VALUE)
        yield from _requests_in(parsed, depth + 1, visited, names) if parsed is not None else ()
    elif depth > DEEPEST or not isinstance(value, dict | list) or id(value) in visited:
        return
    elif form := _form(value):
        yield form
    elif isinstance(value, dict) and is_request(value) and WRAPPER not in value:
        yield value
    else:
        visited.add(id(value))  # values may hold each other, and one many times
        names.search(len(value))
        for each in value.values() if isinstance(value, dict) else value:
            if isinstance(each, dict | list | str):
                yield from _requests_in(each, depth + 1, visited, names)


def body_without_keys(body: Body, place: Callable[[int], str]) -> Body:
    """The body in JSON types, without secret fields. An unknown value raises `UsageError` with its `place`."""
    plain = _plain(body, "", place)
    assert isinstance(plain, dict)
    return plain


def has_keys(value: Any) -> bool:
    """Whether a bucket key is among the fields."""
    if isinstance(value, dict):
        return any(is_secret_key(key) or has_keys(below) for key, below in value.items())
    return isinstance(value, list) and any(map(has_keys, value))


def json_object(text: str) -> Any:
    """The value of a text that is a JSON object with a request somewhere in it; None for any other text."""
    if not text.lstrip().startswith("{") or '"input"' not in text:
        return None
    try:
        return json.loads(text, strict=False, object_pairs_hook=single_keys)
    except (ValueError, RecursionError):
        return None


def _form(value: Any) -> Body | None:
    """The body of a form: the parts `request` and `evalscript`, each a text or a tuple as `requests` takes it."""
    if not isinstance(value, dict) or not {"request", "evalscript"} <= value.keys():
        return None
    request, script = (_part(value[key]) for key in ("request", "evalscript"))
    if isinstance(request, UnknownValue):
        return unread_request(request)
    body = json_object(request) if isinstance(request, str) else request
    return {**body, "evalscript": script} if isinstance(body, dict) and "input" in body else None


def _part(value: Any) -> Any:
    return value[1] if isinstance(value, list) and len(value) > 1 else value


def _plain(value: Any, path: str, place: Callable[[int], str]) -> Any:
    if isinstance(value, UnknownValue):
        where = f"{place(value.line)}: " if value.line else ""
        raise UsageError(f"{where}{path}: {value.why}: write the value itself")
    if isinstance(value, dict):
        kept = {key: below for key, below in value.items() if not is_secret_key(key)}
        if any(map(_LONE.search, kept)):
            raise UsageError(f"{path}: a key with half of a surrogate pair, which is no character")
        return {key: _plain(below, f"{path}.{key}".removeprefix("."), place) for key, below in kept.items()}
    if isinstance(value, list):
        return [_plain(each, f"{path}[{number}]", place) for number, each in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{path}: must be a finite number")
    if isinstance(value, str) and _LONE.search(value):
        raise UsageError(f"{path}: half of a surrogate pair is no character")
    if isinstance(value, str) and (part := unknown_part(value)):
        raise UsageError(f"{place(part[0])}: {path}: `{part[1]}` is not known here: write the value itself")
    if not isinstance(value, str | int | float | None):
        raise UsageError(f"{path}: this can only be known by running it: write the value itself")
    return value
