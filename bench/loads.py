"""A cold load: every manifest read, parsed and validated, beside the same in a bare loop."""

import gc
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bench.finished import manifests
from bench.rows import Row, in_turn
from controller.manifest.document import read_documents
from controller.manifest.model import Manifest
from controller.tree.scan import load


class _Loader(yaml.CSafeLoader):
    """YAML's loader, for which a moment is a text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}

SCALES = (100, 1_000, 10_000)
ROUNDS = {100: 10, 1_000: 5, 10_000: 3}


def rows(scales: tuple[int, ...] = SCALES) -> Iterator[Row]:
    for count in scales:
        with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
            root = Path(name)
            manifests(root, count)
            jobs = root / "jobs.d"
            ours, strict, plain = in_turn(
                ROUNDS[count],
                partial(load, jobs),
                partial(_bare_loop, jobs),
                partial(_plain_loop, jobs),
            )
            gc.unfreeze()
        common: dict[str, Any] = {
            "what": "cold load",
            "scale": f"{count:,} manifests",
            "unit": "ms",
            "figure": 1000 * ours,
        }
        most = 1.5 if count == max(SCALES) else None
        yield Row(baseline=1000 * plain, against="CSafeLoader and model", most=most, **common)
        yield Row(baseline=1000 * strict, against="our own parser and model", **common)


def _bare_loop(jobs: Path) -> list[Manifest]:
    """Our own parser and model, without places, digests, scripts or rules."""
    gc.disable()
    try:
        texts = (path.read_text(encoding="utf-8") for path in jobs.rglob("*.yaml"))
        return [Manifest.model_validate(read_documents(text, "x.yaml")[0].value) for text in texts]
    finally:
        gc.enable()


def _plain_loop(jobs: Path) -> list[Manifest]:
    """What anybody would write first, but for the moments: they are texts to the model."""
    texts = (path.read_text(encoding="utf-8") for path in jobs.rglob("*.yaml"))
    return [Manifest.model_validate(yaml.load(text, _Loader)) for text in texts]
