"""Write requirements.lock: the runtime set first, the development tools behind a marker line, all with hashes.

`make lock` runs this. The image installs what stands above the marker, a development environment the whole file.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path("requirements.lock")
MARKER = "# --- development tools: the image stops reading here ---"
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
    everything = resolved("--generate-hashes", "--extra", "sandbox", "--extra", "dev")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        pins.write("\n".join(entry.split()[0] for entry in everything.values()))
        pins.flush()
        wanted = resolved("--extra", "sandbox", "--constraint", pins.name)
    runtime = [entry for name, entry in everything.items() if name in wanted]
    tools = [entry for name, entry in everything.items() if name not in wanted]
    LOCK.write_text("\n".join([HEADER, *runtime, "", MARKER, "", *tools, ""]))


if __name__ == "__main__":
    main()
