"""Writes georeferenced TIFF files tile by tile, so that a raster is never in memory at full size."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from controller.sandbox.render.grid import EvaluationGrid, OutputGrid
from controller.sandbox.render.projection import is_geographic

TILE = 512
_FASTEST = 1  # zlib level: replicated pixels compress well at any
_BIG = 4_000_000_000  # bytes from which offsets no longer fit a classic TIFF

Cells = NDArray[np.generic]  # (rows, columns, bands) on the evaluation grid


def write_geotiff(path: Path, grid: EvaluationGrid, cells: Cells, nodata: float | None = None) -> None:
    """Write `cells`, each repeated over the output pixels it covers, as a tiled and deflated GeoTIFF.

    `nodata` becomes the GDAL_NODATA tag. Source: OGC GeoTIFF 1.1; reference page "Evalscript V3" §6.
    """
    output, bands = grid.output, cells.shape[2]
    height, width = _side(output.height), _side(output.width)
    is_colour = bands == 3 and cells.dtype.kind == "u"
    with tifffile.TiffWriter(path, bigtiff=_bytes(output, cells) > _BIG) as file:
        file.write(
            _tiles(grid, cells, height, width),
            shape=(output.height, output.width, bands)[: 3 if bands > 1 else 2],
            dtype=cells.dtype,
            tile=(height, width),
            planarconfig="contig" if bands > 1 else None,
            photometric="rgb" if is_colour else "minisblack",
            compression="zlib",
            compressionargs={"level": _FASTEST},
            maxworkers=1,
            metadata=None,
            software="shjobs sandbox",
            extratags=[*_georeference(output), *_nodata(nodata)],
        )


def sources(start: int, count: int, size: int, step: int) -> NDArray[np.intp]:
    """The cell of each of `count` pixels from `start` along a side of `size`; past its end the last is repeated."""
    pixels: NDArray[np.intp] = np.minimum(np.arange(start, start + count), size - 1) // step
    return pixels


def _side(pixels: int) -> int:
    """The side of a tile: TIFF requires a multiple of 16."""
    return min(TILE, -(-pixels // 16) * 16)


def _tiles(grid: EvaluationGrid, cells: Cells, height: int, width: int) -> Iterator[Cells]:
    for top in range(0, grid.output.height, height):
        rows = sources(top, height, grid.output.height, grid.step_y)
        for left in range(0, grid.output.width, width):
            columns = sources(left, width, grid.output.width, grid.step_x)
            tile = _repeated(cells, rows, columns)
            yield tile if tile.shape[2] > 1 else tile[:, :, 0]


def _repeated(cells: Cells, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Cells:
    if rows[-1] - rows[0] == rows.size - 1 and columns[-1] - columns[0] == columns.size - 1:
        return cells[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cells[rows[:, np.newaxis], columns]


def _bytes(output: OutputGrid, cells: Cells) -> int:
    per_pixel: int = cells.shape[2] * cells.dtype.itemsize
    return output.width * output.height * per_pixel


def _georeference(output: OutputGrid) -> list[tuple[int, str, int, tuple[float, ...], bool]]:
    pixel_scale = (output.pixel_width, output.pixel_height, 0.0)
    tiepoint = (0.0, 0.0, 0.0, output.west, output.north, 0.0)
    keys = _geokeys(output.epsg)
    return [
        (33550, "d", 3, pixel_scale, True),
        (33922, "d", 6, tiepoint, True),
        (34735, "H", len(keys), keys, True),
    ]


def _geokeys(epsg: int) -> tuple[int, ...]:
    """GeoKeyDirectory: version, then (key, where, count, value) for model type, pixel-is-area and the CRS code."""
    model, code_key = (2, 2048) if is_geographic(epsg) else (1, 3072)
    keys = ((1024, 0, 1, model), (1025, 0, 1, 1), (code_key, 0, 1, epsg))
    return (1, 1, 0, len(keys), *(number for key in keys for number in key))


def _nodata(nodata: float | None) -> list[tuple[int, str, int, str, bool]]:
    if nodata is None:
        return []
    text = str(int(nodata)) if nodata == nodata and nodata % 1 == 0 else repr(float(nodata))
    return [(42113, "s", 0, text, True)]
