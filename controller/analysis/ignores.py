"""Warnings the user has seen and accepted: `# shjobs: ignore W012 <reason>` in a manifest, `//` in an evalscript.

Pure. The tree takes the remaining warnings of a document, `check` the comments that had no effect. Errors cannot be
silenced, and neither can the warnings about the comments themselves.
"""

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from posixpath import normpath

from controller.analysis.source import SourceText
from controller.manifest.document.comments import yaml_comments
from controller.manifest.document.tokens import Place
from controller.manifest.validate import ValidManifest
from controller.model.catalog import nearest
from controller.model.errors import SILENCING, WARNINGS, Problem

_CODE = re.compile(r"[EW]\d{3}")

TREE = frozenset({"W200", "W201", "W202"})
"""About names and links in the tree, and about ignore lists: no comment is there."""


def is_code(written: str) -> bool:
    """Whether this has the form of a code, known or not."""
    return _CODE.fullmatch(written) is not None


NO_REASON = "W903"
_EVALSCRIPT = ("spec", "request", "evalscript")
_MARK = "shjobs:"
_OURS = re.compile(r"[ \t]*shjobs:[ \t]*([\w-]*)(.*)")
_IN_SCRIPT = re.compile(r"//([ \t]*shjobs:[^\r\n]*)")
_CODES = re.compile(r"(?:[\s,]*\b[EW]\d+\b)*", re.IGNORECASE)
_EXAMPLE = "write for example `shjobs: ignore W012 all scenes are meant`"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Ignore:
    """One code that a comment silences, with a reason or without; its position is that of the comment."""

    path: str
    line: int
    column: int
    code: str
    has_reason: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Comments:
    """The codes that the comments of a file silence, and the errors in those comments."""

    ignores: tuple[Ignore, ...] = ()
    errors: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """The warnings that remain of a document's, the comments that had an effect on it, and those that had none.

    `unexplained` are warnings that were silenced, but without a reason.
    """

    warnings: tuple[Problem, ...]
    unexplained: tuple[Problem, ...]
    used: tuple[Ignore, ...]
    idle: tuple[Ignore, ...]


NOTHING = Comments()


def manifest_comments(text: str, path: str) -> Comments:
    """The comments of a YAML manifest; they apply to every document of the file."""
    if _MARK not in text or path.lower().endswith(".json"):
        return NOTHING
    return _comments(path, yaml_comments(text))


def script_comments(item: ValidManifest) -> Comments:
    """The comments of a document's evalscript, with their positions in its own file or in the manifest."""
    text = item.request.body["evalscript"]
    if _MARK not in text:
        return NOTHING
    file, here = item.manifest.spec.evalscript_file, PurePosixPath(item.path)
    if file is not None:
        return _in_script(text, normpath(here.parent / file), (0, 0), one_line=False)
    return _in_script(text, item.path, item.document.place(_EVALSCRIPT), one_line=here.suffix == ".json")


@lru_cache(256)
def _in_script(text: str, path: str, key: Place, *, one_line: bool) -> Comments:
    """`key` is the position of the key above the script; (0, 0) when the script has its own file."""
    source = SourceText(text)
    found: list[tuple[Place, str]] = []
    for match in _IN_SCRIPT.finditer(text):
        if _begins_comment(source, match.start()):
            line, column = source.place(match.start())
            inside = key if one_line else (key[0] + line, key[1])
            found.append((inside if key[0] else (line, column), match[1]))
    return _comments(path, found)


def _begins_comment(source: SourceText, offset: int) -> bool:
    """Whether a comment begins here, outside of strings and of other comments."""
    before = len(source.text[:offset].rstrip(" \t"))
    starts = before == 0 or source.words[before - 1] == source.text[before - 1]
    return starts and source.words[offset] == " "


def apply_ignores(warnings: Iterable[Problem], comments: Iterable[Comments]) -> Silenced:
    """The remaining warnings of a document, including errors in the comments."""
    all_warnings = tuple(warnings)
    ignores = [ignore for each in comments for ignore in each.ignores]
    errors = [error for each in comments for error in each.errors]
    quiet, given = {each.code for each in ignores}, {each.code for each in all_warnings}
    explained = {each.code for each in ignores if each.has_reason}
    return Silenced(
        warnings=tuple(sorted([*(each for each in all_warnings if each.code not in quiet), *errors])),
        unexplained=tuple(each for each in all_warnings if each.code in quiet - explained),
        used=tuple(each for each in ignores if each.code in given),
        idle=tuple(each for each in ignores if each.code not in given),
    )


def needless(used: Iterable[Ignore], idle: Iterable[Ignore], doubtful: Set[str]) -> list[Problem]:
    """The comments that silence nothing in any document; those of `doubtful` files are skipped.

    A file is doubtful when one of the documents that depend on it has an error, since its warnings are not all known.
    """
    left = {each for each in idle if each.path not in doubtful} - set(used)
    return [_error(each, "W904", f"there is no {each.code} here to silence: remove it") for each in sorted(left)]


def _comments(path: str, found: Iterable[tuple[Place, str]]) -> Comments:
    ignores: list[Ignore] = []
    errors: list[Problem] = []
    for (line, column), words in found:
        codes = list(_codes_in(words))
        has_reason = all(error != NO_REASON for _, error, _ in codes)
        for code, error, message in codes:
            place = Ignore(path=path, line=line, column=column, code=code, has_reason=has_reason)
            if code:
                ignores.append(place)
            if error:
                errors.append(_error(place, error, message))
    return Comments(ignores=tuple(ignores), errors=tuple(errors))


def _codes_in(words: str) -> Iterator[tuple[str, str, str]]:
    """Codes that a comment silences ("" for none), each with the code and the message of its error."""
    ours = _OURS.match(words)
    if not ours or ours[1] != "ignore":
        if ours and nearest(ours[1], ["ignore"]):
            yield "", "W900", f"`shjobs: {ours[1]}` is not known: {_EXAMPLE}"
        return
    listed = _CODES.match(ours[2])
    written = re.findall(r"\w+", listed[0]) if listed else []
    if not written:
        yield "", "W900", f"names no warning: {_EXAMPLE}"
    elif not re.search(r"\w", ours[2][len(listed[0]) if listed else 0 :]):
        yield "", NO_REASON, f"gives no reason: {_EXAMPLE}"
    for code in dict.fromkeys(written):
        error, message = _wrong_with(code)
        yield ("" if error else code), error, message


def _wrong_with(code: str) -> tuple[str, str]:
    if code in WARNINGS:
        return "", ""
    if code in SILENCING or (is_code(code) and code.startswith("E")):
        kind = "is about such comments" if code in SILENCING else "is an error"
        return "W901", f"{code} {kind} and cannot be silenced: fix what it reports, and remove it from this comment"
    return "W902", f"there is no warning {code}: write the code as reported, or remove it"


def _error(place: Ignore, code: str, message: str) -> Problem:
    return Problem(path=place.path, line=place.line, column=place.column, message=message, code=code)
