"""The text of an evalscript, as hints read it: code without comments and strings, functions and their positions.

Pure. It is not a parser: it works for scripts written in the usual way.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

_INTERESTING = re.compile(r"[/'\"`{}]")
_STRING = re.compile(r"'(?:\\.|[^'\\\n])*'?|\"(?:\\.|[^\"\\\n])*\"?", re.DOTALL)
_TEMPLATE = re.compile(r"(?:\\.|\$(?!\{)|[^`\\$])*(?:`|\$\{|$)", re.DOTALL)
_REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/\w*")
_BEFORE_REGEX = re.compile(r"(?:^|[(,=:\[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|delete))$")
_NOT_A_LINE_END = re.compile(r"[^\n]")
_FUNCTION = (
    r"(?:\bfunction\s+NAME\s*\((?P<named>[^()]*)\)|"
    r"\bNAME\s*=\s*(?:function\s*\w*\s*\((?P<assigned>[^()]*)\)|\((?P<arrow>[^()]*)\)\s*=>|(?P<one>[\w$]+)\s*=>))"
    r"\s*(?P<brace>\{?)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function: the names of its parameters ("" for a pattern), and the text between its braces."""

    parameters: tuple[str, ...]
    start: int
    end: int


class SourceText:
    """One script. `code` has comments and strings blanked, `words` only comments; both keep every position."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._heads: dict[str, re.Match[str] | None] = {}

    @cached_property
    def code(self) -> str:
        return _blanked(self.text, list(_parts(self.text)))

    @cached_property
    def words(self) -> str:
        return _blanked(self.text, [part for part in _parts(self.text) if part[0]])

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1."""
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)

    def function(self, name: str) -> Function | None:
        """The function of this name, however it is written, if there is exactly one."""
        found = self._head(name)
        if found is None or not found["brace"]:
            return None
        opening = found.end() - 1
        return Function(parameters=_parameters(found), start=opening + 1, end=self.closing(opening))

    def parameter(self, function: str, position: int) -> str:
        """The name of a parameter; "" when it has none, or it is not known."""
        found = self._head(function)
        names = _parameters(found) if found else ()
        return names[position] if position < len(names) else ""

    def definition(self, name: str) -> int:
        """Where a function or variable of this name is defined, else the beginning of the text."""
        found = re.search(rf"\bfunction\s+{re.escape(name)}\b|(?<![\w$.]){re.escape(name)}\s*=(?!=)", self.code)
        return found.start() if found else 0

    def _head(self, name: str) -> re.Match[str] | None:
        if name not in self._heads:
            self._heads[name] = self._find_head(name)
        return self._heads[name]

    def _find_head(self, name: str) -> re.Match[str] | None:
        found = list(re.finditer(_FUNCTION.replace("NAME", re.escape(name)), self.code))
        return found[0] if len(found) == 1 else None

    def closing(self, opening: int) -> int:
        """Where the bracket at `opening` is closed; the end of the text when it never is."""
        depth = 0
        for bracket in re.finditer(r"[\[({})\]]", self.code[opening:]):
            depth += 1 if bracket[0] in "[({" else -1
            if depth == 0:
                return opening + bracket.start()
        return len(self.code)

    def declared_at_top(self) -> frozenset[str]:
        """The variables declared outside of every function and block."""
        names, depth = set(), 0
        for match in re.finditer(r"[{}]|\b(?:let|var|const)\s+([A-Za-z_$][\w$]*)", self.code):
            depth += (match[0] == "{") - (match[0] == "}")
            if match[1] and depth == 0:
                names.add(match[1])
        return frozenset(names)


@lru_cache(maxsize=32)
def source_of(text: str) -> SourceText:
    """The text of a script; many manifests have the same one, and it is looked through once."""
    return SourceText(text)


def _parameters(head: re.Match[str]) -> tuple[str, ...]:
    """The names between the parentheses; commas inside of patterns separate nothing."""
    text = head["named"] or head["assigned"] or head["arrow"] or head["one"] or ""
    names, depth, begin = [], 0, 0
    for position, mark in enumerate(f"{text},"):
        depth += (mark in "[{") - (mark in "]}")
        if mark == "," and depth == 0:
            name = re.match(r"\s*([A-Za-z_$][\w$]*)\s*(?:=|$)", text[begin:position])
            names.append(name[1] if name else "")
            begin = position + 1
    return tuple(names) if text.strip() else ()


def _blanked(text: str, parts: list[tuple[bool, int, int]]) -> str:
    pieces, position = [], 0
    for _, start, end in parts:
        pieces += [text[position:start], _NOT_A_LINE_END.sub(" ", text[start:end])]
        position = end
    return "".join([*pieces, text[position:]])


def _parts(text: str) -> Iterator[tuple[bool, int, int]]:
    """Comments (true) and the insides of strings, templates and regular expressions (false), each with its ends."""
    position = 0
    depths: list[int] = []  # of braces inside the current `${…}`, innermost last
    while found := _INTERESTING.search(text, position):
        start, mark = found.start(), found[0]
        position = start + 1
        if mark == "/":
            part = _after_slash(text, start)
            if part:
                yield part
                position = part[2]
        elif mark in "'\"":
            position = _end(_STRING, text, start)
            yield False, start + 1, max(start + 1, position - 1)
        elif mark == "`" or (mark == "}" and depths and depths[-1] == 0):
            if mark == "}":
                depths.pop()
            position = _end(_TEMPLATE, text, start + 1)
            inside = position - 1 if text.endswith("`", 0, position) else position - 2
            yield False, start + 1, max(start + 1, inside)
            if text.endswith("${", 0, position):
                depths.append(0)
        elif depths:
            depths[-1] += 1 if mark == "{" else -1


def _after_slash(text: str, start: int) -> tuple[bool, int, int] | None:
    if text.startswith("//", start):
        end = text.find("\n", start)
        return True, start, len(text) if end < 0 else end
    if text.startswith("/*", start):
        end = text.find("*/", start + 2)
        return True, start, len(text) if end < 0 else end + 2
    regex = _REGEX.match(text, start)
    if regex and _BEFORE_REGEX.search(text[max(0, start - 40) : start].rstrip()):
        return False, start + 1, regex.end()
    return None


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start + 1
