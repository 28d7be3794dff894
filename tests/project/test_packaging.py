"""What is installed is complete: the wheel runs where nothing of the checkout can be seen."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what git would build it from."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [built] = out.glob("*.whl")
    return built


def test_the_wheel_holds_data_scripts_and_the_documented_jobs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "controller/py.typed",
        "controller/data/collections.json",
        "controller/data/crs.json",
        "controller/data/prices.json",
        "controller/data/request-schema.json",
        "controller/data/jobs.d/ndvi.yaml",
        "controller/data/jobs.d/ndvi.js",
        "controller/evalscript/harness.js",
        "controller/evalscript/prelude.js",
    } <= names
    assert not {name for name in names if name.startswith(("tests/", "bench/", "state/")) or ".status." in name}


@pytest.mark.slow
def test_the_wheel_runs_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    """Unpacked alone, beside the locked libraries, in an empty folder: the demo's jobs are found and accepted."""
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    given = {**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    (tmp_path / "shjobs.toml").write_text(
        'deployment = "sandbox"\n[credentials.my-bucket]\nprefixes = ["s3://my-bucket/"]\nfolder = "sandbox"\n'
    )
    where = [sys.executable, "-c", "import controller; print(controller.__file__)"]
    assert (
        str(site) in subprocess.run(where, cwd=tmp_path, env=given, capture_output=True, text=True, check=True).stdout
    )
    check = [sys.executable, "-m", "controller", "check", str(site / "controller/data/jobs.d")]
    done = subprocess.run(check, cwd=tmp_path, env=given, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("4 files, 4 jobs accepted, 0 errors, 0 warnings\n", 0), done.stderr
