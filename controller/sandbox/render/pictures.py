"""PNG and JPEG: the service's formats besides TIFF, and the format of the preview.

PNG is written row by row, so that a picture is never in memory at full size, and with 16 bits per colour, which Pillow
does not write.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from controller.sandbox.render.raster import Cells

Places = NDArray[np.intp]
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by components: grey, grey and alpha, colour, colour and alpha
_STRIP = 256  # rows compressed at once
_LEVEL = 6
_UP = 2  # each byte is stored as the difference to the one above


def write_png(path: Path, cells: Cells, rows: Places, columns: Places) -> None:
    """Write `cells` of one to four components; `rows` and `columns` give the cell of each pixel."""
    header = (columns.size, rows.size, cells.dtype.itemsize * 8, _COLOUR_TYPES[cells.shape[2]], 0, 0, 0)
    with path.open("wb") as file:
        file.write(_SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", *header)))
        squeezer = zlib.compressobj(_LEVEL)
        for strip in _strips(cells, rows, columns):
            file.write(_chunk(b"IDAT", squeezer.compress(strip)))
        file.write(_chunk(b"IDAT", squeezer.flush()) + _chunk(b"IEND", b""))


def write_jpeg(path: Path, cells: Cells, rows: Places, columns: Places, quality: int) -> None:
    """The same for one or three components with 8 bits each."""
    from PIL import Image

    pixels = cells[rows[:, np.newaxis], columns]
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path, "JPEG", quality=quality)


def _strips(cells: Cells, rows: Places, columns: Places) -> Iterator[bytes]:
    """Strips of filtered rows, each row preceded by the filter's number."""
    above = np.zeros((1, columns.size * cells.shape[2] * cells.dtype.itemsize), dtype=np.uint8)
    for top in range(0, rows.size, _STRIP):
        strip = rows[top : top + _STRIP]
        pixels = cells[strip[:, np.newaxis], columns].astype(cells.dtype.newbyteorder(">"))
        lines = np.ascontiguousarray(pixels).view(np.uint8).reshape(strip.size, -1)
        filtered = np.full((strip.size, lines.shape[1] + 1), _UP, dtype=np.uint8)
        filtered[:, 1:] = np.diff(lines, axis=0, prepend=above)
        above = lines[-1:]
        yield filtered.tobytes()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
