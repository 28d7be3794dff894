"""What a proof leaves behind: one JSON file with its figures, the commit, the seed and the machine."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docs" / "proofs"


def record(name: str, seed: int, figures: Mapping[str, object], folder: Path = FOLDER) -> Path:
    """Write `docs/proofs/<name>.json`; `figures` are the counts that docs/guarantees.md quotes."""
    document = {
        "proof": name,
        "commit": _commit(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "seed": seed,
        "machine": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
        },
        "figures": dict(figures),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


def _commit() -> str:
    """The commit, `-dirty` when anything but the figures themselves differs from it."""
    commit = _git("rev-parse", "HEAD").strip()
    changed = _git("status", "--porcelain", "--", ".", ":!docs/proofs", ":!docs/guarantees.md")
    return commit + ("-dirty" if changed else "") if commit else "unknown"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout


def tell(line: str) -> None:
    """Progress of a long proof, for whoever runs it."""
    sys.stderr.write(line + "\n")
