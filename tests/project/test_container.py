"""What goes with the image: the Dockerfile and compose.yaml, held against the program.

`make prove PARTS=container` builds and runs it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from controller.cli.settings import load_settings
from controller.reconcile.runner import PATIENCE
from tests.conftest import Workspace
from tests.daemon.test_daemon import running
from tests.support.paths import ROOT
from tests.support.patience import LONGEST
from tools.lock import TOOLS

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_bytes())["services"]


def test_the_linter_has_nothing_to_say_about_the_dockerfile() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


def test_libraries_come_from_the_lock_alone_and_the_image_has_no_development_tools() -> None:
    installs = re.findall(r"pip install (.*?) -r (\S+)", DOCKERFILE)
    assert [file for _, file in installs] == ["package.lock"]
    assert all({"--no-deps", "--require-hashes"} <= set(options.split()) for options, _ in installs)
    package, _, tools = (ROOT / "requirements.lock").read_text(encoding="utf-8").partition(TOOLS)
    assert all(re.search(f"^{name}==", package, re.MULTILINE) for name in ("pydantic", "mini-racer", "numpy", "pyproj"))
    assert re.search("^pytest==", tools, re.MULTILINE)
    [marker] = re.findall(r"\^(# --- [a-z ]+)/", DOCKERFILE)
    assert TOOLS.startswith(marker)


def test_the_image_is_nobody_special() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert last.startswith("base\n")
    assert re.findall(r"^USER (\d+):(\d+)$", last, re.MULTILINE) == [("10001", "10001")]


def test_the_image_has_what_fetches_and_verifies_and_its_user_has_a_name() -> None:
    """OpenSSH refuses to run for a user that /etc/passwd does not name."""
    [packages] = re.findall(r"apt-get install --yes --no-install-recommends ([a-z -]+) \\", DOCKERFILE)
    assert set(packages.split()) == {"git", "openssh-client", "gpg"}
    assert "rm -rf /var/lib/apt/lists/*" in DOCKERFILE
    assert re.findall(r"useradd --uid (\d+) --gid (\d+)", DOCKERFILE) == [("10001", "10001")]


@pytest.mark.slow
def test_its_health_check_asks_the_daemon(workspace: Workspace) -> None:
    [asked] = re.findall(r"^HEALTHCHECK .*\\\n    CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    python, *arguments = json.loads(asked)
    settings = load_settings(workspace.root / "shjobs.toml", workspace.environment)
    assert (python, settings.listen in arguments[-1]) == ("python", True)
    with running(workspace) as daemon:
        where = daemon.url.removeprefix("http://")
        patient = (each.replace("timeout=4", f"timeout={LONGEST:g}") for each in arguments)
        healthy = [sys.executable, *(each.replace(settings.listen, where) for each in patient)]
        assert subprocess.run(healthy, check=False).returncode == 0
        assert daemon.stop() == 0
    assert subprocess.run(healthy, capture_output=True, check=False).returncode == 1


def test_compose_gives_the_daemon_the_address_and_the_time_it_needs() -> None:
    daemon, sandbox = COMPOSE["daemon"], COMPOSE["sandbox"]
    assert daemon["network_mode"] == "service:sandbox"
    assert float(daemon["stop_grace_period"].rstrip("s")) > PATIENCE
    for service in (daemon, sandbox):
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    settings = load_settings(ROOT / "shjobs.toml", daemon["environment"])
    home = Path("/srv/shjobs")
    [credentials] = settings.credentials.values()
    assert home / credentials.folder.relative_to(ROOT) == Path(sandbox["command"][2])  # type: ignore[union-attr]
