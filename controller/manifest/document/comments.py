"""The comments of a YAML text with their positions; what looks like one inside a scalar is none.

`analysis/ignores` reads them for the warnings the user silences. The document reader skips comments.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from controller.manifest.document.tokens import Lines, Place

_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*", re.MULTILINE)


def yaml_comments(text: str) -> Iterator[tuple[Place, str]]:
    """Every comment, without its `#`, up to the first text that is not YAML."""
    lines, position = Lines(text), 0
    for start, end in _scalars(text):
        yield from _between(text, lines, position, start)
        position = end
    yield from _between(text, lines, position, len(text))


def _between(text: str, lines: Lines, start: int, end: int) -> Iterator[tuple[Place, str]]:
    for found in _COMMENT.finditer(text, start, end):
        yield lines.place(found.start()), found[0][1:]


def _scalars(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every scalar; of a block, without the line of its `|` or `>`, which may end in a comment.

    What follows a syntax error counts as one scalar.
    """
    parser, end = yaml.CSafeLoader(text), 0
    try:
        while True:
            event: Any = parser.get_event()
            if isinstance(event, yaml.StreamEndEvent):
                return
            if isinstance(event, yaml.ScalarEvent):
                start, end = (mark.index for mark in (event.start_mark, event.end_mark) if mark)
                yield (max(start, text.find("\n", start, end)) if event.style in ("|", ">") else start), end
    except yaml.YAMLError:
        yield end, len(text)
    finally:
        parser.dispose()
