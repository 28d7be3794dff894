"""Reads shell commands: what `curl` sends, and the variables and here-documents it is made of. For `pasted`.

Pure: no command is run. `-d`, `--data…`, `--json` and `-F` are understood, with variables that the text assigns.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from controller.operations.scaffold.names import Names, UnknownValue, is_placeholder, unknown_part, unread_request
from controller.operations.scaffold.readers.javascript import read_lenient_json
from controller.operations.scaffold.readers.shell_blocks import (
    ASSIGNED,
    BRANCHES,
    DECLARING,
    changed_names,
    depth_of,
    names_of_block,
    without_keywords,
)
from controller.operations.scaffold.readers.shell_words import Command, Commands

_SENDING = frozenset({"--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_FORMS = frozenset({"--form", "--form-string"})
_WITH_VALUE = frozenset("AbcDdeEFhHKmoPQrtTuUwxXyYzC")  # short options of curl that take a value
_SAFE = frozenset({"", "cd", "echo", "mkdir", "set", "source", ".", *DECLARING})
"""Commands behind whose `&&` everything is certain."""
_DEEPEST_BLOCK = 10  # whose end is searched for


def read_shell(text: str, names: Names, before: int = 0) -> None:
    """Evaluate the commands; `before` counts the lines of the whole text above this one."""
    commands = Commands(text, names, before)
    shell = _Shell(commands, names)
    for command in commands:
        shell.run(command)


class _Shell:
    """One pass over the commands."""

    def __init__(self, commands: Commands, names: Names) -> None:
        self.commands, self.names = commands, names
        self.written: Any = None  # by the command before a pipe
        self.head = ""  # of the command before
        self.cases = 0
        self.bound: list[set[str]] = [set()]  # what the branch of each open block has assigned
        self.is_unsure = False

    def run(self, command: Command) -> None:
        standard = self.written if command.here is None and command.after == "|" else command.here
        is_chained = command.after in ("&&", "||")
        self.is_unsure = is_chained and (self.is_unsure or command.after == "||" or self.head not in _SAFE)
        words = self.block(command)
        self.forget(changed_names(words, in_case=self.cases > 0), command.line)
        words = self.assignments(words, command.line)
        self.head = words[0] if words else ""
        self.written = _written(words, standard)
        if words[:1] in (["sudo"], ["time"]):
            words = words[1:]
        if words[:1] == ["curl"]:
            _curl(words[1:], standard, self.names, command.line)
        elif words[:1] == ["read"] and standard is not None and len(self.bound) == 1:
            self.read(words[1:], standard, command.line)

    def block(self, command: Command) -> list[str]:
        """The words of the command, without those that begin or end a block."""
        words, keywords = without_keywords(command.words)
        change = depth_of(words)
        if change > 0:
            self.cases += words[0] == "case"
            self.forget(self.names_inside(words), command.line)
            self.bound.append(set())
        elif change < 0 or any(word in BRANCHES for word in keywords):
            self.forget(self.bound[-1], command.line)
            self.bound[-1].clear()
        if change < 0 and len(self.bound) > 1:
            self.cases -= self.cases > 0 and words[0] == "esac"
            self.bound.pop()
        return [] if change else words

    def names_inside(self, words: list[str]) -> set[str]:
        """What the block that begins here may assign; below many others, everything that they have assigned."""
        if len(self.bound) > _DEEPEST_BLOCK:
            found = set().union(*self.bound)
            for each in self.bound:
                each.clear()  # none of them is known any more
            return found
        in_case = self.cases > 0
        inside = names_of_block(self.commands.text, self.commands.at, in_case=in_case)
        return inside.union(changed_names(words, in_case=in_case))

    def assignments(self, words: list[str], line: int) -> list[str]:
        """The words behind the assignments; those before a command are for it alone."""
        declared = words[1:] if words[:1] and words[0] in DECLARING else words
        count = next((number for number, word in enumerate(declared) if not ASSIGNED.match(word)), len(declared))
        is_kept = count == len(declared) or declared is not words
        for word in (declared if declared is not words else words[:count]) if is_kept else ():
            if found := ASSIGNED.match(word):
                self.bind(found[1], word[found.end() :], line)
        return words[count:] if declared is words else words

    def bind(self, name: str, value: str, line: int) -> None:
        if self.cases or self.is_unsure:
            self.forget([name], line)
        else:
            self.names.bind(name, value, line)
            self.bound[-1].add(name)

    def forget(self, names: Iterable[str], line: int) -> None:
        for name in names:
            self.names.bind(name, UnknownValue(line=line, why=f"`${name}` is not assigned plainly"), line)

    def read(self, words: list[str], standard: str, line: int) -> None:
        """`read -r -d '' NAME`, with what it reads."""
        self.bind(words[-1] if words else "REPLY", standard, line)


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
    if part := unknown_part(file):
        return UnknownValue(line=part[0], why=f"it is in the file `{part[1]}`, whose name is not known here")
    return names.read_file(file, line)


def _body(content: Any, names: Names, line: int) -> Any:
    """The value of JSON; a text that is no JSON but speaks of an input is said to be unreadable where it is needed."""
    if isinstance(content, UnknownValue):
        return unread_request(content)
    if isinstance(content, str) and is_placeholder(content) and (part := unknown_part(content)):
        return unread_request(UnknownValue(line=part[0], why=f"`{part[1]}` is not known here"))
    if not isinstance(content, str) or not content.lstrip().startswith("{"):
        return content
    value = read_lenient_json(content, names, line - 1)
    if value is not None or "input" not in content or "bounds" not in content:
        return value
    part = unknown_part(content)
    why = f"`{part[1]}` is not known here" if part else "this is not JSON"
    return unread_request(UnknownValue(line=part[0] if part else line, why=why))
