"""What JavaScript assigns and changes, by its names and the keys behind them: for `javascript`.

Pure. A change that is not carried out spoils what it may change, so that no value is taken as it was before.
"""

from typing import Any

from controller.operations.scaffold.bodies import requests_in
from controller.operations.scaffold.names import DEEPEST, Names, UnknownValue, holders, spoil
from controller.operations.scaffold.readers.javascript_tokens import Token
from controller.operations.scaffold.readers.javascript_values import CHANGING, CLOSING, NoValue, Values, has_key

_STEPPING = ("++", "--")
_ASSIGNING = frozenset(
    {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "**=", "<<=", ">>=", ">>>=", "&&=", "||=", "??=", *_STEPPING}
)
_CLOSED = frozenset(CLOSING.values())
_LONGEST_ARGUMENTS = 40  # tokens between the brackets of a function

Path = list[str | int | None]
"""A name and the keys behind it; None for a key that is not known."""


class Changes(Values):
    """Values, and the changes of those that have a name.

    `changers` are functions, with a list for the number of each argument that is filled by what changes the argument.
    """

    def __init__(self, tokens: list[Token], names: Names) -> None:
        super().__init__(tokens, names)
        self.changers: dict[str, dict[int, list[Any]]] = {}

    def path(self) -> Path:
        """A name and the keys behind it: `payload.input["data"][0]`; none within a longer one."""
        if self.at >= len(self.tokens) or self.tokens[self.at].kind != "word" or self.peek(-1) in (".", "?."):
            return []
        path: Path = [self.tokens[self.at].text]
        self.at += 1
        while len(path) <= DEEPEST:
            start = self.at
            if self.peek() in (".", "?.") and self.peek(1):
                path.append(self.peek(1))
                self.at += 2
            elif self.peek() != "[":
                break
            elif (key := self.key()) is not None:
                path.append(key)
                self.at += 3
            else:
                try:
                    self.at += 1
                    self.skip_to("]")
                    path.append(None)
                except NoValue:
                    self.at = start
                    break
        return path

    def held(self, path: Path) -> Any:
        """The value of a name, or of the keys behind it as far as they are known; None when there is none."""
        held: Any = self.known(str(path[0])) if path else None
        for key in path[1:]:
            if not has_key(held, key):
                return UnknownValue(line=self.line(), why="", within=holders(held))
            held = held[key]
        return held

    def assign(self, path: Path, value: Any, line: int) -> None:
        held, key = self.held(path[:-1]), path[-1]
        if len(path) == 1:
            self.names.bind(str(key), value, line)
        elif has_key(held, key) or (isinstance(held, dict) and isinstance(key, str)):
            held[key] = value
        else:
            spoil(held, line)

    def is_stepping(self) -> bool:
        return self.peek() in _STEPPING

    def is_assigning(self) -> bool:
        return self.peek() in _ASSIGNING

    def is_changing(self, path: Path) -> bool:
        return len(path) > 1 and path[-1] in CHANGING and self.peek() == "("

    def forget(self, start: int, end: int) -> None:
        """Nothing of what is assigned or changed between two tokens is known from then on."""
        self.at = start
        while self.at < end:
            place, line, before, path = self.at, self.line(), self.peek(-1), self.path()
            if path and (self.is_assigning() or before in _STEPPING):
                self.assign(path, UnknownValue(line=line, why=f"`{path[0]}` is not assigned plainly"), line)
            elif path and (self.is_changing(path) or before == "delete"):
                spoil(self.held(path[:-1]), line)
            self.at = place + 1

    def skip_statement(self) -> None:
        """To the end of a statement without braces: its semicolon, or the end of its line."""
        line = self.line()
        while self.at < len(self.tokens) and self.peek() not in (";", "}", ")") and self.line() == line:
            opening = self.peek()
            self.step()
            self.at += 1
            if opening in CLOSING:
                self.skip_to(CLOSING[opening])
                line = self.tokens[self.at - 1].line

    # --- functions ---

    def parameters(self) -> None:
        """What the function that may begin here is given is not known inside of it."""
        found = self.arguments(self.at)
        changes = self.changers.setdefault(self.function(), {}) if found else {}
        for number, token in found:
            self.bind_part(token, self.known(token.text), changes.setdefault(number, []))

    def function(self) -> str:
        """The name of the function that begins here: `function name(…)`, `name = (…) =>`."""
        is_declared = self.peek() == "function" and self.peek(1) != "("
        return self.peek(1) if is_declared else self.peek(-2) if self.peek(-1) == "=" else ""

    def callback(self, path: Path) -> None:
        """`list.forEach(each => …)`: what the function is given may be a part of the list."""
        held = self.held(path[:-1]) if len(path) > 1 else None
        if path[:1] == ["Object"] and self.peek() == "(":
            start, self.at = self.at, self.at + 1
            held, self.at = self.held(self.path()), start
        while holders(held) and self.peek() == "(":
            for _, token in self.arguments(self.at + 1):
                self.bind_part(token, held)
            try:
                self.skip_call()
            except NoValue:
                return
            self.at += 2 if self.peek() == "." else 0

    def changed_by(self, path: Path) -> None:
        """What is given to a function of the text in the place of an argument that it changes."""
        changes = self.changers.get(str(path[0]), {}) if len(path) == 1 and self.peek() == "(" else {}
        if any(changes.values()):
            for number, token in self.numbered(self.at, in_call=True)[0]:
                if number < 0 or changes.get(min(number, max(changes))):
                    spoil(self.known(token.text), token.line)

    def sent(self) -> None:
        """`post(url, body)`: a request as it is now, whatever is changed in it afterwards."""
        is_argument = self.peek(-1) in ("(", ",") and self.peek(1) in (",", ")")
        if is_argument and self.peek(-4) != "Object":
            for each in requests_in(self.known(self.peek()), self.names):
                if not self.is_kept(self.at):
                    self.names.send(each, self.line())

    def arguments(self, at: int) -> list[tuple[int, Token]]:
        """The names of what the function is given that begins at a token, with their numbers; none when none does."""
        at += at < len(self.tokens) and self.tokens[at].text == "async"
        texts = [each.text for each in self.tokens[at : at + 2]]
        if texts[1:] == ["=>"]:
            return [(0, self.tokens[at])]
        if texts[:1] not in (["("], ["function"]):
            return []
        behind = self.tokens[at : at + _LONGEST_ARGUMENTS]
        start = next((place for place, token in enumerate(behind, start=at) if token.text == "("), at)
        found, end = self.numbered(start, in_call=False)
        return found if texts[0] == "function" or [each.text for each in self.tokens[end : end + 1]] == ["=>"] else []

    def numbered(self, at: int, *, in_call: bool) -> tuple[list[tuple[int, Token]], int]:
        """The words in the brackets that begin at a token, with the numbers of their arguments; and where these end.

        The numbers behind `...list` in a call are -1: they are not known. Types such as `Record<string, string>` have
        commas as well.
        """
        found: list[tuple[int, Token]] = []
        number = depth = angles = 0
        for place, token in enumerate(self.tokens[at : at + _LONGEST_ARGUMENTS], start=at):
            mark = token.text
            depth += (mark in CLOSING) - (mark in _CLOSED)
            if depth <= 0:
                return found, place + 1
            angles += 0 if in_call else (mark == "<") - (mark.count(">") if mark in (">", ">>", ">>>") else 0)
            if depth == 1 and mark == "..." and in_call:
                number = -1
            elif depth == 1 and angles <= 0 and mark == "," and number >= 0:
                number += 1
            elif token.kind == "word":
                found.append((number, token))
        return found, len(self.tokens)

    def bind_part(self, token: Token, *made: Any) -> None:
        """The name is something in a value, or that value, or anything else."""
        why = f"`{token.text}` is not assigned plainly"
        self.names.bind(token.text, UnknownValue(line=token.line, why=why, within=holders(*made)), token.line)
