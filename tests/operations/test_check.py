"""`shjobs check` as people, hooks and workflows call it: what it reads, the order of what it tells, and its forms."""

import json
from pathlib import Path

import pytest

from controller.cli.output.annotations import github, problems_as_json, problems_as_text
from controller.model.errors import Problem
from controller.operations.check.check import CheckedFolder, checked_folders
from tests.conftest import ndvi
from tests.support.command import shjobs

SETTINGS = """\
deployment = "sandbox"

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "sandbox"
"""
SCRIPT = """\
//VERSION=3
function setup() { return {input: ["B04"], output: {bands: 1}}; }
function evaluatePixel(sample) { return [sample.B04]; }
"""
BROKEN_SCRIPT = SCRIPT.replace("return [sample.B04]", "return [sample.B04")
OLDER_NAME = "W100"


class Folder:
    """A repository of manifests without a sandbox, and with a cache of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = root / "cache"
        self.write("shjobs.toml", SETTINGS)

    def write(self, path: str, content: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return file

    def check(self, *arguments: str, cwd: str = ".") -> tuple[list[str], str, int]:
        """The lines printed, what the standard error output says, and the exit code."""
        environment = {"XDG_CACHE_HOME": str(self.cache)}
        done = shjobs("check", *arguments, cwd=self.root / cwd, environment=environment)
        assert "Traceback" not in done.stderr
        return done.stdout.splitlines(), done.stderr, done.returncode


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def with_file(name: str, script: str, west: float = 14.40) -> str:
    """A manifest whose script is in a file."""
    head, _ = ndvi(name, west).split("    evalscript: |\n")
    return head.replace("spec:\n", f"spec:\n  evalscriptFile: {script}\n")


def places(lines: list[str]) -> list[str]:
    """`path:line:column: CODE` of every line."""
    return [" ".join(line.split(" ")[:2]).rstrip(":") for line in lines]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param([], {"/r/jobs.d": {""}}, id="nothing named: the jobs folder"),
        pytest.param(["/r/jobs.d/a.yaml"], {"/r/jobs.d": {"a.yaml"}}, id="a manifest: its whole jobs folder"),
        pytest.param(["/r/jobs.d/sub/../b.js"], {"/r/jobs.d": {"b.js"}}, id="dots in a path"),
        pytest.param(
            ["/r/jobs.d/a.yaml", "/r/jobs.d/sub"], {"/r/jobs.d": {"a.yaml", "sub"}}, id="several in one folder"
        ),
        pytest.param(["/r/other/a.yaml"], {"/r/other": {"a.yaml"}}, id="elsewhere: the folder around it"),
        pytest.param(
            ["/r/other/b/c.yaml", "/r/other/a.yaml"],
            {"/r/other": {"b/c.yaml", "a.yaml"}},
            id="a folder within another is read with it",
        ),
        pytest.param(["/r/a.yaml"], {"/r": {"a.yaml"}}, id="above the jobs folder"),
        pytest.param(["/r/a.yaml", "/r/jobs.d"], {"/r": {"a.yaml", "jobs.d"}}, id="the jobs folder and one above"),
    ],
)
def test_what_is_named_is_read_with_the_folder_it_belongs_to(paths: list[str], expected: dict[str, set[str]]) -> None:
    found = checked_folders([Path(path) for path in paths], Path("/r/jobs.d"))
    assert {str(each.folder): set(each.named) for each in found} == expected


@pytest.mark.parametrize(
    ("named", "path", "has"),
    [
        pytest.param({""}, "a/b.yaml", True, id="everything"),
        pytest.param({"a"}, "a/b/c.yaml", True, id="below a folder"),
        pytest.param({"a/b.yaml"}, "a/b.yaml", True, id="itself"),
        pytest.param({"a"}, "ab.yaml", False, id="a name that begins alike"),
        pytest.param(set(), "a.yaml", False, id="nothing"),
    ],
)
def test_a_path_is_asked_about_by_itself_or_with_a_folder(named: set[str], path: str, has: bool) -> None:
    assert CheckedFolder(folder=Path("/r"), named=frozenset(named)).has(path) is has


def test_several_paths_are_checked_and_nothing_else_is_told(folder: Folder) -> None:
    folder.write("jobs.d/a.yaml", ndvi("A"))
    folder.write("jobs.d/b.yaml", ndvi("B"))
    folder.write("jobs.d/sub/c.yaml", ndvi("C"))
    folder.write("elsewhere/d.yaml", ndvi("D"))
    lines, summary, code = folder.check("jobs.d/a.yaml", "jobs.d/sub", "elsewhere/d.yaml")
    assert places(lines) == ["elsewhere/d.yaml:4:3: E108", "jobs.d/a.yaml:4:3: E108", "jobs.d/sub/c.yaml:4:3: E108"]
    assert (summary, code) == ("3 files, 0 jobs accepted, 3 errors, 0 warnings\n", 1)


def test_paths_are_told_as_they_can_be_opened_from_here(folder: Folder) -> None:
    folder.write("jobs.d/a.yaml", ndvi("A"))
    folder.write("jobs.d/shjobs.toml", 'jobs = "."\n' + SETTINGS)
    assert places(folder.check(cwd="jobs.d")[0]) == ["a.yaml:4:3: E108"]
    outside = folder.root / "jobs.d" / "a.yaml"
    folder.write("here/b.txt", "")
    assert places(folder.check(str(outside), cwd="here")[0]) == [f"{outside}:4:3: E108"]


@pytest.mark.slow
def test_for_a_script_the_manifests_that_use_it_are_checked(folder: Folder) -> None:
    folder.write("jobs.d/a/one.yaml", with_file("one", "../s.js"))
    folder.write("jobs.d/b/two.yaml", with_file("two", "../s.js", 14.41))
    folder.write("jobs.d/c.yaml", ndvi("C"))
    folder.write("jobs.d/s.js", SCRIPT)
    assert folder.check("jobs.d/s.js") == (["2 files, 2 jobs accepted, 0 errors, 0 warnings"], "", 0)
    folder.write("jobs.d/s.js", BROKEN_SCRIPT)
    lines, summary, code = folder.check("jobs.d/s.js")
    assert places(lines) == ["jobs.d/s.js:3:52: E300"]  # once, though two manifests use it
    assert (summary, code) == ("2 files, 0 jobs accepted, 1 error, 0 warnings\n", 1)


def test_what_nothing_uses_is_named_and_no_error(folder: Folder) -> None:
    folder.write("jobs.d/a.yaml", ndvi())
    folder.write("jobs.d/b.js", SCRIPT)
    folder.write("README.md", "")
    lines, said, code = folder.check("jobs.d/b.js", "README.md", "jobs.d/a.yaml")
    assert lines == ["1 file, 1 job accepted, 0 errors, 0 warnings"]
    assert said == "".join(
        f"{each}: holds no manifest, and no manifest uses it\n" for each in ("README.md", "jobs.d/b.js")
    )
    assert code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("jobs.d/a.yaml", id="the one that counts as first"),
        pytest.param("jobs.d/b.yaml", id="the one that comes too late"),
    ],
)
def test_a_name_that_clashes_with_a_file_that_was_not_named_is_found(folder: Folder, asked: str) -> None:
    folder.write("jobs.d/a.yaml", ndvi())
    folder.write("jobs.d/b.yaml", ndvi().replace("sentinel-2-l2a", "S2L2A"))
    for _ in range(2):  # the second time from the cache
        lines, _, code = folder.check(asked)
        message = "the job 'ndvi' is already declared in a.yaml; give this one another name"
        assert [line for line in lines if "E194" in line] == [f"jobs.d/b.yaml:4:3: E194 metadata.name: {message}"]
        assert code == 1


def test_per_file_the_errors_come_before_the_warnings_in_the_order_of_the_text(folder: Folder) -> None:
    both = (
        ndvi("b").replace("sentinel-2-l2a", "S2L2A").replace("width: 64", "width: 0").replace("height: 32", "height: 0")
    )
    folder.write("jobs.d/b.yaml", both)
    folder.write("jobs.d/a.yaml", ndvi("a").replace("sentinel-2-l2a", "S2L2A"))
    lines, summary, _ = folder.check()
    assert places(lines) == [
        f"jobs.d/a.yaml:11:11: {OLDER_NAME}",
        "jobs.d/b.yaml:15:7: E109",
        "jobs.d/b.yaml:16:7: E109",
        f"jobs.d/b.yaml:11:11: {OLDER_NAME}",
    ]
    assert summary == "2 files, 1 job accepted, 2 errors, 2 warnings\n"


def test_warnings_fail_only_when_that_is_wanted(folder: Folder) -> None:
    folder.write("jobs.d/a.yaml", ndvi().replace("sentinel-2-l2a", "S2L2A"))
    assert folder.check()[2] == 0
    lines, summary, code = folder.check("--strict")
    assert places(lines) == [f"jobs.d/a.yaml:11:11: {OLDER_NAME}"]
    assert (summary, code) == ("1 file, 1 job accepted, 0 errors, 1 warning\n", 1)


def test_without_settings_the_names_of_credentials_are_not_missed(folder: Folder) -> None:
    (folder.root / "shjobs.toml").unlink()
    folder.write("jobs.d/a.yaml", ndvi())
    note = "there is no shjobs.toml here: whether the named credentials exist was not checked\n"
    assert folder.check() == (["1 file, 1 job accepted, 0 errors, 0 warnings"], note, 0)
    folder.write("shjobs.toml", "")
    assert places(folder.check()[0]) == ["jobs.d/a.yaml:20:45: E250"]


@pytest.mark.slow
def test_a_warning_is_silenced_for_every_document_of_the_file(folder: Folder) -> None:
    older = ndvi("a").replace("sentinel-2-l2a", "S2L2A") + "---\n" + ndvi("b", 14.41).replace("sentinel-2-l2a", "S2L2A")
    folder.write("jobs.d/a.yaml", f"# shjobs: ignore {OLDER_NAME} our tools write it so\n{older}")
    folder.write("jobs.d/c.yaml", ndvi("c", 14.42).replace("sentinel-2-l2a", "S2L2A"))
    assert places(folder.check("--strict")[0]) == [f"jobs.d/c.yaml:11:11: {OLDER_NAME}"]


@pytest.mark.slow
def test_a_script_silences_for_every_job_that_uses_it_and_is_needless_only_when_none_needs_it(folder: Folder) -> None:
    folder.write("jobs.d/s.js", SCRIPT + f"// shjobs: ignore {OLDER_NAME} so be it\n")
    folder.write("jobs.d/a.yaml", with_file("a", "s.js"))
    folder.write("jobs.d/b.yaml", with_file("b", "s.js", 14.41).replace("sentinel-2-l2a", "S2L2A"))
    for _ in range(2):  # the second time from the cache
        assert folder.check("--strict") == (["2 files, 2 jobs accepted, 0 errors, 0 warnings"], "", 0)
    folder.write("jobs.d/b.yaml", with_file("b", "s.js", 14.41))
    assert folder.check("--strict")[0] == [
        f"jobs.d/s.js:4:1: W904: there is no {OLDER_NAME} here to silence: remove it"
    ]


def test_a_comment_is_not_called_needless_beside_an_error(folder: Folder) -> None:
    """What the broken document would be warned about is not known yet."""
    text = f"# shjobs: ignore {OLDER_NAME} so be it\n" + ndvi("a") + "---\n" + ndvi("B")
    folder.write("jobs.d/a.yaml", text)
    assert [place.split(" ")[1] for place in places(folder.check()[0])] == ["E108"]


def test_an_error_stays_whatever_a_comment_says(folder: Folder) -> None:
    folder.write("jobs.d/a.yaml", "# shjobs: ignore E108 so be it\n" + ndvi("A"))
    lines, _, code = folder.check()
    assert (places(lines), code) == (["jobs.d/a.yaml:5:3: E108", "jobs.d/a.yaml:1:1: W901"], 1)


NASTY = Problem(path="jobs.d/a,b:c%.yaml", line=7, column=3, field="spec.x", message="100 %\nof it: a,b\r", code="E104")
DOUBT = Problem(path="a.js", line=2, column=1, message="never read", code="W002")


def test_workflow_commands_are_escaped_as_github_asks() -> None:
    assert github([NASTY, DOUBT]).splitlines() == [
        "::error file=jobs.d/a%2Cb%3Ac%25.yaml,line=7,col=3,title=E104::spec.x: 100 %25%0Aof it: a,b%0D",
        "::warning file=a.js,line=2,col=1,title=W002::never read",
    ]


def test_json_is_a_list_of_objects() -> None:
    assert json.loads(problems_as_json([DOUBT, NASTY])) == [
        {"path": "a.js", "line": 2, "column": 1, "severity": "warning", "code": "W002", "message": "never read"},
        {
            "path": "jobs.d/a,b:c%.yaml",
            "line": 7,
            "column": 3,
            "severity": "error",
            "code": "E104",
            "field": "spec.x",
            "message": "100 %\nof it: a,b\r",
        },
    ]


def test_text_is_a_line_for_each_whatever_a_manifest_holds() -> None:
    assert problems_as_text([NASTY]) == "jobs.d/a,b:c%.yaml:7:3: E104 spec.x: 100 %\\nof it: a,b\\r"


@pytest.mark.parametrize(
    ("form", "printed"),
    [
        pytest.param("text", "jobs.d/a.yaml:4:3: E108 metadata.name: must", id="text"),
        pytest.param("github", "::error file=jobs.d/a.yaml,line=4,col=3,title=E108::metadata.name: must", id="github"),
        pytest.param("json", '[\n  {\n    "path": "jobs.d/a.yaml",\n    "line": 4,\n    "column": 3,', id="json"),
    ],
)
def test_every_form_has_the_problems_alone_on_the_standard_output(folder: Folder, form: str, printed: str) -> None:
    folder.write("jobs.d/a.yaml", ndvi("A"))
    lines, summary, code = folder.check("-o", form)
    assert "\n".join(lines).startswith(printed)
    assert (summary, code) == ("1 file, 0 jobs accepted, 1 error, 0 warnings\n", 1)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "printed"), [("github", []), ("json", ["[]"])])
def test_nothing_wrong_is_an_empty_answer(folder: Folder, form: str, printed: list[str]) -> None:
    folder.write("jobs.d/a.yaml", ndvi("a"))
    assert folder.check("-o", form) == (printed, "1 file, 1 job accepted, 0 errors, 0 warnings\n", 0)


def test_check_leaves_nothing_behind_but_its_cache(folder: Folder) -> None:
    folder.write("jobs.d/a.yaml", ndvi("a"))
    folder.check("--no-cache")
    left = sorted(path.relative_to(folder.root).as_posix() for path in folder.root.rglob("*"))
    assert left == ["jobs.d", "jobs.d/a.yaml", "shjobs.toml"]


@pytest.mark.slow
def test_many_documents_are_told_as_one_by_one(folder: Folder) -> None:
    """Several engines share the work; what is told, and its order, must not show it."""
    for number in range(40):
        wrong = "sample.B08, " if number % 4 else "sample.B08, ("
        text = (
            ndvi(f"job-{number}", 14 + number / 100)
            .replace("sample.B08, ", wrong)
            .replace("//VERSION=3", f"//VERSION=3 {number % 10}")
        )
        folder.write(f"jobs.d/{number:02}.yaml", text)
    lines, summary, code = folder.check("--no-cache")
    assert places(lines) == [f"jobs.d/{number:02}.yaml:27:5: E300" for number in range(0, 40, 4)]
    assert (summary, code) == ("40 files, 30 jobs accepted, 10 errors, 0 warnings\n", 1)


@pytest.mark.slow
def test_an_endless_script_is_an_error_and_the_others_are_told(folder: Folder) -> None:
    folder.write("jobs.d/a.yaml", ndvi("a").replace("//VERSION=3", "//VERSION=3\n      while (true) {}"))
    folder.write("jobs.d/b.yaml", ndvi("b").replace("sentinel-2-l2a", "S2L2A"))
    lines, _, code = folder.check()
    assert [place.rpartition(" ")[2] for place in places(lines)] == ["E300", OLDER_NAME]
    assert "The script ran longer than 5 s" in lines[0]
    assert code == 1


WORKFLOW = "name: ci\non: push\njobs: {check: {runs-on: ubuntu-latest}}\n"


def test_foreign_files_are_noted_in_one_line_each_time_and_fail_nothing(folder: Folder) -> None:
    folder.write("jobs.d/ci.yml", WORKFLOW)
    folder.write("jobs.d/sub/area.json", '{"type": "FeatureCollection", "features": []}')
    summary = ["0 files, 0 jobs accepted, 0 errors, 0 warnings"]
    note = "2 files are not shjobs manifests: jobs.d/ci.yml, jobs.d/sub/area.json"
    for _ in range(2):  # the second time from the cache
        assert folder.check("--strict") == (summary, f"{note}; list them in .shjobsignore to be silent\n", 0)
    note = "1 file is not a shjobs manifest: jobs.d/sub/area.json"
    assert folder.check("jobs.d/sub") == (summary, f"{note}; list it in .shjobsignore to be silent\n", 0)
    folder.write("jobs.d/.shjobsignore", "/ci.yml\n*.json\n")
    folder.write("jobs.d/a.yaml", ndvi("A"))
    lines, said, code = folder.check()
    assert (places(lines), said.splitlines(), code) == (
        ["jobs.d/a.yaml:4:3: E108"], ["1 file, 0 jobs accepted, 1 error, 0 warnings"], 1,
    )  # fmt: skip


def test_a_list_that_cannot_be_used_is_an_error_whatever_is_checked(folder: Folder) -> None:
    folder.write("jobs.d/sub/a.yaml", ndvi("a"))
    folder.write("jobs.d/.shjobsignore", "x" * 70_000)
    for arguments in ([], ["jobs.d/sub/a.yaml"]):
        lines, _, code = folder.check(*arguments)
        assert (places(lines), code) == (["jobs.d/.shjobsignore:1:1: E196"], 1)


@pytest.mark.parametrize(
    ("there", "words"),
    [
        pytest.param("Ndvi.js", "; a file of that name in other letter case exists: Ndvi.js", id="other letter case"),
        pytest.param("NDVI.JS", "; a file of that name in other letter case exists: NDVI.JS", id="capitals"),
        pytest.param("ndwi.js", "", id="another name"),
    ],
)
def test_a_script_that_does_not_exist_is_explained_by_one_of_almost_its_name(
    folder: Folder, there: str, words: str
) -> None:
    folder.write("jobs.d/a.yaml", with_file("a", "ndvi.js"))
    expected = "jobs.d/a.yaml:6:3: E113 spec.evalscriptFile: ndvi.js does not exist"
    assert folder.check()[0] == [expected]
    folder.write(f"jobs.d/{there}", SCRIPT)
    assert folder.check()[0] == [expected + words]


def test_a_folder_in_other_letter_case_is_explained_too(folder: Folder) -> None:
    folder.write("jobs.d/Scripts/ndvi.js", SCRIPT)
    folder.write("jobs.d/a.yaml", with_file("a", "scripts/NDVI.js"))
    assert folder.check()[0][0].endswith("; a file of that name in other letter case exists: Scripts/ndvi.js")


@pytest.mark.parametrize(("written", "there"), [("\u00e9", "e\u0301"), ("e\u0301", "\u00e9")])
def test_an_accent_that_is_encoded_in_another_way_is_explained(folder: Folder, written: str, there: str) -> None:
    """As a script is named that was made on a Mac."""
    folder.write(f"jobs.d/{there}.js", SCRIPT)
    folder.write("jobs.d/a.yaml", with_file("a", f"{written}.js"))
    assert folder.check()[0][0].endswith(
        f"{written}.js does not exist; a file of that name exists whose accents are encoded in another way: "
        f"copy its name ({there}.js)"
    )


JOINED = "YAML joins the lines of this text, so that what follows a `//` is lost: begin it with `evalscript: |`"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("marker", "codes"),
    [
        pytest.param("evalscript: >\n", ["E300", "W130"], id="a folded text"),
        pytest.param("evalscript: >-\n", ["E300", "W130"], id="a folded text without its last line break"),
        pytest.param("evalscript: |\n", [], id="a literal text"),
        pytest.param("evalscript: |-\n", [], id="a literal text without its last line break"),
    ],
)
def test_an_evalscript_that_lost_its_line_breaks_says_so(folder: Folder, marker: str, codes: list[str]) -> None:
    folder.write("jobs.d/a.yaml", ndvi("a").replace("evalscript: |\n", marker))
    found = json.loads("\n".join(folder.check("-o", "json")[0]))
    assert [each["code"] for each in found] == codes
    assert [(each["line"], each["message"]) for each in found[1:]] == [(21, JOINED)] * bool(codes)


def test_two_names_for_one_request_are_no_reason_to_warn(folder: Folder) -> None:
    """They share one run, which is paid for once."""
    folder.write("jobs.d/a.yaml", ndvi("a", 14.41))
    folder.write("jobs.d/b.yaml", ndvi("b", 14.41))
    assert folder.check() == (["2 files, 2 jobs accepted, 0 errors, 0 warnings"], "", 0)
