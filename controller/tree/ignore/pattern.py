"""Reads one line of an ignore list by git's rules (gitignore(5)) into tokens; `automaton` matches them.

Pure. Names are compared by characters, where git compares bytes: `caf?` is also `café`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

_NAMED = {
    "alnum": "09AZaz", "alpha": "AZaz", "blank": "\t\t  ", "cntrl": "\x00\x1f\x7f\x7f", "digit": "09", "graph": "!~",
    "lower": "az", "print": " ~", "punct": "!/:@[`{~", "space": "\t\n\r\r  ", "upper": "AZ", "xdigit": "09AFaf",
}  # fmt: skip
"""First and last of each range of characters, as in the C locale, which git matches in."""
_UNCLOSED = "has a `[` that is not closed"


class Wildcard(Enum):
    """A part of a pattern that is not one character or one of a class."""

    ANY = auto()
    """`?`: one character within a name."""
    SOME = auto()
    """`*`: any number of them."""
    FOLDERS = auto()
    """`**/`: any number of whole folders."""
    INSIDE = auto()
    """`/**`: everything below."""


@dataclass(frozen=True, slots=True)
class CharacterClass:
    """`[a-z]`: one character of these ranges, or (`is_negated`) of no such range."""

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool

    def borders(self) -> Iterator[int]:
        """The code points at which the ranges begin and end, joined where they meet: in turn, ascending."""
        end = -1
        for first, last in sorted((ord(first), ord(last)) for first, last in self.ranges if first <= last):
            if first > end:
                yield from (end, first) if end >= 0 else (first,)
            end = max(end, last + 1)
        yield end


Token = str | CharacterClass | Wildcard
"""A `str` is one character that stands for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A pattern for paths relative to the folder of its list. `is_negated`: what matches is not ignored after all."""

    tokens: tuple[Token, ...]
    is_negated: bool = False
    is_for_folders: bool = False


class PatternError(ValueError):
    """The pattern matches nothing, whatever the names; the message says why."""


def read_pattern(line: str) -> Pattern | None:
    """The pattern of a line; None: it is blank or a comment. Raises `PatternError`."""
    text = _without_spaces(line.removesuffix("\r"))
    if not text or text.startswith("#"):
        return None
    is_negated = text.startswith("!")
    body = text.removeprefix("!")
    is_for_folders = body.endswith("/")
    body = body.removesuffix("/")
    anywhere: tuple[Token, ...] = () if "/" in body else (Wildcard.FOLDERS,)
    body = body.removeprefix("/")
    if not body:
        raise PatternError("names nothing")
    tokens = (*anywhere, *_tokens(body))
    return Pattern(tokens=tokens, is_negated=is_negated, is_for_folders=is_for_folders)


def _without_spaces(line: str) -> str:
    """Without the spaces at the end, except for one after a backslash."""
    bare = line.rstrip(" ")
    slashes = len(bare) - len(bare.rstrip("\\"))
    return line[: len(bare) + 1] if slashes % 2 else bare


def _tokens(body: str) -> Iterator[Token]:
    at, last = 0, None
    while at < len(body):
        token, at = _token(body, at)
        if token is not last or not isinstance(token, Wildcard) or token is Wildcard.ANY:
            yield token
        last = token


def _token(body: str, at: int) -> tuple[Token, int]:
    """The token at this place, and where the next one begins."""
    match body[at]:
        case "*":
            return _stars(body, at)
        case "?":
            return Wildcard.ANY, at + 1
        case "[":
            return _class(body, at + 1)
        case "\\" if at + 1 == len(body):
            raise PatternError("ends with a backslash that escapes nothing")
        case "\\":
            return body[at + 1], at + 2
        case letter:
            return letter, at + 1


def _stars(body: str, at: int) -> tuple[Token, int]:
    end = at
    while body[end : end + 1] == "*":
        end += 1
    if end - at == 1 or body[at - 1 : at] not in ("", "/") or body[end : end + 1] not in ("", "/"):
        return Wildcard.SOME, end
    return (Wildcard.INSIDE, end) if end == len(body) else (Wildcard.FOLDERS, end + 1)


def _class(body: str, at: int) -> tuple[Token, int]:
    """The class that begins behind its `[`; a `]` right at the beginning belongs to it."""
    is_negated = body[at : at + 1] in ("!", "^") and body[at : at + 1] != ""
    at += is_negated
    ranges: list[tuple[str, str]] = []
    begin = at
    while at == begin or body[at : at + 1] != "]":
        end = body.find("]", at + 2) if body.startswith("[:", at) else -1
        if end > at + 2 and body[end - 1] == ":":
            ranges += _named(body[at + 2 : end - 1])
            at = end + 1
            continue
        first, at = _letter(body, at)
        ranges.append((first, first))  # `[b-a]` is no range, but it has the `b`
        if body[at : at + 1] == "-" and body[at + 1 : at + 2] not in ("", "]"):
            last, at = _letter(body, at + 1)
            ranges.append((first, last))
    return CharacterClass(tuple(ranges), is_negated), at + 1


def _letter(body: str, at: int) -> tuple[str, int]:
    at += body[at : at + 1] == "\\"
    if at >= len(body):
        raise PatternError(_UNCLOSED)
    return body[at], at + 1


def _named(name: str) -> list[tuple[str, str]]:
    if name not in _NAMED:
        raise PatternError(f"has an unknown class `[:{name}:]`")
    letters = _NAMED[name]
    return list(zip(letters[::2], letters[1::2], strict=True))
