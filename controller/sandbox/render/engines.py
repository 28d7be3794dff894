"""Script engines that are kept running between requests: to start one takes longer than a small request.

A script never sees another's: each gets a fresh realm. Owned by the program; its workers render through it.
"""

import queue
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.evalscript import Engine
from controller.sandbox.render.render import Rendered, RenderOptions, engine_for, render


class Engines:
    """As many engines as workers ever rendered at once. Safe to use from many threads."""

    def __init__(self) -> None:
        self._idle: queue.SimpleQueue[Engine] = queue.SimpleQueue()

    def render(self, body: Mapping[str, Any], folder: Path, options: RenderOptions) -> Rendered:
        """`render`, with an engine that is there already if one is idle."""
        try:
            engine = self._idle.get_nowait()
        except queue.Empty:
            engine = engine_for(options)
        try:
            return render(body, folder, options, engine)
        finally:
            self._idle.put(engine)

    def close(self) -> None:
        """End those that are idle."""
        while not self._idle.empty():
            self._idle.get_nowait().close()
