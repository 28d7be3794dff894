"""A small picture of a raster beside it: for `fetch --preview`.

A raster is data from outside: it is drawn in a process of its own, with more memory and time than the page gives it,
since an operator waits for it and the whole is on the disk already.
"""

from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from controller.model.errors import UsageError
from controller.operations.fetch.download import write_preview
from controller.operations.picture.drawing import Drawing
from controller.operations.picture.legend import Legend
from controller.operations.picture.process import PictureProcess

MEMORY = 1024 * 1024 * 1024  # bytes: 10,000 by 10,000 pixels of four bytes, in any compression
CPU, PATIENCE = 120, 600.0  # seconds


def thumbnail(source: Path, target: Path) -> Legend:
    """Write a PNG of the raster in `source`, a TIFF, PNG or JPEG; returns what its colours mean.

    Raises `UsageError` when the raster cannot be read, or the picture cannot be written or would replace another file.
    """
    try:
        with source.open("rb") as file:
            drawing = _drawn(file)
    except OSError as error:
        raise UsageError(f"{source}: cannot be read: {error.strerror}") from error
    if isinstance(drawing, str):
        raise UsageError(f"{source}: no picture can be made of it: {drawing}")
    try:
        write_preview(target, drawing.png)
    except OSError as error:
        raise UsageError(f"{target}: the picture cannot be written: {error.strerror}") from error
    return drawing.legend


def _drawn(raster: IO[bytes]) -> Drawing | str:
    """The picture, or why there is none."""
    try:
        with TemporaryFile() as reply:
            return PictureProcess(PATIENCE, memory=MEMORY, cpu=CPU).draw(raster, reply)
    except OSError as error:
        return f"the process that draws cannot be used: {error.strerror}"
