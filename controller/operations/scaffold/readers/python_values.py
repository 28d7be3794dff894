"""The plain values of Python, found without running anything: for `python_code` and `python_statements`.

Pure. Constants, containers, names, f-strings, arithmetic and a few harmless calls are evaluated; anything else is an
`UnknownValue`, which is only reported when it is needed. Nothing can grow without bound.
"""

import ast
import json
import operator
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from controller.operations.scaffold.names import NamedCall, Names, UnknownValue, holders, single_keys

LARGEST = 1e15
_MOST_BITS = 1000  # of a number: longer ones cannot be written as text
_SPEC = re.compile(r"[,+]?0?\d?(\.\d)?[dfegs%]?")
_SUMS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FRESH = frozenset(
    {"copy", "deepcopy", "loads", "dumps", "len", "min", "max", "sum", "abs", "round", "int", "float", "str", "format"}
    | {"range", "keys", "post", "put", "patch", "request", "send"}
)
"""Calls whose result holds nothing of what they are given."""
_COPYING = frozenset({"list", "tuple", "set", "frozenset", "sorted"})
"""Calls whose result is new, and holds the items of what they are given. A new dict may be sent in place of the old."""
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp)
_RUNS = "this can only be known by running it"


def evaluate(node: ast.expr, names: Names) -> Any:
    """The value of an expression: string, number, bool, None, list or dict, or an `UnknownValue` in its place."""
    match node:
        case ast.Constant(value=int() as value) if value.bit_length() > _MOST_BITS:
            return _too_large(node.lineno)
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.Name(id=name):
            try:
                return names.get(name)
            except KeyError:
                return UnknownValue(line=node.lineno, why=f"`{name}` is not known here", name=name)
        case ast.Attribute(value=holder, attr=attribute):
            return _attribute(evaluate(holder, names), attribute, node.lineno)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [evaluate(part, names) for part in parts]
        case ast.Dict():
            return _dict(node, names)
        case ast.JoinedStr(values=parts):
            return _joined(parts, names, node.lineno)
        case ast.BinOp(left=left, op=op, right=right):
            return _sum(op, evaluate(left, names), evaluate(right, names), node.lineno, names)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _sum(ast.Sub(), 0, evaluate(operand, names), node.lineno, names)
        case ast.Subscript(value=holder, slice=key):
            return _item(evaluate(holder, names), evaluate(key, names), node.lineno)
        case ast.Call():
            return _call(node, names)
        case ast.NamedExpr(value=value):
            return evaluate(value, names)
    below = holders(*_below(node, names))
    if isinstance(node, _COMPREHENSIONS):
        return UnknownValue(line=node.lineno, why=_RUNS, around=below)
    return UnknownValue(line=node.lineno, why=_RUNS, within=below)


def _below(node: ast.expr, names: Names) -> Iterator[Any]:
    """The values that an expression is made of, such as both sides of a choice, or what a comprehension goes over."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.expr):
            yield evaluate(each, names)
        elif isinstance(each, ast.comprehension):
            yield evaluate(each.iter, names)


def _attribute(held: Any, attribute: str, line: int) -> UnknownValue:
    """A constant of a library keeps its dotted name: what it means is known to the maker that is given it."""
    if isinstance(held, UnknownValue) and held.name:
        name = f"{held.name}.{attribute}"
        return UnknownValue(line=line, why=f"`{name}` is not known here", name=name, within=held.within)
    return UnknownValue(line=line, why=_RUNS, within=holders(held))


def _dict(node: ast.Dict, names: Names) -> Any:
    made: dict[Any, Any] = {}
    for key, below in zip(node.keys, node.values, strict=True):
        value = evaluate(below, names)
        if key is None and isinstance(value, dict) and names.has_room_for(len(value)):
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
    return "".join(texts) if names.has_room(sum(map(len, texts))) else _too_large(line)


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


def _sum(op: ast.operator, left: Any, right: Any, line: int, names: Names) -> Any:
    for each in (left, right):
        if isinstance(each, UnknownValue):
            return each
    act = _SUMS.get(type(op))
    is_text = isinstance(op, ast.Add) and type(left) is type(right) and isinstance(left, str | list)
    is_number = isinstance(left, int | float) and isinstance(right, int | float)
    if act is None or not (is_text or is_number):
        return UnknownValue(line=line, why=_RUNS)
    room = names.has_room if isinstance(left, str) else names.has_room_for
    if is_text and not room(len(left) + len(right)):
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
        return replace(held, within=holders(held), around=())
    if has_item(held, key):
        return held[key]
    return UnknownValue(line=line, why="there is no such item", within=holders(held))


def has_item(held: Any, key: Any) -> bool:
    """Whether a dict or list has this item."""
    if isinstance(held, dict):
        return isinstance(key, str) and key in held
    return isinstance(held, list) and isinstance(key, int) and -len(held) <= key < len(held)


# --- calls ---


@dataclass(frozen=True, slots=True, kw_only=True)
class _File(UnknownValue):
    """An open file: what is in it can be read when it lies beside the pasted text."""

    file: Any


def _call(node: ast.Call, names: Names) -> Any:
    """`json.loads(text)`, `json.dumps(value)` as the value itself, `dict(…)`, makers, and calls that change a text."""
    call, line = called(node, names), node.lineno
    if call is None:
        return UnknownValue(line=line, why=_RUNS)
    last = call.name.rpartition(".")[2]
    if last in names.makers:
        return names.makers[last](call)
    match last, call.holder, call.arguments:
        case ("loads", _, [str() as text]) if not call.words:
            return _loaded(text, line, names)
        case "dumps", _, [value]:
            return names.copied(value, line) if isinstance(value, dict | list) else value
        case (("list" | "tuple"), None, [list() as value]) if names.has_room_for(len(value)):
            return [*value]
        case "dedent", _, [str() as text]:
            return textwrap.dedent(text) if names.has_room(len(text)) else _too_large(line)
        case "dict", None, []:
            return dict(call.words)
        case "dict", None, [dict() as held] if names.has_room_for(len(held)):
            return {**held, **call.words}
        case (("strip" | "lstrip" | "rstrip"), str() as held, []):
            return getattr(held, last)() if names.has_room(len(held)) else _too_large(line)
        case "replace", str() as held, [str() as old, str() as new]:
            room = names.has_room(len(held) + held.count(old) * len(new))
            return held.replace(old, new) if room else _too_large(line)
        case ("copy", dict() as held, []) | ("copy", _, [dict() as held]) if names.has_room_for(len(held)):
            return {**held}
        case "deepcopy", _, [dict() as held]:
            return names.copied(held, line)
        case "join", str() as held, [list() as parts] if all(isinstance(part, str) for part in parts):
            length = sum(map(len, parts)) + len(held) * len(parts)
            return held.join(parts) if names.has_room(length) else _too_large(line)
        case (("open" | "Path"), None, [name, *_]):
            return _File(line=line, why="this is in a file", file=name)
        case (("read" | "read_text"), _File() as held, _):
            return names.read_file(held.file, line)
        case "load", _, [_File() as held]:
            text = names.read_file(held.file, line)
            return _loaded(text, line, names) if isinstance(text, str) else text
    return _not_carried_out(call, last, line)


def _not_carried_out(call: NamedCall, last: str, line: int) -> UnknownValue:
    """What a call returns that is only known by running it: perhaps a part of its arguments."""
    within = () if last in _FRESH else holders(call.holder, *call.arguments, *call.words.values())
    if isinstance(call.holder, UnknownValue) and not call.holder.name:
        return replace(call.holder, within=within, around=())
    if call.holder is None and last in _COPYING:
        return UnknownValue(line=line, why="a call is not carried out", around=within)
    return UnknownValue(line=line, why="a call is not carried out", within=within)


def called(node: ast.Call, names: Names) -> NamedCall | None:
    """The call with the values of its arguments; None when not even their number is known."""
    name, holder = "", None
    if isinstance(node.func, ast.Name):
        name = node.func.id
    elif isinstance(node.func, ast.Attribute):
        holder = evaluate(node.func.value, names)
        above = holder.name if isinstance(holder, UnknownValue) else ""
        name = f"{above}.{node.func.attr}" if above else node.func.attr
    arguments: list[Any] = []
    for part in node.args:
        value = evaluate(part.value if isinstance(part, ast.Starred) else part, names)
        if isinstance(part, ast.Starred) and not (isinstance(value, list) and names.has_room_for(len(value))):
            return None
        arguments += value if isinstance(part, ast.Starred) else [value]
    words: dict[str, Any] = {}
    for word in node.keywords:
        value = evaluate(word.value, names)
        if word.arg is None and not (isinstance(value, dict) and names.has_room_for(len(value))):
            return None
        words |= value if word.arg is None else {word.arg: value}
    return NamedCall(name=name, holder=holder, arguments=arguments, words=words, line=node.lineno)


def _loaded(text: str, line: int, names: Names) -> Any:
    if not names.has_room(len(text)):
        return _too_large(line)
    try:
        return json.loads(text, object_pairs_hook=single_keys)
    except (ValueError, RecursionError):
        return UnknownValue(line=line, why="this is not JSON")
