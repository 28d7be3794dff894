"""`fetch`: the very objects that were recorded arrive, whole and once, whatever breaks off in between."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from obstore.store import S3Store
from PIL import Image

from controller.cli.settings import load_settings
from controller.model.errors import UsageError
from controller.model.job import ExpectedOutput
from controller.operations.fetch.download import RemoteObject, part_file, write_preview
from controller.operations.fetch.fetch import PIECE, Fetched, Missing, WantedOutput, fetch
from controller.settings.settings import Settings
from tests.bucket.test_client import raw
from tests.cli.test_sync_s3 import SETTINGS as S3_SETTINGS
from tests.conftest import Workspace, ndvi, served
from tests.support.command import shjobs
from tests.support.factories import JPEG, TIFF, USERDATA

pytestmark = pytest.mark.slow

LARGE = b"II*\0" + os.urandom(2 * PIECE + 1000)


def run(workspace: Workspace, *arguments: str) -> tuple[int, list[str], str]:
    done = shjobs("fetch", *arguments, cwd=workspace.root, environment=dict(workspace.environment))
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.fixture
def delivered(workspace: Workspace) -> Workspace:
    workspace.write("ndvi.yaml", ndvi())
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"
    return workspace


def raster(workspace: Workspace) -> Path:
    """What lies in the bucket."""
    href: str = workspace.status("ndvi.status.yaml")[0]["outputs"][0]["href"]
    return workspace.bucket.parent / href.removeprefix("s3://")


TARGET = "fetched/ndvi/default.tif"


def test_an_output_is_fetched_once(delivered: Workspace) -> None:
    code, reported, wrong = run(delivered, "ndvi")
    target = delivered.root / TARGET
    assert (code, wrong, target.read_bytes()) == (0, "", raster(delivered).read_bytes())
    assert [line.split("  ")[0] for line in reported] == [TARGET]
    raster(delivered).unlink()
    code, reported, wrong = run(delivered, "ndvi")
    assert (code, reported[0].endswith("(was there)"), wrong) == (0, True, "")


def test_a_preview_is_a_small_picture_beside_the_raster(delivered: Workspace) -> None:
    code, reported, wrong = run(delivered, "ndvi", "--preview", "--output", "here")
    assert (code, reported[1], wrong) == (0, "here/ndvi/default.preview.png", "")
    with Image.open(delivered.root / reported[1]) as picture:
        assert (picture.format, picture.size) == ("PNG", (64, 32))
        low, high = picture.getextrema()
        assert isinstance(low, int)
        assert isinstance(high, int)
        assert high - low > 50


def test_a_preview_replaces_an_earlier_one_and_no_other_file(delivered: Workspace) -> None:
    """It replaced a file of the user, and the output `default.preview` that was fetched before."""
    assert run(delivered, "ndvi", "--preview")[0] == 0
    picture = delivered.root / "fetched" / "ndvi" / "default.preview.png"
    assert (run(delivered, "ndvi", "--preview")[0], picture.read_bytes()[:4]) == (0, b"\x89PNG")
    for content in (b"mine", picture.read_bytes() + b"changed"):
        picture.write_bytes(content)
        code, _, wrong = run(delivered, "ndvi", "--preview")
        assert (code, picture.read_bytes()) == (1, content)
        assert "not recorded as a preview: move it away" in wrong


def test_a_preview_does_not_replace_what_was_fetched(tmp_path: Path) -> None:
    target, origin = tmp_path / "a.preview.png", RemoteObject(href="s3://my-bucket/a", etag="x", bytes=4)
    with part_file(target, origin) as part:
        part.add(b"data")
        part.finish()
    with pytest.raises(UsageError, match="move it away"):
        write_preview(target, b"a picture")
    assert target.read_bytes() == b"data"


def test_a_new_generation_takes_the_place_of_the_older_one_which_can_still_be_had(delivered: Workspace) -> None:
    run(delivered, "ndvi")
    first, older = raster(delivered).read_bytes(), delivered.status("ndvi.status.yaml")[0]["history"][0]["submission"]
    delivered.write("ndvi.yaml", ndvi(west=14.3))
    delivered.sync()
    assert run(delivered, "ndvi")[0] == 0
    assert (delivered.root / TARGET).read_bytes() == raster(delivered).read_bytes() != first
    code, reported, _ = run(delivered, "ndvi", "--submission", older)
    assert (code, reported[0].split("  ")[0]) == (0, f"fetched/ndvi/{older}/default.tif")
    assert (delivered.root / f"fetched/ndvi/{older}/default.tif").read_bytes() == first


@pytest.mark.parametrize("chosen", [["-l", "team=agri"], ["-l", "team"], ["--all"]], ids=" ".join)
def test_jobs_are_fetched_by_label_or_all_and_those_without_results_are_passed_over(
    delivered: Workspace, chosen: list[str]
) -> None:
    labelled = "metadata:\n  labels: {team: agri}\n"
    delivered.write("ndvi.yaml", ndvi().replace("metadata:\n", labelled))
    held = ndvi("held").replace("metadata:\n", labelled)
    delivered.write("held.yaml", held.replace("spec:\n", "spec:\n  hold: true\n"))
    delivered.sync()
    code, reported, wrong = run(delivered, *chosen)
    assert (code, [line.split("  ")[0] for line in reported]) == (0, [TARGET])
    assert wrong == "1 job of 2 passed over: not Succeeded\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "name jobs, or choose them with either -l LABEL or --all", id="nothing"),
        pytest.param(["ndvi", "--all"], "name jobs, or choose them with either -l LABEL or --all", id="two ways"),
        pytest.param(["-l", "team=agro"], "no job has team=agro", id="a label that no job has"),
    ],
)
def test_a_choice_of_nothing_is_wrong_use(delivered: Workspace, arguments: list[str], message: str) -> None:
    code, _, wrong = run(delivered, *arguments)
    assert (code, wrong) == (2, f"shjobs: {message}\n")


def test_a_job_whose_manifest_is_gone_is_fetched_as_it_last_succeeded(delivered: Workspace) -> None:
    content = raster(delivered).read_bytes()
    (delivered.jobs / "ndvi.yaml").unlink()
    delivered.write("other.yaml", ndvi("other"))
    delivered.sync()
    assert run(delivered, "ndvi")[0] == 0
    assert (delivered.root / TARGET).read_bytes() == content


def test_a_file_that_somebody_changed_is_not_lost(delivered: Workspace) -> None:
    run(delivered, "ndvi")
    target = delivered.root / TARGET
    target.write_bytes(b"with overviews of my own")
    code, _, wrong = run(delivered, "ndvi")
    assert (code, wrong) == (1, f"ndvi: {TARGET} was changed since it was fetched: move it away to fetch it again\n")
    assert target.read_bytes() == b"with overviews of my own"


def test_a_file_that_was_not_fetched_is_not_overwritten(delivered: Workspace) -> None:
    (delivered.root / TARGET).parent.mkdir(parents=True)
    (delivered.root / TARGET).write_bytes(b"mine")
    code, _, wrong = run(delivered, "ndvi")
    assert (code, wrong) == (1, f"ndvi: {TARGET} is there already, and was not fetched: move it away\n")
    assert (delivered.root / TARGET).read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(lambda path: path.unlink(), "it is not there any more", id="removed"),
        pytest.param(
            lambda path: path.write_bytes(b"II*\0" + b"x" * 999), "another object is there now", id="replaced"
        ),
    ],
)
def test_an_object_that_is_not_the_recorded_one_is_not_taken(delivered: Workspace, spoil: Any, words: str) -> None:
    spoil(raster(delivered))
    code, reported, wrong = run(delivered, "ndvi")
    assert (code, reported, words in wrong) == (1, [], True), wrong
    assert not (delivered.root / TARGET).exists()


def test_what_is_missing_is_told_and_the_others_arrive(delivered: Workspace) -> None:
    delivered.write("held.yaml", ndvi("held").replace("spec:\n", "spec:\n  hold: true\n"))
    delivered.sync()
    code, reported, wrong = run(delivered, "held", "ndvi", "ndvi")
    assert (code, [line.split("  ")[0] for line in reported]) == (1, [TARGET])
    assert wrong == "held: held has not succeeded; `shjobs describe held` shows its state\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param([], "name jobs, or choose them", id="no name"),
        pytest.param(["nobody", "ndvi"], "no such job in the ledger: nobody", id="an unknown job"),
        pytest.param(["ndvi", "--submission", "x"], "ndvi has no submission x; known: ", id="an unknown submission"),
        pytest.param(["ndvi", "--output", "shjobs.toml"], "is a file", id="a file for a folder"),
        pytest.param(["ndvi", "--output", "shjobs.toml/x"], "cannot be written: Not a directory", id="below a file"),
    ],
)
def test_wrong_use_is_told(delivered: Workspace, arguments: list[str], words: str) -> None:
    code, reported, wrong = run(delivered, *arguments)
    assert (code, reported, words in wrong) == (2, [], True), wrong


@pytest.fixture
def store(endpoint: str, tmp_path: Path) -> Settings:
    """Settings that lead to a bucket in S3."""
    assert raw(endpoint, "PUT", "/my-bucket") == 200
    (tmp_path / "shjobs.toml").write_text(S3_SETTINGS.format(endpoint=endpoint), encoding="utf-8")
    keys = {f"SHJOBS_CREDENTIALS_MY_BUCKET_{key}ACCESS_KEY": "any" for key in ("", "SECRET_")}
    return load_settings(tmp_path / "shjobs.toml", keys)


def stored(endpoint: str, content: bytes) -> str:
    """Put it into the bucket; answers its ETag."""
    config = {"endpoint": endpoint, "region": "us-east-1", "access_key_id": "a", "secret_access_key": "b"}
    made = S3Store("my-bucket", config=config, client_options={"allow_http": True})  # type: ignore[arg-type]
    return str(made.put("a/default.tif", content, use_multipart=False)["e_tag"]).replace('"', "")


def wanted(folder: Path, content: bytes, etag: str, output: ExpectedOutput = TIFF) -> WantedOutput:
    origin = RemoteObject(href="s3://my-bucket/a/default.tif", etag=etag, bytes=len(content))
    target = folder / "fetched" / "ndvi" / "default.tif"
    return WantedOutput(job="ndvi", output=output, origin=origin, credentials_ref="my-bucket", target=target)


def fetched(settings: Settings, item: WantedOutput) -> tuple[Fetched | Missing, list[int]]:
    """What became of it, and how much was there each time it was told."""
    reported: list[int] = []
    [found] = fetch(settings, [item], lambda _name, done, _size: reported.append(done))
    return found, reported


def test_from_s3_it_arrives_in_pieces(store: Settings, endpoint: str, tmp_path: Path) -> None:
    item = wanted(tmp_path, LARGE, stored(endpoint, LARGE))
    found, reported = fetched(store, item)
    assert (found, reported) == (Fetched(wanted=item), [0, PIECE, 2 * PIECE, len(LARGE)])
    assert item.target.read_bytes() == LARGE
    assert sorted(path.name for path in item.target.parent.iterdir()) == [".fetched.json", "default.tif"]


def test_it_goes_on_where_it_broke_off(store: Settings, endpoint: str, tmp_path: Path) -> None:
    """The part that is there is not asked for again: it is kept, although the bucket holds other bytes."""
    item = wanted(tmp_path, LARGE, stored(endpoint, LARGE))
    part = b"II*\0" + bytes(PIECE)
    with part_file(item.target, item.origin) as file:
        file.add(part)
    found, reported = fetched(store, item)
    assert (found, reported) == (Fetched(wanted=item), [len(part), len(part) + PIECE, len(LARGE)])
    assert item.target.read_bytes() == part + LARGE[len(part) :]


def test_the_part_of_another_object_is_not_gone_on_with(store: Settings, endpoint: str, tmp_path: Path) -> None:
    item = wanted(tmp_path, LARGE, stored(endpoint, LARGE))
    with part_file(item.target, RemoteObject(href=item.origin.href, etag="older", bytes=len(LARGE))) as file:
        file.add(b"older")
    assert fetched(store, item)[1][0] == 0
    assert item.target.read_bytes() == LARGE
    assert not list(item.target.parent.glob("*.part"))


@pytest.mark.parametrize(
    ("etag", "length", "words"),
    [
        pytest.param("0" * 32, 0, "another object is there now", id="another ETag"),
        pytest.param("", 9, "is shorter than the 8,389,621 bytes", id="shorter than recorded"),
    ],
)
def test_s3_must_have_the_very_object(
    store: Settings, endpoint: str, tmp_path: Path, etag: str, length: int, words: str
) -> None:
    stored(endpoint, LARGE)
    found, _ = fetched(store, wanted(tmp_path, LARGE + bytes(length), etag))
    assert isinstance(found, Missing)
    assert words in found.message


@pytest.mark.parametrize("output", [JPEG, USERDATA], ids=["a TIFF is no JPEG", "and no JSON"])
def test_what_begins_as_another_type_is_not_taken(
    store: Settings, endpoint: str, tmp_path: Path, output: ExpectedOutput
) -> None:
    item = wanted(tmp_path, LARGE, stored(endpoint, LARGE), output)
    found, _ = fetched(store, item)
    assert found == Missing(job="ndvi", message=f"{item.origin.href}: is not of the type {output.media_type}")
    assert list(item.target.parent.iterdir()) == []


def test_a_file_from_elsewhere_counts_when_its_md5_is_the_etag(store: Settings, tmp_path: Path) -> None:
    item = wanted(tmp_path, LARGE, hashlib.md5(LARGE).hexdigest())
    item.target.parent.mkdir(parents=True)
    item.target.write_bytes(LARGE)
    assert fetched(store, item) == (Fetched(wanted=item, was_there=True), [])


def test_two_at_once_do_not_write_the_same_file(delivered: Workspace) -> None:
    [output] = delivered.status("ndvi.status.yaml")[0]["outputs"]
    origin = RemoteObject(href=output["href"], etag=output["etag"], bytes=output["bytes"])
    with part_file(delivered.root / TARGET, origin):
        code, _, wrong = run(delivered, "ndvi")
    assert (code, wrong) == (2, f"shjobs: {TARGET} is being fetched by another process\n")


@pytest.fixture
def breaking() -> Iterator[tuple[str, list[str]]]:
    """A store that serves ranges until it has served one piece, and from then on only errors; and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Range"])
            first, last = map(int, re.findall(r"\d+", asked[-1]))
            is_broken = first > 0 and len(asked) < 5
            content = b"" if is_broken else LARGE[first : last + 1]
            self.send_response(500 if is_broken else 206)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Range", f"bytes {first}-{first + len(content) - 1}/{len(LARGE)}")
            self.send_header("ETag", '"abc"')
            self.send_header("Last-Modified", "Wed, 25 Nov 2026 03:00:00 GMT")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    with served(Handler) as url:
        yield url, asked


def test_a_store_that_fails_in_between_is_told_and_the_rest_is_fetched_later(
    breaking: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, asked = breaking
    (tmp_path / "shjobs.toml").write_text(S3_SETTINGS.format(endpoint=url), encoding="utf-8")
    keys = {f"SHJOBS_CREDENTIALS_MY_BUCKET_{key}ACCESS_KEY": "any" for key in ("", "SECRET_")}
    settings = load_settings(tmp_path / "shjobs.toml", keys)
    item = wanted(tmp_path, LARGE, "abc")
    found, _ = fetched(settings, item)
    assert isinstance(found, Missing)
    assert "the store answers 500 Internal Server Error" in found.message
    found, reported = fetched(settings, item)
    assert (found, reported[0], item.target.read_bytes() == LARGE) == (Fetched(wanted=item), PIECE, True)
    starts = (0, *[PIECE] * 4, 2 * PIECE)  # three tries, and the one of the second run
    assert asked == [f"bytes={start}-{min(start + PIECE, len(LARGE)) - 1}" for start in starts]


def test_the_record_is_no_condition(delivered: Workspace) -> None:
    (delivered.root / TARGET).parent.mkdir(parents=True)
    for text in ("", "[]", '{"default.tif": 3}', "{" * 5000):
        (delivered.root / "fetched" / "ndvi" / ".fetched.json").write_text(text)
        (delivered.root / TARGET).unlink(missing_ok=True)
        assert run(delivered, "ndvi")[0] == 0
    assert json.loads((delivered.root / "fetched" / "ndvi" / ".fetched.json").read_text()).keys() == {"default.tif"}
