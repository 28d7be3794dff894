"""A small picture of a raster beside it: for `fetch --preview`."""

from pathlib import Path

from controller.model.errors import UsageError
from controller.operations.picture.drawing import picture_of
from controller.operations.picture.legend import Legend
from controller.operations.picture.raster import NoPicture


def thumbnail(source: Path, target: Path) -> Legend:
    """Write a PNG of the raster in `source`, a TIFF, PNG or JPEG; returns what its colours mean.

    Raises `UsageError` when the raster cannot be read or the picture cannot be written.
    """
    try:
        with source.open("rb") as file:
            drawing = picture_of(file)
    except (NoPicture, MemoryError) as error:
        raise UsageError(f"{source}: no picture can be made of it: {error or 'it needs too much memory'}") from error
    except OSError as error:
        raise UsageError(f"{source}: cannot be read: {error.strerror}") from error
    try:
        temporary = target.with_name(f".{target.name}.tmp")
        temporary.write_bytes(drawing.png)
        temporary.replace(target)
    except OSError as error:
        raise UsageError(f"{target}: the picture cannot be written: {error.strerror}") from error
    return drawing.legend
