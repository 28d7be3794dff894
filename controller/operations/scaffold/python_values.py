"""The plain values of Python expressions, found without running anything: for `pasted`.

Pure. Constants, containers, names, f-strings, arithmetic and a few harmless calls are evaluated; anything else is an
`UnknownValue`, which is only reported when it is needed. Nothing can grow without bound.
"""

import ast
import json
import operator
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 4 * 1024 * 1024  # characters of a text, or items of a list
LARGEST = 1e15
_SPEC = re.compile(r"[,+]?0?\d?(\.\d)?[dfegs%]?")
_SUMS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_RUNS = "this can only be known by running it"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownValue:
    """A value that only running the code would give; `why` describes the code, without repeating it."""

    line: int
    why: str


class Names:
    """The value of each name after the assignments so far."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {"true": True, "false": False, "null": None}  # JSON with a trailing comma

    def values(self) -> Iterable[Any]:
        return self._known.values()

    def get(self, name: str) -> Any:
        """The value; KeyError when nothing was assigned."""
        return self._known[name]

    def run(self, node: ast.stmt) -> None:
        """Evaluate one statement. What it assigns other than by `name = …` is unknown from then on."""
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, evaluate(value, self))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, evaluate(value, self))
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                left = self._known.get(name, UnknownValue(line=node.lineno, why=f"`{name}` is not known here"))
                self._assign(target, _sum(op, left, evaluate(value, self), node.lineno))
            case _:
                stored = (each for each in ast.walk(node) if isinstance(each, ast.Name))
                for each in stored:
                    if isinstance(each.ctx, ast.Store):
                        self._known[each.id] = UnknownValue(
                            line=each.lineno, why=f"`{each.id}` is not assigned plainly"
                        )

    def _assign(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(id=name):
                self._known[name] = value
            case ast.Subscript(value=holder, slice=key):
                held, place = evaluate(holder, self), evaluate(key, self)
                if _has(held, place) or (isinstance(held, dict) and isinstance(place, str)):
                    held[place] = value
            case ast.Tuple(elts=parts) | ast.List(elts=parts) if isinstance(value, list) and len(parts) == len(value):
                for part, each in zip(parts, value, strict=True):
                    self._assign(part, each)
            case _:
                unknown = UnknownValue(line=target.lineno, why="this is not assigned plainly")
                for each in ast.walk(target):
                    if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                        self._known[each.id] = unknown


def evaluate(node: ast.expr, names: Names) -> Any:
    """The value of an expression: string, number, bool, None, list or dict, or an `UnknownValue` in its place."""
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.Name(id=name):
            try:
                return names.get(name)
            except KeyError:
                return UnknownValue(line=node.lineno, why=f"`{name}` is not known here")
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [evaluate(part, names) for part in parts]
        case ast.Dict():
            return _dict(node, names)
        case ast.JoinedStr(values=parts):
            return _joined(parts, names, node.lineno)
        case ast.BinOp(left=left, op=op, right=right):
            return _sum(op, evaluate(left, names), evaluate(right, names), node.lineno)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _sum(ast.Sub(), 0, evaluate(operand, names), node.lineno)
        case ast.Subscript(value=holder, slice=key):
            return _item(evaluate(holder, names), evaluate(key, names), node.lineno)
        case ast.Call():
            return _call(node, names)
    return UnknownValue(line=node.lineno, why=_RUNS)


def _dict(node: ast.Dict, names: Names) -> Any:
    made: dict[Any, Any] = {}
    for key, below in zip(node.keys, node.values, strict=True):
        value = evaluate(below, names)
        if key is None and isinstance(value, dict):
            made |= value
        elif key is None:
            return UnknownValue(line=below.lineno, why=_RUNS)
        else:
            name = evaluate(key, names)
            if not isinstance(name, str):
                return UnknownValue(line=key.lineno, why="a key that is not a string")
            made[name] = value
    return made


def _joined(parts: Iterable[ast.expr], names: Names, line: int) -> Any:
    """An f-string."""
    texts: list[str] = []
    for part in parts:
        text = _formatted(part, names, line) if isinstance(part, ast.FormattedValue) else evaluate(part, names)
        if isinstance(text, UnknownValue):
            return text
        texts.append(text)
    return "".join(texts) if sum(map(len, texts)) <= LONGEST else _too_large(line)


def _formatted(part: ast.FormattedValue, names: Names, line: int) -> str | UnknownValue:
    """One `{…}` of an f-string; only simple format specs are supported."""
    value = evaluate(part.value, names)
    spec = _joined(part.format_spec.values, names, line) if isinstance(part.format_spec, ast.JoinedStr) else ""
    if isinstance(value, UnknownValue):
        return value
    if part.conversion != -1 or not isinstance(value, str | int | float) or not isinstance(spec, str):
        return UnknownValue(line=line, why=_RUNS)
    try:
        return format(value, spec) if _SPEC.fullmatch(spec) else UnknownValue(line=line, why=_RUNS)
    except ValueError:
        return UnknownValue(line=line, why="a value does not fit its format")


def _sum(op: ast.operator, left: Any, right: Any, line: int) -> Any:
    for each in (left, right):
        if isinstance(each, UnknownValue):
            return each
    act = _SUMS.get(type(op))
    is_text = isinstance(op, ast.Add) and type(left) is type(right) and isinstance(left, str | list)
    is_number = isinstance(left, int | float) and isinstance(right, int | float)
    if act is None or not (is_text or is_number):
        return UnknownValue(line=line, why=_RUNS)
    if is_text and len(left) + len(right) > LONGEST:
        return _too_large(line)
    if is_number and max(abs(left), abs(right)) > LARGEST:
        return _too_large(line)
    try:
        return act(left, right)
    except ZeroDivisionError:
        return UnknownValue(line=line, why="a division by zero")


def _too_large(line: int) -> UnknownValue:
    return UnknownValue(line=line, why="this becomes too large")


def _item(held: Any, key: Any, line: int) -> Any:
    if isinstance(held, UnknownValue):
        return held
    return held[key] if _has(held, key) else UnknownValue(line=line, why="there is no such item")


def _has(held: Any, key: Any) -> bool:
    """Whether a dict or list has this item."""
    if isinstance(held, dict):
        return isinstance(key, str) and key in held
    return isinstance(held, list) and isinstance(key, int) and -len(held) <= key < len(held)


def _call(node: ast.Call, names: Names) -> Any:
    """`json.loads(text)`, `json.dumps(value)` as the value itself, `dict(…)`, and calls that trim a string."""
    arguments = [evaluate(each, names) for each in node.args]
    match node.func, arguments, node.keywords:
        case ((ast.Attribute(attr="loads") | ast.Name(id="loads")), [str() as text], []):
            return _loaded(text, node.lineno)
        case ((ast.Attribute(attr="dumps") | ast.Name(id="dumps")), [value], _):
            return value
        case ((ast.Attribute(attr="dedent") | ast.Name(id="dedent")), [str() as text], []):
            return textwrap.dedent(text)
        case ast.Name(id="dict"), [], words if all(word.arg for word in words):
            return {word.arg: evaluate(word.value, names) for word in words}
        case ast.Attribute(value=holder, attr="strip" | "lstrip" | "rstrip" as trim), [], []:
            held = evaluate(holder, names)
            if isinstance(held, str):
                return getattr(held, trim)()
    return UnknownValue(line=node.lineno, why="a call is not carried out")


def _loaded(text: str, line: int) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return UnknownValue(line=line, why="this is not JSON")
