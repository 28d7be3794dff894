"""A small preview picture of a raster: for `fetch --preview`.

numpy, Pillow and tifffile are loaded only when a picture is made.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.model.errors import UsageError, truncate

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 512  # pixels of the longer side, at most
FEW = 20  # a byte raster with no higher value holds classes, not brightness
_CODECS = "its compression needs one more library: pip install imagecodecs"
_PERCENTILES = (2, 98)


def thumbnail(source: Path, target: Path, media_type: str) -> None:
    """Write a PNG of the raster in `source`, a TIFF, PNG or JPEG.

    Three bands or more are shown as red, green and blue, else the first one in grey; anything but bytes is stretched.
    Raises `UsageError` when the raster cannot be read or the picture cannot be written.
    """
    from PIL import Image, UnidentifiedImageError
    from tifffile import TiffFileError

    try:
        if media_type == "image/tiff":
            picture = Image.fromarray(_bytes(_thinned(source)))
        else:
            picture = Image.open(source).convert("RGB")
            picture.thumbnail((SIDE, SIDE))
        temporary = target.with_name(f".{target.name}.tmp")
        picture.save(temporary, format="PNG")
        temporary.replace(target)
    except (TiffFileError, UnidentifiedImageError, ValueError, IndexError, Image.DecompressionBombError) as error:
        words = _CODECS if "imagecodecs" in str(error) else truncate(str(error), 200)
        raise UsageError(f"{source}: no picture can be made of it: {words}") from error
    except OSError as error:
        raise UsageError(
            f"{target}: the picture cannot be written: {error.strerror or truncate(str(error), 200)}"
        ) from error


def _thinned(source: Path) -> "NDArray[Any]":
    """Every n-th pixel as (rows, columns, bands), read tile by tile, so that memory does not grow with the raster."""
    import numpy as np
    import tifffile

    with tifffile.TiffFile(source) as file:
        levels = file.series[0].levels
        pages: list[Any] = [level.keyframe for level in reversed(levels)]  # overviews, the smallest first
        page = next((each for each in pages if max(each.imagelength, each.imagewidth) >= SIDE), pages[-1])
        step = -(-max(page.imagelength, page.imagewidth) // SIDE)
        shape = (-(-page.imagelength // step), -(-page.imagewidth // step), page.samplesperpixel)
        thin = np.zeros(shape, page.dtype)
        for data, (band, _, top, left, _), _ in page.segments(maxworkers=1):
            if data is None:
                continue  # a sparse tile holds zeros
            inside = data[0, : page.imagelength - top, : page.imagewidth - left]
            tile = inside[-top % step :: step, -left % step :: step]
            row, column = -(-top // step), -(-left // step)
            thin[row : row + tile.shape[0], column : column + tile.shape[1], band : band + tile.shape[2]] = tile
    return thin


def _bytes(raster: "NDArray[Any]") -> "NDArray[Any]":
    """Red, green and blue, or grey, from 0 to 255."""
    import numpy as np

    bands = raster[:, :, :3] if raster.shape[2] >= 3 else raster[:, :, 0]
    if bands.dtype == np.uint8 and (not bands.size or bands.max() > FEW):
        return np.ascontiguousarray(bands)
    values = bands.astype(np.float64)
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, _PERCENTILES) if known.size else (0.0, 1.0)
    stretched = (values - low) / ((high - low) or 1.0) * 255
    return np.nan_to_num(np.clip(stretched, 0, 255)).astype(np.uint8)
