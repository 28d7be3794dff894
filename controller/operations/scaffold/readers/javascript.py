"""Reads JavaScript, such as a call of `fetch`, and JSON with comments or trailing commas. For `pasted`.

Pure: nothing is run. What is assigned is kept by its name, and every object that stands anywhere in the text is seen.
"""

from typing import Any

from controller.operations.scaffold.bodies import json_object
from controller.operations.scaffold.names import Names, UnknownValue, spoil
from controller.operations.scaffold.readers.javascript_values import NoValue, Token, Values, text_of, tokens_of

_DECLARED = ("const", "let", "var")
_CONDITIONS = ("if", "for", "while", "switch")
_CHANGING = frozenset({"push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "assign"})
"""Methods that change a list, or an object."""
_LONGEST_PATH = 20


def read_javascript(text: str, names: Names, before: int = 0) -> None:
    """Evaluate what is assigned, and see every object; `before` counts the lines of the whole text above this one."""
    _Code(tokens_of(text, before), names).run()


def read_lenient_json(text: str, names: Names, before: int = 0) -> Any:
    """The one object or list that the text is; None when it is anything else, or goes on after it."""
    reader = Values(tokens_of(text, before), names)
    try:
        value = reader.value(0)
    except NoValue:
        return None
    return value if reader.at >= len(reader.tokens) else None


class _Code(Values):
    """One pass over the tokens."""

    def __init__(self, tokens: list[Token], names: Names) -> None:
        super().__init__(tokens, names)
        self.forms: dict[str, dict[str, Any]] = {}
        self.unsure_until = 0  # the end of the block that only runs under a condition

    def run(self) -> None:
        while self.at < len(self.tokens):
            self.condition()
            if not (self.assignment() or self.part_of_form() or self.change() or self.object()):
                self.see_body(self.tokens[self.at])
                self.at += 1

    def see_body(self, token: Token) -> None:
        """A text that is the JSON of a body, in a language that only has its quotes in common with this one."""
        if token.kind != "text" or "input" not in token.text:
            return
        for text in (text_of(token.text), token.text[1:-1]):
            if (value := json_object(text)) is not None:
                self.names.see(value, token.line)
                return

    def skip_type(self) -> None:
        """The type of a name, as TypeScript has it."""
        for _ in range(_LONGEST_PATH):
            if self.peek() in ("=", ""):
                return
            self.at += 1

    def condition(self) -> None:
        """What is assigned in the block of a condition or a loop is not known from then on."""
        if self.peek() not in _CONDITIONS or self.peek(1) != "(":
            return
        start = self.at
        self.at += 2
        try:
            self.skip_to(")")
            if self.peek() == "{":
                self.at += 1
                self.skip_to("}")
            self.unsure_until = max(self.unsure_until, self.at)
        except NoValue:
            self.unsure_until = len(self.tokens)
        self.at = start + 1

    def assignment(self) -> bool:
        """`const name = value`, `name = value`, `name.key = value`: the name gets its value."""
        start = self.at
        is_declared = self.peek() in _DECLARED
        self.at += is_declared
        path, line = self.path(), self.line()
        if is_declared and self.peek() == ":":
            self.skip_type()
        is_added = self.peek() in ("+", "-", "*", "/") and self.peek(1) == "="
        if not path or not (self.peek() == "=" or is_added):
            self.at = start
            return False
        self.at += 1 + is_added
        start = self.at
        value = self.value_or_unknown()
        if start < len(self.tokens):
            self.see_body(self.tokens[start])
        if isinstance(value, UnknownValue):
            self.at = start  # what only runs may have a request among its arguments
        if is_added or start < self.unsure_until:
            value = UnknownValue(line=line, why=f"`{path[0]}` is not assigned plainly")
        self.assign(path, value, line)
        return True

    def path(self) -> list[str]:
        """A name and the keys behind it: `payload.input["data"]`."""
        if self.at >= len(self.tokens) or self.tokens[self.at].kind != "word":
            return []
        path = [self.tokens[self.at].text]
        self.at += 1
        while len(path) < _LONGEST_PATH:
            if self.peek() == "." and self.peek(1):
                path.append(self.peek(1))
                self.at += 2
            elif self.peek() == "[" and self.peek(2) == "]" and self.tokens[self.at + 1].kind == "text":
                path.append(text_of(self.tokens[self.at + 1].text))
                self.at += 3
            else:
                break
        return path

    def assign(self, path: list[str], value: Any, line: int) -> None:
        if len(path) == 1:
            self.names.bind(path[0], value, line)
        elif isinstance(held := self.held(path[:-1]), dict):
            held[path[-1]] = value

    def held(self, path: list[str]) -> Any:
        """The value of a name, or of a key behind it; None when there is none."""
        try:
            held = self.names.get(path[0])
        except KeyError:
            return None
        for key in path[1:]:
            held = held.get(key) if isinstance(held, dict) else None
        return held

    def part_of_form(self) -> bool:
        """`form.append("request", value)`: forms are seen once they have both of their parts."""
        is_call = self.peek(1) == "." and self.peek(2) == "append" and self.peek(3) == "("
        if not is_call or self.at + 5 >= len(self.tokens) or self.tokens[self.at + 4].kind != "text":
            return False
        form, line = self.forms.setdefault(self.peek(), {}), self.line()
        key = text_of(self.tokens[self.at + 4].text)
        self.at += 5
        if self.peek() != ",":
            return True
        self.at += 1
        form[key] = self.value_or_unknown()
        if {"request", "evalscript"} <= form.keys():
            self.names.see(dict(form), line)
        return True

    def change(self) -> bool:
        """`list.push(value)`; a list or an object that is changed otherwise can no longer be known."""
        start, line = self.at, self.line()
        is_delete = self.peek() == "delete"
        self.at += is_delete
        path = self.path()
        is_call = len(path) > 1 and path[-1] in _CHANGING and self.peek() == "("
        if not (path and (is_delete or is_call)):
            self.at = start
            return False
        if is_call:
            self.at += 1
        value = self.value_or_unknown() if is_call else None
        held = value if path == ["Object", "assign"] else self.held(path[:-1])
        if path[-1] == "push" and self.peek() == ")" and start >= self.unsure_until and isinstance(held, list):
            held.append(value)
        else:
            spoil(held, line)
        return True

    def object(self) -> bool:
        """An object or a list somewhere in the code, such as the options of `fetch`."""
        start, line = self.at, self.line()
        if self.peek() not in ("{", "["):
            return False
        try:
            value = self.value(0)
        except NoValue:
            self.at = start
            return False
        self.names.see(value, line)
        return True
