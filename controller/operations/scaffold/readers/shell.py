"""Reads shell commands: what `curl` sends, and the variables and here-documents it is made of. For `pasted`.

Pure: no command is run. `-d`, `--data…`, `--json` and `-F` are understood, with variables that the text assigns.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from controller.operations.scaffold.names import Names, UnknownValue, placeholder, unknown_part, unread_request
from controller.operations.scaffold.readers.javascript import read_lenient_json
from controller.operations.scaffold.readers.javascript_tokens import joined_surrogates

_SENDING = frozenset({"--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_FORMS = frozenset({"--form", "--form-string"})
_WITH_VALUE = frozenset("AbcDdeEFhHKmoPQrtTuUwxXyYzC")  # short options of curl that take a value
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=", re.ASCII)
_NAME = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)
_HERE = re.compile(r"<<(-?)\s*(['\"]?)(\w+)\2", re.ASCII)
_CAT = re.compile(r"\$\(cat <<-?\s*(['\"]?)(\w+)\1[ \t]*\n(.*?)\n\s*\2\s*\n?\s*\)", re.DOTALL | re.ASCII)
_FILE = re.compile(r"\$\(\s*(?:cat\s+|<\s*)([\w./-]+)\s*\)", re.ASCII)
_ANSI = {"n": "\n", "t": "\t", "r": "\r", "'": "'", '"': '"', "\\": "\\"}
_ANSI_QUOTED = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)
_ANSI_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_MOST_HERES = 200
_PROMPTS = ("$", "%")
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


def read_shell(text: str, names: Names, before: int = 0) -> None:
    """Evaluate the commands; `before` counts the lines of the whole text above this one."""
    written: Any = None  # by the command before a pipe
    for command in commands(text, names, before):
        words, standard = command.words[command.words[0] in _PROMPTS :], command.here
        if standard is None and command.is_piped:
            standard = written
        while words and (found := _ASSIGNED.match(words[0])):
            names.bind(found[1], words.pop(0)[found.end() :], command.line)
        words = words[1:] if words[:1] in (["export"], ["sudo"], ["time"]) else words
        written = _written(words, standard)
        if words[:1] == ["curl"]:
            _curl(words[1:], standard, names, command.line)
        elif words[:1] == ["read"] and standard is not None:
            names.bind(words[-1], standard, command.line)
        for word in words if command.words and command.words[0] == "export" else ():
            if found := _ASSIGNED.match(word):
                names.bind(found[1], word[found.end() :], command.line)


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


def _written(words: list[str], standard: str | None) -> str | None:
    """What `cat` and `echo` write."""
    if words[:1] == ["cat"]:
        return standard
    plain = [word for word in words[1:] if word not in ("-n", "-e")]
    return " ".join(plain) if words[:1] in (["echo"], ["printf"]) else None


# --- curl ---


def _curl(words: list[str], standard: str | None, names: Names, line: int) -> None:
    """See the body, or the parts of the form, that the command sends."""
    form: dict[str, Any] = {}
    for option, value in _options(words):
        if option in _SENDING:
            names.see(_body(_content(value, standard, "@", option != "--data-raw", names, line), names, line), line)
        elif option in _FORMS:
            key, _, part = value.partition("=")
            form[key.strip()] = _content(part, standard, "<@", option == "--form", names, line)
    if "request" in form:
        request = form["request"]
        form["request"] = _body(request.partition(";type=")[0] if isinstance(request, str) else request, names, line)
    if "request" in form:
        names.see(form if "evalscript" in form else form["request"], line)


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """The options that send something, under their long names."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            name, has_value, value = word.partition("=")
            if name in _SENDING | _FORMS:
                yield name, value if has_value else next(rest, "")
        elif word.startswith("-") and (place := _first_with_value(word)):
            value = word[place + 1 :] or next(rest, "")
            if word[place] in "dF":
                yield ("--data" if word[place] == "d" else "--form"), value


def _first_with_value(word: str) -> int:
    return next((number for number, each in enumerate(word) if number and each in _WITH_VALUE), 0)


def _content(value: str, standard: str | None, marks: str, has_files: bool, names: Names, line: int) -> Any:
    """What an option sends: its value, what the command reads, or a file beside the pasted text."""
    if not has_files or value[:1] not in tuple(marks):
        return value
    file = value[1:].partition(";type=")[0]
    if file == "-":
        return (
            UnknownValue(line=line, why="what this command reads is not known here") if standard is None else standard
        )
    return names.read_file(file, line)


def _body(content: Any, names: Names, line: int) -> Any:
    """The value of JSON; a text that is no JSON but speaks of an input is said to be unreadable where it is needed."""
    if isinstance(content, UnknownValue):
        return unread_request(content)
    if not isinstance(content, str) or not content.lstrip().startswith("{"):
        return content
    value = read_lenient_json(content, names, line - 1)
    if value is not None or "input" not in content or "bounds" not in content:
        return value
    part = unknown_part(content)
    why = f"`{part[1]}` is not known here" if part else "this is not JSON"
    return unread_request(UnknownValue(line=part[0] if part else line, why=why))


# --- words ---


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
