"""Shared by the YAML and JSON readers: tokens with their positions, and the meaning of a plain scalar.

`yaml_text` and `json_text` turn text into tokens, the package itself turns tokens into documents.
"""

import re
from bisect import bisect_right
from enum import Enum, auto
from math import isfinite
from typing import Any

Place = tuple[int, int]

DEEPEST = 64  # levels of mappings and lists
_LARGEST = 2**53 - 1  # beyond it a JSON number does not reach the service unchanged
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

_TOO_LARGE = "this whole number is too large to be sent exactly: write a smaller one, or put it in quotes if it is text"
NOT_FINITE = "must be a finite number"
TOO_DEEP = f"is nested more than {DEEPEST} levels deep: write it flatter"


class TextError(Exception):
    """The text is not YAML or JSON, from this position on."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place, self.message = place, message


class TokenKind(Enum):
    """What a token begins, ends or is."""

    DOCUMENT = auto()
    MAPPING = auto()
    LIST = auto()
    SCALAR = auto()
    FOLDED = auto()
    """A scalar whose line breaks are lost: YAML joins the lines of `>`, of quotes and of plain text."""
    END = auto()


OPENING = (TokenKind.MAPPING, TokenKind.LIST)

# Kind, value of a scalar, position, and why it is refused ("" when it is not).
Token = tuple[TokenKind, Any, Place, str]


def plain(text: str) -> tuple[Any, str]:
    """An unquoted YAML scalar by the core schema of YAML 1.2, and why it is refused."""
    if text in _WORDS:
        return _WORDS[text], ""
    if text[0] not in "-+.0123456789":
        return text, ""
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number, "" if isfinite(number) else NOT_FINITE
    return (None, NOT_FINITE) if _INFINITE.fullmatch(text) else (text, "")


def _integer(text: str) -> tuple[int, str]:
    if len(text) > 20:
        return 0, _TOO_LARGE
    number = int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return number, _TOO_LARGE if abs(number) > _LARGEST else ""


class Lines:
    """Turns offsets into positions."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(each.end() for each in re.finditer(r"\r\n|\r|\n", text))]

    def place(self, offset: int) -> Place:
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1
