"""`init`: a new repository that works at once, costs nothing by itself, and never overwrites anything."""

import json
from pathlib import Path
from typing import get_args

import pytest
import yaml

from controller.cli.settings import load_settings
from controller.operations.scaffold.repository import IGNORED
from controller.settings.deployments import DeploymentName
from tests.operations.test_plan_revision import git
from tests.support.command import shjobs
from tests.support.paths import ROOT

FILES = {
    "shjobs.toml",
    "jobs.d/example.yaml",
    "jobs.d/example.js",
    "manifest.schema.json",
    ".gitignore",
    ".github/workflows/shjobs.yaml",
}


def files(folder: Path) -> dict[str, str]:
    """Every file but those of the cache of `check`."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_text() for name, path in found.items() if not name.startswith((".cache", ".git/"))}


@pytest.mark.slow
@pytest.mark.parametrize("deployment", get_args(DeploymentName))
def test_a_new_repository_passes_its_own_check(tmp_path: Path, deployment: str) -> None:
    done = shjobs("init", "new", "--deployment", deployment, "--url", "s3://rasters.example.com/a/b", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "new").keys() == FILES
    assert load_settings(tmp_path / "new" / "shjobs.toml", {}).deployment.name == deployment
    checked = shjobs("check", "--strict", cwd=tmp_path / "new")
    assert checked.stdout == "1 file, 1 job accepted, 0 errors, 0 warnings\n"


@pytest.mark.parametrize(
    ("deployment", "action", "cost"),
    [
        pytest.param("sandbox", "submit", 10, id="in the sandbox it may go at once"),
        pytest.param("cdse", "hold", 10, id="where it would be paid for, it is held"),
        pytest.param("sentinel-hub", "hold", 10, id="likewise"),
    ],
)
def test_the_example_is_cheap_and_never_pays_by_itself(
    tmp_path: Path, deployment: str, action: str, cost: float
) -> None:
    shjobs("init", "--deployment", deployment, cwd=tmp_path)
    (tmp_path / "state" / "sandbox" / "my-bucket").mkdir(parents=True)
    [job] = json.loads(shjobs("plan", "-o", "json", cwd=tmp_path).stdout)["jobs"]
    assert (job["name"], job["action"]) == ("example", action)
    assert job["processingUnits"]["upper"] <= cost


def test_the_example_is_held_beside_settings_that_were_there(tmp_path: Path) -> None:
    """They may name an account that pays, whatever `--deployment` says."""
    (tmp_path / "shjobs.toml").write_text('deployment = "cdse"\n')
    shjobs("init", cwd=tmp_path)
    manifest = yaml.safe_load((tmp_path / "jobs.d" / "example.yaml").read_text())
    assert manifest["spec"]["hold"] is True


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    for name in FILES - {"shjobs.toml"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine\n")
    (tmp_path / "shjobs.toml").symlink_to("nowhere")
    done = shjobs("init", cwd=tmp_path)
    assert files(tmp_path) == dict.fromkeys(FILES - {"shjobs.toml"}, "mine\n")
    assert (tmp_path / "shjobs.toml").is_symlink()
    assert f"add to .gitignore: {' '.join(IGNORED)}" in done.stdout
    assert {line.split()[0] for line in done.stdout.split("\n\n")[0].splitlines()} == {"kept", "add"}


def test_a_second_init_changes_nothing(tmp_path: Path) -> None:
    shjobs("init", cwd=tmp_path)
    before = files(tmp_path)
    done = shjobs("init", cwd=tmp_path)
    assert (files(tmp_path), done.returncode) == (before, 0)
    assert "made" not in done.stdout


def test_what_shjobs_makes_is_ignored_by_git(tmp_path: Path) -> None:
    shjobs("init", cwd=tmp_path)
    git(tmp_path, "init", "--quiet")
    made = ("state/shjobs.db", "jobs.d/example.status.yaml", "jobs.d/a/b.status.yaml", "fetched/example/default.tif")
    for name in made:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    git(tmp_path, "add", "--all")
    assert set(git(tmp_path, "ls-files").splitlines()) == FILES
    assert set(IGNORED) <= set((tmp_path / ".gitignore").read_text().splitlines())


def test_the_editor_finds_the_schema_from_the_example(tmp_path: Path) -> None:
    shjobs("init", cwd=tmp_path)
    example = tmp_path / "jobs.d" / "example.yaml"
    [first, *_] = example.read_text().splitlines()
    assert first.startswith("# yaml-language-server: $schema=")
    schema = json.loads((example.parent / first.partition("=")[2]).read_text())
    assert schema == json.loads(shjobs("schema", cwd=tmp_path).stdout)


def test_the_workflow_is_the_one_of_the_docs(tmp_path: Path) -> None:
    shjobs("init", cwd=tmp_path)
    made = (tmp_path / ".github" / "workflows" / "shjobs.yaml").read_text(encoding="utf-8")
    assert made == (ROOT / "docs" / "workflow.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("ci", "expected"),
    [
        pytest.param("gitlab", {".gitlab-ci.yml"}, id="a pipeline of GitLab instead of a workflow of GitHub"),
        pytest.param("none", set(), id="nothing"),
    ],
)
def test_what_checks_pull_requests_can_be_chosen(tmp_path: Path, ci: str, expected: set[str]) -> None:
    done = shjobs("init", "--ci", ci, cwd=tmp_path)
    assert files(tmp_path).keys() == (FILES - {".github/workflows/shjobs.yaml"}) | expected
    assert ("SHJOBS_COMMENT_TOKEN" in done.stdout) is (ci == "gitlab")


def test_the_pipeline_is_the_one_of_the_docs(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    reported = "GitLab reads .gitlab-ci.yml at the top of the repository only: move sub/.gitlab-ci.yml there"
    assert reported in shjobs("init", "sub", "--ci", "gitlab", cwd=tmp_path).stdout
    made = (tmp_path / "sub" / ".gitlab-ci.yml").read_text(encoding="utf-8")
    assert made == (ROOT / "docs" / "gitlab-ci.yaml").read_text(encoding="utf-8")


def test_inside_another_repository_it_says_where_github_looks(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    reported = "GitHub reads workflows at the top of the repository only: move sub/.github there"
    assert reported in shjobs("init", "sub", cwd=tmp_path).stdout
    assert "GitHub reads" not in shjobs("init", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["file"], "Directory 'file' is a file", id="a file instead of a folder"),
        pytest.param(["file/below"], "cannot be written: Not a directory", id="below a file"),
        pytest.param(["--url", "s3://<your-bucket>/<path>"], "--url: holds a placeholder", id="a placeholder"),
        pytest.param(["--url", "my-bucket"], "--url: must be a bucket and a folder in it", id="no URL"),
        pytest.param(["--deployment", "aws"], "'aws' is not one of", id="an unknown deployment"),
    ],
)
def test_what_cannot_be_made_is_told(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "file").touch()
    done = shjobs("init", *arguments, cwd=tmp_path)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert files(tmp_path).keys() == {"file"}
