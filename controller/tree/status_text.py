"""Status documents as block-style YAML, written by ourselves because there are several in a job's life.

What is ordinary (printable ASCII on one line) is written here, byte for byte as PyYAML writes it. A document with
anything else goes to PyYAML, which knows how to escape it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import yaml
from yaml.resolver import Resolver

WIDTH = 120
_SIMPLE = frozenset({str, bool, int, float})
_LONGEST_KEY = 100  # characters; of much longer ones PyYAML makes another kind of key
_STRING = "tag:yaml.org,2002:str"
# Numbers in YAML 1.2 but not for the emitter (YAML 1.1): an etag such as 123e456 must stay text.
_NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0o[0-7]+")
_ASCII = re.compile(r"[ -~]*")
_UNQUOTED = re.compile(
    r"(?!---|\.\.\.)(?:[^ #,\[\]{}&*!|>'\"%@`?:-]|[?:-](?=[!-~]))"  # no indicator begins it
    r"(?:[!-9;-~]|:(?=[!-~])| +(?=[^# ]))*"  # and no `: ` or ` #` is inside
)
_BREAK = re.compile(r"(?<! ) (?! )")
_OTHER_TYPES = {
    first: tuple(pattern for _, pattern in patterns)
    for first, patterns in Resolver.yaml_implicit_resolvers.items()
    if first
}  # fmt: skip


class _Dumper(yaml.CSafeDumper):
    """Plain block style in the order given, without references."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  (the name is PyYAML's)
        return True


def _represent(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else "'" if _NUMBER.fullmatch(text) else None
    return dumper.represent_scalar(_STRING, str(text), style=style)


_Dumper.add_representer(str, _represent)
_Dumper.add_multi_representer(str, _represent)


class _UnusualError(Exception):
    """A value that PyYAML must write."""


def yaml_bytes(document: Mapping[str, Any]) -> bytes:
    """The document in UTF-8, the same bytes for the same values; read back it is equal, in YAML 1.1 and in 1.2."""
    try:
        return "".join(_lines(document, "")).encode("ascii") if document else by_pyyaml(document)
    except _UnusualError:
        return by_pyyaml(document)


def by_pyyaml(document: Mapping[str, Any]) -> bytes:
    """The same by PyYAML alone."""
    dumped: bytes = yaml.dump(
        document,
        Dumper=_Dumper,
        encoding="utf-8",
        allow_unicode=True,
        sort_keys=False,
        default_flow_style=False,
        width=WIDTH,
    )
    return dumped


def _lines(mapping: Mapping[str, Any], indent: str, first: str | None = None) -> Iterator[str]:
    """The lines of a mapping; `first` is the indent of the first one, which begins an item of a list."""
    before = indent if first is None else first
    for key, value in mapping.items():
        start = f"{before}{_key(key)}:"
        if type(value) in _SIMPLE or not value:
            yield f"{start} {_scalar(value, len(start) + 1, indent)}\n"
        elif isinstance(value, Mapping):
            yield f"{start}\n"
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, list | tuple):
            yield f"{start}\n"
            for item in value:
                yield from _item(item, indent)
        else:
            yield f"{start} {_scalar(value, len(start) + 1, indent)}\n"
        before = indent


def _item(item: Any, indent: str) -> Iterator[str]:
    """An item of a list; its `-` stands below the first letter of the list's key."""
    if isinstance(item, Mapping) and item:
        yield from _lines(item, f"{indent}  ", f"{indent}- ")
    elif isinstance(item, list | tuple) and item:
        raise _UnusualError
    else:
        yield f"{indent}- {_scalar(item, len(indent) + 2, indent)}\n"


@lru_cache(maxsize=1024)
def _key(key: object) -> str:
    if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_KEY:
        raise _UnusualError
    return _quoted(str(key))


def _scalar(value: Any, column: int, indent: str) -> str:
    """A value as written at this column; further lines are indented by two more than its key."""
    if isinstance(value, str):
        text = _quoted(str(value))
        return text if column + len(text) <= WIDTH else _folded(text, column, indent)
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    if type(value) is int:
        return str(value)
    if type(value) is float:
        return _number(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    raise _UnusualError


def _number(value: float) -> str:
    """Plain decimals, as nearly every amount is."""
    text = repr(value)
    if "e" in text or "n" in text:
        raise _UnusualError
    return text


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    """The text, in quotes when it would be taken for another type or for a part of the document's form."""
    if not _ASCII.fullmatch(text):
        raise _UnusualError
    if _UNQUOTED.fullmatch(text) and not _NUMBER.fullmatch(text) and not _is_of_other_type(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _is_of_other_type(text: str) -> bool:
    return any(pattern.match(text) for pattern in _OTHER_TYPES.get(text[0], ()))


def _folded(text: str, column: int, indent: str) -> str:
    """The text broken at single spaces, each time that the line is longer than the width."""
    if text.startswith("' ") or text.endswith(" '"):
        raise _UnusualError
    parts, start = [], 0
    for found in _BREAK.finditer(text):
        if column + found.start() - start > WIDTH:
            parts.append(text[start : found.start()])
            start, column = found.end(), len(indent) + 2
    return f"\n{indent}  ".join((*parts, text[start:]))
