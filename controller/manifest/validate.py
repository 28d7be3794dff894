"""Decides whether a document is a job: a ValidManifest with its Request, or Broken with all its errors.

The tree calls it for every changed document. Pure. Content forbidden in a manifest, and its keys and types, are
checked here; what needs more than one field is a rule in `rules`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from controller.manifest.document import Document, Path
from controller.manifest.model import Manifest, child_models, example_of, known_keys, model_at
from controller.manifest.problems import OUTPUT, REQUEST, S3, ProblemCollector, kind_of, one_of, value_at
from controller.manifest.remedies import explain_pasted, number_remedy, unknown_key_remedy
from controller.manifest.request import BOOLEANS, Request, request_of
from controller.manifest.rules import RULES
from controller.manifest.rules.delivery import credential_name, is_secret_key
from controller.model.catalog import nearest
from controller.model.errors import Problem

LARGEST_SCRIPT = 262_144  # bytes
TOO_LARGE = f"is larger than {LARGEST_SCRIPT} bytes: a script has no room for data, so shorten it"
_JOINED = "YAML joins the lines of this text, so that what follows a `//` is lost: begin it with `evalscript: |`"
_SHORTEST_SECRET = 6  # a shorter text could be an ordinary word
_REFERENCE: Path = (*REQUEST, "evalscriptReference")
_GOOGLE: Path = (*OUTPUT, "delivery", "gs")
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "model_type": "a mapping (`key: value`)",
    "dict_type": "a mapping (`key: value`)",
    "tuple_type": "a list (`- …` or `[…]`)",
    "list_type": "a list (`- …` or `[…]`)",
    "finite_number": "a finite number",
}
_CODES = {"missing": "E105", "literal_error": "E108", "too_short": "E107", "string_too_short": "E107"}
_LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The text of an `evalscriptFile`, or the sentence that says why it cannot be used."""

    path: str
    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidManifest:
    """A document that declares a job. `index` is its number in the file, from 0; `warnings` do not block it."""

    path: str
    index: int
    name: str
    manifest: Manifest
    request: Request
    document: Document
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A document that cannot be accepted. Without a `name`, it is unknown which job of the file is meant."""

    path: str
    index: int
    name: str | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


def script_file(document: Document) -> str | None:
    """The `evalscriptFile` a document names, for the tree to read."""
    written = value_at(document.value, ("spec", "evalscriptFile"))
    return written if isinstance(written, str) and written else None


def accept(document: Document, path: str, evalscript: Script | None) -> ValidManifest | Broken:
    """The job a document declares. `path` names its file in problems; `evalscript` is the file it refers to, read."""
    faults = ProblemCollector(document, path)
    manifest = None
    if document.value is not None:
        _not_yet(faults)
        _no_secrets(faults)
        _no_nulls(faults)
        explain_pasted(faults)
        manifest = _read(faults)
        _one_evalscript(faults, evalscript)
        for rule in RULES:
            rule(faults)
    problems, warnings = faults.problems(), faults.warnings()
    if manifest is None or problems:
        name = faults.name()
        return Broken(path=path, index=document.index, name=name, problems=problems, warnings=warnings)
    text = evalscript.text if evalscript else manifest.spec.request.evalscript or ""
    request = request_of(manifest, document.value["spec"]["request"], text)
    return ValidManifest(
        path=path,
        index=document.index,
        name=manifest.metadata.name,
        manifest=manifest,
        request=request,
        document=document,
        warnings=warnings,
    )


# --- what is forbidden in a manifest ---


def _not_yet(faults: ProblemCollector) -> None:
    if faults.at(_REFERENCE) is not None:
        faults.add(
            _REFERENCE, "E111", "is not supported yet: write `evalscript`, or name a file in spec.evalscriptFile"
        )
        faults.silent |= {_REFERENCE, (*REQUEST, "evalscript")}
    if faults.at(_GOOGLE) is not None:
        faults.add(
            _GOOGLE, "E111", "Google Cloud Storage is not supported yet: write `s3` with a bucket that speaks S3"
        )
        faults.silent |= {_GOOGLE, S3}


def _no_secrets(faults: ProblemCollector) -> None:
    secrets = [path for path in faults.document.places if path[:1] == ("spec",) and is_secret_key(path[-1])]
    for path in secrets:
        faults.secrets |= {text for text in _texts(faults.at(path)) if len(text) >= _SHORTEST_SECRET}
        if path[:-1] == S3:
            faults.add(path, "E110", _keys_refused(faults.at((*S3, "url"))))
            # The one sentence is about the pair, and says what is missing.
            faults.silent |= {each for each in secrets if each[:-1] == S3} | {(*S3, "credentialsRef")}
        else:
            message = "a secret must not be in a manifest: remove it, and change it if it was ever shared"
            faults.add(path, "E110", message)
            faults.silent.add(path)


def _texts(value: Any) -> Iterator[str]:
    """Every scalar at or below a value, as it would appear in a message."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, str | int | float):
        yield str(value)
    for each in below:
        yield from _texts(each)


def _keys_refused(url: Any) -> str:
    name = credential_name(url)
    variable = f"SHJOBS_CREDENTIALS_{name.upper().replace('-', '_')}"
    return (
        f"keys must not be in a manifest: write instead `credentialsRef: {name}`, and give the keys that belong to "
        f"it as {variable}_ACCESS_KEY and {variable}_SECRET_ACCESS_KEY (or name their files in shjobs.toml)"
    )


def _no_nulls(faults: ProblemCollector) -> None:
    for path in faults.document.empty:
        faults.add(path, "E107", "is empty: write a value, or remove it")


# --- the evalscript: inline or in a file ---


def _one_evalscript(faults: ProblemCollector, script: Script | None) -> None:
    inline, file = (*REQUEST, "evalscript"), ("spec", "evalscriptFile")
    written = {path for path in (inline, file) if faults.at(path) is not None or path in faults.silent}
    text = faults.at(inline)
    if inline in faults.document.folded:
        faults.doubt(inline, "W130", _JOINED)
    if len(written) == 2 and _REFERENCE not in faults.found:
        faults.add(file, "E112", "the evalscript is in spec.request.evalscript as well: keep one of the two")
    elif not written and faults.mapping(REQUEST):
        faults.add(inline, "E112", "is missing: write the script here, or name its file in spec.evalscriptFile")
    elif isinstance(text, str) and not text.strip():
        faults.add(inline, "E107", "must not be empty")
    elif isinstance(text, str) and len(text.encode("utf-8", "surrogatepass")) > LARGEST_SCRIPT:
        faults.add(inline, "E113", TOO_LARGE)
    elif file in written and script_file(faults.document):
        reason = _script_error(script)
        if reason:
            faults.add(file, "E113", reason)


def _script_error(script: Script | None) -> str:
    if script is None:
        return "was not read"
    if len(script.text.encode("utf-8", "surrogatepass")) > LARGEST_SCRIPT:
        return f"{script.path} {TOO_LARGE}"
    return script.problem or ("" if script.text.strip() else f"{script.path} holds no script")


# --- keys and types, as in the models ---


def _read(faults: ProblemCollector) -> Manifest | None:
    try:
        return Manifest.model_validate(faults.document.value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    # Unknown keys first: a misspelt required key explains why that key is missing.
    for each in sorted(errors, key=lambda each: each["type"] != "extra_forbidden"):
        path: Path = each["loc"]
        if faults.is_full:
            break
        if each["type"] == "extra_forbidden":
            _unknown_key(faults, path)
        elif (each["type"] == "missing" and isinstance(path[-1], int)) or each["type"] == "too_long":
            place = path[:-1] if each["type"] == "missing" else path
            faults.add(place, "E106", "must be four numbers: [x1, y1, x2, y2]")
        elif each["type"] != "too_short" or not each["input"]:  # a list of bad elements counts as too short as well
            faults.add(path, _code(each), _words(each, path))
    return None


def _unknown_key(faults: ProblemCollector, path: Path) -> None:
    *around, key = path
    model = model_at(tuple(around))
    if model is None:
        return
    if remedy := unknown_key_remedy(path):
        faults.add(path, "E104", remedy)
        return
    near = nearest(str(key), known_keys(model))
    home = next((name for name, child in child_models(model).items() if child and key in known_keys(child)), None)
    if near:
        faults.add(path, "E104", f"unknown key: did you mean `{near}`?")
        if near not in faults.mapping(tuple(around)):
            faults.silent.add((*around, near))
    elif home:
        faults.add(path, "E104", f"unknown key here: it belongs below `{home}`")
        if home not in faults.mapping(tuple(around)):
            faults.silent.add((*around, home))
    else:
        faults.add(path, "E104", f"unknown key: the keys here are {', '.join(known_keys(model))}")


def _code(error: Any) -> str:
    """The code of a pydantic error; a validator of `fields` brings its own."""
    if error["type"] == "value_error":
        return str(getattr(error["ctx"]["error"], "code", "E108"))
    return "E106" if error["type"] in _TYPES else _CODES.get(error["type"], "E109")


def _words(error: Any, path: Path) -> str:
    """A pydantic error in plain words."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}, not {kind_of(value)}{_remedy(kind, value)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return one_of(re.findall(r"'([^']*)'", context["expected"]), value)
    if kind == "missing":
        return f"is missing{_example(path)}"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    limits = [f"{words} {context[limit]:g}" for limit, words in _LIMITS.items() if limit in context]
    return f"must be {' and '.join(limits)}" if limits else "cannot be used here"


def _remedy(kind: str, value: Any) -> str:
    if kind in ("int_type", "float_type"):
        return number_remedy(value, kind == "int_type")
    if kind == "bool_type" and isinstance(value, str):
        return ": remove the quotes" if value in BOOLEANS else ""
    return ": put it in quotes" if kind == "string_type" and isinstance(value, int | float) else ""


def _example(path: Path) -> str:
    model = model_at(path[:-1])
    example = example_of(model, str(path[-1])) if model else None
    return f": write for example `{path[-1]}: {example}`" if example is not None else ""
