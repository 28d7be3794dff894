"""Pictures are made once of what is newly delivered, whatever the bucket, the disk or the raster do meanwhile."""

import fcntl
import json
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from controller.cli.settings import load_settings
from controller.ledger.location import FILE_NAME
from controller.ledger.reads.reader import Reader
from controller.model.clock import Clock
from controller.operations.picture.drawing import picture_of
from controller.operations.picture.legend import Kind
from controller.page.pictures.album import FOLDER, ResultPicture, picture_file, pictures_of
from controller.page.pictures.maker import LARGEST_READ, PIECE, TOO_LARGE
from controller.page.pictures.shelf import Shelf
from controller.page.pictures.worker import LOCK, PORTION, RETRIES, PictureWorker, make_pictures, making_pictures
from tests.conftest import ACCESS_KEY, CLIENT_SECRET, SECRET_KEY, Workspace, ndvi
from tests.operations.picture.test_drawing import tiff
from tests.support.sandbox import until

pytestmark = pytest.mark.slow


@dataclass
class Later:
    """A clock that a test moves on, in seconds."""

    seconds: float = 0.0

    @property
    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.seconds)


@pytest.fixture
def delivered(workspace: Workspace) -> Workspace:
    workspace.write("ndvi.yaml", ndvi())
    assert workspace.sync()["ndvi"]["phase"] == "Succeeded"
    return workspace


def worker_of(workspace: Workspace, clock: Clock | None = None, **changed: str) -> PictureWorker:
    settings = workspace.settings(**changed)
    return PictureWorker(lambda: settings, clock)


def pictures(workspace: Workspace, job: str = "ndvi") -> list[ResultPicture]:
    reader = Reader.of(workspace.state)
    assert reader is not None
    with reader:
        return [found for each in reader.submissions(job, "") for found in pictures_of(workspace.state, each)]


def raster(workspace: Workspace) -> Path:
    """What lies in the bucket."""
    (found,) = workspace.bucket.rglob("*.tif")
    return found


def notes(workspace: Workspace) -> list[str]:
    return [each.note for each in pictures(workspace)]


def test_a_delivered_raster_gets_its_picture_and_is_read_once(delivered: Workspace) -> None:
    assert not worker_of(delivered).look()
    (picture,) = pictures(delivered)
    assert picture.legend is not None
    assert (picture.output, picture.legend.kind, picture.legend.columns, picture.legend.rows) == (
        "default", Kind.GREY, 64, 32,
    )  # fmt: skip
    content = picture_file(delivered.state, picture.address.removeprefix(f"{FOLDER}/"))
    assert content is not None
    with Image.open(BytesIO(content)) as shown:
        assert shown.size == (picture.width, picture.height) == (64, 32)
    raster(delivered).unlink()
    worker_of(delivered).look()
    assert pictures(delivered) == [picture]


def test_what_is_delivered_later_gets_its_picture_too(delivered: Workspace) -> None:
    worker = worker_of(delivered)
    worker.look()
    delivered.write("second.yaml", ndvi("second"))
    delivered.sync()
    worker.look()
    assert [len(pictures(delivered, name)) for name in ("ndvi", "second")] == [1, 1]


def test_a_second_name_for_one_request_shows_the_same_picture(delivered: Workspace) -> None:
    worker_of(delivered).look()
    (first,) = pictures(delivered)
    reader = Reader.of(delivered.state)
    assert reader is not None
    with reader:
        (submission,) = reader.submissions("ndvi", "")
    assert pictures_of(delivered.state, replace(submission, job="other", prefix="s3://my-bucket/else")) == [first]


def test_results_from_before_pictures_were_made_are_left_alone(delivered: Workspace) -> None:
    worker_of(delivered, Clock(wall=lambda: datetime.now(UTC) + timedelta(days=2))).look()
    assert pictures(delivered) == []


def test_a_ledger_that_was_replaced_is_looked_at_from_its_latest(delivered: Workspace) -> None:
    (delivered.state / FOLDER).mkdir()
    (delivered.state / FOLDER / ".mark.json").write_text('{"event": 12345}')
    worker_of(delivered).look()
    assert len(pictures(delivered)) == 1


def test_a_raster_that_cannot_be_drawn_is_noted_and_not_read_again(delivered: Workspace) -> None:
    path, whole, status = raster(delivered), raster(delivered).read_bytes(), raster(delivered).stat()
    path.write_bytes(bytes(len(whole)))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # the object that was recorded, as far as can be seen
    worker_of(delivered).look()
    assert notes(delivered) == [
        "no picture can be made of it: it is no TIFF, PNG or JPEG, or breaks off at its beginning"
    ]
    path.write_bytes(whole)
    worker_of(delivered).look()
    assert len(notes(delivered)[0]) > 0


TRIES = [0.0, RETRIES[0] + 1, RETRIES[0] + RETRIES[1] + 2]


@pytest.mark.parametrize(
    ("fails", "note"),
    [
        pytest.param(1, "", id="it can be read the second time"),
        pytest.param(2, "", id="it can be read the third time"),
        pytest.param(3, "its object cannot be read: ", id="then it is left alone"),
    ],
)
def test_an_object_that_cannot_be_read_is_tried_three_times(delivered: Workspace, fails: int, note: str) -> None:
    later = Later()
    worker, path = worker_of(delivered, later.clock), raster(delivered)
    away = path.rename(delivered.root / "away.tif")
    for later.seconds in TRIES[:fails]:
        worker.look()
        assert notes(delivered)[0].startswith("its object cannot be read: ")
    away.rename(path)
    for later.seconds in (*TRIES[fails:], 10.0**7):
        worker.look()
    (found,) = notes(delivered)
    assert found.startswith(note) and bool(found) == bool(note)


def replaced(workspace: Workspace, content: bytes) -> None:
    """Put another raster in the place of the one delivered, as if it had been delivered."""
    path, old = raster(workspace), raster(workspace).stat()
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(content)
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    with closing(sqlite3.connect(workspace.state / FILE_NAME)) as ledger, ledger:
        (text,) = ledger.execute("select evidence from submission").fetchone()
        evidence = json.loads(text)
        for each in evidence["objects"]:
            if each["key"].endswith(".tif"):
                each["bytes"], each["etag"] = len(content), ""
        ledger.execute("update submission set evidence = ?", [json.dumps(evidence)])


def grown(content: bytes, size: int) -> bytes:
    """A raster with so much behind it that nobody needs."""
    return content + bytes(size - len(content))


def test_of_a_large_raster_with_overviews_little_is_read(delivered: Workspace) -> None:
    profile = {"driver": "COG", "width": 4096, "height": 4096, "count": 1, "dtype": "uint8", "compress": "DEFLATE"}
    with rasterio.open(
        delivered.root / "a.tif", "w", transform=rasterio.Affine(10, 0, 0, 0, -10, 0), **profile
    ) as file:
        file.write(np.random.default_rng(1).integers(0, 255, (1, 4096, 4096), "u1"))
    content = (delivered.root / "a.tif").read_bytes()
    assert len(content) > 4 * PIECE
    replaced(delivered, grown(content, PIECE + LARGEST_READ + 1))
    worker_of(delivered).look()
    assert [(each.note, each.width, each.legend and each.legend.columns) for each in pictures(delivered)] == [
        ("", 512, 4096)
    ]


def test_a_large_raster_without_overviews_is_not_read(delivered: Workspace) -> None:
    replaced(delivered, bytes(PIECE + LARGEST_READ + 1))
    worker_of(delivered).look()
    assert notes(delivered) == [TOO_LARGE]


def test_a_raster_in_several_pieces_is_read_whole(delivered: Workspace) -> None:
    values = np.random.default_rng(1).random((1300, 1300), "f4")
    content = tiff(values, compression=None, rowsperstrip=100).getvalue()
    assert PIECE < len(content) < 2 * PIECE
    replaced(delivered, content)
    worker_of(delivered).look()
    (found,) = pictures(delivered)
    assert found.legend == picture_of(BytesIO(content)).legend


def test_no_key_is_in_anything_that_is_kept(delivered: Workspace) -> None:
    worker_of(delivered).look()
    kept = b"".join(path.read_bytes() for path in (delivered.state / FOLDER).iterdir())
    assert b"grey" in kept
    assert not any(each.encode() in kept for each in (ACCESS_KEY, SECRET_KEY, CLIENT_SECRET))


def test_a_key_that_may_not_read_is_noted_without_being_shown(delivered: Workspace) -> None:
    worker_of(delivered, SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY="canary-7c1").look()
    assert "canary" not in " ".join(notes(delivered))


@pytest.mark.parametrize("kind", ["a file", "a link to nowhere"])
def test_a_folder_that_cannot_be_made_stops_nothing_and_is_logged_once(
    delivered: Workspace, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = delivered.state / FOLDER
    if kind == "a file":
        folder.touch()
    else:
        folder.symlink_to("/nowhere/at/all")
    worker = worker_of(delivered)
    worker.look()
    delivered.write("second.yaml", ndvi("second"))
    delivered.sync()
    worker.look()
    assert len({record.message for record in caplog.records if record.name.endswith("worker")}) == 1


def test_who_has_no_key_leaves_them_to_those_who_have(delivered: Workspace) -> None:
    text = (delivered.root / "shjobs.toml").read_text().replace("folder =", 'endpoint = "http://127.0.0.1:9" #')
    (delivered.root / "other.toml").write_text(text)
    make_pictures(load_settings(delivered.root / "other.toml", {}))
    assert pictures(delivered) == []
    make_pictures(delivered.settings())
    assert notes(delivered) == [""]


def test_a_manifest_with_many_jobs_is_gone_through_in_one_go(workspace: Workspace) -> None:
    workspace.write("many.yaml", "---\n".join(ndvi(f"job-{number}") for number in range(PORTION + 1)))
    workspace.sync()
    make_pictures(workspace.settings())
    assert [len(pictures(workspace, f"job-{number}")) for number in range(PORTION + 1)] == [1] * (PORTION + 1)


def test_without_a_state_it_waits_quietly_and_makes_none(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    settings = workspace.settings()
    with making_pictures(lambda: settings):
        time.sleep(0.3)
    make_pictures(settings)
    assert not workspace.state.exists()
    workspace.state.mkdir()
    make_pictures(settings)
    assert not list(workspace.state.iterdir())
    assert not [record for record in caplog.records if record.name.endswith("worker")]


def test_one_process_at_a_time_makes_them(delivered: Workspace) -> None:
    settings = delivered.settings()
    with Shelf(delivered.state, 1).folder.joinpath(LOCK).open("ab") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        with making_pictures(lambda: settings):
            time.sleep(0.3)
            assert not pictures(delivered)
    with making_pictures(lambda: settings):
        until(lambda: pictures(delivered))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("SHJOBS_PICTURES", "false", id="no pictures"),
        pytest.param("SHJOBS_PICTURES_MEGABYTES", "0", id="no room for any"),
    ],
)
def test_none_are_made_when_the_settings_say_so(delivered: Workspace, name: str, value: str) -> None:
    without = delivered.settings(**{name: value})
    with making_pictures(lambda: without):
        time.sleep(0.3)
        assert not (delivered.state / FOLDER).exists()
