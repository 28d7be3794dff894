"""PNG and JPEG: what the service writes beside TIFF, and what the preview shows.

PNG row by row, so that a picture never has to be in memory at its full size, and with 16 bits a colour, which Pillow
does not write.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from controller.sandbox.grid import EvaluationGrid
from controller.sandbox.raster import Cells, sources

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by components: grey, grey and alpha, colour, colour and alpha
_STRIP = 256  # rows compressed at once
_LEVEL = 6
_UP = 2  # each byte is stored as the difference to the one above


def write_png(path: Path, grid: EvaluationGrid, cells: Cells) -> None:
    """Write `cells` of one to four components, each repeated over the output pixels it stands for."""
    width, height, components = grid.output.width, grid.output.height, cells.shape[2]
    header = (width, height, cells.dtype.itemsize * 8, _COLOUR_TYPES[components], 0, 0, 0)
    with path.open("wb") as file:
        file.write(_SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", *header)))
        squeezer = zlib.compressobj(_LEVEL)
        for strip in _strips(grid, cells):
            file.write(_chunk(b"IDAT", squeezer.compress(strip)))
        file.write(_chunk(b"IDAT", squeezer.flush()) + _chunk(b"IEND", b""))


def write_jpeg(path: Path, grid: EvaluationGrid, cells: Cells, quality: int) -> None:
    """Write `cells` of one or three components with 8 bits each."""
    from PIL import Image

    rows = sources(0, grid.output.height, grid.output.height, grid.step_y)
    columns = sources(0, grid.output.width, grid.output.width, grid.step_x)
    pixels = cells[rows[:, np.newaxis], columns]
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path, "JPEG", quality=quality)


def _strips(grid: EvaluationGrid, cells: Cells) -> Iterator[bytes]:
    """Some rows each, filtered, the filter's number before each row."""
    columns = sources(0, grid.output.width, grid.output.width, grid.step_x)
    above = np.zeros((1, grid.output.width * cells.shape[2] * cells.dtype.itemsize), dtype=np.uint8)
    for top in range(0, grid.output.height, _STRIP):
        count = min(_STRIP, grid.output.height - top)
        rows = sources(top, count, grid.output.height, grid.step_y)
        pixels = cells[rows[:, np.newaxis], columns].astype(cells.dtype.newbyteorder(">"))
        lines = np.ascontiguousarray(pixels).view(np.uint8).reshape(count, -1)
        filtered = np.full((count, lines.shape[1] + 1), _UP, dtype=np.uint8)
        filtered[:, 1:] = np.diff(lines, axis=0, prepend=above)
        above = lines[-1:]
        yield filtered.tobytes()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
