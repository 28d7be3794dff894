"""What `check` remembers: the same bytes, settings and program give the same answer, and a cache is never an error."""

import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.cli.settings import load_settings
from controller.manifest.validate import ValidManifest
from controller.model.errors import Problem
from controller.model.job import Appraisal
from controller.operations.check.cache import MOST_FILES, CheckCache, cache_folder, package_stamp
from controller.operations.check.check import Checked, CheckedFolder, check
from controller.operations.check.examiner import Examiner
from controller.settings.settings import Settings
from tests.conftest import ndvi
from tests.operations.test_check import SCRIPT, SETTINGS, with_file
from tests.support.command import python

DOUBT = Problem(path="a.yaml", line=3, column=1, message="doubtful", code="W001")


@dataclass
class Counting:
    """An examiner that finds one doubt in everything, and counts what it is asked."""

    lasts: bool = True
    asked: list[str] = field(default_factory=list)

    def prepare(self, items: Sequence[ValidManifest]) -> None:
        self.asked += [item.name for item in items]

    def __call__(self, item: ValidManifest) -> tuple[Appraisal, bool]:
        assert item.name in self.asked
        return Appraisal(wanted=None, warnings=(DOUBT,)), self.lasts


class Place:
    """A folder of manifests, a cache, and what each run examined."""

    def __init__(self, root: Path) -> None:
        self.jobs, self.cache = root / "jobs.d", root / "cache"
        self.write("a.yaml", ndvi("a"))
        self.write("b.yaml", with_file("b", "s.js"))
        self.write("s.js", SCRIPT)

    def write(self, path: str, text: str) -> None:
        file = self.jobs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run(self, stamp: str = "1", *, lasts: bool = True) -> list[str]:
        """The jobs that were examined; what was told must be the same each time."""
        examiner = Counting(lasts=lasts)
        found = self.reported(examiner, stamp)
        assert (found.files, found.jobs, found.problems) == (2, 2, (DOUBT,))
        return examiner.asked

    def reported(self, examiner: Counting, stamp: str = "1") -> Checked:
        ground = CheckedFolder(folder=self.jobs, named=frozenset({""}))
        return check(ground, examiner, datetime.now(UTC), CheckCache(self.cache), stamp)

    def kept(self) -> list[Path]:
        return sorted((self.cache / "check").iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_did_not_change_is_not_examined_again(place: Place) -> None:
    assert [place.run(), place.run(), place.run()] == [["a", "b"], [], []]


@pytest.mark.parametrize(
    ("change", "examined"),
    [
        pytest.param(lambda place: os.utime(place.jobs / "a.yaml", (1, 1)), [], id="a file that was only touched"),
        pytest.param(lambda place: place.write("a.yaml", ndvi("a")), [], id="the same bytes written again"),
        pytest.param(lambda place: place.write("a.yaml", ndvi("a") + "#\n"), ["a"], id="another byte in a manifest"),
        pytest.param(lambda place: place.write("s.js", SCRIPT + "//\n"), ["b"], id="another byte in its script"),
        pytest.param(lambda place: place.write("t.js", SCRIPT), [], id="a script that nobody uses"),
        pytest.param(lambda place: (place.jobs / "a.yaml").rename(place.jobs / "c.yaml"), ["a"], id="a new place"),
    ],
)
def test_the_bytes_decide(place: Place, change: Callable[[Place], object], examined: list[str]) -> None:
    place.run()
    change(place)
    assert place.run() == examined
    assert place.run() == []


def test_another_program_or_other_settings_examine_everything(place: Place) -> None:
    assert [place.run("1"), place.run("2"), place.run("1")] == [["a", "b"], ["a", "b"], []]


def test_an_answer_that_may_change_is_not_kept(place: Place) -> None:
    assert [place.run(lasts=False), place.run(), place.run()] == [["a", "b"], ["a", "b"], []]


def test_a_broken_manifest_is_told_from_the_cache_and_forgotten_when_it_is_mended(place: Place) -> None:
    place.write("a.yaml", ndvi("A"))
    for examined in (["b"], []):
        examiner = Counting()
        reported = [str(each) for each in place.reported(examiner).problems]
        assert reported[0].startswith("a.yaml:4:3: E108 metadata.name: must be made of lowercase letters")
        assert (len(reported), examiner.asked) == (2, examined)
    place.write("a.yaml", ndvi("a"))
    assert place.run() == ["a"]


def test_names_that_clash_are_found_between_what_is_remembered(place: Place) -> None:
    place.write("a.yaml", ndvi("b"))
    for _ in range(2):
        found = place.reported(Counting())
        codes = [each.code for each in found.problems]
        assert (codes, found.jobs) == (["W001", "E194"], 1)
    place.write("a.yaml", ndvi("a"))
    assert place.run() == ["a"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="cut off"),
        pytest.param("[]", id="a list"),
        pytest.param("null", id="nothing"),
        pytest.param('{"files": [], "documents": [{"path": 1}]}', id="another form"),
        pytest.param('{"files": [{"path": "a.yaml"}], "documents": []}', id="a part missing"),
        pytest.param('{"files": 3, "documents": 4}', id="numbers"),
        pytest.param('{"files": ["x"], "documents": []}', id="texts"),
        pytest.param("\udcff", id="no text"),
    ],
)
def test_a_damaged_cache_is_as_good_as_none(place: Place, content: str) -> None:
    place.run()
    [file] = place.kept()
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert [place.run(), place.run()] == [["a", "b"], []]


def test_a_cache_that_cannot_be_written_is_no_error(place: Place) -> None:
    place.cache.write_text("a file where a folder should be")
    assert [place.run(), place.run()] == [["a", "b"], ["a", "b"]]


def test_a_folder_in_the_way_is_no_error(place: Place) -> None:
    place.run()
    [file] = place.kept()
    file.unlink()
    (file / "below").mkdir(parents=True)
    assert place.run() == ["a", "b"]
    assert [path.suffix for path in place.kept()] == [".json"]


def test_it_is_bounded_and_the_oldest_go(tmp_path: Path) -> None:
    cache = CheckCache(tmp_path)
    for number in range(MOST_FILES + 5):
        cache.write(f"{number:03}", number)
        os.utime(tmp_path / "check" / f"{number:03}.json", (number, number))
    cache.write("last", "last")
    assert len(list((tmp_path / "check").iterdir())) == MOST_FILES
    assert [cache.read(key) for key in ("005", f"{MOST_FILES + 4:03}", "last")] == [None, MOST_FILES + 4, "last"]


def test_what_is_read_counts_as_used(tmp_path: Path) -> None:
    cache = CheckCache(tmp_path)
    cache.write("a", 1)
    os.utime(tmp_path / "check" / "a.json", (1, 1))
    assert cache.read("a") == 1
    assert (tmp_path / "check" / "a.json").stat().st_mtime > 1


def test_runs_at_the_same_time_never_see_half_a_file(tmp_path: Path) -> None:
    value = {"documents": ["x" * 1000] * 200}
    cache, enough = CheckCache(tmp_path), threading.Event()
    cache.write("a", value)

    def writes() -> None:
        while not enough.is_set():
            CheckCache(tmp_path).write("a", value)

    writers = [threading.Thread(target=writes) for _ in range(2)]
    for each in writers:
        each.start()
    try:
        assert all(cache.read("a") == value for _ in range(100))
    finally:
        enough.set()
        for each in writers:
            each.join()
    assert [path.name for path in (tmp_path / "check").iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        pytest.param({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, Path("/x/shjobs"), id="as the desktop says"),
        pytest.param({"HOME": "/h"}, Path("/h/.cache/shjobs"), id="below the home"),
        pytest.param(
            {"XDG_CACHE_HOME": "x", "HOME": "/h"}, Path("/h/.cache/shjobs"), id="a relative path is passed by"
        ),
        pytest.param({}, None, id="no home"),
    ],
)
def test_the_folder_of_the_cache(environment: dict[str, str], folder: Path | None) -> None:
    assert cache_folder(environment) == folder


def test_without_a_folder_nothing_is_remembered() -> None:
    cache = CheckCache(None)
    cache.write("a", 1)
    assert cache.read("a") is None


def test_files_are_for_the_user_alone_and_hold_no_secret_and_no_text_of_a_manifest(place: Place) -> None:
    secret = "b3a1f0-very-secret-key"
    broken = ndvi("c").replace("credentialsRef: my-bucket", f"secretAccessKey: {secret}, accessKey: {secret}2")
    place.write("c.yaml", broken)
    place.reported(Counting())
    [file] = place.kept()
    text = file.read_text(encoding="utf-8")
    assert secret not in text
    assert "evaluatePixel" not in text
    assert "c.yaml" in text
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def settings(folder: Path, text: str = SETTINGS) -> Settings:
    file = folder / "shjobs.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file, {})


@pytest.mark.parametrize(
    ("text", "same"),
    [
        pytest.param(SETTINGS, True, id="the same settings"),
        pytest.param("maxRunning = 7\n" + SETTINGS, True, id="a setting that no check reads"),
        pytest.param(SETTINGS.replace("my-bucket", "my-other"), False, id="another credential"),
        pytest.param(SETTINGS.replace("s3://my-bucket/", "s3://my-bucket/x"), False, id="another prefix"),
        pytest.param('deployment = "cdse"\n', False, id="another deployment"),
    ],
)
def test_only_the_settings_that_matter_are_part_of_the_stamp(tmp_path: Path, text: str, same: bool) -> None:
    before = Examiner(settings(tmp_path), configured=True).stamp
    assert (Examiner(settings(tmp_path, text), configured=True).stamp == before) is same


def test_settings_that_are_there_and_those_assumed_are_told_apart(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert Examiner(found, configured=True).stamp != Examiner(found, configured=False).stamp


def test_the_program_is_part_of_the_stamp(tmp_path: Path) -> None:
    assert package_stamp() in json.loads(Examiner(settings(tmp_path), configured=True).stamp)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("manifest", "lasts"),
    [
        pytest.param(ndvi(), True, id="a good one"),
        pytest.param(ndvi().replace("sample.B08, ", "sample.B08, ("), True, id="a script that is no JavaScript"),
        pytest.param(ndvi().replace("2022-06-30T23", "2999-06-30T23"), False, id="a time to come"),
        pytest.param(
            ndvi().replace("//VERSION=3", "//VERSION=3\n      while (true) {}"), False, id="an endless script"
        ),
    ],
)
def test_only_what_would_be_the_same_the_next_time_is_kept(tmp_path: Path, manifest: str, lasts: bool) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "a.yaml").write_text(manifest, encoding="utf-8")
    examiner, cache = Examiner(settings(tmp_path), configured=True), CheckCache(tmp_path / "cache")
    ground = CheckedFolder(folder=tmp_path / "jobs.d", named=frozenset({""}))
    check(ground, examiner, datetime.now(UTC), cache, examiner.stamp)
    [file] = (tmp_path / "cache" / "check").iterdir()
    assert [each["path"] for each in json.loads(file.read_bytes())["documents"]] == ["a.yaml"] * lasts


@pytest.mark.slow
def test_a_second_run_loads_neither_the_engine_nor_the_appraiser(tmp_path: Path) -> None:
    """What makes it quick: it hashes, and examines nothing."""
    settings(tmp_path)
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "a.yaml").write_text(ndvi(), encoding="utf-8")
    code = (
        "import sys, controller.cli as c\nc.main(['check'])\n"
        "print(sorted({'controller.evalscript', 'controller.analysis.appraisal', 'py_mini_racer'} & set(sys.modules)))"
    )
    given = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    runs = [python(code, cwd=tmp_path, environment=given) for _ in range(2)]
    assert [run.returncode for run in runs] == [0, 0], runs
    assert [run.stdout.splitlines()[-1] for run in runs] == [
        "['controller.analysis.appraisal', 'controller.evalscript']",
        "[]",
    ]


@pytest.mark.slow
def test_one_manifest_is_checked_without_loading_what_submits_or_waits(tmp_path: Path) -> None:
    """Half of the time of a check of one manifest was the loading of modules."""
    settings(tmp_path)
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "a.yaml").write_text(ndvi(), encoding="utf-8")
    needless = ["concurrent.futures", "controller.model.submission", "controller.tree.git.info", "html", "sqlite3"]
    code = (
        "import sys, controller.cli as c\nc.main(['check', '--no-cache'])\n"
        f"print([each for each in {needless} if each in sys.modules])"
    )
    run = python(code, cwd=tmp_path)
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "[]"), run


@pytest.mark.slow
def test_the_collector_runs_again_when_a_command_begins(tmp_path: Path) -> None:
    """It pauses while the modules are loaded; a daemon without it would grow for ever."""
    code = (
        "import gc, sys, controller.__main__ as m, controller.cli.schema as s\n"
        "s.command.callback = lambda: print(gc.isenabled())\nsys.argv = ['shjobs', 'schema']\nm.main()"
    )
    run = python(code, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (0, "True\n"), run
