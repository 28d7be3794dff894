"""compose.yaml without its containers: the same command lines with the same variables, on the files of the checkout."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.program import free_port
from controller.cli import COMMANDS
from controller.settings.settings import settings_from
from tests.proofs.demo import JOBS, cut
from tests.support.command import shjobs
from tests.support.paths import ROOT
from tests.support.patience import LONGEST

SERVICES: Mapping[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_bytes())["services"]
HOME = "/srv/shjobs"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What the containers see as their home: settings and jobs of the checkout, and an empty volume."""
    shutil.copy(ROOT / "shjobs.toml", tmp_path)
    (tmp_path / "state").mkdir()
    return tmp_path


def test_the_services_mount_what_the_checkout_has_and_run_commands_that_there_are() -> None:
    for name, service in SERVICES.items():
        assert service.get("command", ["run"])[0] in COMMANDS, name
        for mount in service["volumes"]:
            source, target, *_ = mount.split(":")
            assert Path(target).is_relative_to(HOME), mount
            assert not source.startswith(".") or (ROOT / source).exists(), mount


def test_the_examples_of_the_page_mount_what_there_is_and_set_what_is_a_setting() -> None:
    """One in which the daemon fetches by itself, and one with a sidecar."""
    page = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
    own, beside = (yaml.safe_load(each) for each in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    for example in (own, beside):
        mounts = [mount.split(":") for service in example["services"].values() for mount in service["volumes"]]
        named = {source for source, *_ in mounts if not source.startswith(".")}
        assert named == set(example["volumes"])
        daemon = example["services"]["daemon"]
        assert f"{HOME}/state" in [mount.split(":")[1] for mount in daemon["volumes"]]
        text = "" if "environment" in daemon else '[git]\nurl = "https://git.example.org/team/jobs.git"\n'
        given = daemon.get("environment", {})
        found = settings_from(text, source="shjobs.toml", environment=given, base=Path(HOME), read=lambda _path: "x")
        kept = [Path(mount.split(":")[1]) for mount in daemon["volumes"]]
        for folder in (found.jobs, found.state, found.status_dir):
            assert folder and any(folder.is_relative_to(mount) for mount in kept), folder


def test_the_documented_jobs_go_out_together_at_their_full_size(home: Path) -> None:
    shutil.copytree(ROOT / "jobs.d", home / "jobs.d", ignore=shutil.ignore_patterns("*.status.yaml"))
    (home / "state" / "sandbox" / "my-bucket").mkdir(parents=True)
    done = shjobs("plan", "-o", "json", cwd=home, environment=_variables("daemon", home))
    assert json.loads(done.stdout)["totals"]["actions"] == {"submit": len(JOBS)}, done.stdout + done.stderr


@pytest.mark.slow
def test_the_daemon_ends_with_rasters_even_when_it_is_there_before_the_sandbox(home: Path) -> None:
    cut(home / "jobs.d", 40)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    elsewhere = {"SHJOBS_BASE_URL": url, "SHJOBS_TOKEN_URL": f"{url}/oauth/token", "SHJOBS_LISTEN": "127.0.0.1:0"}
    with _service("daemon", home, elsewhere), _service("sandbox", home, {}, "--port", str(port)):
        ends_at = time.monotonic() + LONGEST
        while (phases := _phases(home)) != ["Succeeded"] * len(JOBS):
            assert time.monotonic() < ends_at, f"{phases}: {(home / 'daemon.log').read_text()}"
            time.sleep(0.1)
    rasters = list((home / "state" / "sandbox" / "my-bucket").glob("rasters/*/*/*/default.tif"))
    assert len({raster.parents[2].name for raster in rasters}) == len(rasters) == len(JOBS)


@contextlib.contextmanager
def _service(name: str, home: Path, changed: Mapping[str, str], *more: str) -> Iterator[None]:
    """A service of compose.yaml as a process of this machine."""
    typed = [each.replace(HOME, str(home)) for each in SERVICES[name].get("command", ["run"])]
    ours = {key: value for key, value in os.environ.items() if not key.startswith("SHJOBS_")}
    given = {**ours, **_variables(name, home), "PYTHONPATH": str(ROOT), **changed}
    with (
        (home / f"{name}.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "controller", *typed, *more], cwd=home, env=given, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def _variables(name: str, home: Path) -> dict[str, str]:
    given: Mapping[str, str] = SERVICES[name].get("environment", {})
    return {key: value.replace(HOME, str(home)) for key, value in given.items()}


def _phases(home: Path) -> list[str]:
    found = sorted((home / "state" / "status").glob("*.status.yaml"))  # not one that is being written
    with contextlib.suppress(FileNotFoundError):
        return [yaml.safe_load(path.read_bytes())["phase"] for path in found]
    return []
