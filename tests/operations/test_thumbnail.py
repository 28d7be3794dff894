"""Small pictures of rasters of every kind, read back with an independent reader."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import tifffile
from PIL import Image

from controller.model.errors import UsageError
from controller.operations.fetch.thumbnail import SIDE, thumbnail

TILES = {"planarconfig": "contig", "tile": (256, 256)}
RAMP = np.linspace(0, 1, 700)[None, :] * np.ones((1300, 1))


def pictured(source: Path, kind: str = "image/tiff") -> Any:
    target = source.with_suffix(".preview.png")
    thumbnail(source, target, kind)
    with Image.open(target) as picture:
        return np.asarray(picture)


def bands(*parts: Any) -> Any:
    return np.stack(parts, axis=-1)


@pytest.mark.parametrize(
    ("raster", "options", "shape", "ends"),
    [
        pytest.param((RAMP * 255).astype("u1"), {}, (434, 234), (0, 255), id="bytes, as they are"),
        pytest.param((RAMP * 3).astype("u1"), {}, (434, 234), (0, 255), id="classes are told apart"),
        pytest.param((RAMP * 9000 + 100).astype("u2"), {}, (434, 234), (0, 255), id="large numbers are stretched"),
        pytest.param((RAMP * 2 - 1).astype("f4"), {}, (434, 234), (0, 255), id="fractions below zero"),
        pytest.param((RAMP * 2 - 1).astype("i2"), {}, (434, 234), (0, 255), id="signed numbers"),
        pytest.param(bands(RAMP, RAMP, RAMP).astype("f4"), TILES, (434, 234, 3), (0, 255), id="tiles"),
        pytest.param(
            bands(*[(RAMP * 250).astype("u1")] * 4),
            {"planarconfig": "contig"},
            (434, 234, 3),
            (0, 250),
            id="four bands",
        ),
        pytest.param(
            np.stack([(RAMP * 250).astype("u1")] * 3),
            {"planarconfig": "separate", "tile": (128, 128)},
            (434, 234, 3),
            (0, 250),
            id="bands one after the other",
        ),
        pytest.param(bands(RAMP, -RAMP).astype("f4"), {"planarconfig": "contig"}, (434, 234), (0, 255), id="two bands"),
    ],
)
def test_the_picture_shows_the_raster(
    tmp_path: Path, raster: Any, options: dict[str, Any], shape: tuple[int, ...], ends: tuple[int, int]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", raster, compression="zlib", photometric="minisblack", **options)
    found = pictured(tmp_path / "a.tif")
    assert found.shape == shape
    assert (found[0, 0].flat[0], found[-1, -1].flat[0]) == ends
    assert (np.diff(found.reshape(*shape[:2], -1)[:, :, 0].astype(int), axis=1) >= 0).all()


def test_a_small_raster_keeps_its_size_and_its_pixels(tmp_path: Path) -> None:
    raster = np.arange(48, dtype="u1").reshape(4, 4, 3) * 5
    tifffile.imwrite(tmp_path / "a.tif", raster, photometric="rgb")
    assert (pictured(tmp_path / "a.tif") == raster).all()


def test_of_overviews_the_smallest_that_is_large_enough_is_read(tmp_path: Path) -> None:
    profile: dict[str, Any] = {
        "driver": "COG",
        "width": 2048,
        "height": 2048,
        "count": 1,
        "dtype": "uint8",
        "blocksize": 256,
        "compress": "DEFLATE",
        "overview_compress": "DEFLATE",
        "crs": "EPSG:32633",
        "transform": rasterio.Affine(10, 0, 0, 0, -10, 0),
    }
    with rasterio.open(tmp_path / "a.tif", "w", **profile) as file:
        file.write(np.full((1, 2048, 2048), 77, "u1"))
    found = pictured(tmp_path / "a.tif")
    assert (found.shape, np.unique(found).tolist()) == ((SIDE, SIDE), [77])


def test_a_compression_that_cannot_be_read_names_the_library_it_needs(tmp_path: Path) -> None:
    Image.fromarray((RAMP * 255).astype("u1")).save(tmp_path / "a.tif", compression="tiff_lzw")
    with pytest.raises(UsageError, match="pip install imagecodecs"):
        pictured(tmp_path / "a.tif")


def test_values_that_are_no_numbers_are_black(tmp_path: Path) -> None:
    raster = RAMP.astype("f4").copy()
    raster[:10] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", raster)
    assert not pictured(tmp_path / "a.tif")[0].any()
    tifffile.imwrite(tmp_path / "a.tif", np.full((9, 9), np.nan, "f4"))
    assert not pictured(tmp_path / "a.tif").any()


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_other_pictures_are_made_smaller(tmp_path: Path, kind: str) -> None:
    Image.fromarray((RAMP * 255).astype("u1")).save(tmp_path / f"a.{kind}")
    assert pictured(tmp_path / f"a.{kind}", f"image/{kind}").shape == (512, 276, 3)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(b"II*\0 and no more", "image/tiff", id="a TIFF that breaks off"),
        pytest.param(b"", "image/tiff", id="nothing"),
        pytest.param(b"\x89PNG\r\n\x1a\nno", "image/png", id="a PNG that breaks off"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(UsageError, match=r"a\.tif: no picture can be made of it: "):
        pictured(tmp_path / "a.tif", kind)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]
