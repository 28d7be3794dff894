"""Conditions and loops of a shell: how far they reach, and which variables they may change. For `shell` and `prose`.

Pure. What a block assigns may be assigned once, often or never: it is not known from then on.
"""

import re
from collections.abc import Iterator

from controller.operations.scaffold.names import Names
from controller.operations.scaffold.readers.shell_words import Commands, Unclosed

PROMPTS = ("$", "%")
BRANCHES = ("else", "elif")
OPENING = frozenset({"if", "for", "while", "until", "case", "select"})
CLOSING = frozenset({"fi", "done", "esac"})
DECLARING = frozenset({"export", "local", "declare", "typeset", "readonly"})
ASSIGNED = re.compile(r"([A-Za-z_]\w*)=", re.ASCII)
_BEFORE = frozenset({"then", "do", "!", "time", *BRANCHES})
_ITERATING = ("for", "select")
_NAMING = frozenset({"read", "unset", "mapfile", "readarray", "getopts"})
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_CHANGED = re.compile(r"([A-Za-z_]\w*)(?:\[[^]]*\])?[ \t]*(?:\+\+|--|[-+*/%&|^]?=(?!=))", re.ASCII)
_CHANGED_FIRST = re.compile(r"([A-Za-z_]\w*)(?:\[[^]]*\])?\+?=", re.ASCII)


def without_keywords(words: list[str]) -> tuple[list[str], list[str]]:
    """A command without a prompt and without words such as `then`, which are returned as well."""
    start = int(words[:1] != [] and words[0] in PROMPTS)
    end = next((number for number, word in enumerate(words) if number >= start and word not in _BEFORE), len(words))
    return words[end:], words[start:end]


def depth_of(words: list[str]) -> int:
    """1 for a command that begins a block, -1 for one that ends it."""
    plain, _ = without_keywords(words)
    head = plain[0] if plain else ""
    return 1 if head in OPENING else -1 if head in CLOSING else 0


def changed_names(words: list[str], *, in_case: bool) -> Iterator[str]:
    """The variables that a command may assign; `in_case`: it may stand behind a pattern of `case`."""
    plain, _ = without_keywords(words)
    head, rest = (plain[0], plain[1:]) if plain else ("", [])
    if head in ("((", "let") or "((" in rest:
        yield from _CHANGED.findall(" ".join(plain))
    elif head in _ITERATING:
        yield from rest[:1]
    elif head in _NAMING or "read" in rest[:2]:
        yield from filter(_NAME.fullmatch, rest)
    elif head == "printf" and rest[:1] == ["-v"]:
        yield from rest[1:2]
    else:
        assigned = rest if head in DECLARING else plain[3:5] if head == "case" else plain[: 1 + in_case]
        yield from (found[1] for word in assigned if (found := _CHANGED_FIRST.match(word)))


def names_of_block(text: str, start: int, *, in_case: bool) -> set[str]:
    """The variables that the rest of a block may assign which begins before this place."""
    commands, depth, names = Commands(text, Names(), 0), 1, set[str]()
    commands.at = commands.counted = start
    for command in commands:
        in_case = in_case or "case" in command.words
        names.update(changed_names(command.words, in_case=in_case))
        depth += depth_of(command.words)
        if depth <= 0:
            break
    return names


def end_of_commands(text: str, start: int) -> int:
    """Where the line of commands that begins at `start` ends, with the block it opens; 0 where something stays open."""
    commands, depth = Commands(text, Names(), 0), 0
    commands.at = commands.counted = start
    try:
        while commands.at < len(text):
            depth += depth_of(commands.command().words)
            if depth <= 0 and text[commands.at - 1 : commands.at] == "\n":
                break
    except Unclosed:
        return 0
    return min(commands.at, len(text)) if depth <= 0 else 0
