"""What a test needs a right for, or the lack of one; where neither can be had, the test is skipped and says why."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Workspace
from tests.support.command import Done
from tests.support.patience import LONGEST
from tests.support.skips import REFUSED

_BITS_BIND = "--bounding-set=-dac_override,-dac_read_search"
_EACH = """
import json, sys
from pathlib import Path
from tests.support.command import shjobs
from tests.support.patience import LONGEST

ended = {name: shjobs(*arguments, cwd=Path()) for name, arguments in json.loads(sys.argv[1]).items()}
print(json.dumps({name: [each.returncode, each.stdout, each.stderr] for name, each in ended.items()}))
"""


def bound(workspace: Workspace, commands: Mapping[str, Sequence[str]]) -> dict[str, Done]:
    """Commands by a user whom permission bits bind, as they do not bind root, one after the other in one process."""
    command = [sys.executable, "-c", _EACH, json.dumps(commands)]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv, which takes a right from root, is not installed: apt-get install util-linux")
        command = ["setpriv", _BITS_BIND, *command]
    environment = {**os.environ, **workspace.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=workspace.root, env=environment, capture_output=True, text=True, timeout=LONGEST)
    assert done.returncode == 0, done.stderr
    return {name: Done(commands[name], *ended) for name, ended in json.loads(done.stdout).items()}


@contextmanager
def mounted(*steps: Sequence[str], at: Path) -> Iterator[None]:
    """With the arguments of one `mount` after the other. Only root may, and not in every container."""
    if os.geteuid() != 0:
        pytest.skip(f"{REFUSED}only root can mount")
    for arguments in steps:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{REFUSED}{done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)
