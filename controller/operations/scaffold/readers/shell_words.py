"""Splits shell commands into words, with the variables and here-documents they are made of: for `shell`.

Pure. What only running a command would give is a placeholder inside of its word.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from controller.operations.scaffold.names import Names, placeholder
from controller.operations.scaffold.readers.javascript_tokens import joined_surrogates

_NAME = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)
_UNKNOWN = re.compile(r"\$\{[!#]?(?P<name>\w*)[^}\n]{0,200}\}|\$[@*#?!]|`[^`\n]*`", re.ASCII)
"""What no variable alone gives: `${NAME:-default}`, `$@`, and what a command writes."""
_EXPANDED = re.compile(
    r"\\(?P<escaped>[$`\\\n])|(?P<command>\$\([^()]*(?:\([^()]*\)[^()]*)*\))"
    rf"|(?P<variable>{_NAME.pattern})|{_UNKNOWN.pattern}",
    re.ASCII,
)
_BRACKET = re.compile(r"[()]")
_HERE = re.compile(r"<<(-?)\s*(['\"]?)(\w+)\2", re.ASCII)
_CAT = re.compile(r"\$\(cat <<-?\s*(['\"]?)(\w+)\1[ \t]*\n(.*?)\n\s*\2\s*\n?\s*\)", re.DOTALL | re.ASCII)
_FILE = re.compile(r"\$\(\s*(?:cat\s+|<\s*)([\w./-]+)\s*\)", re.ASCII)
_ANSI = {"n": "\n", "t": "\t", "r": "\r", "'": "'", '"': '"', "\\": "\\"}
_ANSI_QUOTED = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)
_ANSI_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_MOST_HERES = 200
_SPACE, _ENDS = " \t", "\n;&|"
KEYWORDS = frozenset({"if", "while", "until", "then", "else", "elif", "do", "!"})
"""Words before a command."""
_GOING_ON = ("&&", "||", "|")


@dataclass(slots=True)
class Command:
    """The words of one command, what its here-document holds, and the mark before it, such as `|` or `&&`."""

    words: list[str]
    line: int
    after: str = ""
    here: str | None = None


class Unclosed(Exception):  # noqa: N818  (caught by the readers of commands)
    """A quote that is opened and never closed."""


class Commands:
    """One pass over the text, command by command."""

    def __init__(self, text: str, names: Names, before: int) -> None:
        self.text, self.names, self.before = text, names, before
        self.at, self.counted, self.lines = 0, 0, 0
        self.mark = ""
        self.heres: list[tuple[str, bool]] = []
        self.left = _MOST_HERES

    def line(self) -> int:
        self.lines += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.before + self.lines + 1

    def __iter__(self) -> Iterator[Command]:
        """The commands in their order; a quote that is never closed ends them."""
        try:
            while self.at < len(self.text):
                command = self.command()
                if command.words:
                    yield command
        except Unclosed:
            return

    def command(self) -> Command:
        found = Command([], self.line(), after=self.mark)
        self.mark = ""
        while self.at < len(self.text):
            character = self.text[self.at]
            if character in _SPACE or self.text.startswith(("\\\n", "^\n"), self.at):
                self.at += 1 if character in _SPACE else 2
            elif character == "#":
                self.at = self.end_of_line()
            elif character == "\n" and found.after in _GOING_ON and not found.words and not self.heres:
                self.at += 1
            elif character in _ENDS:
                pair = self.text[self.at : self.at + 2]
                self.mark = pair if pair in _GOING_ON else character
                self.at += len(self.mark)
                if character == "\n" and self.heres:
                    found.here = self.here_document()
                break
            elif self.text.startswith("((", self.at):
                self.at += 2
                found.words.append("((")
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
                start = self.at
                found.words.append(self.word())
                if found.words == [self.text[start : self.at]] and found.words[0] in KEYWORDS:
                    self.mark = found.after
                    break  # what it changes is known before the rest is read
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
                raise Unclosed
            content = self.text[self.at : end.start()]
            content = content if is_literal else self.expanded(content)
            self.at = min(len(self.text), end.end() + 1)
        self.heres.clear()
        return content

    def count_here(self) -> None:
        """Each search for the end of a here-document may read the whole text."""
        self.left -= 1
        if self.left < 0:
            raise Unclosed

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
            else:
                parts.append(self.expansion(character))
        return "".join(parts)

    def quoted(self, mark: str) -> str:
        start, end = self.at + 1, self.text.find(mark, self.at + 1)
        if end < 0:
            raise Unclosed
        self.at = end + 1
        return self.text[start:end]

    def ansi_quoted(self) -> str:
        """The text of `$'…'`, where a browser copies what needs escapes."""
        found = _ANSI_QUOTED.match(self.text, self.at)
        if found is None:
            raise Unclosed
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
            else:
                parts.append(self.expansion(character))
        raise Unclosed

    def expansion(self, character: str) -> str:
        """What stands for an expansion that begins here, or else the character itself."""
        if self.text.startswith("$(", self.at):
            return self.substitution()
        if name := _NAME.match(self.text, self.at):
            self.at = name.end()
            return self.variable(name)
        if unknown := _UNKNOWN.match(self.text, self.at):
            self.at = unknown.end()
            return self.unknown(unknown)
        self.at += 1
        return character

    def substitution(self) -> str:
        """`$(cat <<EOF … EOF)` and `$(cat file)`; what another command writes is not known."""
        if self.text.startswith("$(cat <<", self.at):
            self.count_here()
        if cat := _CAT.match(self.text, self.at):
            self.at = cat.end()
            return cat[3] if cat[1] else self.expanded(cat[3])
        start, self.at = self.at, self.end_of_brackets()
        return self.written_by(self.text[start : self.at])

    def end_of_brackets(self) -> int:
        depth = 0
        for bracket in _BRACKET.finditer(self.text, self.at):
            depth += 1 if bracket[0] == "(" else -1
            if depth == 0:
                return bracket.end()
        return len(self.text)

    def variable(self, name: re.Match[str]) -> str:
        word = name[1] or name[2]
        try:
            value = self.names.get(word)
        except KeyError:
            value = None
        text = str(value) if isinstance(value, str | int | float) else None
        return text if text is not None and self.names.has_room(len(text)) else placeholder(f"${word}", self.line())

    def unknown(self, found: re.Match[str]) -> str:
        """A placeholder that names the variable alone: what stands beside it may be a key."""
        name = found["name"]
        return placeholder(f"${{{name}…}}" if name else "$(…)" if found[0][0] == "`" else found[0], self.line())

    def expanded(self, text: str) -> str:
        """A here-document, or a text like one."""
        return _EXPANDED.sub(self.part, text)

    def part(self, found: re.Match[str]) -> str:
        if found["escaped"]:
            return found["escaped"].replace("\n", "")
        if found["variable"] and (name := _NAME.match(found["variable"])):
            return self.variable(name)
        if found["command"]:
            return self.written_by(found["command"])
        return self.unknown(found)

    def written_by(self, command: str) -> str:
        """What `$(cat file)` gives; what another command writes is not known."""
        file = _FILE.fullmatch(command)
        text = self.names.read_file(file[1], self.line()) if file else None
        name = f"$(cat {file[1]})" if file else "$(…)"
        return text.rstrip("\n") if isinstance(text, str) else placeholder(name, self.line())


def _ansi_character(found: re.Match[str]) -> str:
    escape = found[1]
    return chr(int(escape[1:], 16)) if len(escape) > 1 else _ANSI.get(escape, found[0])
