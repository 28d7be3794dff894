"""What the statements of Python assign and change, without running anything: for `python_code`.

Pure. A change that is not carried out spoils what it may change, so that no value is taken as it was before.
"""

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from controller.operations.scaffold.names import NamedCall, Names, UnknownValue, holders, spoil
from controller.operations.scaffold.readers.python_values import called, evaluate, has_item

_CHANGING = frozenset(
    {"append", "extend", "update", "insert", "pop", "popitem", "remove", "clear", "setdefault", "sort", "reverse"}
    | {"__setitem__", "__delitem__"}
)
"""Methods that change a list or a dict."""
_CLASSES = ("dict", "list")
_MOST_ARGUMENTS = 100
_IN_PLACE = {ast.Add: "extend", ast.BitOr: "update"}
"""What `list += …` and `dict |= …` do."""


def run_statement(node: ast.stmt, names: Names) -> None:
    """Evaluate a statement that holds no others. What it assigns other than by `name = …` is unknown from then on."""
    with inner_names(node, names):
        _spoil_changed(node, names)
    match node:
        case ast.Assign(targets=targets, value=value):
            made = evaluate(value, names)
            for target in targets:
                _assign(target, made, names, _mentions(value))
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            _assign(target, evaluate(value, names), names, _mentions(value))
        case ast.AugAssign():
            _add(node, names)
        case ast.Delete(targets=targets):
            for target in targets:
                _delete(target, names)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=holder, attr=method)) as call) if method in _CHANGING:
            _change(evaluate(holder, names), method, called(call, names), node.lineno, names)
    for each in ast.walk(node):
        if isinstance(each, ast.NamedExpr):
            _assign(each.target, evaluate(each.value, names), names, _mentions(each.value))


def forget(nodes: Iterable[ast.AST], names: Names) -> None:
    """What statements assign or change that may run once, often or never is not known from then on."""
    inside = [each for node in nodes for each in ast.walk(node)]
    names.search(len(inside))  # again for each block around it
    for each in inside:
        _forget_names(each, names)
    for each in inside:
        if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store | ast.Del):
            _assign(each, UnknownValue(line=each.lineno, why="this is not assigned plainly"), names, set())
        elif isinstance(each, ast.AugAssign) and isinstance(evaluate(each.value, names), dict | list):
            spoil(evaluate(each.target, names), each.lineno)
        else:
            _spoil_call(each, names)


def _forget_names(node: ast.AST, names: Names) -> None:
    """A name that is assigned may be a part of what it is assigned."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _unknown_names(target, evaluate(value, names), names, _mentions(value))
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.NamedExpr(target=target, value=value)
            | ast.withitem(optional_vars=ast.expr() as target, context_expr=value)
        ):
            _unknown_names(target, evaluate(value, names), names, _mentions(value))
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            _unknown_names(target, _item_of(value, names), names, _mentions(value))
        case ast.AugAssign(target=target):
            _unknown_names(target, evaluate(target, names), names, _mentions(target))


def _item_of(iterated: ast.expr, names: Names) -> UnknownValue:
    return UnknownValue(line=iterated.lineno, why="", within=holders(evaluate(iterated, names)))


def _unknown_names(target: ast.expr, made: Any, names: Names, made_of: set[str]) -> None:
    for each in ast.walk(target):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            is_whole = each is target and isinstance(made, UnknownValue)
            within, around = (made.within, made.around) if is_whole else (holders(made), ())
            why = f"`{each.id}` is not assigned plainly"
            unknown = UnknownValue(line=each.lineno, why=why, within=within, around=around)
            names.bind(each.id, unknown, each.lineno, replaces=each.id in made_of)


@contextmanager
def inner_names(node: ast.stmt, names: Names) -> Iterator[None]:
    """While this lasts, the names are unknown that comprehensions and lambdas of a statement give to each item."""
    given: Arguments = []
    names.enter()
    for each in ast.walk(node):
        if isinstance(each, ast.comprehension):
            _unknown_names(each.target, _item_of(each.iter, names), names, set())
        elif isinstance(each, ast.Lambda):
            given += bind_arguments(each.args, "a function", names)
    yield
    names.leave()
    for target in node.targets if isinstance(node, ast.Assign) else ():
        if isinstance(target, ast.Name):
            note_changer(target.id, given, names)


Arguments = list[tuple[set[int | str], list[Any]]]
"""Of each argument its number and its name in a call, and a list that is filled by what changes the argument."""


def bind_arguments(arguments: ast.arguments, function: str, names: Names) -> Arguments:
    """The arguments of a function are unknown inside of it. What `**` collects is a new dict."""
    ordered = [*arguments.posonlyargs, *arguments.args]
    own = [each for each in ordered if each.arg in ("self", "cls")]
    plain = [each for each in ordered if each not in own]
    given: list[tuple[ast.arg, set[int | str]]] = [(each, {number, each.arg}) for number, each in enumerate(plain)]
    given += [(each, {each.arg}) for each in arguments.kwonlyargs]
    given += [(each, set(range(len(plain), _MOST_ARGUMENTS))) for each in (arguments.vararg,) if each]
    given += [(each, set()) for each in (*own, arguments.kwarg) if each]
    made: Arguments = []
    for each, places in given:
        changes: list[Any] = []
        why = f"`{each.arg}` is an argument of {function}"
        names.bind(each.arg, UnknownValue(line=each.lineno, why=why, within=(changes,) if places else ()), each.lineno)
        made.append((places, changes))
    return made


def note_changer(name: str, given: Arguments, names: Names) -> None:
    """Keep which arguments a function of the text has changed, now that its statements are read."""
    for places, changes in given:
        if changes:
            names.changers.setdefault(name, set()).update(places)


def changed_arguments(call: ast.Call, names: Names) -> list[ast.expr]:
    """What a call gives to a function of the text in the place of an argument that the function changes."""
    places = names.changers.get(_called_function(call, names), set())
    found: list[ast.expr] = []
    is_starred = False
    for number, each in enumerate(call.args if places else ()):
        is_starred = is_starred or isinstance(each, ast.Starred)
        found += [each] if is_starred or number in places else []
    for word in call.keywords if places else ():
        if word.arg is None:  # a part of it
            found.append(ast.copy_location(ast.Starred(value=word.value, ctx=ast.Load()), word.value))
        elif word.arg in places:
            found.append(word.value)
    return found


def _called_function(call: ast.Call, names: Names) -> str:
    """Its name in `changers`; none for a function of a module, such as `requests.put`, whose name has no value."""
    match call.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=holder, attr=name) if f".{name}" in names.changers:
            held = evaluate(holder, names)
            return "" if isinstance(held, UnknownValue) and held.name else f".{name}"
    return ""


# --- changes ---


def _spoil_changed(node: ast.stmt, names: Names) -> None:
    """What calls change whose result is used, such as `width = body["output"].pop("width")`."""
    carried_out = node.value if isinstance(node, ast.Expr) and _is_change(node.value) else None
    for each in ast.walk(node):
        if each is not carried_out:
            _spoil_call(each, names)


def _is_change(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in _CLASSES:
            return False
        case ast.Call(func=ast.Attribute(attr=method)):
            return method in _CHANGING
    return False


def _spoil_call(node: ast.AST, names: Names) -> None:
    """What a call changes: the value whose method it is, or what is given to a function of the text that changes it."""
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING:
        is_of_class = isinstance(node.func.value, ast.Name) and node.func.value.id in _CLASSES
        changed = node.args[:1] if is_of_class else [node.func.value]
        for each in changed:
            spoil(evaluate(each, names), node.lineno)
    for each in changed_arguments(node, names):
        spoil(evaluate(each, names), node.lineno)


def _change(held: Any, method: str, call: NamedCall | None, line: int, names: Names) -> None:
    """`held.append(value)` and its kin; a list or dict that is changed otherwise can no longer be known."""
    arguments, words = (call.arguments, call.words) if call else (None, {})
    match method, held, arguments:
        case "append", list(), [value] if not words:
            held.append(value)
        case "extend", list(), [list() as values] if not words and names.has_room_for(len(values)):
            held.extend(values)
        case "update", dict(), [] | [dict()] if names.has_room_for(len(words) + sum(map(len, arguments or ()))):
            held.update(*arguments or (), **words)
        case _:
            spoil(held, line)


def _add(node: ast.AugAssign, names: Names) -> None:
    """`target += value`, which changes a list or a dict itself, whatever other name it has."""
    held, value = evaluate(node.target, names), evaluate(node.value, names)
    method = _IN_PLACE.get(type(node.op), "")
    if isinstance(held, dict | list):
        call = NamedCall(name=method, holder=held, arguments=[value], words={}, line=node.lineno)
        _change(held, method, call, node.lineno, names)
    else:
        if isinstance(value, dict | list):
            spoil(held, node.lineno)
        added = ast.copy_location(ast.BinOp(left=node.target, op=node.op, right=node.value), node)
        _assign(node.target, evaluate(added, names), names, _mentions(node.target))


def _delete(target: ast.expr, names: Names) -> None:
    if isinstance(target, ast.Subscript):
        held, key = evaluate(target.value, names), evaluate(target.slice, names)
        if has_item(held, key):
            del held[key]
        else:
            spoil(held, target.lineno)


def _mentions(value: ast.expr) -> set[str]:
    return {each.id for each in ast.walk(value) if isinstance(each, ast.Name)}


def _assign(target: ast.expr, value: Any, names: Names, made_of: set[str]) -> None:
    unknown = UnknownValue(line=target.lineno, why="this is not assigned plainly", within=holders(value))
    match target:
        case ast.Name(id=name):
            names.bind(name, value, target.lineno, replaces=name in made_of)
        case ast.Subscript(value=holder, slice=key):
            held, place = evaluate(holder, names), evaluate(key, names)
            if has_item(held, place) or (isinstance(held, dict) and isinstance(place, str)):
                held[place] = value
            else:
                spoil(held, target.lineno)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            is_known = isinstance(value, list) and len(parts) == len(value)
            for part, each in zip(parts, value if is_known else [unknown] * len(parts), strict=True):
                _assign(part, each, names, made_of)
        case ast.Starred(value=part):
            _assign(part, unknown, names, made_of)
