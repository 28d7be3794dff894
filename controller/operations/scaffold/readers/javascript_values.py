"""The plain values of JavaScript, and of JSON with comments, trailing commas or unquoted keys: for `javascript`.

Pure: nothing is run. Literals, templates, names and `JSON.stringify(…)` are understood; anything else is an
`UnknownValue`, which is only reported when it is needed.
"""

import json
import re
from dataclasses import replace
from typing import Any

from controller.operations.scaffold.bodies import requests_in
from controller.operations.scaffold.names import DEEPEST, TWICE, Names, UnknownValue, holders, single_keys, spoil
from controller.operations.scaffold.readers.javascript_tokens import Token, number_of, text_of, tokens_of, unescaped

_LONGEST_PLACE = 10  # digits
_LONGEST_KEPT = 40  # tokens of a call before what it is given
_STEPS = 16  # per token: no text can make the reader go over itself again and again

_INSIDE, _OPEN = re.compile(r"(?<!\\)\$\{([^{}]*)\}"), re.compile(r"(?<!\\)\$\{")
CLOSING = {"{": "}", "[": "]", "(": ")"}
_CHOICES = ("?", "&&", "||", "??")
_GOES_ON = frozenset({".", "?.", "(", "[", "*", "/", "-", "=>", *_CHOICES})
_OPERATORS = frozenset({"%", "<", ">", "<=", ">=", "&", "|", "^", "==", "===", "!=", "!==", "++", "--"})
"""Marks behind a text, a number or an unknown value that make something else of it."""
_DOING = ("=>", "function", "JSON")
CHANGING = frozenset({"push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "assign"})
"""Methods that change a list, or an object."""
_RUNS = "this can only be known by running it"
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None, "undefined": None}


class NoValue(Exception):  # noqa: N818  (caught by the two readers of JavaScript)
    """What stands here is no object or list."""


class Values:
    """Reads values from the tokens, one after the other."""

    def __init__(self, tokens: list[Token], names: Names) -> None:
        self.tokens, self.names, self.at = tokens, names, 0
        self.steps = 0
        self.unread = len(tokens)  # where something begins that was skipped, though it may send or change something

    def peek(self, ahead: int = 0) -> str:
        """The text of a token; "" behind the last one, and for a string, which is never a mark."""
        place = self.at + ahead
        if not 0 <= place < len(self.tokens) or self.tokens[place].kind == "text":
            return ""
        return self.tokens[place].text

    def known(self, name: str) -> Any:
        return self.names.get(name) if self.names.knows(name) else None

    def line(self) -> int:
        return self.tokens[min(self.at, len(self.tokens) - 1)].line

    def step(self) -> None:
        """Count one more token as read."""
        self.steps += 1
        if self.steps > _STEPS * len(self.tokens):
            raise NoValue

    def value_or_unknown(self) -> Any:
        start = self.at
        try:
            return self.value(0)
        except NoValue:
            self.at = start
            return UnknownValue(line=self.line(), why=_RUNS)

    def value(self, depth: int) -> Any:
        """A value; several that are joined by `+` are one text or number."""
        value = self.operand(depth)
        while self.peek() == "+":
            line = self.line()
            self.at += 1
            value = self.sum(value, self.operand(depth), line)
        return value

    def sum(self, left: Any, right: Any, line: int) -> Any:
        for each in (left, right):
            if isinstance(each, UnknownValue):
                return each
        if isinstance(left, str) and isinstance(right, str):
            room = self.names.has_room(len(left) + len(right))
            return left + right if room else UnknownValue(line=line, why="this becomes too large")
        if type(left) in (int, float) and type(right) in (int, float):
            return left + right
        return UnknownValue(line=line, why=_RUNS)

    def operand(self, depth: int) -> Any:
        if depth > DEEPEST or self.at >= len(self.tokens):
            raise NoValue
        self.step()
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "text":
            value = self.template(token) if token.text[0] == "`" else text_of(token.text)
        elif token.kind == "number":
            value = number_of(token.text)
        elif token.text in ("-", "+") and self.at < len(self.tokens) and self.tokens[self.at].kind == "number":
            number = self.operand(depth + 1)
            value = -number if token.text == "-" and type(number) in (int, float) else number
        elif token.text == "{":
            value = self.members(depth)
        elif token.text == "[":
            value = self.items(depth)
        elif token.kind == "word":
            value = self.word(token, depth)
        else:
            raise NoValue
        return self.rest(value, token.line)

    def members(self, depth: int) -> dict[str, Any]:
        built: dict[str, Any] = {}
        written: set[str] = set()
        while self.peek() != "}" or self.istext_of():
            if self.at >= len(self.tokens):
                raise NoValue
            self.member(built, written, depth)
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "}":
                raise NoValue
        self.at += 1
        return built

    def member(self, built: dict[str, Any], written: set[str], depth: int) -> None:
        """One key and its value; `written` are the keys before it that were not only taken from another object."""
        token = self.tokens[self.at]
        self.at += 1
        if token.text == "..." and token.kind == "mark":
            more = self.value(depth + 1)
            if not isinstance(more, dict) or not self.names.has_room_for(len(more)):
                raise NoValue
            built |= more
        elif token.kind in ("text", "word", "number") and self.peek() == ":":
            self.at += 1
            key = text_of(token.text) if token.kind == "text" else token.text
            value = self.value(depth + 1)
            is_clear = key not in written or repr(built[key]) == repr(value)
            built[key] = value if is_clear else replace(TWICE, line=token.line)
            written.add(key)
        elif token.kind == "word" and self.peek() in (",", "}"):
            built[token.text] = self.word(token, depth)
        else:
            raise NoValue

    def items(self, depth: int) -> list[Any]:
        built: list[Any] = []
        while self.peek() != "]" or self.istext_of():
            built.append(self.value(depth + 1))
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "]":
                raise NoValue
        self.at += 1
        return built

    def istext_of(self) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].kind == "text"

    def word(self, token: Token, depth: int) -> Any:
        if token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        if token.text == "JSON" and self.peek() == "." and self.peek(1) in ("stringify", "parse"):
            self.at += 2
            return self.argument(depth)
        if token.text == "String" and self.peek(1) == "raw" and self.at + 2 < len(self.tokens):
            raw = self.tokens[self.at + 2].text
            self.at += 3
            return raw[1:-1]
        try:
            return self.names.get(token.text)
        except KeyError:
            return UnknownValue(line=token.line, why=f"`{token.text}` is not known here")

    def argument(self, depth: int) -> Any:
        """The first argument of the call that begins here, as it is now; JSON in a text is its value."""
        line = self.line()
        if self.peek() != "(":
            raise NoValue
        self.at += 1
        start, value = self.at, self.value(depth + 1)
        self.skip_to(")")
        for each in requests_in(value, self.names):
            if not self.is_kept(start):
                self.names.send(each, line)
        if isinstance(value, dict | list):
            return self.names.copied(value, line)
        if isinstance(value, str) and self.names.has_room(len(value)):
            try:
                return json.loads(value, strict=False, object_pairs_hook=single_keys)
            except (ValueError, RecursionError):
                return value
        return value

    def is_kept(self, at: int) -> bool:
        """Whether the value at a token is logged, stored or copied, as by `console.log(…)`; then it is not sent."""
        closed = 0
        for ahead in range(at - self.at - 1, at - self.at - _LONGEST_KEPT, -1):
            mark = self.peek(ahead)
            if mark == "(" and not closed:
                call = [self.peek(ahead - back) for back in (3, 2, 1)]
                if call != ["JSON", ".", "stringify"]:
                    return call[1] == "." and (call[0] == "console" or call[2] in ("setItem", "parse"))
            elif mark in (";", "=>") and not closed:
                return False
            closed = max(0, closed + (mark in CLOSING.values()) - (mark in CLOSING))
        return False

    def rest(self, value: Any, line: int) -> Any:
        """What follows a value and belongs to it: keys of a known object, `.trim()`, or something that only runs."""
        while True:
            if self.peek() == "." and isinstance(value, dict) and self.peek(1) in value:
                value = value[self.peek(1)]
                self.at += 2
            elif self.peek() == "." and self.peek(1) == "trim" and isinstance(value, str):
                value = value.strip()
                self.at += 2
                self.skip_call()
            elif self.peek() == "[" and has_key(value, key := self.key()):
                value = value[key]
                self.at += 3
            elif self.peek() in _GOES_ON or (self.peek() in _OPERATORS and not isinstance(value, dict | list)):
                return self.result(value, line)
            else:
                return value

    def key(self) -> str | int | None:
        """The key in the brackets that begin here, when it is written as a text or a number."""
        if self.peek(2) != "]" or self.at + 1 >= len(self.tokens):
            return None
        token = self.tokens[self.at + 1]
        if token.kind == "text":
            return text_of(token.text)
        is_place = token.kind == "number" and token.text.isdecimal() and len(token.text) < _LONGEST_PLACE
        return int(token.text) if is_place else None

    def result(self, value: Any, line: int) -> UnknownValue:
        """What is made of a value by running it, which may be a part of the value, or of one that it chooses."""
        if self.peek() == "." and self.peek(1) in CHANGING and self.peek(2) == "(":
            spoil(value, line)
        start = self.at
        self.skip_expression()
        skipped = self.tokens[start : self.at]
        if any(each.text in _DOING or holders(self.known(each.text)) for each in skipped):
            self.unread = min(self.unread, start)
        is_choice = any(each.text in _CHOICES for each in skipped)
        chosen = [self.known(each.text) for each in skipped if is_choice and each.kind == "word"]
        return UnknownValue(line=line, why=_RUNS, within=holders(value, *chosen))

    def skip_call(self) -> None:
        if self.peek() == "(":
            self.at += 1
            self.skip_to(")")

    def skip_expression(self) -> None:
        """To the end of the expression: the next mark outside of brackets that ends it."""
        while self.at < len(self.tokens) and self.peek() not in (",", ";", "}", "]", ")"):
            opening = self.peek()
            self.step()
            self.at += 1
            if opening in CLOSING:
                self.skip_to(CLOSING[opening])

    def skip_to(self, closing: str) -> None:
        """Behind the bracket that closes the one before this place."""
        open_brackets = [closing]
        while open_brackets:
            if self.at >= len(self.tokens):
                raise NoValue
            mark = self.peek()
            self.step()
            self.at += 1
            if mark in CLOSING:
                open_brackets.append(CLOSING[mark])
            elif mark == open_brackets[-1]:
                open_brackets.pop()

    def template(self, token: Token) -> Any:
        """A template literal; each `${name}` is replaced by the value of the name."""
        parts = _INSIDE.split(token.text[1:-1])
        if any(_OPEN.search(part) for part in parts[::2]):
            return UnknownValue(line=token.line, why=_RUNS)
        texts = [unescaped(parts[0])]
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            inner = Values(tokens_of(name, token.line - 1), self.names)
            value = inner.value_or_unknown() if inner.tokens else ""
            if inner.at < len(inner.tokens) or not isinstance(value, str | int | float):
                is_unknown = isinstance(value, UnknownValue)
                return value if is_unknown else UnknownValue(line=token.line, why=_RUNS)
            texts += [json.dumps(value) if isinstance(value, bool) else str(value), unescaped(text)]
        if not self.names.has_room(sum(map(len, texts))):
            return UnknownValue(line=token.line, why="this becomes too large")
        return "".join(texts)


def has_key(held: Any, key: Any) -> bool:
    """Whether an object or a list has this item."""
    if isinstance(held, dict):
        return isinstance(key, str) and key in held
    return isinstance(held, list) and isinstance(key, int) and key < len(held)
