"""What the statements of Python assign and change, without running anything: for `python_code`.

Pure. A change that is not carried out spoils what it may change, so that no value is taken as it was before.
"""

import ast
from typing import Any

from controller.operations.scaffold.names import Names, UnknownValue, spoil
from controller.operations.scaffold.readers.python_values import evaluate, has_item

_CHANGING = frozenset(
    {"append", "extend", "update", "insert", "pop", "popitem", "remove", "clear", "setdefault", "sort", "reverse"}
)
"""Methods that change a list or a dict."""


def run_statement(node: ast.stmt, names: Names) -> None:
    """Evaluate one statement. What it assigns other than by `name = …` is unknown from then on."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _assign(target, evaluate(value, names), names, _mentions(value))
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            _assign(target, evaluate(value, names), names, _mentions(value))
        case ast.AugAssign(target=target, op=op, value=value):
            added = ast.copy_location(ast.BinOp(left=target, op=op, right=value), node)
            _assign(target, evaluate(added, names), names, _mentions(target))
        case ast.Delete(targets=targets):
            for target in targets:
                _delete(target, names)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=holder, attr=method), args=arguments)):
            _change(evaluate(holder, names), method, [evaluate(each, names) for each in arguments], node.lineno)
        case ast.Expr() | ast.Return():
            pass
        case _:
            _forget(node, names)


def _forget(node: ast.stmt, names: Names) -> None:
    """What a loop, a condition or another statement assigns is not known from then on."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            why = f"`{each.id}` is not assigned plainly"
            names.bind(each.id, UnknownValue(line=each.lineno, why=why), each.lineno)
        elif isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store):
            _assign(each, UnknownValue(line=each.lineno, why="this is not assigned plainly"), names, set())
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in _CHANGING:
            spoil(evaluate(each.func.value, names), each.lineno)


def _change(held: Any, method: str, arguments: list[Any], line: int) -> None:
    """`held.append(value)` and its kin; a list or dict that is changed otherwise can no longer be known."""
    match method, held, arguments:
        case "append", list(), [value]:
            held.append(value)
        case "extend", list(), [list() as values]:
            held.extend(values)
        case "update", dict(), [dict() as values]:
            held.update(values)
        case _:
            if method in _CHANGING:
                spoil(held, line)


def _delete(target: ast.expr, names: Names) -> None:
    if isinstance(target, ast.Subscript):
        held, key = evaluate(target.value, names), evaluate(target.slice, names)
        if has_item(held, key):
            del held[key]


def _mentions(value: ast.expr) -> set[str]:
    return {each.id for each in ast.walk(value) if isinstance(each, ast.Name)}


def _assign(target: ast.expr, value: Any, names: Names, made_of: set[str]) -> None:
    match target:
        case ast.Name(id=name):
            names.bind(name, value, target.lineno, replaces=name in made_of)
        case ast.Subscript(value=holder, slice=key):
            held, place = evaluate(holder, names), evaluate(key, names)
            if has_item(held, place) or (isinstance(held, dict) and isinstance(place, str)):
                held[place] = value
        case ast.Tuple(elts=parts) | ast.List(elts=parts) if isinstance(value, list) and len(parts) == len(value):
            for part, each in zip(parts, value, strict=True):
                _assign(part, each, names, made_of)
        case _:
            unknown = UnknownValue(line=target.lineno, why="this is not assigned plainly")
            for each in ast.walk(target):
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                    names.bind(each.id, unknown, target.lineno)
