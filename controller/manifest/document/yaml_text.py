"""Reads YAML text into tokens by the rules of version 1.2 (core schema): `on`, `12:30` and dates stay text.

Anchors, aliases and tags are refused; any other error ends the text with a `TextError`.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from controller.manifest.document.tokens import OPENING, Place, TextError, Token, TokenKind, plain

_NO_ALIAS = "anchors and aliases (`&`, `*`) are not supported: write the value out where it is meant"
_NO_TAG = "tags (`!`) are not supported: write the plain value"
_KINDS = {
    yaml.DocumentStartEvent: TokenKind.DOCUMENT,
    yaml.MappingStartEvent: TokenKind.MAPPING,
    yaml.SequenceStartEvent: TokenKind.LIST,
    yaml.ScalarEvent: TokenKind.SCALAR,
    yaml.AliasEvent: TokenKind.SCALAR,
    yaml.MappingEndEvent: TokenKind.END,
    yaml.SequenceEndEvent: TokenKind.END,
}


def yaml_tokens(text: str) -> Iterator[Token]:
    """The tokens of every document; raises `TextError` where the text stops being YAML."""
    parser = yaml.CSafeLoader(text)
    try:
        while True:
            event: Any = parser.get_event()
            kind = _KINDS.get(type(event))
            if kind is None:
                if isinstance(event, yaml.StreamEndEvent):
                    return
                continue
            place = _place(event.start_mark)
            if kind is TokenKind.SCALAR:
                value, refusal = _yaml_scalar(event)
                if event.end_mark.line >= place[0] and _is_folded(event, text):
                    kind = TokenKind.FOLDED
            else:
                value, refusal = None, _refusal(event) if kind in OPENING else ""
            yield kind, value, place, refusal
    except yaml.MarkedYAMLError as error:
        place = _place(error.problem_mark or error.context_mark)
        raise TextError(place, _yaml_words(error, text)) from None
    except yaml.YAMLError:
        raise TextError((1, 1), "is not a YAML text") from None
    finally:
        parser.dispose()


def _place(mark: Any) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _yaml_scalar(event: yaml.ScalarEvent | yaml.AliasEvent) -> tuple[Any, str]:
    if isinstance(event, yaml.AliasEvent):
        return None, _NO_ALIAS
    if event.anchor or event.tag:
        return event.value, _refusal(event)
    return plain(event.value) if event.implicit[0] else (event.value, "")


def _is_folded(event: Any, text: str) -> bool:
    """Whether a scalar of several lines has more of them than its value; a blank line stands for a break."""
    if isinstance(event, yaml.AliasEvent) or event.style == "|":
        return False
    header = 1 if event.style == ">" else 0
    return _full_lines(text[event.start_mark.index : event.end_mark.index]) - header > _full_lines(event.value)


def _full_lines(text: str) -> int:
    return sum(1 for line in text.splitlines() if line.strip())


def _refusal(event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> str:
    if event.anchor:
        return _NO_ALIAS
    return _NO_TAG if event.tag else ""


def _yaml_words(error: yaml.MarkedYAMLError, text: str) -> str:
    mark, begun = error.problem_mark, error.context_mark
    at = text.splitlines()[mark.line][mark.column :] if mark and mark.line < len(text.splitlines()) else ""
    if at.startswith("\t"):
        return "a tab cannot indent YAML: use spaces"
    if at.startswith(("@", "`", "%")):
        return f"a plain value cannot begin with `{at[0]}`: put it in quotes"
    since = f" ({error.context}, which begins in line {begun.line + 1})" if error.context and begun else ""
    return f"is not valid YAML: {error.problem}{since}"
