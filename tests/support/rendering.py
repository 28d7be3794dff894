"""The sandbox's renderer for tests: script engines are kept between sandboxes, since starting one takes longer than
a small raster. Each script gets a realm of its own all the same."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.sandbox.render.engines import Engines
from controller.sandbox.render.render import Rendered, RenderOptions

_POOLS: dict[tuple[float, int, bool], Engines] = {}
"""By the options that an engine is started with."""


def rendered(body: Mapping[str, Any], folder: Path, options: RenderOptions) -> Rendered:
    """What the sandbox renders for this body."""
    started_with = (options.seconds, options.memory, options.older_ramps)
    return _POOLS.setdefault(started_with, Engines()).render(body, folder, options)


def close_engines() -> None:
    """End them all; the next call starts new ones."""
    while _POOLS:
        _POOLS.popitem()[1].close()
