"""Start a program of ours at a gate: `python -m tests.proofs.gated PIPE MODULE ARGUMENTS…` runs MODULE once PIPE ends.

`traced` keeps it waiting until strace is attached; most of what the program imports is read before, untraced.
"""

import os
import runpy
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    import controller.cli.sync  # noqa: F401

    pipe, module, *arguments = sys.argv[1:]
    Path(pipe).read_bytes()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
