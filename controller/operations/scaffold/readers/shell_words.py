"""Splits shell commands into words, with the variables and here-documents they are made of: for `shell`.

Pure. What only running a command would give is a placeholder inside of its word.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from controller.operations.scaffold.names import Names, placeholder
from controller.operations.scaffold.readers.javascript_tokens import joined_surrogates

_NAME = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)
_HERE = re.compile(r"<<(-?)\s*(['\"]?)(\w+)\2", re.ASCII)
_CAT = re.compile(r"\$\(cat <<-?\s*(['\"]?)(\w+)\1[ \t]*\n(.*?)\n\s*\2\s*\n?\s*\)", re.DOTALL | re.ASCII)
_FILE = re.compile(r"\$\(\s*(?:cat\s+|<\s*)([\w./-]+)\s*\)", re.ASCII)
_ANSI = {"n": "\n", "t": "\t", "r": "\r", "'": "'", '"': '"', "\\": "\\"}
_ANSI_QUOTED = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)
_ANSI_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_MOST_HERES = 200
_SPACE, _ENDS = " \t", "\n;&|"


@dataclass(slots=True)
class Command:
    """The words of one command, what its here-document holds, and whether it reads what the one before wrote."""

    words: list[str]
    line: int
    here: str | None = None
    is_piped: bool = False


class _Unclosed(Exception):  # noqa: N818  (caught in this module alone)
    """A quote that is opened and never closed."""


def commands(text: str, names: Names, before: int = 0) -> Iterator[Command]:
    """The commands in their order; a quote that is never closed ends them."""
    lexer = _Lexer(text, names, before)
    try:
        while lexer.at < len(text):
            command = lexer.command()
            if command.words:
                yield command
    except _Unclosed:
        return


def end_of_commands(text: str, start: int) -> int:
    """Where the line of commands that begins at `start` ends; 0 when a quote stays open."""
    lexer = _Lexer(text, Names(), 0)
    lexer.at = lexer.counted = start
    try:
        while lexer.at < len(text):
            lexer.command()
            if text[lexer.at - 1] == "\n":
                break
    except _Unclosed:
        return 0
    return lexer.at


class _Lexer:
    """One pass over the text, command by command."""

    def __init__(self, text: str, names: Names, before: int) -> None:
        self.text, self.names, self.before = text, names, before
        self.at, self.counted, self.lines = 0, 0, 0
        self.is_piped = False
        self.heres: list[tuple[str, bool]] = []
        self.left = _MOST_HERES

    def line(self) -> int:
        self.lines += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.before + self.lines + 1

    def command(self) -> Command:
        found = Command([], self.line(), is_piped=self.is_piped)
        self.is_piped = False
        while self.at < len(self.text):
            character = self.text[self.at]
            if character in _SPACE or self.text.startswith(("\\\n", "^\n"), self.at):
                self.at += 1 if character in _SPACE else 2
            elif character == "#":
                self.at = self.end_of_line()
            elif character in _ENDS:
                self.at += 1
                self.is_piped = character == "|"
                if character == "\n" and self.heres:
                    found.here = self.here_document()
                break
            elif self.text.startswith("<<<", self.at):
                self.at += 3
                while self.text[self.at : self.at + 1] in (" ", "\t"):
                    self.at += 1
                found.here = self.word()
            elif here := _HERE.match(self.text, self.at):
                self.heres.append((here[3], bool(here[2])))
                self.at = here.end()
            elif character in "<>()":
                self.at += 1
            else:
                found.line = found.line if found.words else self.line()
                found.words.append(self.word())
        return found

    def end_of_line(self) -> int:
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end

    def here_document(self) -> str:
        """The lines up to the word that ends them; of several here-documents the last one counts."""
        content = ""
        for word, is_literal in self.heres:
            self.count_here()
            end = re.compile(rf"^\s*{word}\s*$", re.MULTILINE).search(self.text, self.at)
            if end is None:
                raise _Unclosed
            content = self.text[self.at : end.start()]
            content = content if is_literal else self.expanded(content)
            self.at = min(len(self.text), end.end() + 1)
        self.heres.clear()
        return content

    def count_here(self) -> None:
        """Each search for the end of a here-document may read the whole text."""
        self.left -= 1
        if self.left < 0:
            raise _Unclosed

    def word(self) -> str:
        parts: list[str] = []
        while self.at < len(self.text) and self.text[self.at] not in _SPACE + _ENDS + "<>()":
            character = self.text[self.at]
            if character == "'":
                parts.append(self.quoted("'"))
            elif self.text.startswith("$'", self.at):
                self.at += 1
                parts.append(self.ansi_quoted())
            elif character == '"':
                parts.append(self.double_quoted())
            elif character == "\\":
                parts.append(self.text[self.at + 1 : self.at + 2].replace("\n", ""))
                self.at += 2
            elif character == "$" and self.text.startswith("$(", self.at):
                parts.append(self.substitution())
            elif name := _NAME.match(self.text, self.at):
                parts.append(self.variable(name))
                self.at = name.end()
            else:
                parts.append(character)
                self.at += 1
        return "".join(parts)

    def quoted(self, mark: str) -> str:
        start, end = self.at + 1, self.text.find(mark, self.at + 1)
        if end < 0:
            raise _Unclosed
        self.at = end + 1
        return self.text[start:end]

    def ansi_quoted(self) -> str:
        """The text of `$'…'`, where a browser copies what needs escapes."""
        found = _ANSI_QUOTED.match(self.text, self.at)
        if found is None:
            raise _Unclosed
        self.at = found.end()
        return joined_surrogates(_ANSI_ESCAPE.sub(_ansi_character, found[1]))

    def double_quoted(self) -> str:
        parts: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == '"':
                self.at += 1
                return "".join(parts)
            if character == "\\":
                escaped = self.text[self.at + 1 : self.at + 2]
                parts.append({"\n": ""}.get(escaped, escaped if escaped in '"\\$`' else f"\\{escaped}"))
                self.at += 2
            elif self.text.startswith("$(", self.at):
                parts.append(self.substitution())
            elif name := _NAME.match(self.text, self.at):
                parts.append(self.variable(name))
                self.at = name.end()
            else:
                parts.append(character)
                self.at += 1
        raise _Unclosed

    def substitution(self) -> str:
        """`$(cat <<EOF … EOF)` and `$(cat file)`; what another command writes is not known."""
        if self.text.startswith("$(cat <<", self.at):
            self.count_here()
        if cat := _CAT.match(self.text, self.at):
            self.at = cat.end()
            return cat[3] if cat[1] else self.expanded(cat[3])
        line = self.line()
        if file := _FILE.match(self.text, self.at):
            self.at = file.end()
            found = self.names.read_file(file[1], line)
            return found.rstrip("\n") if isinstance(found, str) else placeholder(f"$(cat {file[1]})", line)
        end = self.text.find(")", self.at)
        self.at = end + 1 if end >= 0 else len(self.text)
        return placeholder("$(…)", line)

    def variable(self, name: re.Match[str]) -> str:
        word = name[1] or name[2]
        try:
            value = self.names.get(word)
        except KeyError:
            value = None
        text = str(value) if isinstance(value, str | int | float) else None
        return text if text is not None and self.names.has_room(len(text)) else placeholder(f"${word}", self.line())

    def expanded(self, text: str) -> str:
        return _NAME.sub(self.variable, text)


def _ansi_character(found: re.Match[str]) -> str:
    escape = found[1]
    return chr(int(escape[1:], 16)) if len(escape) > 1 else _ANSI.get(escape, found[0])
