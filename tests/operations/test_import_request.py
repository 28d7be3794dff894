"""`import`: a snippet of the documentation becomes a manifest that `check` accepts and that asks for the same."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from controller.evalscript import cache as scripts
from controller.manifest.document import read_documents
from controller.manifest.validate import Script, ValidManifest, accept
from controller.model.script import ScriptFacts
from tests.conftest import SETTINGS
from tests.operations.test_linebreaks import without_breaks
from tests.support.command import python, shjobs
from tests.support.paths import DATA, ROOT

JOBS = ROOT / "jobs.d"
DOCUMENTED = ("ndvi", "cloudless", "true-color", "median")
SECRET, ACCESS = "CANARY-secret-7f3a", "CANARY-access-91bc"
PLACEHOLDER = "s3://<your-bucket>/<path>"
URL = "s3://my-bucket/rasters"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shjobs.toml").write_text(SETTINGS.format(folder="state/sandbox"), encoding="utf-8")
    return tmp_path


def documented(name: str) -> ValidManifest:
    """A shipped job, read as the loader reads it."""
    [document] = read_documents((JOBS / f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")
    found = accept(document, f"{name}.yaml", Script(path=f"{name}.js", text=script_of(name)))
    assert isinstance(found, ValidManifest)
    return found


def script_of(name: str) -> str:
    return (JOBS / f"{name}.js").read_text(encoding="utf-8")


def snippet(name: str, url: str = PLACEHOLDER) -> str:
    """A job as the service's documentation writes it: Python, with an older name, commas too many, and keys."""
    body: dict[str, Any] = json.loads(json.dumps(documented(name).request.body))
    del body["evalscript"]
    body["output"]["delivery"] = {"s3": {"url": url, "accessKey": ACCESS, "secretAccessKey": SECRET}}
    older = {"sentinel-2-l2a": "S2L2A", "sentinel-2-l1c": "S2L1C"}
    for data in body["input"]["data"]:
        data["type"] = older[data["type"]]
    payload = (
        json.dumps(body, indent=2).replace("\n}", ',\n  "evalscript" : evalscript\n}').replace("\n    ]", ",\n    ]")
    )
    return (
        "url = 'https://services.sentinel-hub.com/api/v1/async/process'\n"
        f'evalscript = """{script_of(name)}"""\n'
        f"payload = {payload}\n"
        "headers = {\n  'Content-Type': 'application/json'\n}\n"
        "response = oauth.post(url, headers=headers, json=payload)\nresponse.json()\n"
    )


def lost(text: str) -> str:
    """The same, with every line break lost on the way."""
    before, script, after = text.split('"""')
    joined = ["".join(line.strip() for line in part.splitlines()) for part in (before, after)]
    return '"""'.join([joined[0], without_breaks(script), joined[1]])


def imported(folder: Path, name: str) -> ValidManifest:
    [document] = read_documents((folder / "jobs.d" / f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")
    script = Script(path=f"{name}.js", text=(folder / "jobs.d" / f"{name}.js").read_text(encoding="utf-8"))
    found = accept(document, f"{name}.yaml", script)
    assert isinstance(found, ValidManifest)
    return found


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "jobs.d").glob("*")}


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_documented_example_becomes_a_job_that_asks_for_the_same(folder: Path, name: str) -> None:
    (folder / "example.py").write_text(snippet(name), encoding="utf-8")
    done = shjobs("import", "example.py", "--name", name, "--url", URL, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert imported(folder, name).request == documented(name).request
    checked = shjobs("check", cwd=folder)
    assert (checked.returncode, "1 job accepted, 0 errors" in checked.stdout + checked.stderr) == (0, True)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_an_example_that_lost_its_line_breaks_gets_them_back(folder: Path, name: str) -> None:
    text = lost(snippet(name))
    assert "\n" not in text
    (folder / "example.py").write_text(text, encoding="utf-8")
    done = shjobs("import", "example.py", "--name", name, "--url", URL, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert f"restored where they seem to belong, so check jobs.d/{name}.js" in done.stdout
    found, expected = imported(folder, name).request, documented(name).request
    before, after = (scripts.facts(request.body["evalscript"]) for request in (expected, found))
    assert isinstance(after, ScriptFacts)
    assert after == before
    assert {**found.body, "evalscript": ""} == {**expected.body, "evalscript": ""}


def test_breaks_that_cannot_be_put_back_are_told_and_nothing_is_written(folder: Path) -> None:
    text = snippet("ndvi").replace("function setup() {", "const ends = [ // of blocks\n'}', ']'];\nfunction setup() {")
    (folder / "example.py").write_text(lost(text), encoding="utf-8")
    done = shjobs("import", "example.py", "--url", URL, cwd=folder)
    assert (done.returncode, files(folder)) == (2, set())
    assert "the evalscript lost its line breaks, and where its comments end is unclear: copy it again" in done.stderr


@pytest.mark.slow
def test_a_body_is_taken_from_a_pipe_and_laid_out_cleanly(folder: Path) -> None:
    body = {**documented("ndvi").request.body, "evalscript": "//VERSION=3\r\n" + script_of("ndvi").partition("\n")[2]}
    body["output"]["delivery"] = {"s3": {"url": URL, "accessKey": ACCESS, "secretAccessKey": SECRET}}
    command = [sys.executable, "-m", "controller", "import", "--name", "piped"]
    subprocess.run(command, cwd=folder, input=json.dumps(body), text=True, check=True, capture_output=True)
    shipped = (JOBS / "ndvi.yaml").read_text(encoding="utf-8").splitlines()
    expected = [line for line in shipped if not line.strip().startswith(("#", "labels:", "maxProcessingUnits:"))]
    expected = [line.replace("ndvi-malta", "piped").replace("ndvi.js", "piped.js") for line in expected]
    assert (folder / "jobs.d" / "piped.yaml").read_text(encoding="utf-8").splitlines() == expected
    assert (folder / "jobs.d" / "piped.js").read_bytes() == script_of("ndvi").encode()


def test_the_keys_are_nowhere(folder: Path) -> None:
    """Not in what is printed, not in what is written, whether it succeeds or fails."""
    (folder / "example.py").write_text(snippet("ndvi"), encoding="utf-8")
    (folder / "broken.py").write_text(snippet("ndvi").replace("10,", "start(),"), encoding="utf-8")
    (folder / "wrong.py").write_text(snippet("ndvi").replace('"resx": 10', f'"resx": "{SECRET}"'), encoding="utf-8")
    ways: tuple[list[str], ...] = (
        [],
        ["--url", URL],
        ["--url", URL, "--dry-run"],
        ["--url", URL, "--name", "other"],
        ["--url", URL],
    )
    runs = [shjobs("import", file, *way, cwd=folder) for file in ("example.py", "broken.py") for way in ways]
    printed = "".join(run.stdout + run.stderr for run in runs)
    written = "".join(path.read_text(encoding="utf-8") for path in (folder / "jobs.d").rglob("*"))
    for secret in (SECRET, ACCESS):
        assert secret not in printed + written


@pytest.mark.slow
def test_a_new_credential_is_named_with_what_to_write_and_to_set(folder: Path) -> None:
    (folder / "example.py").write_text(snippet("ndvi", "s3://other.bucket/a"), encoding="utf-8")
    done = shjobs("import", "example.py", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "credentialsRef: other-bucket" in (folder / "jobs.d" / "example.yaml").read_text(encoding="utf-8")
    reported = '[credentials.other-bucket]\nprefixes = ["s3://other.bucket/a"]\nfolder = "state/sandbox"\n'
    assert f"add to shjobs.toml:\n\n{reported}" in done.stdout
    keys = "SHJOBS_CREDENTIALS_OTHER_BUCKET_ACCESS_KEY and SHJOBS_CREDENTIALS_OTHER_BUCKET_SECRET_ACCESS_KEY"
    assert f"set {keys}" in done.stdout
    assert shjobs("check", cwd=folder).returncode == 1
    with (folder / "shjobs.toml").open("a", encoding="utf-8") as file:
        file.write(reported)
    assert shjobs("check", cwd=folder).returncode == 0


def test_a_role_needs_no_credential(folder: Path) -> None:
    role = "arn:aws:iam::123456789012:role/writer"
    text = snippet("ndvi", URL).replace(f'"accessKey": "{ACCESS}",', f'"iamRoleARN": "{role}",')
    (folder / "example.py").write_text(text, encoding="utf-8")
    done = shjobs("import", "example.py", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert imported(folder, "example").request.role_arn == role
    assert "credential" not in done.stdout


def test_the_region_and_the_role_of_another_bucket_were_kept(folder: Path) -> None:
    mine = f'"accessKey": "{ACCESS}",'
    theirs = '"region": "eu-central-1", "iamRoleARN": "arn:aws:iam::123456789012:role/writer",'
    (folder / "example.py").write_text(snippet("ndvi", "s3://theirs/a").replace(mine, theirs), encoding="utf-8")
    done = shjobs("import", "example.py", "--url", URL, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert imported(folder, "example").request.body["output"]["delivery"] == {"s3": {"url": URL}}
    assert imported(folder, "example").request.role_arn is None
    assert "region and iamRoleARN of the text: left out, since --url names another bucket" in done.stdout


def test_the_region_of_the_same_bucket_is_kept(folder: Path) -> None:
    text = snippet("ndvi", "s3://my-bucket/a").replace(f'"accessKey": "{ACCESS}",', '"region": "eu-central-1",')
    (folder / "example.py").write_text(text, encoding="utf-8")
    done = shjobs("import", "example.py", "--url", URL, cwd=folder)
    assert (done.returncode, "left out" in done.stdout) == (0, False), done.stderr
    delivery = imported(folder, "example").request.body["output"]["delivery"]
    assert delivery == {"s3": {"url": URL, "region": "eu-central-1"}}


def test_google_storage_needs_a_place_in_s3(folder: Path) -> None:
    body = {**documented("ndvi").request.body}
    body["output"] = {**body["output"], "delivery": {"gs": {"url": "gs://b/p", "credentials": SECRET}}}
    (folder / "example.json").write_text(json.dumps(body), encoding="utf-8")
    refused = shjobs("import", "example.json", cwd=folder)
    assert "names no S3 location for its results: give one with --url s3://my-bucket/folder" in refused.stderr
    done = shjobs("import", "example.json", "--url", URL, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert imported(folder, "example").request.delivery_url == URL


def test_a_dry_run_writes_nothing_and_prints_both_files(folder: Path) -> None:
    (folder / "example.py").write_text(snippet("ndvi", URL), encoding="utf-8")
    done = shjobs("import", "example.py", "--dry-run", cwd=folder)
    assert (done.returncode, files(folder)) == (0, set())
    shjobs("import", "example.py", cwd=folder)
    script, manifest = ((folder / "jobs.d" / f"example.{end}").read_text(encoding="utf-8") for end in ("js", "yaml"))
    assert done.stdout == f"// jobs.d/example.js\n{script}\n# jobs.d/example.yaml\n{manifest}\n"


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        pytest.param("example.yaml", "example.yaml is there already: choose another name", id="the manifest"),
        pytest.param("example.json", "example.json is there already: choose another name", id="its twin"),
        pytest.param("example.js", "example.js is there already: choose another name", id="the script"),
        pytest.param("sub/any.yaml", "jobs.d/sub/any.yaml declares a job example already", id="the job's name"),
    ],
)
def test_nothing_that_is_there_is_overwritten_or_doubled(folder: Path, taken: str, words: str) -> None:
    (folder / "example.py").write_text(snippet("ndvi", URL), encoding="utf-8")
    manifest = (JOBS / "ndvi.yaml").read_text(encoding="utf-8").replace("ndvi-malta", "example")
    (folder / "jobs.d" / taken).parent.mkdir(parents=True)
    (folder / "jobs.d" / taken).write_text(manifest if taken.endswith(("yaml", "json")) else "mine", encoding="utf-8")
    before = {path: path.read_text() for path in (folder / "jobs.d").rglob("*") if path.is_file()}
    done = shjobs("import", "example.py", cwd=folder)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert {path: path.read_text() for path in (folder / "jobs.d").rglob("*") if path.is_file()} == before


def test_what_check_would_refuse_is_told_by_field_and_not_written(folder: Path) -> None:
    text = snippet("ndvi", URL).replace('"S2L2A"', '"S2L2B"').replace('"resx": 10', '"rezx": 10')
    (folder / "example.py").write_text(text, encoding="utf-8")
    done = shjobs("import", "example.py", cwd=folder)
    assert (done.returncode, files(folder)) == (1, set())
    reported = [line.split(": ")[0] for line in done.stderr.splitlines()]
    assert reported == ["E210 spec.request.input.data[0].type", "E104 spec.request.output.rezx", "nothing was written"]


def test_a_geometry_whose_type_is_no_text_ended_in_a_traceback(folder: Path) -> None:
    body = dict(documented("ndvi").request.body)
    body["input"] = {**body["input"], "bounds": {"geometry": {"type": ["Polygon"], "coordinates": []}}}
    (folder / "example.json").write_text(json.dumps(body), encoding="utf-8")
    done = shjobs("import", "example.json", "--url", URL, cwd=folder)
    assert (done.returncode, files(folder)) == (1, set())
    assert done.stderr.startswith("E108 spec.request.input.bounds.geometry.type: must be Polygon or MultiPolygon")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["example.py", "--url", "x"], "example.py: --url: must be a bucket", id="no URL"),
        pytest.param(["example.py", "--name", "No_Name"], "--name: 'No_Name' must be made of", id="no name"),
        pytest.param(["nowhere.py"], "nowhere.py: there is no such file", id="no file"),
        pytest.param(["."], "is a directory", id="a folder"),
        pytest.param(["empty.py"], "empty.py: is empty", id="an empty file"),
        pytest.param(["latin.py"], "latin.py: is not UTF-8 text", id="another encoding"),
        pytest.param(["large.py"], "large.py: is larger than 4.2 MB", id="a huge file"),
        pytest.param(["cut.py"], "cut.py: is larger than 4.2 MB", id="a huge file that is cut within a character"),
        pytest.param(["___.py"], "name the job with --name: ___.py has no letter", id="a file without a name"),
        pytest.param(["-"], "name the job with --name", id="a pipe without a name"),
        pytest.param(["-", "--name", "x"], "the input: is empty", id="an empty pipe"),
        pytest.param(["example.py", "--url", URL, "--output", "example.py"], "is a file", id="no folder"),
    ],
)
def test_wrong_use_is_told(folder: Path, arguments: list[str], words: str) -> None:
    (folder / "example.py").write_text(snippet("ndvi"), encoding="utf-8")
    (folder / "empty.py").write_text(" \n")
    (folder / "latin.py").write_bytes(b"caf\xe9 = 1")
    (folder / "large.py").write_bytes(b"#" * 5_000_000)
    (folder / "cut.py").write_text("é" * 2_500_000, encoding="utf-8")
    (folder / "___.py").write_text(snippet("ndvi"), encoding="utf-8")
    done = shjobs("import", *arguments, cwd=folder)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "settings", ["", '[credentials.a]\nfolder = "a"\nprefixes = ["s3://one/", "s3://two/"]'], ids=["none", "two"]
)
def test_a_placeholder_is_refused_where_the_settings_name_no_one_place(folder: Path, settings: str) -> None:
    (folder / "shjobs.toml").write_text(f'deployment = "sandbox"\n{settings}', encoding="utf-8")
    (folder / "example.py").write_text(snippet("ndvi"), encoding="utf-8")
    done = shjobs("import", "example.py", cwd=folder)
    assert (done.returncode, files(folder)) == (2, set())
    assert "example.py: output.delivery.s3.url: holds a placeholder" in done.stderr
    assert "give the real one with --url s3://my-bucket/folder" in done.stderr


def test_instead_of_a_placeholder_the_only_place_of_the_settings_is_used_and_that_is_said(folder: Path) -> None:
    (folder / "example.py").write_text(snippet("ndvi"), encoding="utf-8")
    done = shjobs("import", "example.py", cwd=folder)
    assert done.returncode == 0
    assert imported(folder, "example").request.body["output"]["delivery"]["s3"]["url"] == URL
    assert f"results go to {URL}, the only place in shjobs.toml; else give --url" in done.stdout


PAGE = (DATA / "requests" / "async-api-examples.txt").read_text(encoding="utf-8")
"""The four examples of the service's page as a browser copies them, without line breaks, and sentences between them."""
EXAMPLES = [line for line in PAGE.splitlines() if "payload" in line]


@pytest.mark.slow
def test_a_whole_page_makes_a_manifest_of_each_of_its_examples(folder: Path) -> None:
    (folder / "page.txt").write_text(PAGE, encoding="utf-8")
    done = shjobs("import", "page.txt", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    names = [f"page-{number}" for number in (1, 2, 3, 4)]
    assert files(folder) == {f"{name}.{end}" for name in names for end in ("js", "yaml")}
    for name, shipped in zip(names, DOCUMENTED, strict=True):
        found, expected = imported(folder, name).request.body, documented(shipped).request.body
        assert {**found, "evalscript": ""} == {**expected, "evalscript": ""}
    checked = shjobs("check", cwd=folder)
    assert (checked.returncode, "4 jobs accepted, 0 errors" in checked.stdout + checked.stderr) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_each_example_of_the_page_makes_a_manifest_alone(folder: Path, number: int) -> None:
    (folder / "example.txt").write_text(EXAMPLES[number], encoding="utf-8")
    assert shjobs("import", "example.txt", "--url", URL, cwd=folder).returncode == 0
    checked = shjobs("check", cwd=folder)
    assert (checked.returncode, "1 job accepted, 0 errors" in checked.stdout + checked.stderr) == (0, True)


def two() -> str:
    bodies = [json.loads(json.dumps(documented(name).request.body)) for name in ("ndvi", "true-color")]
    return json.dumps(bodies)


def test_the_names_of_several_jobs_stay_within_their_length(folder: Path) -> None:
    (folder / "two.json").write_text(two(), encoding="utf-8")
    name = "a" * 61 + "-b"
    done = shjobs("import", "two.json", "--name", name, "--url", URL, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert files(folder) == {f"{'a' * 61}-{number}.{end}" for number in (1, 2) for end in ("js", "yaml")}


@pytest.mark.parametrize("taken", ["two-1.yaml", "two-2.js"])
def test_of_several_jobs_none_is_written_when_one_is_taken(folder: Path, taken: str) -> None:
    (folder / "two.json").write_text(two(), encoding="utf-8")
    (folder / "jobs.d").mkdir()
    (folder / "jobs.d" / taken).write_text("mine", encoding="utf-8")
    done = shjobs("import", "two.json", "--url", URL, cwd=folder)
    assert (done.returncode, files(folder)) == (2, {taken})
    assert f"{taken} is there already: choose another name with --name" in done.stderr


def test_of_several_jobs_one_was_written_though_a_broken_link_was_in_the_place_of_another(folder: Path) -> None:
    (folder / "two.json").write_text(two(), encoding="utf-8")
    (folder / "jobs.d").mkdir()
    (folder / "jobs.d" / "two-2.js").symlink_to("nowhere")
    done = shjobs("import", "two.json", "--url", URL, cwd=folder)
    assert (done.returncode, done.stdout, files(folder)) == (2, "", {"two-2.js"})
    assert "two-2.js is there already: choose another name with --name" in done.stderr


def test_of_several_jobs_one_was_left_when_the_disk_failed_at_another(folder: Path) -> None:
    one, other = json.loads(two())
    other["evalscript"] += "// and more\n" * 1000
    (folder / "two.json").write_text(json.dumps([one, other]), encoding="utf-8")
    code = (
        "import resource, runpy, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        f"sys.argv[1:] = ['import', 'two.json', '--url', {URL!r}]\n"
        "runpy.run_module('controller', run_name='__main__')\n"
    )
    done = python(code, cwd=folder)
    assert (done.returncode, done.stdout, files(folder)) == (2, "", set())
    assert "two-2.js cannot be written: File too large" in done.stderr


def test_of_several_jobs_none_is_written_when_one_is_wrong(folder: Path) -> None:
    text = two().replace('"sentinel-2-l1c"', '"sentinel-2-l1d"')
    (folder / "two.py").write_text(f"requests = {text}\n", encoding="utf-8")
    done = shjobs("import", "two.py", "--url", URL, cwd=folder)
    assert (done.returncode, files(folder)) == (1, set())
    assert done.stderr.startswith("line 1: E210 spec.request.input.data[0].type: `sentinel-2-l1d` is not a collection")


def test_what_is_passed_over_is_reported_and_the_rest_is_written(folder: Path) -> None:
    text = snippet("ndvi", URL) + "def ask(day):\n    oauth.post(url, json={'input': day, 'output': {}})\n"
    (folder / "example.py").write_text(text, encoding="utf-8")
    done = shjobs("import", "example.py", cwd=folder)
    assert (done.returncode, files(folder)) == (0, {"example.js", "example.yaml"})
    assert "passed over: line " in done.stderr
    assert "input: `day` is an argument of ask(): write the value itself" in done.stderr


def test_new_credentials_of_several_jobs_are_listed_once(folder: Path) -> None:
    one, other = json.loads(two())
    one["output"]["delivery"]["s3"]["url"], other["output"]["delivery"]["s3"]["url"] = "s3://other/a", "s3://other/b"
    (folder / "two.json").write_text(json.dumps([one, other]), encoding="utf-8")
    done = shjobs("import", "two.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('[credentials.other]\nprefixes = ["s3://other/a", "s3://other/b"]') == 1


@pytest.mark.parametrize(
    ("file", "words"),
    [
        pytest.param("ndvi.js", "", id="a file of the same folder"),
        pytest.param("scripts/ndvi.js", "", id="a file of a folder below"),
        pytest.param("../ndvi.js", "which is not read", id="a file above"),
        pytest.param("/etc/passwd.js", "which is not read", id="a file of the machine"),
        pytest.param(".env", "which is not read", id="a hidden file"),
        pytest.param("shjobs.toml", "which is not read", id="a file of another kind"),
        pytest.param("link.js", "which is not a file of this folder", id="a link"),
        pytest.param("links/passwd.js", "which is not a file of this folder", id="a link to a folder"),
        pytest.param("absent.js", "which cannot be read here", id="no file"),
    ],
)
def test_a_file_that_a_command_names_is_read_where_it_can_do_no_harm(folder: Path, file: str, words: str) -> None:
    inside, outside = folder / "inside", folder / "outside"
    for place in (inside / "scripts", outside):
        place.mkdir(parents=True)
    for place in (inside / "ndvi.js", inside / "scripts" / "ndvi.js", folder / "ndvi.js", outside / "passwd.js"):
        place.write_text(script_of("ndvi"), encoding="utf-8")
    for name in (".env", "shjobs.toml"):
        (inside / name).write_text(SECRET, encoding="utf-8")
    (inside / "link.js").symlink_to(outside / "passwd.js")
    (inside / "links").symlink_to(outside)
    body = {key: value for key, value in documented("ndvi").request.body.items() if key != "evalscript"}
    command = f"curl https://example.org/ -F 'request={json.dumps(body)}' -F 'evalscript=<{file}'"
    (inside / "command.txt").write_text(command, encoding="utf-8")
    done = shjobs("import", "inside/command.txt", "--url", URL, cwd=folder)
    assert (done.returncode, words in done.stderr) == (2 if words else 0, True), done.stderr
    if not words:
        assert imported(folder, "command").request == documented("ndvi").request
    assert SECRET not in done.stdout + done.stderr
