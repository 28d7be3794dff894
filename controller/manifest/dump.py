"""A manifest as YAML text, formatted as if written by hand: for `import` and `init`.

Pure. `document` reads the text back as exactly the values it was made from.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

WIDEST = 100
_INDENT = "  "
_PLAIN = re.compile(r"[A-Za-z_/][\w./+-]*(?:://[\w./+-]+)?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def laid_out(document: Mapping[str, Any]) -> str:
    """YAML of a mapping: nested mappings below their keys, short values inside them on one line."""
    lines: list[str] = []
    for key, value in document.items():
        if isinstance(value, Mapping) and value:
            lines += [f"{scalar(key)}:", *(f"{_INDENT}{line}" for line in _lines(value))]
        else:
            lines += _entry(f"{scalar(key)}:", value)
    return "".join(f"{line}\n" for line in lines)


def scalar(value: Any) -> str:
    """One value as YAML; text is unquoted where every reader takes it for text."""
    if not isinstance(value, str):
        return json.dumps(value, allow_nan=False)
    is_plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _WORDS
    return value if is_plain else "".join(map(_visible, json.dumps(value, ensure_ascii=False)))


def _visible(character: str) -> str:
    """A character of quoted text; an invisible one is escaped."""
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _entry(f"{scalar(key)}:", below)
    else:
        for item in value:
            yield from _item(item)


def _entry(head: str, value: Any) -> Iterator[str]:
    """A key with its value, on its line or below it."""
    inline = _inline(value, deepest=1)
    if inline is not None and (len(head) + len(inline) < WIDEST or not _has_more(value)):
        yield f"{head} {inline}"
        return
    yield head
    yield from (f"{_INDENT}{line}" for line in _lines(value))


def _item(value: Any) -> Iterator[str]:
    inline = _inline(value, deepest=2)
    if inline is not None and (len(inline) < WIDEST or not _has_more(value)):
        yield f"- {inline}"
        return
    first, *rest = _lines(value)
    yield f"- {first}"
    yield from (f"  {line}" for line in rest)


def _inline(value: Any, *, deepest: int) -> str | None:
    """A value on one line; None when more than `deepest` containers are nested, which reads better in block style."""
    if not _is_container(value):
        return scalar(value)
    if value and deepest == 0:
        return None
    if isinstance(value, Mapping):
        heads = [f"{scalar(key)}: " for key in value]
        return _joined("{", heads, [_inline(each, deepest=deepest - 1) for each in value.values()], "}")
    return _joined("[", [""] * len(value), [_inline(each, deepest=deepest - 1) for each in value], "]")


def _joined(opening: str, heads: Sequence[str], parts: Sequence[str | None], closing: str) -> str | None:
    found = [f"{head}{part}" for head, part in zip(heads, parts, strict=True) if part is not None]
    return f"{opening}{', '.join(found)}{closing}" if len(found) == len(parts) else None


def _is_container(value: Any) -> bool:
    return isinstance(value, Mapping | Sequence) and not isinstance(value, str)


def _has_more(value: Any) -> bool:
    """Whether it needs lines of its own."""
    return _is_container(value) and bool(value)
