"""No test is skipped unseen: each is named with its reason, and fails the run where nothing may be skipped."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.skips import NOTHING_MAY_BE_SKIPPED, REFUSED

pytestmark = pytest.mark.slow

HOOKS = "from tests.support.skips import pytest_sessionfinish, pytest_terminal_summary\n"
TESTS = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_of_a_program(number):
    pytest.skip({reason!r})

def test_that_runs():
    pass
"""
MISSING = "strace is not installed: apt-get install strace"


@pytest.mark.parametrize("workers", ["0", "2"], ids=["one process", "several processes"])
@pytest.mark.parametrize(
    ("reason", "environment", "code"),
    [
        pytest.param(MISSING, {}, 0, id="a missing program is named"),
        pytest.param(MISSING, {NOTHING_MAY_BE_SKIPPED: "1"}, 1, id="where nothing may be skipped it fails the run"),
        pytest.param(f"{REFUSED}no mount", {NOTHING_MAY_BE_SKIPPED: "1"}, 0, id="what the machine refuses is named"),
    ],
)
def test_a_skipped_test(tmp_path: Path, workers: str, reason: str, environment: dict[str, str], code: int) -> None:
    (tmp_path / "conftest.py").write_text(HOOKS)
    (tmp_path / "test_it.py").write_text(TESTS.format(reason=reason))
    given = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    given.pop(NOTHING_MAY_BE_SKIPPED, None)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            workers,
            "-p",
            "no:cacheprovider",
            "-p",
            "no:hypothesispytest",
            "--rootdir",
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={**given, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, f"2 tests were not run: {reason}" in done.stdout) == (code, True), done.stdout


@pytest.mark.parametrize(
    ("programs", "says"),
    [
        pytest.param([], "", id="without strace tests may be skipped"),
        pytest.param(
            ["strace", "setpriv", "promtool", "chromium", "ssh-keygen", "gpg", "sshd"], "1", id="with all none may"
        ),
    ],
)
def test_the_tools_of_ci(tmp_path: Path, programs: list[str], says: str) -> None:
    for name in programs:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    bash = shutil.which("bash")
    assert bash
    script = f'set -euo pipefail; . .ci/tools; echo "skips: ${{{NOTHING_MAY_BE_SKIPPED}-}}"'
    given = {"PATH": str(tmp_path)}  # neither apt-get nor anything else
    done = subprocess.run([bash, "-c", script], cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"skips: {says}\n", "")
