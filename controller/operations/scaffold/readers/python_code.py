"""Reads Python: the statements of a script, a notebook's cell or an example, in their order. For `pasted`.

Pure: the code is only parsed. Calls that send a request, and the vendor client's constructors, are seen as well.
"""

import ast
from collections.abc import Iterable, Iterator
from typing import Any
from warnings import catch_warnings, simplefilter

from controller.operations.scaffold.bodies import requests_in
from controller.operations.scaffold.linebreaks import python_with_breaks
from controller.operations.scaffold.names import Names, UnknownValue
from controller.operations.scaffold.readers.python_statements import (
    bind_arguments,
    changed_arguments,
    forget,
    inner_names,
    note_changer,
    run_statement,
)
from controller.operations.scaffold.readers.python_values import evaluate
from controller.operations.scaffold.readers.vendor_client import REQUESTS

_SENT = frozenset({"json", "data", "files", "content", "body"})
"""Keywords under which a request is passed to the call that sends it."""
_PRINTING = frozenset({"print", "pprint", "debug", "info", "warning", "error", "exception", "critical"})


def parse_python(text: str) -> ast.Module:
    """The code, with the line breaks it has lost; raises `SyntaxError` when it is no Python."""
    try:
        return parse_as_it_is(text)
    except SyntaxError as error:
        if error.lineno is None:
            raise
        return parse_as_it_is(python_with_breaks(text))


def parse_as_it_is(text: str) -> ast.Module:
    """The code; raises `SyntaxError`, without a line where Python gives none."""
    with catch_warnings():
        simplefilter("ignore")  # they are for who runs the code
        try:
            return ast.parse(text)
        except (ValueError, MemoryError, RecursionError):
            raise SyntaxError("not Python") from None


def read_python(module: ast.Module, names: Names, before: int = 0) -> None:
    """Evaluate the statements; `before` is the number of lines of the whole text above this code."""
    ast.increment_lineno(module, before)
    for node in _statements(module.body, names):
        with inner_names(node, names):
            for line, value, is_printed in _sent(node, names):
                if any(True for _ in requests_in(value, names)):
                    (names.see if is_printed else names.send)(value, line)
        run_statement(node, names)
        if isinstance(node, ast.Expr | ast.Return) and node.value is not None:
            names.see(evaluate(node.value, names), node.lineno)


def hidden_request(module: ast.Module) -> int:
    """The line of something that looks like a request, for when none was found; 0 when there is nothing."""
    found = (node.lineno for node in ast.walk(module) if isinstance(node, ast.Dict) and _is_body(node))
    return min(found, default=0)


def _is_body(node: ast.Dict) -> bool:
    keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
    return {"input", "output"} <= keys


def _statements(body: Iterable[ast.stmt], names: Names, *, in_block: bool = False) -> Iterator[ast.stmt]:
    """Statements in order, one by one, including those inside others; what may not run, or run often, is forgotten."""
    for node in body:
        match node:
            case ast.With(items=items, body=inner) | ast.AsyncWith(items=items, body=inner):
                for item in items:
                    yield _expression(item.context_expr)
                    if isinstance(item.optional_vars, ast.Name):
                        names.bind(item.optional_vars.id, evaluate(item.context_expr, names), node.lineno)
                yield from _statements(inner, names, in_block=in_block)
            case ast.FunctionDef(name=name, body=inner) | ast.AsyncFunctionDef(name=name, body=inner):
                names.enter()
                given = bind_arguments(node.args, f"{name}()", names)
                yield from _statements(inner, names, in_block=in_block)
                names.leave()
                note_changer(f".{name}" if _is_method(node) else name, given, names)
            case ast.ClassDef(name=name, body=inner):
                names.enter()
                yield from _statements(inner, names, in_block=in_block)
                names.leave()
                names.bind(name, UnknownValue(line=node.lineno, why=f"`{name}` is a class of the text"), node.lineno)
            case ast.Try(body=inner) | ast.TryStar(body=inner):
                yield from _statements(inner, names, in_block=in_block)
                for handler in node.handlers:
                    yield from _block(handler, names, in_block=in_block)
                yield from _statements([*node.orelse, *node.finalbody], names, in_block=in_block)
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__")), body=inner):
                yield from _statements(inner, names, in_block=in_block)
            case ast.For(iter=header) | ast.AsyncFor(iter=header) | ast.Match(subject=header):
                yield _expression(header)
                yield from _block(node, names, in_block=in_block)
            case ast.If() | ast.While():
                yield from _block(node, names, in_block=in_block)
            case _:
                yield node


def _is_method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = [each.arg for each in (*node.args.posonlyargs, *node.args.args)][:1]
    marks = {each.id for each in node.decorator_list if isinstance(each, ast.Name)}
    return first in (["self"], ["cls"]) or "staticmethod" in marks


def _block(node: ast.AST, names: Names, *, in_block: bool) -> Iterator[ast.stmt]:
    """The statements of a condition or a loop. What one branch changes is known neither in another nor behind them."""
    forget([node], names)
    for branch in _branches(node):
        for inner in _statements(branch, names, in_block=True):
            yield inner
            if not in_block:  # else the outermost block sees it
                _see_written(inner, names)
        forget(branch, names)


def _branches(node: ast.AST) -> Iterator[list[ast.stmt]]:
    match node:
        case ast.If():
            rest: list[ast.stmt] = [node]
            while len(rest) == 1 and isinstance(branch := rest[0], ast.If):  # no recursion: a chain may be long
                yield [_expression(branch.test), *branch.body]
                rest = branch.orelse
            yield rest
        case ast.While(test=test, body=body, orelse=orelse):
            yield [_expression(test), *body]
            yield orelse
        case ast.For(body=body, orelse=orelse) | ast.AsyncFor(body=body, orelse=orelse):
            yield body
            yield orelse
        case ast.Match(cases=cases):
            for each in cases:
                yield [*([_expression(each.guard)] if each.guard else []), *each.body]
        case ast.ExceptHandler(body=body):
            yield body


def _expression(value: ast.expr) -> ast.stmt:
    return ast.copy_location(ast.Expr(value=value), value)


def _see_written(node: ast.stmt, names: Names) -> None:
    """The bodies written out in a statement that gives them no name, such as `yield {…}`."""
    if isinstance(node, ast.Expr | ast.Return):
        with inner_names(node, names):
            for body in ast.walk(node):
                if isinstance(body, ast.Dict) and _is_body(body):
                    names.see(evaluate(body, names), body.lineno)


def _sent(node: ast.stmt, names: Names) -> Iterator[tuple[int, Any, bool]]:
    """What a statement passes to a call, which sends it or only prints it, and requests made by the vendor's client."""
    printed = set[ast.AST]()
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        name = _name(call)
        if name in _PRINTING:
            printed.update(text for argument in call.args for text in _texts(argument))
        is_printed = name in _PRINTING or call in printed
        changed = set(changed_arguments(call, names))
        for argument in (*call.args, *(word.value for word in call.keywords if word.arg in _SENT)):
            if not isinstance(argument, ast.Constant) and argument not in changed and argument not in printed:
                yield call.lineno, evaluate(argument, names), is_printed
        if name in REQUESTS:
            yield call.lineno, evaluate(call, names), False


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _texts(argument: ast.expr) -> Iterator[ast.Call]:
    """`json.dumps(value)`, as a whole or within an f-string."""
    for each in ast.walk(argument) if isinstance(argument, ast.JoinedStr) else (argument,):
        if isinstance(each, ast.Call) and _name(each) == "dumps":
            yield each
