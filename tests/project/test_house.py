"""`make lint` keeps the house: what breaks a rule is found, here planted into a copy of the package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tools.house import LINES, MODULES, broken_rules

LINT = Path(sys.executable).parent / "lint-imports"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and the contracts, in a folder of their own."""
    root = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "controller", root / "controller", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def lint(root: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(LINT), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=root, env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False)


def test_every_contract_is_kept(copy: Path) -> None:
    done = lint(copy)
    assert (done.returncode, "0 broken" in done.stdout) == (0, True), done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        pytest.param("model/job.py", "import controller.tree.tree", "rooms below it", id="an import that goes up"),
        pytest.param("tree/walk.py", "import controller.ledger.lock", "strangers", id="an edge that knows another"),
        pytest.param("lifecycle/verdict.py", "import time", "pure", id="the time in a decision"),
        pytest.param("limits/gate.py", "import controller.model.clock", "pure", id="the clock in a decision"),
        pytest.param("manifest/digest.py", "import os", "pure", id="the environment in a decision"),
        pytest.param("cli/get.py", "import controller.sandbox.program", "sandbox", id="the sandbox in a command"),
        pytest.param(
            "sandbox/pricing.py", "import controller.analysis.cost", "sandbox", id="our prices in the sandbox"
        ),
        pytest.param("model/errors.py", "import controller.model.job", "circles", id="a circle within a room"),
    ],
)
def test_a_planted_import_breaks_a_contract(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / "controller" / module
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\n{line}  # noqa\n", encoding="utf-8")
    try:
        done = lint(copy)
    finally:
        path.write_text(text, encoding="utf-8")
    broken = [each for each in done.stdout.splitlines() if " BROKEN" in each]
    assert done.returncode == 1
    assert any(contract in each for each in broken), done.stdout


def test_no_rule_of_the_house_is_broken() -> None:
    assert list(broken_rules(ROOT / "controller")) == []


@pytest.mark.parametrize(
    ("planted", "text", "sentence"),
    [
        pytest.param("room/m.py", "", f"pkg/room has {MODULES + 1} modules", id="a fifteenth module"),
        pytest.param(
            "room/sub/m.py", "\n" * (LINES + 1), f"m.py has {LINES + 1} lines", id="a module that is too long"
        ),
        pytest.param("astray.py", "", "pkg/astray.py stands outside the rooms", id="a module outside the rooms"),
        pytest.param("other/m.py", "def one(): ...", "one is defined in pkg/other/m.py and in", id="a second home"),
    ],
)
def test_what_makes_a_room_too_full_is_said(tmp_path: Path, planted: str, text: str, sentence: str) -> None:
    room = tmp_path / "pkg" / "room"
    room.mkdir(parents=True)
    (room / "__init__.py").touch()
    for number in range(MODULES):
        (room / f"m{number}.py").write_text("def one(): ..." if not number else "")
    assert list(broken_rules(tmp_path / "pkg")) == []
    path = tmp_path / "pkg" / planted
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    [broken] = broken_rules(tmp_path / "pkg")
    assert sentence in broken
