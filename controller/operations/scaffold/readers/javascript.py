"""Reads JavaScript, such as a call of `fetch`, and JSON with comments or trailing commas. For `pasted`.

Pure: nothing is run. What is assigned is kept by its name, and every object that stands anywhere in the text is seen.
"""

from typing import Any

from controller.operations.scaffold.bodies import json_object, requests_in
from controller.operations.scaffold.names import Names, UnknownValue, holders, spoil, unread_request
from controller.operations.scaffold.readers.javascript_changes import Changes, Path
from controller.operations.scaffold.readers.javascript_tokens import Token, text_of, tokens_of
from controller.operations.scaffold.readers.javascript_values import CLOSING, NoValue, Values

_DECLARED = ("const", "let", "var")
_CONDITIONS = ("if", "for", "while", "switch", "catch")
_BLOCKS = ("else", "do", "catch")
_LONGEST_TYPE = 20


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


class _Code(Changes):
    """One pass over the tokens."""

    def __init__(self, tokens: list[Token], names: Names) -> None:
        super().__init__(tokens, names)
        self.forms: dict[str, dict[str, Any]] = {}
        self.unsure_until = 0  # the end of the block that only runs under a condition

    def run(self) -> None:
        while self.at < len(self.tokens):
            self.condition()
            self.parameters()
            self.sent()
            self.unread = len(self.tokens)
            if not (self.assignment() or self.part_of_form() or self.change() or self.object()):
                self.see_body(self.tokens[self.at])
                self.at += 1
            self.at = min(self.at, self.unread)

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
        for _ in range(_LONGEST_TYPE):
            if self.peek() in ("=", ""):
                return
            self.at += 1

    def condition(self) -> None:
        """What the block of a condition or a loop assigns or changes is known neither in it nor behind it."""
        start = self.at
        if start < self.unsure_until:
            return
        try:
            end = self.end_of_condition()
        except NoValue:
            end = len(self.tokens)
        if end > self.unsure_until:
            self.unsure_until = end
            self.forget(start, end)
        self.at = start

    def end_of_condition(self) -> int:
        """Where what may not run ends, if a condition or a loop begins here; else 0."""
        if self.peek(-1) in (".", "?."):
            return 0
        if self.peek() in _CONDITIONS and self.peek(1) == "(":
            self.at += 2
            self.skip_to(")")
        elif self.peek() in _BLOCKS:
            self.at += 1
        elif self.peek() not in ("&&", "||", "??", "?"):
            return 0
        if self.peek() == "{":
            self.at += 1
            self.skip_to("}")
        else:
            self.skip_statement()
        return self.at

    def assignment(self) -> bool:
        """`const name = value`, `name = value`, `name.key = value`: the name gets its value."""
        start = self.at
        is_declared = self.peek() in _DECLARED
        self.at += is_declared
        if is_declared and (self.peek() in CLOSING or self.peek(1) in ("of", "in")):
            return self.parts(start)
        is_stepped = self.is_stepping()
        self.at += is_stepped
        path, line = self.path(), self.line()
        if is_declared and self.peek() == ":":
            self.skip_type()
        if not path or not (is_stepped or self.is_assigning()):
            self.at = start
            return False
        is_plain = self.peek() == "=" and start >= self.unsure_until
        is_stepped = is_stepped or self.is_stepping()
        self.at += self.is_assigning()
        value = None if is_stepped else self.assigned()
        if not is_plain:
            value = self.not_plain(path, value, line)
        self.assign(path, value, line)
        return True

    def assigned(self) -> Any:
        """The value that begins here; behind it, unless it only runs: then it may have a request inside."""
        start = self.at
        value = self.value_or_unknown()
        if start < len(self.tokens):
            self.see_body(self.tokens[start])
        if self.is_assigning():
            value = UnknownValue(line=self.line(), why="this is not assigned plainly", within=holders(value))
        if isinstance(value, UnknownValue):
            self.at = start
        return value

    def not_plain(self, path: Path, value: Any, line: int) -> UnknownValue:
        """In place of a value that may not be assigned; that it has a request inside is reported."""
        unknown = UnknownValue(line=line, why=f"`{path[0]}` is not assigned plainly", within=holders(value))
        if any(True for _ in requests_in(value, self.names)):
            self.names.see(unread_request(unknown), line)
        return unknown

    def parts(self, start: int) -> bool:
        """`const {output} = body`, `const [first] = list`, `for (const each of list)`: each name is a part."""
        first = self.at
        try:
            self.at += 1
            if self.peek(-1) in CLOSING:
                self.skip_to(CLOSING[self.peek(-1)])
        except NoValue:
            self.at = first
        pattern, after = self.tokens[first : self.at], self.tokens[first + 1 : self.at + 1]
        if self.peek() not in ("=", "of", "in"):
            self.at = start
            return False
        self.at += 1
        value = self.assigned()
        for token, behind in zip(pattern, after, strict=False):
            if token.kind == "word" and behind.text != ":":
                self.bind_part(token, value)
        return True

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
        is_call = self.is_changing(path)
        if not (path and (is_delete or is_call)):
            self.changed_by(path)
            self.callback(path)
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
        requests = list(requests_in(value, self.names))
        if not requests or self.is_kept(start):
            self.names.see(value, line)
            return True
        for each in requests:
            self.names.send(each, line)  # as it is now
        return True
