"""Write requirements.lock: what the package needs, then the development tools, all with hashes.

`make lock` runs this. The Dockerfile reads as far as the marker line, a development environment the whole file.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Set
from pathlib import Path

LOCK = Path("requirements.lock")
TOOLS = "# --- development tools: the image stops reading here ---"
HEADER = "# Written by `make lock`. Every distribution is pinned by version and hash.\n"
ENTRY = re.compile(r"^(?=[A-Za-z0-9])", re.MULTILINE)
QUIET = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--upgrade"]


def resolved(*options: str) -> dict[str, str]:
    """The resolver's entries for the project, by distribution name."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.txt")
        command = [sys.executable, "-m", "piptools", "compile", *QUIET, "--strip-extras", "--allow-unsafe", *options]
        subprocess.run([*command, "--output-file", str(out), "pyproject.toml"], check=True)
        entries = ENTRY.split(out.read_text())
    return {entry.split("==")[0]: entry.partition("\n#")[0].rstrip() for entry in entries if "==" in entry}


def main() -> None:
    everything = resolved("--generate-hashes", "--extra", "dev")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        pins.write("\n".join(entry.split()[0] for entry in everything.values()))
        pins.flush()
        package = resolved("--constraint", pins.name).keys()
    LOCK.write_text(written(everything, package))


def written(everything: Mapping[str, str], package: Set[str]) -> str:
    """The file: each entry in the part that needs it first."""
    parts = [[entry for name, entry in everything.items() if (name in package) is first] for first in (True, False)]
    return "\n".join([HEADER, *parts[0], "", TOOLS, "", *parts[1], ""])


if __name__ == "__main__":
    main()
