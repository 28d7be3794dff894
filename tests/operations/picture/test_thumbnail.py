"""`fetch --preview`: the picture of a raster is written beside it, or it is said why not."""

import resource
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from controller.model.errors import UsageError
from controller.operations.fetch.thumbnail import thumbnail
from tests.operations.picture.test_process import strip


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


@pytest.mark.slow
def test_a_small_file_that_claims_much_takes_no_memory_of_the_machine(tmp_path: Path) -> None:
    """1.6 GB of zeros in 1.6 MB, as one strip."""
    packer = zlib.compressobj(9)
    zeros = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1526)) + packer.flush()
    (tmp_path / "a.tif").write_bytes(strip(40_000, 40_000, zeros))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UsageError, match="no picture can be made of it: it needs more memory than drawing may take"):
        thumbnail(tmp_path / "a.tif", tmp_path / "a.png")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 100_000  # KiB


def test_a_picture_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.eye(9, dtype="f4"))
    with pytest.raises(UsageError, match=r"gone/a\.png: the picture cannot be written: No such file"):
        thumbnail(tmp_path / "a.tif", tmp_path / "gone" / "a.png")
