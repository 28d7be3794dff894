"""Hints for evalscripts that run, but probably do not do what their author meant, or cost more than needed.

Pure. Reference page "Evalscript V3" §10. Every hint has a stable code and can be silenced in the manifest.
"""

from collections.abc import Iterator

from controller.errors import Finding
from controller.request import Request
from controller.script import ScriptFacts


def hints(request: Request, facts: ScriptFacts) -> Iterator[Finding]:  # noqa: ARG001
    """The hints for one script in its request."""
    yield from ()
