"""How the daemon logs: a readable line, or one JSON object per line for a machine. The doors set it up.

Further fields of a line are passed as `extra={"context": {...}}`.
"""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

FORMS = ("human", "json")


def fields_of(record: logging.LogRecord) -> Mapping[str, object]:
    """The fields of a line besides its message."""
    found: Mapping[str, object] = getattr(record, "context", {})
    return found


class Human(logging.Formatter):
    """`2026-03-01T12:00:00Z INFO ndvi Running: the service is working on it`."""

    def format(self, record: logging.LogRecord) -> str:
        words = " ".join(dict.fromkeys(map(str, fields_of(record).values())))
        cause = _cause(record)
        message = f"{record.getMessage()} ({cause})" if cause else record.getMessage()
        line = " ".join(filter(None, (_time(record), record.levelname, f"{words}:" if words else "", message)))
        return line if line.isprintable() else "".join(map(_visible, line))


class Json(logging.Formatter):
    """One JSON object: time, level, message, and all further fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _time(record), "level": record.levelname.lower(), "message": record.getMessage()}
        fields = getattr(record, "fields", {})  # what the message says, for a machine
        error = {"error": cause} if (cause := _cause(record)) else {}
        return json.dumps({**line, **error, **fields_of(record), **fields}, ensure_ascii=False, default=str)


def set_up(form: str, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Log everything to `stream` (the standard error output) in one format."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Json() if form == "json" else Human())
    logging.raiseExceptions = False  # a line that cannot be written must not become a traceback
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("urllib3", "requests_oauthlib", "oauthlib", "watchdog"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))


def _cause(record: logging.LogRecord) -> str:
    """The error that a line is about: its kind and its place in our code, not its words, which may repeat a secret."""
    _, error, trace = record.exc_info or (None, None, None)
    if error is None:
        return ""
    places = [(frame.f_globals.get("__name__", ""), line) for frame, line in traceback.walk_tb(trace)]
    own = [place for place in places if place[0].startswith("controller.")]
    return " ".join([type(error).__name__, *(f"in {module}, line {line}" for module, line in (own or places)[-1:])])


def _visible(character: str) -> str:
    """A message may quote the error of a script: it must not move the cursor of a terminal, or begin another line."""
    return character if character.isprintable() else ascii(character)[1:-1]


def _time(record: logging.LogRecord) -> str:
    return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%SZ}"
