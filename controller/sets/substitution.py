"""Fills in a template: `$axis.field` stands for a whole value and keeps the value's type.

Not a template language: no expressions, no pieces of text. Inside a URL or path it may be one whole segment. Happens
after parsing, so nothing that is filled in can become a key or markup. Called by `expansion`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Fields = Mapping[str, Mapping[str, Any]]
"""By axis, the fields of its value; `key` among them."""
Path = tuple[str | int, ...]
Fill = Callable[[Fields], Any]

_REFERENCE = re.compile(r"\$(?P<axis>[a-z][a-z0-9]*)(?:\.(?P<field>[A-Za-z_][\w-]*))?")
_PIECE = re.compile(r"(?<!\$)\$\{?([a-z][a-z0-9]*)")
_LITERAL = "$$"  # begins a text that begins with `$`
_CODE = frozenset({"evalscript"})  # keys whose text is a program, with a `$` of its own


def references(template: Any) -> Iterator[tuple[Path, str, str]]:
    """Every place that refers to an axis, with the axis and the field."""
    for path, text in _texts(template, ()):
        yield from ((path, axis, field) for axis, field in _in_text(text))


def pieces(template: Any) -> Iterator[tuple[Path, str, str]]:
    """Every place with a `$name` that is not filled in, since more stands around it: the name, and that segment."""
    for path, text in _texts(template, ()):
        for segment in text.split("/") if not text.startswith(_LITERAL) else ():
            if not _REFERENCE.fullmatch(segment):
                yield from ((path, found[1], segment) for found in _PIECE.finditer(segment))


def _texts(template: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(template, Mapping):
        for key, value in template.items():
            if key not in _CODE:
                yield from _texts(value, (*path, key))
    elif isinstance(template, list):
        for number, value in enumerate(template):
            yield from _texts(value, (*path, number))
    elif isinstance(template, str):
        yield path, template


def compiled(template: Any) -> Fill:
    """A function that fills in the template; what refers to nothing is shared by all its results."""
    if isinstance(template, Mapping):
        return _of_mapping(template)
    if isinstance(template, list):
        return _of_list(template)
    return _of_text(template) if isinstance(template, str) else lambda _fields: template


def _in_text(text: str) -> Iterator[tuple[str, str]]:
    for segment in [text] if text.startswith("$") and "/" not in text else text.split("/"):
        if found := _REFERENCE.fullmatch(segment):
            yield found["axis"], found["field"] or "key"


def _of_mapping(template: Mapping[str, Any]) -> Fill:
    changing = {key: compiled(value) for key, value in template.items() if key not in _CODE and _changes(value)}
    if not changing:
        return lambda _fields: template
    return lambda fields: {**template, **{key: fill(fields) for key, fill in changing.items()}}


def _of_list(template: list[Any]) -> Fill:
    if not any(_changes(each) for each in template):
        return lambda _fields: template
    fills = [compiled(each) for each in template]
    return lambda fields: [fill(fields) for fill in fills]


def _changes(template: Any) -> bool:
    """Whether anything in it is filled in or written in another way."""
    if isinstance(template, Mapping):
        return any(_changes(value) for key, value in template.items() if key not in _CODE)
    if isinstance(template, list):
        return any(_changes(each) for each in template)
    return isinstance(template, str) and (template.startswith(_LITERAL) or next(_in_text(template), None) is not None)


def _of_text(text: str) -> Fill:
    if text.startswith(_LITERAL):
        return lambda _fields: text[1:]
    if found := _REFERENCE.fullmatch(text):
        axis, field = found["axis"], found["field"] or "key"
        return lambda fields: fields[axis][field]
    segments = [_segment(each) for each in text.split("/")]
    return lambda fields: "/".join(fill(fields) for fill in segments)


def _segment(text: str) -> Callable[[Fields], str]:
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return lambda _fields: text
    axis, field = found["axis"], found["field"] or "key"
    return lambda fields: str(fields[axis][field])
