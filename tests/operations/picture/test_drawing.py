"""Small pictures of rasters of every kind, and what their legends say."""

import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import tifffile
from PIL import Image

from controller.operations.picture.drawing import PALETTE, Drawing, picture_of
from controller.operations.picture.legend import Kind, Legend
from controller.operations.picture.raster import SIDE, NoPicture

TILES = {"planarconfig": "contig", "tile": (256, 256)}
CONTIG = {"planarconfig": "contig"}
RAMP = np.linspace(0, 1, 700)[None, :] * np.ones((1300, 1))
SMALL = np.linspace(0, 1, 100).reshape(10, 10)
HALF = np.where(np.arange(10)[:, None] < 5, 0, 1) * np.ones((1, 10))
ABOVE, BELOW = 0, -1


def tiff(raster: Any, **options: Any) -> BytesIO:
    file = BytesIO()
    tifffile.imwrite(file, raster, **{"compression": "zlib", "photometric": "minisblack", **options})
    return BytesIO(file.getvalue())


def pillow(raster: Any, kind: str) -> BytesIO:
    file = BytesIO()
    Image.fromarray(raster).save(file, kind)
    return BytesIO(file.getvalue())


def bands(*parts: Any) -> Any:
    return np.stack(parts, axis=-1)


def pixels(drawing: Drawing) -> Any:
    with Image.open(BytesIO(drawing.png)) as picture:
        assert picture.size == (drawing.width, drawing.height)
        return np.asarray(picture)


@pytest.mark.parametrize(
    ("raster", "options", "shape", "ends", "legend"),
    [
        pytest.param((RAMP * 255).astype("u1"), {}, (), (0, 255), "grey from 4 (black) to 250 (white)", id="bytes"),
        pytest.param(
            (RAMP * 9000 + 100).astype("u2"), {}, (), (0, 255), "grey from 254 (black) to 8,945 (white)", id="16 bit"
        ),
        pytest.param(
            (RAMP * 2 - 1).astype("f4"), {}, (), (0, 255), "grey from -0.966 (black) to 0.966 (white)", id="fractions"
        ),
        pytest.param(
            (RAMP * 200 - 100).astype("i2"), {}, (), (0, 255), "grey from -96 (black) to 96 (white)", id="signed"
        ),
        pytest.param(
            bands(RAMP, RAMP, RAMP).astype("f4"),
            TILES,
            (3,),
            (0, 255),
            "bands 1, 2 and 3 as red, green and blue, from 0.0172 to 0.983",
            id="three bands are stretched alike",
        ),
        pytest.param(
            bands(RAMP, RAMP * 0.7, RAMP * 0.7).astype("f4"),
            TILES,
            (3,),
            (0, 255),
            "bands 1, 2 and 3 as red, green and blue, from 0.015 to 0.94",
            id="bands that differ as colours do keep their balance",
        ),
        pytest.param(
            bands(RAMP, RAMP, RAMP * 100).astype("f4"),
            TILES,
            (3,),
            (0, 255),
            "band 1 as red from 0.0172 to 0.983, band 2 as green from 0.0172 to 0.983 "
            "and band 3 as blue from 1.72 to 98.3",
            id="bands of unlike ranges are stretched each",
        ),
        pytest.param(
            bands(*[(RAMP * 250).astype("u1")] * 4),
            CONTIG,
            (3,),
            (0, 250),
            "bands 1, 2 and 3 as red, green and blue, from 0 to 255",
            id="of four bands the first three",
        ),
        pytest.param(
            np.stack([(RAMP * 250).astype("u1")] * 3),
            {"planarconfig": "separate", "tile": (128, 128)},
            (3,),
            (0, 250),
            "bands 1, 2 and 3 as red, green and blue, from 0 to 255",
            id="bands one after the other",
        ),
        pytest.param(
            bands(RAMP, -RAMP).astype("f4"),
            CONTIG,
            (),
            (0, 255),
            "band 1 of 2 in grey from 0.0172 (black) to 0.983 (white)",
            id="of two bands the first",
        ),
    ],
)
def test_the_picture_shows_the_raster_and_the_legend_says_how(
    raster: Any, options: dict[str, Any], shape: tuple[int, ...], ends: tuple[int, int], legend: str
) -> None:
    drawing = picture_of(tiff(raster, **options))
    found = pixels(drawing)
    assert found.shape == (434, 234, *shape)
    assert (found[0, 0].flat[0], found[-1, -1].flat[0]) == ends
    assert (np.diff(found.reshape(434, 234, -1)[:, :, 0].astype(int), axis=1) >= 0).all()
    assert drawing.legend.sentence == legend
    assert (drawing.legend.columns, drawing.legend.rows) == (700, 1300)


@pytest.mark.parametrize(
    ("file", "transparent", "kind"),
    [
        pytest.param(tiff(np.where(HALF, SMALL, np.nan).astype("f4")), ABOVE, Kind.GREY, id="NaN"),
        pytest.param(tiff(np.where(HALF, SMALL, np.inf).astype("f4")), ABOVE, Kind.GREY, id="infinity"),
        pytest.param(
            tiff(np.where(HALF, SMALL * 99 + 1, -1).astype("i2"), extratags=[(42113, "s", 0, "-1", True)]),
            ABOVE,
            Kind.GREY,
            id="the nodata that is declared",
        ),
        pytest.param(tiff(bands(SMALL, HALF).astype("f4"), **CONTIG), ABOVE, Kind.GREY, id="a mask of 0 and 1"),
        pytest.param(tiff(bands(SMALL * 250, HALF * 255).astype("u1"), **CONTIG), ABOVE, Kind.GREY, id="of 0 and 255"),
        pytest.param(
            tiff(bands(SMALL, SMALL, SMALL, HALF).astype("f4"), **CONTIG),
            ABOVE,
            Kind.COLOURS,
            id="a fourth band as mask",
        ),
        pytest.param(
            tiff(
                bands(*[SMALL * 9999] * 3, HALF * 300).astype("u2"),
                photometric="rgb",
                extrasamples=["unassalpha"],
                **CONTIG,
            ),
            ABOVE,
            Kind.COLOURS,
            id="a fourth band that is declared as alpha",
        ),
        pytest.param(
            pillow(bands(*[SMALL * 250] * 3, HALF * 255).astype("u1"), "png"), ABOVE, Kind.COLOURS, id="of a PNG"
        ),
        pytest.param(
            tiff(bands(HALF, SMALL < 2).astype("u1"), **CONTIG),
            None,
            Kind.CLASSES,
            id="a mask that is full hides nothing",
        ),
        pytest.param(
            tiff(bands(HALF, HALF * 0).astype("u1"), **CONTIG), None, Kind.CLASSES, id="zeros alone are no mask"
        ),
    ],
)
def test_what_has_no_data_is_transparent(file: BytesIO, transparent: int | None, kind: Kind) -> None:
    drawing = picture_of(file)
    found = pixels(drawing)
    assert drawing.legend.kind is kind
    if transparent is None:
        assert (drawing.legend.transparent, found.shape[-1]) == (0, 3)
    else:
        assert (drawing.legend.transparent, found[0, 0, -1], found[-1, 0, -1]) == (0.5, 0, 255)
        assert drawing.legend.sentence.endswith("; no data in 50 %")


def test_few_whole_numbers_are_classes_each_in_its_colour() -> None:
    raster = np.array([[0, 3, 3, 11]], "u1").repeat(2, axis=0)
    drawing = picture_of(tiff(raster))
    shown = ["#" + bytes(pixel).hex() for pixel in pixels(drawing)[0]]
    assert shown == [PALETTE[value] for value in (0, 3, 3, 11)]
    assert drawing.legend.sentence == "3 values, each in its colour: 3 (50 %), 0 (25 %), 11 (25 %)"
    assert [(each.value, each.colour, each.share) for each in drawing.legend.classes] == [
        (0, PALETTE[0], 0.25),
        (3, PALETTE[3], 0.5),
        (11, PALETTE[11], 0.25),
    ]


def test_a_raster_without_any_data_says_so() -> None:
    drawing = picture_of(tiff(np.full((9, 9), np.nan, "f4")))
    assert drawing.legend.sentence == "no pixel has data"
    assert not pixels(drawing)[:, :, -1].any()


def test_a_small_raster_keeps_its_size_and_its_pixels() -> None:
    raster = np.arange(48, dtype="u1").reshape(4, 4, 3) * 5
    assert (pixels(picture_of(tiff(raster, photometric="rgb"))) == raster).all()


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
        file.write(np.full((1, 2048, 2048), 17, "u1"))
    with (tmp_path / "a.tif").open("rb") as opened:
        drawing = picture_of(opened)
    assert (drawing.width, drawing.height) == (SIDE, SIDE)
    assert (drawing.legend.columns, [each.value for each in drawing.legend.classes]) == (2048, [17])


@pytest.mark.parametrize(
    ("raster", "kind", "shape"),
    [
        pytest.param((RAMP * 255).astype("u1"), "png", (434, 234), id="a PNG in grey"),
        pytest.param((RAMP * 65535).astype("u2"), "png", (434, 234), id="a PNG of 16 bit"),
        pytest.param(bands(*[RAMP * 255] * 3).astype("u1"), "png", (434, 234, 3), id="a PNG in colours"),
        pytest.param((RAMP * 255).astype("u1"), "jpeg", (434, 234), id="a JPEG in grey"),
        pytest.param(bands(*[RAMP * 255] * 3).astype("u1"), "jpeg", (434, 234, 3), id="a JPEG in colours"),
    ],
)
def test_other_pictures_are_made_smaller(raster: Any, kind: str, shape: tuple[int, ...]) -> None:
    found = pixels(picture_of(pillow(raster, kind)))
    assert found.shape == shape
    assert found[0, 0].flat[0] < 5 and found[0, -1].flat[0] > 250


WHOLE = tiff((RAMP * 255).astype("u1"), rowsperstrip=100).getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "it is empty", id="nothing"),
        pytest.param(b"II*\0 and no more", None, id="a TIFF that breaks off in its header"),
        pytest.param(WHOLE[: len(WHOLE) // 2], None, id="a TIFF that breaks off in its pixels"),
        pytest.param(WHOLE.replace(zlib.compress(b"")[:1], b"\0"), None, id="a TIFF whose pixels are damaged"),
        pytest.param(b"\x89PNG\r\n\x1a\nno", "no TIFF, PNG or JPEG", id="a PNG that breaks off"),
        pytest.param(b"GIF89a" + bytes(30), "no TIFF, PNG or JPEG", id="a GIF"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n", "no TIFF, PNG or JPEG", id="a program in PostScript"),
        pytest.param(tiff(SMALL.astype("c8")).getvalue(), "its values are of the type complex64", id="complex numbers"),
    ],
)
def test_what_cannot_be_read_is_said(content: bytes, words: str | None) -> None:
    with pytest.raises(NoPicture, match=words):
        picture_of(BytesIO(content))


def compressed(folder: Path, raster: Any, compression: str, predictor: int = 1) -> bytes:
    """A GeoTIFF as GDAL writes it, without data where it is -1."""
    count, rows, columns = raster.shape
    profile: dict[str, Any] = {"driver": "GTiff", "width": columns, "height": rows, "count": count, "nodata": -1}
    at = rasterio.Affine(10, 0, 0, 0, -10, 0)
    with rasterio.open(
        folder / "a.tif", "w", dtype=raster.dtype, compress=compression, predictor=predictor, transform=at, **profile
    ) as file:
        file.write(raster)
    return (folder / "a.tif").read_bytes()


@pytest.mark.parametrize(
    ("kind", "compression", "predictor"),
    [
        pytest.param("f4", "LZW", 1, id="LZW"),
        pytest.param("f4", "LZW", 3, id="LZW with a predictor for fractions"),
        pytest.param("f4", "DEFLATE", 3, id="deflate with one"),
        pytest.param("i2", "LZW", 2, id="LZW with a predictor for whole numbers"),
        pytest.param("f4", "ZSTD", 1, id="Zstandard"),
    ],
)
def test_a_compression_that_one_library_cannot_read_another_can(
    tmp_path: Path, kind: str, compression: str, predictor: int
) -> None:
    raster = np.where(HALF, SMALL * 100, -1)[None].astype(kind)
    plain = picture_of(BytesIO(compressed(tmp_path, raster, "DEFLATE")))
    drawing = picture_of(BytesIO(compressed(tmp_path, raster, compression, predictor)))
    assert (drawing.legend.transparent, drawing.legend.sentence) == (0.5, plain.legend.sentence)
    assert (pixels(drawing) == pixels(plain)).all()


def test_a_layout_and_a_compression_that_none_can_read_name_the_library_they_need(tmp_path: Path) -> None:
    with pytest.raises(NoPicture, match="pip install imagecodecs"):
        picture_of(BytesIO(compressed(tmp_path, np.stack([SMALL] * 5).astype("f4"), "LZW")))


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(tiff((RAMP * 9).astype("u1")), id="classes"),
        pytest.param(tiff(np.where(HALF, SMALL, np.nan).astype("f4")), id="grey"),
        pytest.param(tiff(bands(SMALL, SMALL, SMALL).astype("f4"), **CONTIG), id="colours"),
        pytest.param(tiff(np.array([[1e308, -1e308]])), id="numbers as large as there are"),
    ],
)
def test_a_legend_is_read_back_as_it_was_written(file: BytesIO) -> None:
    drawing = picture_of(file)
    assert Legend.read(drawing.legend.document()) == drawing.legend
    with Image.open(BytesIO(drawing.png)) as picture:
        assert picture.info["Description"] == drawing.legend.sentence
