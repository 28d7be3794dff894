"""Reads shell commands: what `curl` sends, and the variables and here-documents it is made of. For `pasted`.

Pure: no command is run. `-d`, `--data…`, `--json` and `-F` are understood, with variables that the text assigns.
"""

import re
from collections.abc import Iterator
from typing import Any

from controller.operations.scaffold.names import Names, UnknownValue, unknown_part, unread_request
from controller.operations.scaffold.readers.javascript import read_lenient_json
from controller.operations.scaffold.readers.shell_words import commands

_SENDING = frozenset({"--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_FORMS = frozenset({"--form", "--form-string"})
_WITH_VALUE = frozenset("AbcDdeEFhHKmoPQrtTuUwxXyYzC")  # short options of curl that take a value
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=", re.ASCII)
_PROMPTS = ("$", "%")


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
