"""Reads files that hold code or requests for people: Jupyter notebooks and Postman collections. For `pasted`.

Pure. Both are JSON: a notebook becomes the pieces of its cells, a collection the bodies of its requests.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from controller.operations.scaffold.names import DEEPEST, Names, UnknownValue, placeholder, unknown_part, unread_request
from controller.operations.scaffold.readers.javascript import read_lenient_json
from controller.operations.scaffold.readers.prose import Piece, fenced
from controller.operations.scaffold.readers.python_code import parse_as_it_is

_VARIABLE = re.compile(r"\{\{([^{}\n]{1,80})\}\}")
_MAGIC = re.compile(r"[ \t]*[%!?]")
_MOST_PARSED = 2_000_000  # characters of all cells together, each as often as a line is taken out of it
_CELLS = {"bash": "shell", "sh": "shell", "javascript": "javascript", "js": "javascript"}


def is_notebook(value: Any) -> bool:
    return isinstance(value, dict) and (
        isinstance(value.get("cells"), list) or isinstance(value.get("worksheets"), list)
    )


def is_collection(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("item"), list) and isinstance(value.get("info"), dict)


def cells(notebook: Mapping[str, Any]) -> Iterator[Piece]:
    """The code of a notebook, and code that stands fenced in its text, cell by cell."""
    sheets = notebook.get("worksheets")
    every = sheets[0].get("cells") if isinstance(sheets, list) and sheets and isinstance(sheets[0], dict) else None
    found = notebook.get("cells", every)
    plain = _Magic()
    for number, cell in enumerate(found if isinstance(found, list) else [], start=1):
        if not isinstance(cell, dict):
            continue
        source = cell.get("source", cell.get("input", ""))
        lines = source if isinstance(source, list) else [source]
        text = "".join(line for line in lines if isinstance(line, str))
        if cell.get("cell_type") == "code":
            yield _code(text, f"cell {number}, ", plain)
        elif cell.get("cell_type") == "markdown":
            yield from (piece.within(f"cell {number}, ") for piece in fenced(text))


def _code(text: str, where: str, plain: "_Magic") -> Piece:
    """A cell; one that begins with `%%bash` is of that language, other magic is passed over."""
    first, _, rest = text.partition("\n")
    magic = re.match(r"%%(\w+)", first)
    if magic and magic[1] in _CELLS:
        return Piece(language=_CELLS[magic[1]], text=f"\n{rest}", where=where)
    return Piece(language="python", text=plain.without(text), where=where)


class _Magic:
    """Takes lines such as `%matplotlib inline` out of the cells of a notebook, and those that a shell would run."""

    def __init__(self) -> None:
        self.left = _MOST_PARSED

    def without(self, text: str) -> str:
        """The cell without them; never within a text, so that only lines go at which Python cannot be read."""
        lines = text.split("\n")
        while any(map(_MAGIC.match, lines)) and self.left >= len(text):
            self.left -= len(text)
            try:
                parse_as_it_is("\n".join(lines))
                break
            except SyntaxError as error:
                number = (error.lineno or 1) - 1
                if not (number < len(lines) and _MAGIC.match(lines[number])):
                    break
                lines[number] = ""
        return "\n".join(lines)


# --- Postman ---


def see_collection(collection: Mapping[str, Any], names: Names) -> int:
    """See the body of every request, with the variables that the collection gives a value; returns their number.

    The n-th request is seen at line n.
    """
    variables, number = _variables(collection), 0
    for number, request in enumerate(_requests(collection["item"], 0), start=1):
        body = request.get("body")
        if isinstance(body, dict) and body.get("mode") == "raw" and isinstance(body.get("raw"), str):
            names.see(_json(body["raw"], variables, names, number), number)
        elif isinstance(body, dict) and body.get("mode") in ("formdata", "urlencoded"):
            names.see(_form(body.get(body["mode"]), variables, names, number), number)
    return number


def _requests(items: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    for item in items if isinstance(items, list) and depth < DEEPEST else ():
        if isinstance(item, dict) and isinstance(item.get("request"), dict):
            yield item["request"]
        elif isinstance(item, dict):
            yield from _requests(item.get("item"), depth + 1)


def _variables(collection: Mapping[str, Any]) -> Mapping[str, str]:
    given = collection.get("variable")
    known = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    return {
        str(each.get("key")): str(each["value"]) for each in known if isinstance(each.get("value"), str | int | float)
    }


def _json(raw: str, variables: Mapping[str, str], names: Names, number: int) -> Any:
    text = _filled(raw, variables, names, number)
    value = read_lenient_json(text, names, number - 1)
    if value is None and "input" in text and (part := unknown_part(text)):
        return unread_request(UnknownValue(line=part[0], why=f"`{part[1]}` has no value in this collection"))
    return value


def _form(parts: Any, variables: Mapping[str, str], names: Names, number: int) -> dict[str, Any]:
    form: dict[str, Any] = {}
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and isinstance(part.get("key"), str):
            value = part.get("value")
            is_file = part.get("type") == "file"
            form[part["key"]] = (
                names.read_file(part.get("src"), number)
                if is_file
                else _filled(value if isinstance(value, str) else "", variables, names, number)
            )
    if isinstance(form.get("request"), str):
        form["request"] = read_lenient_json(form["request"], names, number - 1)
    return form


def _filled(text: str, variables: Mapping[str, str], names: Names, number: int) -> str:
    def value(found: re.Match[str]) -> str:
        known = variables.get(found[1].strip(), "")
        return known if known and names.has_room(len(known)) else placeholder(found[0], number)

    return _VARIABLE.sub(value, text)
