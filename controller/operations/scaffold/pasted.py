"""Reads a pasted request: JSON, a Python dict, or a snippet as in the service's documentation.

Pure, for `import`: Python is only parsed, never executed; names and f-strings are resolved as far as plain values go.
Bucket keys are removed here and never leave this module, not even in messages.
"""

import ast
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.manifest.rules.delivery import is_secret_key
from controller.model.errors import UsageError
from controller.operations.scaffold.linebreaks import has_lost_breaks, python_with_breaks, script_with_breaks
from controller.operations.scaffold.python_values import Names, UnknownValue, evaluate

MOST_VALUES = 200_000
DEEPEST = 50
_SCRIPT = re.compile(r"\s*//\s*VERSION\s*=\s*3")
_NONE_FOUND = (
    "holds no request: an object with `input` and `output`, as JSON, as a Python dict, or as a snippet that assigns one"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """The request body without any key, and its evalscript, empty when there is none.

    `had_keys`: keys were removed. `had_lost_breaks`: the script had lost its line breaks.
    """

    body: Mapping[str, Any]
    evalscript: str
    had_keys: bool = False
    had_lost_breaks: bool = False


def read_pasted(text: str) -> Pasted:
    """The only request in the text. Raises `UsageError` with the line when there is none, or more than one."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        found = _json(text) or _python(text)
    except (RecursionError, MemoryError):
        raise UsageError("is nested too deeply") from None
    _check_size(found.body)
    body = _plain(found.body)
    script = body.pop("evalscript", found.script)
    if not isinstance(script, str):
        raise UsageError("evalscript: must be text")
    script = script.replace("\r\n", "\n").replace("\r", "\n")
    is_lost = has_lost_breaks(script)
    return Pasted(
        body=body,
        evalscript=script_with_breaks(script) if is_lost else script,
        had_keys=_has_keys(found.body),
        had_lost_breaks=is_lost,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    body: Mapping[str, Any]
    script: str = ""


def _json(text: str) -> _Found | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None  # a Python dict, perhaps
    if not _is_request(value):
        kind = value.get("kind") if isinstance(value, dict) else None
        raise UsageError(
            "is a manifest already: put it into the jobs folder" if kind == "AsyncProcess" else _NONE_FOUND
        )
    return _Found(body=value)


# Python


def _python(text: str) -> _Found:
    names = Names()
    requests: list[Any] = []
    for node in _statements(_parsed(text).body):
        requests += _sent(node, names)
        names.run(node)
        if isinstance(node, ast.Expr):
            requests.append(evaluate(node.value, names))
    requests = _once([each for each in (*requests, *names.values()) if _is_request(each)])
    if not requests:
        raise UsageError(_NONE_FOUND)
    if len(requests) > 1:
        raise UsageError(f"holds {len(requests)} requests: import them one at a time")
    scripts = {each for each in names.values() if isinstance(each, str) and _SCRIPT.match(each)}
    return _Found(body=requests[0], script=scripts.pop() if len(scripts) == 1 else "")


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        try:
            return ast.parse(python_with_breaks(text))
        except (SyntaxError, ValueError):
            where = f"line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else "somewhere"
            raise UsageError(f"is neither JSON nor Python: {where} cannot be read") from None


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements in order, including those inside a function, `with` or `try`, which are certain to be meant."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.With | ast.Try):
            yield from _statements(node.body)
        else:
            yield node


def _sent(node: ast.stmt, names: Names) -> list[Any]:
    """What a statement passes to a call as `json=…`."""
    calls = (each for each in ast.walk(node) if isinstance(each, ast.Call))
    return [evaluate(word.value, names) for call in calls for word in call.keywords if word.arg == "json"]


def _once(values: list[Any]) -> list[Any]:
    """Without duplicates; a value built step by step under one name counts once."""
    return list({id(value): value for value in values}.values())


# the body


def _is_request(value: Any) -> bool:
    return isinstance(value, dict) and "input" in value and "output" in value


def _check_size(value: Any) -> None:
    """Refuse endless values: names may contain each other recursively."""
    count, stack = 0, [(value, 0)]
    while stack:
        each, depth = stack.pop()
        count += 1
        if count > MOST_VALUES or depth > DEEPEST:
            raise UsageError("holds too many values, or nests them too deeply")
        if isinstance(each, dict | list):
            stack += [(below, depth + 1) for below in (each.values() if isinstance(each, dict) else each)]


def _plain(value: Any, path: str = "") -> Any:
    """The value in JSON types, without secret fields. An unknown value is reported with its line."""
    if isinstance(value, UnknownValue):
        raise UsageError(f"line {value.line}: {path}: {value.why}: write the value itself")
    if isinstance(value, dict):
        kept = {key: below for key, below in value.items() if not is_secret_key(key)}
        return {key: _plain(below, f"{path}.{key}".removeprefix(".")) for key, below in kept.items()}
    if isinstance(value, list):
        return [_plain(each, f"{path}[{number}]") for number, each in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{path}: must be a finite number")
    return value


def _has_keys(value: Any) -> bool:
    if isinstance(value, dict):
        return any(is_secret_key(key) or _has_keys(below) for key, below in value.items())
    return isinstance(value, list) and any(map(_has_keys, value))
