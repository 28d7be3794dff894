"""The shapes of what scripts read: the fields of manifests and of every `-o json`, which may only gain optional ones.

`python -m tests.support.shapes` writes tests/data/upgrades anew, with a ledger and a status file of today; only a
release that means to may do so.
"""

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from controller.manifest.schema import manifest_schema
from tests.conftest import Workspace, ndvi, opened_workspace
from tests.support.command import shjobs
from tests.support.paths import DATA

FOLDER = DATA / "upgrades"
OUTPUTS = {
    "check": ["check", "-o", "json"],
    "plan": ["plan", "-o", "json"],
    "get": ["get", "-o", "json"],
    "describe": ["describe", "ndvi", "-o", "json"],
    "events": ["events", "-o", "json"],
    "budget": ["budget", "-o", "json"],
    "doctor": ["doctor", "-o", "json"],
    "config show": ["config", "show", "-o", "json"],
}


def lived(workspace: Workspace) -> None:
    """A job that succeeded and was changed, one that failed, one that is held, and one that is invalid."""
    workspace.write("ndvi.yaml", ndvi())
    workspace.write("bad.yaml", ndvi("bad", 14.42).replace("return [index", "throw new Error('no'); return [index"))
    workspace.write("held.yaml", ndvi("held", 14.43).replace("spec:\n", "spec:\n  hold: true\n"))
    workspace.write("broken.yaml", ndvi("broken").replace("width: 64", "width: many"))
    workspace.sync()
    workspace.write("ndvi.yaml", ndvi(west=14.41))


def shapes(workspace: Workspace) -> dict[str, dict[str, str]]:
    """What kind of value stands where, in the output of each command."""
    given = dict(workspace.environment)
    return {
        name: dict(sorted(shape(read(shjobs(*command, cwd=workspace.root, environment=given).stdout))))
        for name, command in OUTPUTS.items()
    }


def read(text: str) -> Any:
    """One document, or one a line."""
    try:
        return json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


def shape(value: Any, path: str = "$") -> Iterator[tuple[str, str]]:
    """Every place in a document with the kind of its value; the elements of a list share one place."""
    match value:
        case dict():
            yield path, "object"
            for key, each in value.items():
                yield from shape(each, f"{path}.{key}")
        case list():
            yield path, "list"
            for each in value:
                yield from shape(each, f"{path}[]")
        case bool():
            yield path, "boolean"
        case int() | float():
            yield path, "number"
        case None:
            pass
        case _:
            yield path, "text"


def lost(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What a script of then would miss, or find of another kind."""
    return [
        f"{path} was {kind} and is {after.get(path, 'gone')}"
        for path, kind in before.items()
        if after.get(path) != kind
    ]


def narrowed(before: Any, after: Any, path: str = "$") -> Iterator[str]:
    """What a manifest of then could say, and one of now cannot: JSON Schemas compared."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return
    for name in set(after.get("required", ())) - set(before.get("required", ())):
        yield f"{path}.{name} is required now"
    for value in before.get("enum", ()):
        if value not in after.get("enum", [value]):
            yield f"{path} may no longer be {value}"
    if "type" in before and "type" in after and before["type"] != after["type"]:
        yield f"{path} was {before['type']} and is {after['type']}"
    yield from _limited(before, after, path)
    for keyword in ("properties", "$defs"):
        for name, each in before.get(keyword, {}).items():
            if name not in after.get(keyword, {}):
                yield f"{path}.{name} is gone"
            else:
                yield from narrowed(each, after[keyword][name], f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        yield from narrowed(before.get(keyword), after.get(keyword), f"{path}[]")


def _limited(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[str]:
    """The limits of one field that are narrower than they were, or that it did not have."""
    nothing = float("inf")
    for keyword in ("minimum", "exclusiveMinimum", "minLength", "minItems"):
        if after.get(keyword, -nothing) > before.get(keyword, -nothing):
            yield f"{path} has {keyword} {after[keyword]} and had {before.get(keyword, 'none')}"
    for keyword in ("maximum", "exclusiveMaximum", "maxLength", "maxItems"):
        if after.get(keyword, nothing) < before.get(keyword, nothing):
            yield f"{path} has {keyword} {after[keyword]} and had {before.get(keyword, 'none')}"
    for keyword in ("const", "pattern"):
        if keyword in after and after[keyword] != before.get(keyword):
            yield f"{path} has {keyword} {after[keyword]!r} and had {before.get(keyword, 'none')!r}"


def dumped(path: Path) -> str:
    """A database as the statements that make it."""
    with closing(sqlite3.connect(path)) as ledger:
        return "\n".join(ledger.iterdump()) + "\n"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, opened_workspace(Path(folder)) as workspace:
        lived(workspace)
        (FOLDER / "ledger.sql").write_text(dumped(workspace.state / "shjobs.db"), encoding="utf-8")
        status = (workspace.jobs / "ndvi.status.yaml").read_text(encoding="utf-8")
        (FOLDER / "status.yaml").write_text(status, encoding="utf-8")
        found = {"outputs.json": shapes(workspace), "manifest.schema.json": manifest_schema()}
    for name, document in found.items():
        (FOLDER / name).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
