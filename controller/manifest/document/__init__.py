"""Reads YAML and JSON text into plain values with their positions in the text.

The tree calls it for every changed manifest, `check` for its arguments. YAML is read by the rules of version 1.2
(core schema), so that `on`, `12:30` and dates stay text; what cannot be checked or sent safely (duplicate keys,
anchors, tags) is a Problem. Nothing here raises.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from controller.manifest.document.json_text import json_tokens
from controller.manifest.document.tokens import DEEPEST, OPENING, TOO_DEEP, Lines, Place, TextError, Token, TokenKind
from controller.manifest.document.yaml_text import yaml_tokens
from controller.model.errors import Problem

Path = tuple[str | int, ...]

MOST_DOCUMENTS = 1_000  # of one file
TOO_MANY = f"is one document too many: a file may hold {MOST_DOCUMENTS}, so split it"
MOST_VALUES = 200_000  # of one file: keys, scalars, lists and mappings
MOST_PROBLEMS = 100  # of one document: the rest shows when these are fixed

_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_FOREIGN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a file. `index` counts the non-empty documents, from 0.

    `places` holds line and column, from 1, of every value: of its key inside a mapping, of itself inside a list.
    `empty` lists the values that are null, `folded` the texts whose line breaks are lost. `value` is None when the
    text could not be read to its end; `problems` then says why.
    """

    index: int
    value: Any
    places: Mapping[Path, Place] = field(default_factory=dict)
    empty: tuple[Path, ...] = ()
    folded: tuple[Path, ...] = ()
    problems: tuple[Problem, ...] = ()

    def place(self, path: Path) -> Place:
        """The position of `path` or, when it does not exist, of its closest ancestor."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))


def field_name(path: Path) -> str:
    """A path as it is usually written: `spec.request.input.data[0].type`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def read_documents(text: str, path: str) -> tuple[Document, ...]:
    """Every non-empty document of `text`. `path` decides the language (`.json`) and is that of the Problems.

    After a syntax error nothing more is read: the last Document then has no value and says where the error is.
    """
    text = text.removeprefix("\ufeff")
    foreign = _FOREIGN.search(text)
    if foreign:
        place = Lines(text).place(foreign.start())
        return (_unreadable(path, 0, place, f"the character U+{ord(foreign[0]):04X} does not belong into a text file"),)
    if path.lower().endswith(".json"):
        return tuple(_documents(_bounded(json_tokens(text)), path))
    if beyond := next(islice(_MARKER.finditer(text), MOST_DOCUMENTS, None), None):  # without reading it all
        return (_unreadable(path, 0, Lines(text).place(beyond.start()), TOO_MANY),)
    return tuple(_documents(_bounded(yaml_tokens(text)), path))


def _bounded(tokens: Iterator[Token]) -> Iterator[Token]:
    """The same tokens; raises `TextError` where a file becomes too large to be read without delay."""
    documents = 0
    for number, token in enumerate(tokens):
        documents += token[0] is TokenKind.DOCUMENT
        if documents > MOST_DOCUMENTS:
            raise TextError(token[2], TOO_MANY)
        if number >= MOST_VALUES:
            raise TextError(token[2], f"is one value too many: a file may hold {MOST_VALUES}, so split it")
        yield token


def _documents(tokens: Iterator[Token], path: str) -> Iterator[Document]:
    index, builder = 0, _Builder(path, tokens)
    try:
        for kind, *_ in tokens:
            if kind is not TokenKind.DOCUMENT:
                continue
            builder = _Builder(path, tokens)
            document = builder.document(index)
            builder = _Builder(path, tokens)
            if document.value is not None or document.problems:
                yield document
                index += 1
    except TextError as wrong:
        broken = _unreadable(path, index, wrong.place, wrong.message)
        yield Document(index=index, value=None, problems=(*builder.problems, *broken.problems))


def _unreadable(path: str, index: int, place: Place, message: str) -> Document:
    problem = Problem(path=path, line=place[0], column=place[1], message=message, code="E100")
    return Document(index=index, value=None, places={(): place}, problems=(problem,))


class _Builder:
    """Builds one document from the tokens and records the positions."""

    def __init__(self, path: str, tokens: Iterator[Token]) -> None:
        self.path, self.tokens = path, tokens
        self.places: dict[Path, Place] = {}
        self.empty: list[Path] = []
        self.folded: list[Path] = []
        self.problems: list[Problem] = []

    def document(self, index: int) -> Document:
        value = self.value(next(self.tokens), ())
        return Document(
            index=index, value=value, places=self.places, empty=tuple(self.empty), folded=tuple(self.folded),
            problems=tuple(self.problems),
        )  # fmt: skip

    def value(self, token: Token, where: Path) -> Any:
        kind, scalar, place, refusal = token
        self.places.setdefault(where, place)
        if refusal:
            self.refuse(place, where, refusal)
        if kind is TokenKind.FOLDED:
            self.folded.append(where)
            return scalar
        if kind is TokenKind.SCALAR:
            if scalar is None and not refusal:
                self.empty.append(where)
            return scalar
        if len(where) >= DEEPEST:
            self.refuse(place, where[:4], TOO_DEEP, "E100")
            return self.skip()
        return self.mapping(where) if kind is TokenKind.MAPPING else self.list(where)

    def mapping(self, where: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for token in self.tokens:
            kind, key, place, refusal = token
            if kind is TokenKind.END:
                break
            if kind is not TokenKind.SCALAR or refusal or not isinstance(key, str):
                self.refuse(place, where, refusal or "a key must be text: put it in quotes")
                self.discard(token)
                self.discard(next(self.tokens))
                continue
            below = (*where, key)
            if key in built:
                line, _ = self.places[below]
                self.refuse(place, below, f"this key occurs twice (first in line {line}): keep one of the two", "E101")
            else:
                self.places[below] = place
            built[key] = self.value(next(self.tokens), below)
        return built

    def list(self, where: Path) -> list[Any]:
        built: list[Any] = []
        for token in self.tokens:
            if token[0] is TokenKind.END:
                break
            built.append(self.value(token, (*where, len(built))))
        return built

    def discard(self, token: Token) -> None:
        if token[0] in OPENING:
            self.skip()

    def skip(self) -> None:
        """Skip to the end of the mapping or list that has just begun."""
        depth = 1
        while depth:
            kind = next(self.tokens)[0]
            depth += 1 if kind in OPENING else -1 if kind is TokenKind.END else 0

    def refuse(self, place: Place, where: Path, message: str, code: str = "E102") -> None:
        if len(self.problems) >= MOST_PROBLEMS:
            raise TextError(place, f"is wrong, as are {MOST_PROBLEMS} places before it: mend those first")
        line, column = place
        self.problems.append(
            Problem(path=self.path, line=line, column=column, field=field_name(where), message=message, code=code)
        )
