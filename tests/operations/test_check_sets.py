"""`check` and `preview` of sets, and the example folder of the documentation."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.command import Done, shjobs
from tests.support.paths import ROOT
from tests.support.sets import JOB

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "docs" / "examples" / "slovenia"
SETTINGS = 'deployment = "cdse"\n[credentials.my-bucket]\nprefixes = ["s3://my-bucket/"]\n'
CELL = "slovenia-33n-e400-n5100-2024-06-ndvi"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository whose jobs folder is the example."""
    shutil.copytree(EXAMPLE, tmp_path / "jobs.d")
    (tmp_path / "shjobs.toml").write_text(SETTINGS)
    return tmp_path


def spoil(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / "jobs.d" / file).read_text()
    assert old in text
    (folder / "jobs.d" / file).write_text(text.replace(old, new))


def check(folder: Path, *options: str) -> Done:
    return shjobs("check", *options, cwd=folder)


def test_the_example_is_accepted_without_a_warning_and_has_the_jobs_that_it_says(folder: Path) -> None:
    done = check(folder)
    assert (done.stdout, done.returncode) == ("1 file, 42 jobs accepted, 0 errors, 0 warnings\n", 0)
    lines = shjobs("expand", "jobs.d/slovenia.yaml", cwd=folder).stdout.splitlines()
    assert "slovenia: 42 cells (7 tile x 3 window x 2 index)" in lines
    assert "7 tiles x 3 months x 2 indices" in (EXAMPLE / "slovenia.yaml").read_text()
    features = json.loads(shjobs("expand", "jobs.d/slovenia.yaml", "-o", "geojson", cwd=folder).stdout)["features"]
    assert len(features) == 7


def test_the_example_at_ten_metres_is_as_many_tiles_as_its_comment_says(folder: Path) -> None:
    spoil(folder, "slovenia.yaml", "pixel: 100, cell: 1000", "pixel: 10, cell: 5000")
    spoil(folder, "slovenia.yaml", "    evalscriptFile", "    maxProcessingUnits: 700\n    evalscriptFile")
    assert "126 jobs accepted, 0 errors" in check(folder).stdout
    assert "21 tiles" in (EXAMPLE / "slovenia.yaml").read_text()


@pytest.mark.parametrize("cached", [True, False], ids=["cached", "not cached"])
@pytest.mark.parametrize(
    ("file", "old", "new", "found", "code"),
    [
        pytest.param("slovenia.yaml", "$index.script", "$indx.script", "jobs.d/slovenia.yaml:18:5: E108 spec.template",
                     1, id="an error of the set"),
        pytest.param("slovenia.geojson", '"Polygon"', '"Point"', "jobs.d/slovenia.yaml:11:14: E200 spec.axes.tile", 1,
                     id="an error of the area"),
        pytest.param("ndvi.js", "function setup", "function (", "jobs.d/ndvi.js:", 1, id="an error of the script"),
        pytest.param("slovenia.yaml", "credentialsRef: my-bucket", "credentialsRef: other", "E250", 1,
                     id="an unknown credential"),
        pytest.param("ndvi.js", "index(sample.B08, sample.B04)", "inx(1)", "jobs.d/ndvi.js:7:30: W001: ", 0,
                     id="a warning of the script"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_set_is_said_once_however_many_cells_it_has(
    folder: Path, cached: bool, file: str, old: str, new: str, found: str, code: int
) -> None:
    options = [] if cached else ["--no-cache"]
    assert check(folder, *options).returncode == 0
    spoil(folder, file, old, new)
    for _ in range(2):
        done = check(folder, *options)
        reported = [line for line in done.stdout.splitlines() if found in line or found.partition(":")[0] in line]
        assert (len(reported), done.returncode) == (1, code), done.stdout
        assert check(folder, *options, "--strict").returncode == 1
    github = check(folder, *options, "-o", "github").stdout.splitlines()
    kind = "error" if code else "warning"
    assert len(github) == 1 and github[0].startswith(f"::{kind} file=jobs.d/"), github
    [listed] = json.loads(check(folder, *options, "-o", "json").stdout)
    assert listed["file" if "file" in listed else "path"].startswith("jobs.d/")
    spoil(folder, file, new, old)
    assert check(folder, *options).returncode == 0


def test_a_set_is_never_answered_from_the_cache_with_the_cells_of_another_area(folder: Path) -> None:
    assert "42 jobs" in check(folder).stdout
    assert "42 jobs" in check(folder).stdout
    area = json.loads((folder / "jobs.d" / "slovenia.geojson").read_text())
    area["geometry"]["coordinates"] = [[[14, 46.1], [14.2, 46.1], [14.2, 46.2], [14, 46.1]]]
    (folder / "jobs.d" / "slovenia.geojson").write_text(json.dumps(area))
    assert "1 file, 6 jobs accepted" in check(folder).stdout
    spoil(folder, "slovenia.yaml", "to: 2024-08", "to: 2024-07")
    assert "1 file, 4 jobs accepted" in check(folder).stdout


def test_a_job_with_the_name_of_a_cell_is_an_error_of_check(folder: Path) -> None:
    (folder / "jobs.d" / "job.yaml").write_text(JOB % CELL)
    for _ in range(2):
        done = check(folder)
        assert done.returncode == 1
        assert f"the job '{CELL}' is already declared in" in done.stdout


def test_one_file_of_the_folder_may_be_checked_and_the_area_names_its_set(folder: Path) -> None:
    (folder / "jobs.d" / "job.yaml").write_text(JOB % "other")
    assert "1 file, 42 jobs accepted" in check(folder, "jobs.d/slovenia.yaml").stdout
    assert "1 file, 42 jobs accepted" in check(folder, "jobs.d/slovenia.geojson").stdout
    assert "1 file, 1 job accepted" in check(folder, "jobs.d/job.yaml").stdout


# --- preview ---


def test_a_cell_is_drawn_by_its_name(folder: Path) -> None:
    done = shjobs("preview", "jobs.d/slovenia.yaml", "--job", CELL, "--size", "32", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "preview" / f"{CELL}.png").stat().st_size > 100


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param([], "declares a set of 42 jobs: name one with --job, such as slovenia-33n-", id="no name"),
        pytest.param(["--job", "slovenia"], "no job of jobs.d/slovenia.yaml is called slovenia", id="the set's name"),
    ],
)
def test_whoever_draws_a_set_is_told_to_name_a_cell(folder: Path, options: list[str], words: str) -> None:
    done = shjobs("preview", "jobs.d/slovenia.yaml", *options, cwd=folder)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert "`shjobs expand jobs.d/slovenia.yaml` lists them" in done.stderr


def test_a_broken_set_is_not_drawn_and_its_problem_is_told(folder: Path) -> None:
    spoil(folder, "slovenia.yaml", "$index.script", "$indx.script")
    done = shjobs("preview", "jobs.d/slovenia.yaml", "--job", CELL, cwd=folder)
    assert (done.returncode, "did you mean `$index`?" in done.stderr) == (1, True)
