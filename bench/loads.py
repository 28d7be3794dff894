"""A cold load: every manifest read, parsed and validated, beside the same in a bare loop.

The loops pause the garbage collector as a load does, and all are measured in processor time. None keeps what it has
read: the daemon drops each portion of manifests once its jobs are known. The budget is on the loop that does equal
work: it parses so that every error has its line and column, validates, and makes the request with the digest that says
what was paid for. What is left of a load is the walk, the stats, and the rules of several fields. The other loop is
what one would write first: no places and no digests.
"""

import gc
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bench.finished import SCRIPT, manifests
from bench.rows import Row, in_turn, processor_seconds
from controller.manifest.document import read_documents
from controller.manifest.model import Manifest
from controller.manifest.request import Request, request_of
from controller.tree.contents import LoadedFile
from controller.tree.files import Known
from controller.tree.scan import scan


class _Loader(yaml.CSafeLoader):
    """YAML's loader, for which a moment is a text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}

SCALES = (100, 1_000, 10_000)
ROUNDS = {100: 10, 1_000: 5, 10_000: 3}
MOST = 1.5


def rows(scales: tuple[int, ...] = SCALES) -> Iterator[Row]:
    for count in scales:
        with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
            root = Path(name)
            manifests(root, count)
            jobs = root / "jobs.d"
            ours, equal, plain = in_turn(
                ROUNDS.get(count, 1),
                partial(scan, jobs, Known(), _drop),
                partial(_loop, jobs, _with_digest),
                partial(_loop, jobs, _without_digest),
                clock=processor_seconds,
            )
            gc.unfreeze()
        common: dict[str, Any] = {
            "what": "cold load",
            "scale": f"{count:,} manifests",
            "unit": "ms",
            "figure": 1000 * ours,
        }
        most = MOST if count == max(scales) else None
        yield Row(baseline=1000 * equal, against="parser with places, model, digest", most=most, **common)
        yield Row(baseline=1000 * plain, against="CSafeLoader and model", **common)


def _with_digest(text: str) -> tuple[Manifest, Request]:
    [document] = read_documents(text, "x.yaml")
    manifest = Manifest.model_validate(document.value)
    return manifest, request_of(manifest, document.value["spec"]["request"], SCRIPT)


def _without_digest(text: str) -> Manifest:
    return Manifest.model_validate(yaml.load(text, _Loader))


def _drop(loaded: Sequence[LoadedFile]) -> None:
    assert all(file.documents for file in loaded)


def _loop(jobs: Path, read: Callable[[str], object]) -> None:
    """Parsing and validation alone: without stats, scripts or rules."""
    gc.disable()
    try:
        for path in jobs.rglob("*.yaml"):
            read(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()
