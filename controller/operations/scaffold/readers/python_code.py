"""Reads Python: the statements of a script, a notebook's cell or an example, in their order. For `pasted`.

Pure: the code is only parsed. Calls that send a request, and the vendor client's constructors, are seen as well.
"""

import ast
from collections.abc import Iterator
from typing import Any

from controller.operations.scaffold.bodies import requests_in
from controller.operations.scaffold.linebreaks import python_with_breaks
from controller.operations.scaffold.names import Names, UnknownValue
from controller.operations.scaffold.readers.python_statements import run_statement
from controller.operations.scaffold.readers.python_values import evaluate
from controller.operations.scaffold.readers.vendor_client import REQUESTS

_COMPOUND = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Match)
_SENT = frozenset({"json", "data", "files", "content", "body"})
"""Keywords under which a request is passed to the call that sends it."""


def parse_python(text: str) -> ast.Module:
    """The code, with the line breaks it has lost; raises `SyntaxError` when it is no Python."""
    try:
        return ast.parse(text)
    except ValueError:
        raise SyntaxError("not Python") from None
    except SyntaxError:
        try:
            return ast.parse(python_with_breaks(text))
        except ValueError:
            raise SyntaxError("not Python") from None


def read_python(module: ast.Module, names: Names, before: int = 0) -> None:
    """Evaluate the statements; `before` is the number of lines of the whole text above this code."""
    ast.increment_lineno(module, before)
    for node in _statements(module.body, names):
        for line, value in _sent(node, names):
            if any(True for _ in requests_in(value)):
                names.send(value, line)
        run_statement(node, names)
        for body in ast.walk(node) if isinstance(node, _COMPOUND) else ():
            if isinstance(body, ast.Dict) and _is_body(body):
                names.see(evaluate(body, names), body.lineno)
        if isinstance(node, ast.Expr | ast.Return) and node.value is not None:
            names.see(evaluate(node.value, names), node.lineno)


def hidden_request(module: ast.Module) -> int:
    """The line of something that looks like a request, for when none was found; 0 when there is nothing."""
    found = (node.lineno for node in ast.walk(module) if isinstance(node, ast.Dict) and _is_body(node))
    return min(found, default=0)


def _is_body(node: ast.Dict) -> bool:
    keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
    return {"input", "output"} <= keys


def _statements(body: list[ast.stmt], names: Names) -> Iterator[ast.stmt]:
    """Statements in order, including those inside a function, `with` or `try`, which are certain to be meant."""
    for node in body:
        match node:
            case ast.With(items=items, body=inner):
                for item in items:
                    if isinstance(item.optional_vars, ast.Name):
                        names.bind(item.optional_vars.id, evaluate(item.context_expr, names), node.lineno)
                yield from _statements(inner, names)
            case ast.FunctionDef(body=inner, args=arguments) | ast.AsyncFunctionDef(body=inner, args=arguments):
                names.enter()
                for each in (*arguments.args, *arguments.kwonlyargs):
                    why = f"`{each.arg}` is an argument of {node.name}()"
                    names.bind(each.arg, UnknownValue(line=each.lineno, why=why), node.lineno)
                yield from _statements(inner, names)
                names.leave()
            case ast.ClassDef(body=inner):
                names.enter()
                yield from _statements(inner, names)
                names.leave()
            case ast.Try(body=inner):
                yield from _statements(inner, names)
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__")), body=inner):
                yield from _statements(inner, names)
            case _:
                yield node


def _sent(node: ast.stmt, names: Names) -> Iterator[tuple[int, Any]]:
    """What a statement may send: what it passes to a call, and requests made by the vendor's client."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        for argument in (*call.args, *(word.value for word in call.keywords if word.arg in _SENT)):
            if not isinstance(argument, ast.Constant):
                yield call.lineno, evaluate(argument, names)
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in REQUESTS:
            yield call.lineno, evaluate(call, names)
