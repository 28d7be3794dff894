"""Turns the pasted requests into manifests and scripts that `check` accepts: for `import`.

The key pair is dropped: the manifest names a credential, one of the settings that may be used there, or a new one.
"""

import stat
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from controller.analysis.appraisal import Appraiser
from controller.evalscript import cache as scripts
from controller.manifest.document import read_documents
from controller.manifest.dump import manifest_text
from controller.manifest.fields import is_name
from controller.manifest.rules.delivery import credential_name, url_error
from controller.manifest.validate import Broken, Script, accept
from controller.model.clock import Clock
from controller.model.errors import Problem, UsageError
from controller.operations.scaffold.names import LONGEST, Beside, no_file
from controller.operations.scaffold.pasted import Pasted, read_pasted
from controller.settings.deployments import Credential
from controller.settings.settings import Settings
from controller.tree.scan import load

UNUSABLE = "E300"
SUFFIXES = (".yaml", ".yml", ".json")
_BESIDE = (".js", ".json", ".txt", ".geojson")
_LONGEST_NAME = 63
_OF_BUCKET = ("region", "iamRoleARN")
_FOLDER = "rasters"  # in a bucket, when the settings name no folder of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The files to write; none may be written when there are `problems`: `check` would refuse them.

    `credential` is what the manifest names, "" when it names a role; `is_known`: the settings have it. `is_chosen`: the
    text names no place for the results, and `url` is the only one that the settings name. `left_out` are keys that are
    for the bucket of the text, when `url` is another one.
    """

    name: str
    pasted: Pasted
    manifest: str
    script: str
    url: str
    credential: str
    is_known: bool
    is_chosen: bool
    left_out: tuple[str, ...]
    problems: tuple[Problem, ...]


def take_in(
    text: str, name: str, url: str | None, settings: Settings, beside: Beside = no_file
) -> tuple[tuple[Intake, ...], tuple[str, ...]]:
    """The jobs with the requests from the text, delivered to `url` if one is given, and why others were passed over.

    One request becomes the job `name`; several become `name-1`, `name-2` and so on. Raises `UsageError` when the text
    contains no complete request, or no location for its results.
    """
    found = read_pasted(text, beside)
    if len(found.requests) == 1:
        return (_intake(found.requests[0], name, url, settings),), found.passed_over
    intakes = []
    for number, pasted in enumerate(found.requests, start=1):
        try:
            intakes.append(_intake(pasted, _numbered(name, number), url, settings))
        except UsageError as error:
            raise UsageError(f"{pasted.place}: {error}") from error
    return tuple(intakes), found.passed_over


def files_beside(folder: Path) -> Beside:
    """Reads what a pasted command names, such as `@request.json`: from this folder alone, and no other kind of file."""

    def read(name: str) -> str:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or path.name[:1] == "." or path.suffix.lower() not in _BESIDE:
            raise UsageError(f"it is in the file {name!r}, which is not read: paste its text")
        place = folder / path
        try:
            if not stat.S_ISREG(place.lstat().st_mode) or not place.resolve().is_relative_to(folder.resolve()):
                raise UsageError(f"it is in {name!r}, which is not a file of this folder: paste its text")
            with place.open("rb") as file:
                content = file.read(LONGEST + 1).decode("utf-8-sig")
        except (OSError, ValueError):
            raise UsageError(f"it is in the file {name!r}, which cannot be read here: paste its text") from None
        if len(content) > LONGEST:
            raise UsageError(f"it is in the file {name!r}, which is too large")
        return content

    return read


def _numbered(name: str, number: int) -> str:
    end = f"-{number}"
    numbered = f"{name[: _LONGEST_NAME - len(end)].rstrip('-')}{end}"
    assert is_name(numbered)
    return numbered


def _intake(pasted: Pasted, name: str, url: str | None, settings: Settings) -> Intake:
    chosen = _only_place(settings) if url is None and _lacks_place(pasted.body) else None
    s3 = _delivery(pasted.body, url or chosen)
    left_out = tuple(key for key in _OF_BUCKET if key in _s3(pasted.body) and key not in s3)
    place, role = str(s3["url"]), s3.get("iamRoleARN")
    credential, is_known = ("", True) if role else _credential(place, settings)
    body = _delivered(pasted.body, s3 if role else {**s3, "credentialsRef": credential})
    document = {
        "apiVersion": "shjobs/v1",
        "kind": "AsyncProcess",
        "metadata": {"name": name},
        "spec": {**({"evalscriptFile": f"{name}.js"} if pasted.evalscript else {}), "request": body},
    }
    script = textwrap.dedent(pasted.evalscript).strip("\ufeff \t\n") + "\n" if pasted.evalscript else ""
    manifest = manifest_text(document)
    problems = _problems(manifest, script, name, settings, credential, place)
    if pasted.had_lost_breaks and any(each.code == UNUSABLE for each in problems):
        raise UsageError(
            "the evalscript lost its line breaks, and where its comments end is unclear: copy it again with them"
        )
    return Intake(
        name=name,
        pasted=pasted,
        manifest=manifest,
        script=script,
        url=place,
        credential=credential,
        is_known=is_known,
        is_chosen=chosen is not None,
        left_out=left_out,
        problems=problems,
    )


def refuse_taken(folder: Path, name: str, jobs: Path) -> None:
    """Raise `UsageError` when the name, or a file it needs, is taken in the folder or in the tree."""
    for suffix in (*SUFFIXES, ".js"):
        path = folder / f"{name}{suffix}"
        if path.exists() or path.is_symlink():
            raise UsageError(f"{path} is there already: choose another name with --name")
    for file in load(jobs):
        for document in file.documents:
            if document.name == name:
                raise UsageError(f"{jobs / file.path} declares a job {name} already: choose another name with --name")


def _lacks_place(body: Mapping[str, Any]) -> bool:
    """Whether the results have no place yet: none is named, or a placeholder of a documentation page."""
    delivery = _output(body).get("delivery")
    url = _s3(body).get("url")
    return not delivery or (isinstance(url, str) and "<" in url)


def _only_place(settings: Settings) -> str | None:
    """A folder in the only place that the credentials of the settings are for; None when there are none or several."""
    places = {prefix.rstrip("/") for each in settings.credentials.values() for prefix in each.prefixes}
    place = places.pop() if len(places) == 1 else None
    return f"{place}/{_FOLDER}" if place and place.count("/") == 2 else place


def _delivery(body: Mapping[str, Any], url: str | None) -> dict[str, Any]:
    """The S3 delivery, with the given URL or the text's own."""
    found = dict(_s3(body))
    if url is not None:
        for key in _of_other_bucket(found, url):
            del found[key]
        found["url"] = url
    if not isinstance(found.get("url"), str):
        raise UsageError("names no S3 location for its results: give one with --url s3://my-bucket/folder")
    if error := url_error(found["url"]):
        where = "--url" if url is not None else "output.delivery.s3.url"
        advice = "" if url is not None else "; give the real one with --url s3://my-bucket/folder"
        raise UsageError(f"{where}: {error[1]}{advice}")
    return found


def _of_other_bucket(s3: Mapping[str, Any], url: str) -> tuple[str, ...]:
    """The keys that describe the bucket of the text, where the results go to another one."""
    own = s3.get("url")
    is_other = isinstance(own, str) and url_error(own) is None and _bucket(own) != _bucket(url)
    return tuple(key for key in _OF_BUCKET if key in s3) if is_other else ()


def _bucket(url: str) -> str:
    return url.removeprefix("s3://").partition("/")[0]


def _delivered(body: Mapping[str, Any], s3: Mapping[str, Any]) -> dict[str, Any]:
    return {**body, "output": {**_output(body), "delivery": {"s3": s3}}}


def _s3(body: Mapping[str, Any]) -> Mapping[str, Any]:
    delivery = _output(body).get("delivery")
    s3 = delivery.get("s3") if isinstance(delivery, dict) else None
    return s3 if isinstance(s3, dict) else {}


def _output(body: Mapping[str, Any]) -> Mapping[str, Any]:
    output = body.get("output")
    return output if isinstance(output, dict) else {}


def _credential(url: str, settings: Settings) -> tuple[str, bool]:
    """A credential of the settings that may be used there, preferably named after the bucket; else a new name."""
    name = credential_name(url)
    able = [each.name for each in settings.credentials.values() if each.may_use(url)]
    found = name if name in able else min(able, default=None)
    return (found, True) if found else (name, False)


def _problems(
    manifest: str, script: str, name: str, settings: Settings, credential: str, url: str
) -> tuple[Problem, ...]:  # fmt: skip
    """What `check` would report once the settings have the credential."""
    path = f"{name}.yaml"
    [document] = read_documents(manifest, path)
    item = accept(document, path, Script(path=f"{name}.js", text=script) if script else None)
    if isinstance(item, Broken):
        return item.problems
    credentials = {**settings.credentials}
    if credential:
        credentials.setdefault(credential, Credential(name=credential, prefixes=(url,)))
    return Appraiser(settings.deployment, credentials, scripts, Clock().today)(item).problems
