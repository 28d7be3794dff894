"""`fetch --preview`: the picture of a raster is written beside it, or it is said why not."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from controller.model.errors import UsageError
from controller.operations.fetch.thumbnail import thumbnail


def test_the_picture_is_written_as_a_png(tmp_path: Path) -> None:
    source, target = tmp_path / "a.tif", tmp_path / "a.preview.png"
    tifffile.imwrite(source, np.linspace(0, 1, 100, dtype="f4").reshape(10, 10))
    assert thumbnail(source, target).sentence == "grey from 0.02 (black) to 0.98 (white)"
    with Image.open(target) as picture:
        assert (picture.format, picture.size) == ("PNG", (10, 10))


@pytest.mark.parametrize(
    ("content", "target", "words"),
    [
        pytest.param(
            b"II*\0 and no more", "a.png", r"a\.tif: no picture can be made of it: ", id="a raster that is damaged"
        ),
        pytest.param(None, "a.png", r"a\.tif: cannot be read: No such file", id="a raster that is gone"),
    ],
)
def test_what_cannot_be_read_is_said_and_leaves_nothing(
    tmp_path: Path, content: bytes | None, target: str, words: str
) -> None:
    if content is not None:
        (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        thumbnail(tmp_path / "a.tif", tmp_path / target)
    assert not list(tmp_path.glob("*.png*"))


def test_a_picture_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.eye(9, dtype="f4"))
    with pytest.raises(UsageError, match=r"gone/a\.png: the picture cannot be written: No such file"):
        thumbnail(tmp_path / "a.tif", tmp_path / "gone" / "a.png")
