"""Decides whether a document is a job: a ValidManifest with its Request, or Broken with all its errors.

The tree calls it for every changed document. Pure. Content forbidden in a manifest, and its keys and types, are
checked here; what needs more than one field is a rule in `rules`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from controller.manifest.document import Document, Path
from controller.manifest.keys import read_keys
from controller.manifest.model import API_VERSION, SET, Manifest
from controller.manifest.parameters import with_parameters
from controller.manifest.problems import OUTPUT, REQUEST, S3, ProblemCollector, value_at
from controller.manifest.remedies import explain_pasted
from controller.manifest.request import Request, request_of
from controller.manifest.rules import RULES
from controller.manifest.rules.delivery import credential_name, is_secret_key
from controller.model.errors import Problem

LARGEST_SCRIPT = 262_144  # bytes
TOO_LARGE = f"is larger than {LARGEST_SCRIPT} bytes: a script has no room for data, so shorten it"
_JOINED = "YAML joins the lines of this text, so that what follows a `//` is lost: begin it with `evalscript: |`"
_SHORTEST_SECRET = 6  # a shorter text could be an ordinary word
_SPEC: Path = ("spec",)
_REFERENCE: Path = (*REQUEST, "evalscriptReference")
_GOOGLE: Path = (*OUTPUT, "delivery", "gs")


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
    """A document that cannot be accepted. Without a `name`, it is unknown which job of the file is meant.

    `set_name` is that of a set, whose jobs are not known then.
    """

    path: str
    index: int
    name: str | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    set_name: str = ""


def is_set(document: Document) -> bool:
    """Whether a document calls itself a set of ours."""
    value = document.value
    return isinstance(value, dict) and value.get("apiVersion") == API_VERSION and value.get("kind") == SET


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
        no_secrets(faults)
        _no_nulls(faults)
        explain_pasted(faults)
        manifest = read_keys(Manifest, faults)
        _one_evalscript(faults, evalscript)
        for rule in RULES:
            rule(faults)
    problems, warnings = faults.problems(), faults.warnings()
    if manifest is None or problems:
        name = faults.name()
        return Broken(path=path, index=document.index, name=name, problems=problems, warnings=warnings)
    text = evalscript.text if evalscript else manifest.spec.request.evalscript or ""
    text = with_parameters(text, manifest.spec.parameters)
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


def no_secrets(faults: ProblemCollector, job: Path = _SPEC) -> None:
    """Refuse all that is named like a secret below `spec`; `job` is where the bucket of a job is written."""
    if not any(map(is_secret_key, {path[-1] for path in faults.document.places if path})):  # nearly always
        return
    bucket = (*job, *S3[1:])
    secrets = [path for path in faults.document.places if path[:1] == _SPEC and is_secret_key(path[-1])]
    for path in secrets:
        faults.secrets |= {text for text in _texts(faults.at(path)) if len(text) >= _SHORTEST_SECRET}
        if path[:-1] == bucket:
            faults.add(path, "E110", _keys_refused(faults.at((*bucket, "url"))))
            # The one sentence is about the pair, and says what is missing.
            faults.silent |= {each for each in secrets if each[:-1] == bucket} | {(*bucket, "credentialsRef")}
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
