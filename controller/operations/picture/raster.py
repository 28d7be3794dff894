"""Reads a TIFF, PNG or JPEG as far as a small picture needs it: some of its pixels, evenly spaced, and its mask.

What the bytes are decides how they are read, whatever a name or a media type says. numpy, Pillow and tifffile are
loaded only when a raster is read.
"""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from controller.model.errors import UsageError, truncate

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 512  # pixels of the longer side, at most
GAP = 256 * 1024  # bytes between two parts of a file that are read as one
PICTURES = ("PNG", "JPEG")
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_CODECS = "its compression needs one more library: pip install imagecodecs"
_NODATA = 42113  # GDAL's own tag
_MARKED = (1, 2)  # TIFF's ExtraSamples: associated and unassociated alpha
_NO_COLOUR = {"1": "L", "CMYK": "RGB", "YCbCr": "RGB", "La": "LA", "PA": "RGBA", "RGBa": "RGBA"}
_DAMAGE = (
    ImportError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    struct.error,
    zlib.error,
    OSError,
)
"""What the readers raise on bytes that are no whole raster."""

_SPEAKING = (ValueError, zlib.error, OSError)
"""Those whose words say more to a reader."""


class NoPicture(UsageError):  # noqa: N818  (named by the outcome)
    """No picture can be made of these bytes; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """Some of a raster's pixels as `values`, (rows, columns, bands), and the size of the whole in pixels.

    `mask` is the band, counted from 0, that the file itself declares as its alpha; `nodata` the value it declares for
    pixels without data.
    """

    values: "NDArray[Any]"
    columns: int
    rows: int
    nodata: float | None = None
    mask: int | None = None


def read_raster(file: IO[bytes]) -> Raster:
    """The raster in a file that can be read from any position. Raises `NoPicture`, or `MemoryError`."""
    from PIL.Image import DecompressionBombError, DecompressionBombWarning

    head = file.read(4)
    file.seek(0)
    if not head:
        raise NoPicture("it is empty")
    try:
        return _tiff(file) if head in _TIFF else _picture(file, PICTURES)
    except (DecompressionBombError, DecompressionBombWarning) as error:
        raise NoPicture("it has more pixels than are read") from error
    except _DAMAGE as error:
        raise NoPicture(_words(error)) from error


def ranges_to_read(head: IO[bytes]) -> list[tuple[int, int]]:
    """Which bytes of a TIFF, from start to end, hold the pixels of its picture, if its `head` says so.

    Raises `NoPicture` when it does not: the whole is needed then.
    """
    import tifffile

    try:
        with tifffile.TiffFile(head, name="raster") as opened:
            page, _ = _page_to_read(opened)
            parts = sorted(zip(page.dataoffsets, page.databytecounts, strict=True))
    except _DAMAGE as error:
        raise NoPicture(_words(error)) from error
    ranges: list[tuple[int, int]] = []
    for start, length in parts:
        if ranges and start <= ranges[-1][1] + GAP:
            ranges[-1] = ranges[-1][0], max(ranges[-1][1], int(start + length))
        elif length:
            ranges.append((int(start), int(start + length)))
    return ranges


def _needs_codec(error: Exception) -> bool:
    return "imagecodecs" in str(error) or isinstance(error, ImportError)


def _words(error: Exception) -> str:
    if _needs_codec(error):
        return _CODECS
    return f"it is damaged ({truncate(str(error), 200)})" if isinstance(error, _SPEAKING) else "it is damaged"


def _tiff(file: IO[bytes]) -> Raster:
    """A TIFF. tifffile reads any layout, but few compressions; Pillow reads most of these, in few layouts."""
    from PIL import UnidentifiedImageError

    try:
        return _thinned(file)
    except _DAMAGE as error:
        if not _needs_codec(error):
            raise
        file.seek(0)
        try:
            return _picture(BytesIO(file.read()), ("TIFF",))
        except (NoPicture, UnidentifiedImageError):
            raise error from None


def _thinned(file: IO[bytes]) -> Raster:
    """Every n-th pixel, read tile by tile, so that memory does not grow with the raster."""
    import numpy as np
    import tifffile

    with tifffile.TiffFile(file, name="raster") as opened:
        page, whole = _page_to_read(opened)
        step = -(-max(page.imagelength, page.imagewidth) // SIDE)
        nodata = _declared_nodata(whole)
        shape = (-(-page.imagelength // step), -(-page.imagewidth // step), page.samplesperpixel)
        thin = np.full(shape, nodata if _can_hold(page.dtype, nodata) else 0, page.dtype)  # what a sparse tile holds
        for data, (band, _, top, left, _), _ in page.segments(maxworkers=1):
            if data is None:
                continue
            inside = data[0, : page.imagelength - top, : page.imagewidth - left]
            tile = inside[-top % step :: step, -left % step :: step]
            row, column = -(-top // step), -(-left // step)
            thin[row : row + tile.shape[0], column : column + tile.shape[1], band : band + tile.shape[2]] = tile
        mask = _declared_mask(whole)
        return Raster(values=thin, columns=whole.imagewidth, rows=whole.imagelength, nodata=nodata, mask=mask)


def _page_to_read(opened: Any) -> tuple[Any, Any]:
    """The smallest overview that is large enough, and the raster at its full size."""
    pages = [level.keyframe for level in reversed(opened.series[0].levels)]
    return next((each for each in pages if max(each.imagelength, each.imagewidth) >= SIDE), pages[-1]), pages[-1]


def _declared_nodata(page: Any) -> float | None:
    tag = page.tags.get(_NODATA)
    return None if tag is None else _number(tag.value)


def _number(text: object) -> float | None:
    try:
        return None if text is None else float(str(text).strip("\0 "))
    except ValueError:
        return None


def _can_hold(dtype: Any, value: float | None) -> bool:
    import numpy as np

    if value is None:
        return False
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    return limits is not None and value == value and limits.min <= value <= limits.max


def _declared_mask(page: Any) -> int | None:
    extra = [int(each) for each in page.extrasamples]
    first = page.samplesperpixel - len(extra)
    return next((first + number for number, each in enumerate(extra) if each in _MARKED), None)


def _picture(file: IO[bytes], formats: tuple[str, ...]) -> Raster:
    """The same of what Pillow reads."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError
    from PIL.TiffImagePlugin import TiffImageFile

    try:
        opened = Image.open(file, formats=formats)
    except UnidentifiedImageError:
        raise NoPicture("it is no TIFF, PNG or JPEG, or breaks off at its beginning") from None
    with opened:
        columns, rows = opened.size
        step = -(-max(columns, rows) // SIDE)
        opened.draft(None, (-(-columns // step), -(-rows // step)))  # a JPEG is decoded no larger than needed
        small = opened.resize((-(-columns // step), -(-rows // step)), Image.Resampling.NEAREST)
        if small.mode == "P":
            small = small.convert("RGBA" if "transparency" in small.info else "RGB")
        values = np.asarray(small.convert(_NO_COLOUR.get(small.mode, small.mode)))
        nodata = _number(opened.tag_v2.get(_NODATA)) if isinstance(opened, TiffImageFile) else None
    bands = values.reshape(*values.shape[:2], -1)
    mask = bands.shape[2] - 1 if bands.shape[2] in (2, 4) else None
    return Raster(values=bands, columns=columns, rows=rows, nodata=nodata, mask=mask)
