"""What is kept in the album, what makes room for what, and which files it opens."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from controller.model.job import ExpectedOutput
from controller.model.submission import Submission
from controller.operations.picture.drawing import picture_of
from controller.page.message import PageRequest
from controller.page.pictures.album import FOLDER, picture_file, pictures_of, stem_of
from controller.page.pictures.shelf import BLOCK, Shelf
from controller.page.site import Site
from controller.settings.settings import Settings
from tests.operations.picture.test_drawing import tiff
from tests.support.factories import DIGEST, JPEG, NOW, TIFF, USERDATA

DRAWING = picture_of(tiff(np.linspace(0, 1, 100).reshape(10, 10).astype("f4")))
SUBMISSION = Submission(
    job="ndvi", digest=DIGEST, rerun=0, attempt=0, generation=1, prefix="s3://b/a", intended_at=NOW, outputs=(TIFF,)
)
STEM = stem_of(SUBMISSION, 0)


def delivering(*outputs: ExpectedOutput) -> Submission:
    return replace(SUBMISSION, outputs=outputs)


def test_a_picture_is_found_with_its_legend_and_its_words(tmp_path: Path) -> None:
    Shelf(tmp_path, 10**6).put(STEM, DRAWING)
    (found,) = pictures_of(tmp_path, SUBMISSION)
    assert found.address == f"pictures/{DIGEST[2:18]}-r0-a0-0.png"
    assert (found.output, found.width, found.height, found.note, found.legend) == (
        "default",
        10,
        10,
        "",
        DRAWING.legend,
    )
    assert found.alt == "default: grey from 0.02 (black) to 0.98 (white)"
    assert json.loads(json.dumps(found.document()))["legend"]["channels"][0]["high"] == pytest.approx(0.98)
    assert picture_file(tmp_path, f"{STEM}.png") == DRAWING.png


@pytest.mark.parametrize(
    ("outputs", "shown"),
    [
        pytest.param((USERDATA, TIFF, JPEG), ["default", "preview"], id="rasters alone, by their numbers"),
        pytest.param(tuple(replace(TIFF, identifier=each) for each in "abcdef"), list("abcd"), id="four at most"),
        pytest.param((USERDATA,), [], id="no raster"),
    ],
)
def test_rasters_have_pictures(tmp_path: Path, outputs: tuple[ExpectedOutput, ...], shown: list[str]) -> None:
    shelf = Shelf(tmp_path, 10**6)
    for number in range(len(outputs)):
        shelf.put(stem_of(SUBMISSION, number), DRAWING)
    assert [each.output for each in pictures_of(tmp_path, delivering(*outputs))] == shown


@pytest.mark.parametrize(
    ("content", "note"),
    [
        pytest.param(b'{"note": "it is empty"}', "it is empty", id="why there is none"),
        pytest.param(b"{", None, id="half a document"),
        pytest.param(b"[]", None, id="no document"),
        pytest.param(b"[" * 100_000, None, id="a document that is too deep"),
        pytest.param(b"{}", "what is kept of its picture cannot be read", id="an empty document"),
        pytest.param(
            b'{"width": 9, "height": 9, "legend": {"kind": "x"}}',
            "what is kept of its picture cannot be read",
            id="a legend of another version",
        ),
    ],
)
def test_a_damaged_legend_is_no_picture(tmp_path: Path, content: bytes, note: str | None) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / f"{STEM}.json").write_bytes(content)
    assert [each.note for each in pictures_of(tmp_path, SUBMISSION)] == ([] if note is None else [note])


def test_a_picture_whose_file_was_deleted_is_left_out(tmp_path: Path) -> None:
    Shelf(tmp_path, 10**6).put(STEM, DRAWING)
    (tmp_path / FOLDER / f"{STEM}.png").unlink()
    assert pictures_of(tmp_path, SUBMISSION) == []


def test_a_folder_that_was_deleted_is_harmless(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 10**6)
    shelf.put(STEM, DRAWING)
    for path in (tmp_path / FOLDER).iterdir():
        path.unlink()
    (tmp_path / FOLDER).rmdir()
    assert (pictures_of(tmp_path, SUBMISSION), picture_file(tmp_path, f"{STEM}.png")) == ([], None)
    assert (shelf.mark(), shelf.has(STEM)) == (None, False)
    shelf.put(STEM, DRAWING)
    assert picture_file(tmp_path, f"{STEM}.png") == DRAWING.png


def test_a_state_that_is_gone_is_never_made_anew(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Shelf(tmp_path / "state", 10**6).put(STEM, DRAWING)
    assert not (tmp_path / "state").exists()


def test_the_oldest_make_room_and_remnants_go_first(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    for number in range(3):
        Shelf(tmp_path, 10**6).put(stem_of(SUBMISSION, number), DRAWING)
        for kind in ("png", "json"):
            os.utime(folder / f"{STEM[:-1]}{number}.{kind}", (number, number))
    (folder / ".x.png.part").write_bytes(bytes(99))
    shelf = Shelf(tmp_path, 7 * BLOCK)
    shelf.set_mark(12)
    shelf.put(stem_of(SUBMISSION, 3), DRAWING)
    kept = sorted(path.name.removeprefix(STEM[:-2]) for path in folder.iterdir())
    assert kept == ["-1.json", "-1.png", "-2.json", "-2.png", "-3.json", "-3.png", ".mark.json"]
    assert sum(max(path.stat().st_size, BLOCK) for path in folder.iterdir() if path.name != ".mark.json") <= 7 * BLOCK


def test_the_limit_holds_over_many_pictures_and_restarts(tmp_path: Path) -> None:
    for number in range(60):
        if number % 20 == 0:
            shelf = Shelf(tmp_path, 20 * BLOCK)
        shelf.put(stem_of(SUBMISSION, number), DRAWING)
        assert len(list((tmp_path / FOLDER).iterdir())) <= 20
    assert picture_file(tmp_path, f"{STEM[:-1]}59.png") == DRAWING.png


def lay(folder: Path, kind: str, secret: Path) -> None:
    path = folder / f"{STEM}.png"
    match kind:
        case "link":
            path.symlink_to(secret)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "large":
            path.touch()
            os.truncate(path, 2**40)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "large"])
def test_what_is_no_plain_file_is_not_opened(tmp_path: Path, kind: str) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / "secret").write_text("canary")
    lay(tmp_path / FOLDER, kind, tmp_path / "secret")
    assert picture_file(tmp_path, f"{STEM}.png") is None


def test_a_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    Shelf(tmp_path / "elsewhere", 10**6).put(STEM, DRAWING)
    (tmp_path / FOLDER).symlink_to(tmp_path / "elsewhere" / FOLDER)
    assert (picture_file(tmp_path, f"{STEM}.png"), pictures_of(tmp_path, SUBMISSION)) == (None, [])


@pytest.mark.parametrize(
    "name",
    [
        "", ".mark.json", f"{STEM}.json", f"{STEM}", f"../{FOLDER}/{STEM}.png", f"x/{STEM}.png", f"{STEM}.png/",
        f"{STEM}.png\n", f"{STEM.upper()}.png", f"{STEM}.PNG", f"{STEM[:-1]}٣.png", f"{STEM}\0.png", "/etc/passwd",
        f"{STEM[:-1]}9999.png",
    ],
)  # fmt: skip
def test_only_names_of_pictures_are_served(tmp_path: Path, name: str) -> None:
    Shelf(tmp_path, 10**6).put(STEM, DRAWING)
    response = Site(settings_at(tmp_path)).respond(PageRequest(path=f"/pictures/{name}"))
    assert response.status == 404 and DRAWING.png not in response.content


def test_a_picture_is_served_with_a_tag(tmp_path: Path) -> None:
    Shelf(tmp_path, 10**6).put(STEM, DRAWING)
    site, path = Site(settings_at(tmp_path)), f"/pictures/{STEM}.png"
    response = site.respond(PageRequest(path=path))
    assert (response.status, response.content_type, response.content) == (200, "image/png", DRAWING.png)
    again = site.respond(PageRequest(path=path, known=response.headers["ETag"]))
    assert (again.status, again.content) == (304, b"")


def settings_at(state: Path) -> Settings:
    from controller.cli.settings import load_settings

    (state / "shjobs.toml").write_text('deployment = "sandbox"\n')
    return load_settings(state / "shjobs.toml", {"SHJOBS_STATE": str(state)})
