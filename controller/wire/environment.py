"""What a process of our own inherits when it must not have what this one has: no secret, no setting."""

import os
import sys
from pathlib import Path

import controller

KEPT = ("PATH", "LD_LIBRARY_PATH")


def bare_environment(**added: str) -> dict[str, str]:
    """Only what an interpreter needs, and what is `added`.

    The process looks for modules where this one found them, so that it need not search for installed packages (`-S`).
    """
    root = str(Path(controller.__file__).resolve().parent.parent)
    paths = os.pathsep.join([root, *filter(os.path.isabs, sys.path)])
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, **added, "PYTHONPATH": paths}
