"""Problems as values and errors as exceptions: every room uses these, none adds its own base class."""

import dataclasses
import json
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, quote_plus

SILENCING = frozenset({"W900", "W901", "W902", "W903", "W904"})
"""About the silencing comments themselves; nothing silences these."""

WARNINGS = frozenset(
    {
        *(f"W{number:03}" for number in range(1, 27) if number != 10),  # W010 is no longer reported
        *("W100", "W101", "W103", "W104", "W105", "W106", "W107", "W108", "W109", "W110", "W111"),
        *("W112", "W113", "W114", "W115", "W116", "W117", "W118", "W119", "W120", "W121", "W122", "W123"),
        *("W130", "W131"),
    }
)
"""Those that a comment can silence."""

DEFECT = "E197"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One problem in a file the user wrote, with the place to fix it.

    `line` and `column` count from 1; `field` is the dotted path inside the document
    (`spec.request.output.resx`), empty for the whole file; `message` says what is wrong and what to write
    instead. `code` is stable across versions: `E…` for an error, `W…` for a warning.
    """

    path: str
    line: int = 1
    column: int = 1
    field: str = ""
    message: str
    code: str = dataclasses.field(default="", compare=False)

    @property
    def is_warning(self) -> bool:
        return self.code.startswith("W")

    def __str__(self) -> str:
        about = " ".join(filter(None, (self.code, self.field)))
        return ": ".join(filter(None, (f"{self.path}:{self.line}:{self.column}", about, self.message)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A result of analysis before it has a place in a file: at `path` in the document, or in its evalscript.

    `line` and `column` count from 1 inside the evalscript and are 0 when `path` applies.
    """

    code: str
    message: str
    path: tuple[str | int, ...] = ()
    line: int = 0
    column: int = 0


class ShjobsError(Exception):
    """An error the user can fix; the text is the whole message, ready to print."""


class UsageError(ShjobsError):
    """The command, its settings or its environment must change first (exit code 2)."""


class SettingsError(UsageError):
    """shjobs.toml or a SHJOBS_… variable cannot be used; carries all reasons."""

    def __init__(self, source: str, reasons: tuple[str, ...]) -> None:
        super().__init__("\n".join(f"{source}: {reason}" for reason in reasons))
        self.reasons = reasons

    @classmethod
    def one(cls, source: str, reason: str) -> Self:
        return cls(source, (reason,))


class StateError(UsageError):
    """The state directory cannot be used: locked, foreign, newer, or not writable."""


class StateLost(StateError):  # noqa: N818  (named by the outcome)
    """The state was removed or replaced while it was in use: the process ends and creates no new ledger."""


class Later(ShjobsError):  # noqa: N818  (named by the outcome)
    """Nothing needs to change: retry, not before `seconds` when given."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


def defect(error: Exception, path: str, line: int = 1, column: int = 1) -> Problem:
    """An error of ours that something in a file led to, as a problem of that place alone: everything else goes on.

    It says where in the code that was, and not in the error's own words, which may repeat a secret. An error that
    the user can mend is raised again: it is not about the file.
    """
    if isinstance(error, ShjobsError):
        raise error
    places = [(frame.f_globals.get("__name__", ""), at) for frame, at in traceback.walk_tb(error.__traceback__)]
    module, at = next((each for each in reversed(places) if each[0].startswith("controller.")), places[-1])
    message = (
        f"shjobs fails on this ({type(error).__name__} in {module}, line {at}), and submits nothing for it: please "
        "report it, with what is written here"
    )
    return Problem(path=path, line=line, column=column, message=message, code=DEFECT)


def no_such_jobs(unknown: Iterable[str], known: Iterable[str], place: str = "") -> UsageError:
    """The error about names that no job has, with the names that were probably meant. `place` is " in the ledger"."""
    from difflib import get_close_matches  # only when something was mistyped

    names, choices = sorted(unknown), sorted(known)
    near = dict.fromkeys(each for name in names for each in get_close_matches(name, choices, n=1))
    hint = f": did you mean {' and '.join(near)}?" if near else ";"
    return UsageError(f"no such job{place}: {', '.join(names)}{hint} `shjobs get` lists all jobs")


def truncate(text: str, limit: int = 500) -> str:
    """Foreign text on one line, cut short, for use inside a message; what is no text in it becomes `?`."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def mask(text: str, secrets: Iterable[str]) -> str:
    """Foreign text without the secrets, also where they are escaped for JSON, a URL or HTML."""
    import html

    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        escaped = json.dumps(secret)[1:-1]
        forms = {
            secret,
            escaped,
            escaped.replace("/", "\\/"),
            quote(secret, safe=""),
            quote_plus(secret),
            html.escape(secret),
        }
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, "***")
    return text
