"""Keeps script engines running between requests: starting one takes longer than a small request.

Scripts are isolated: each gets a fresh realm. Owned by `program`; its workers render through it.
"""

import queue
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.evalscript.engine import Engine
from controller.sandbox.render.render import Rendered, RenderOptions, engine_for, render


class Engines:
    """A pool that grows to as many engines as workers ever rendered at once. Thread-safe."""

    def __init__(self) -> None:
        self._idle: queue.SimpleQueue[Engine] = queue.SimpleQueue()

    def render(self, body: Mapping[str, Any], folder: Path, options: RenderOptions) -> Rendered:
        """`render`, reusing an idle engine if there is one."""
        try:
            engine = self._idle.get_nowait()
        except queue.Empty:
            engine = engine_for(options)
        try:
            return render(body, folder, options, engine)
        finally:
            self._idle.put(engine)

    def close(self) -> None:
        """Close the idle engines."""
        while not self._idle.empty():
            self._idle.get_nowait().close()
