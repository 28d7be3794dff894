"""What a pasted text has said so far: the value of each name, and every value in the order it was seen.

Shared by the readers of all languages, so that a script of one cell, fence or shell variable is known in the next.
A value that only running the code would give is an `UnknownValue`, which is only reported when it is needed.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Self

from controller.model.errors import UsageError

LONGEST = 4 * 1024 * 1024  # characters of a text
LONGEST_IN_ALL = 16 * LONGEST
MOST_VALUES = 200_000  # in one request
MOST_SEARCHED = 50 * MOST_VALUES  # for requests, each as often as it is passed on
MOST_COPIED = 5 * MOST_VALUES  # of all requests together
DEEPEST = 50
_ITEM = 16  # characters that need about as much memory as one item
_MOST_HOLDERS = 100
_BEGIN, _END = "\ue000", "\ue001"  # around a placeholder inside a text; no text that is pasted holds them

Beside = Callable[[str], str]
"""The text of a file that lies beside the pasted one; raises `UsageError` with the reason when it cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownValue:
    """A value that only running the code would give; `why` describes the code, without repeating it.

    `name` is the dotted name of a constant that only its library knows, such as `CRS.WGS84`; else "".
    `within` are the lists and dicts that it may be a part of: what changes it changes them. `around` are those that
    only its items may be a part of, such as the list that it is a sorted copy of.
    """

    line: int
    why: str
    name: str = ""
    within: tuple[Any, ...] = field(default=(), compare=False, repr=False)
    around: tuple[Any, ...] = field(default=(), compare=False, repr=False)

    def __deepcopy__(self, memo: Any) -> Self:
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCall:
    """A call by its dotted name, `holder` being the value before the last dot, None when that is only a name."""

    name: str
    holder: Any
    arguments: list[Any]
    words: Mapping[str, Any]
    line: int

    def argument(self, number: int, word: str) -> Any:
        """The argument at a position, or under its name; None when it is not given."""
        return self.arguments[number] if number < len(self.arguments) else self.words.get(word)


Maker = Callable[[NamedCall], Any]


def no_file(name: str) -> str:
    raise UsageError(f"it is in the file {name!r}, which was not pasted")


@dataclass(slots=True, kw_only=True)
class Names:
    """The value of each name after the assignments so far, and what was seen until then.

    `makers` are the calls whose value is known without carrying them out, by the last part of their name; `changers`
    are the functions of the text that change arguments, with the numbers and names of these; methods begin with a dot.
    """

    makers: Mapping[str, Maker] = field(default_factory=dict)
    beside: Beside = no_file
    changers: dict[str, set[int | str]] = field(default_factory=dict)
    _known: list[dict[str, Any]] = field(default_factory=lambda: [{"true": True, "false": False, "null": None}])
    _seen: list[tuple[int, Any]] = field(default_factory=list)
    _replaced: dict[int, Any] = field(default_factory=dict)
    _built: int = 0
    _copied: int = 0
    _searched: int = 0

    def get(self, name: str) -> Any:
        """The value; KeyError when nothing was assigned."""
        for known in reversed(self._known):
            if name in known:
                return known[name]
        raise KeyError(name)

    def knows(self, name: str) -> bool:
        return any(name in known for known in self._known)

    def enter(self) -> None:
        """Begin a function: what is assigned from now on is known until `leave`."""
        self._known.append({})

    def leave(self) -> None:
        self._known.pop()

    def bind(self, name: str, value: Any, line: int, *, replaces: bool = False) -> None:
        """Give a name its value. `replaces`: it was made of the one before, which is no longer meant."""
        if replaces and name in self._known[-1]:
            before = self._known[-1][name]
            self._replaced[id(before)] = before
            if isinstance(value, UnknownValue) and isinstance(before, dict) and "input" in before:
                self.see(unread_request(value), line)
        self._known[-1][name] = value
        self.see(value, line)

    def see(self, value: Any, line: int) -> None:
        """A value that may be, or hold, a request or a script."""
        if isinstance(value, dict | list | str):
            self._seen.append((line, value))

    def send(self, value: Any, line: int) -> None:
        """A value as it is sent: whatever becomes of it afterwards is no longer meant."""
        if isinstance(value, dict | list):
            self._replaced[id(value)] = value
        copied = self.copied(value, line)
        self.see(unread_request(copied) if isinstance(copied, UnknownValue) else copied, line)

    def seen(self) -> list[tuple[int, Any]]:
        """Line and value of everything seen, in order, each object once."""
        kept = {id(value): (line, value) for line, value in reversed(self._seen) if id(value) not in self._replaced}
        return list(reversed(kept.values()))

    def has_room(self, length: int) -> bool:
        """Whether a text of this length may be built; it is counted."""
        self._built += length
        return length <= LONGEST and self._built <= LONGEST_IN_ALL

    def has_room_for(self, items: int) -> bool:
        """Whether a list or a dict with so many items may be built."""
        return self.has_room(items * _ITEM)

    def copied(self, value: Any, line: int) -> Any:
        """The value as it is now, whatever is changed in it afterwards."""
        self._copied += count_values(value)
        return deepcopy(value) if self._copied <= MOST_COPIED else UnknownValue(line=line, why="this becomes too large")

    def search(self, values: int) -> None:
        """Count values that are searched for requests. Raises `UsageError` when they are too many in all."""
        self._searched += values
        if self._searched > MOST_SEARCHED:
            raise UsageError("passes on too many values too often: import its requests in parts")

    def read_file(self, name: Any, line: int) -> Any:
        """The text of a file beside the pasted one."""
        if not isinstance(name, str):
            return UnknownValue(line=line, why="this is in a file whose name is not known here")
        try:
            text = self.beside(name)
        except UsageError as error:
            return UnknownValue(line=line, why=str(error))
        return text if self.has_room(len(text)) else UnknownValue(line=line, why="this becomes too large")


def single_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, for `json.loads`; which of two values of one key is meant only the user knows."""
    made = dict(pairs)
    if len(made) < len(pairs):
        values: dict[str, Any] = {}
        for key, value in pairs:
            is_same = key not in values or repr(values[key]) == repr(value)
            values[key] = value if is_same else TWICE
        return values
    return made


def count_values(value: Any) -> int:
    """How many values a value holds. Raises `UsageError` for endless ones: names may contain each other recursively."""
    count, stack = 0, [(value, 0)]
    while stack:
        each, depth = stack.pop()
        count += 1
        if count > MOST_VALUES or depth > DEEPEST:
            raise UsageError("holds too many values, or nests them too deeply")
        if isinstance(each, dict | list):
            stack += [(below, depth + 1) for below in (each.values() if isinstance(each, dict) else each)]
    return count


TWICE = UnknownValue(line=0, why="this key is written twice, with two values")


def holders(*values: Any) -> tuple[Any, ...]:
    """The lists and dicts among these values, and those that unknown ones may be, or hold, a part of, each once."""
    found: dict[int, Any] = {}
    for value in values:
        for each in (*value.within, *value.around) if isinstance(value, UnknownValue) else (value,):
            if isinstance(each, dict | list):
                found[id(each)] = each
    return tuple(found.values())[:_MOST_HOLDERS]


def spoil(held: Any, line: int) -> None:
    """Put into a list or a dict, or what an unknown value may be a part of, that it was changed in an unknown way."""
    unknown = UnknownValue(line=line, why="this is changed in a way that is not carried out")
    changed = held.within if isinstance(held, UnknownValue) else holders(held)
    if isinstance(held, UnknownValue):  # it may be an item of them; of no list are more items requests
        items = (each.values() if isinstance(each, dict) else each for each in changed)
        changed = holders(*changed, *(item for each in items for item in islice(each, _MOST_HOLDERS)))
    for each in changed:
        if isinstance(each, dict):
            each["…"] = unknown
        elif not (each and isinstance(each[-1], UnknownValue)):
            each.append(unknown)


def unread_request(unknown: UnknownValue) -> dict[str, Any]:
    """A request that is there but cannot be read, so that the reason is reported."""
    return {"input": unknown, "output": {}}


def placeholder(name: str, line: int) -> str:
    """What stands inside a text for a part that is not known: `unknown_part` finds it again."""
    return f"{_BEGIN}{line}:{name}{_END}"


def is_placeholder(text: str) -> bool:
    """Whether it is nothing but one part that is not known."""
    return text.startswith(_BEGIN) and text.find(_END) == len(text) - 1


def unknown_part(text: str) -> tuple[int, str] | None:
    """Line and name of the first part of a text that is not known; None when there is none."""
    begin = text.find(_BEGIN)
    if begin < 0:
        return None
    line, _, name = text[begin + 1 :].partition(_END)[0].partition(":")
    return int(line), name


def without_marks(text: str) -> str:
    """A pasted text without the characters that mark placeholders."""
    return text.replace(_BEGIN, " ").replace(_END, " ")
