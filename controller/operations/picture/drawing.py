"""From the pixels of a raster to a PNG and its legend: which bands become which colours, and what is transparent."""

from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from controller.operations.picture.legend import Channel, Kind, Legend, RasterClass
from controller.operations.picture.raster import NoPicture, Raster, read_raster

if TYPE_CHECKING:
    from numpy.typing import NDArray

HIGHEST_CLASS = 20  # whole numbers from 0 that reach no further are classes, not brightness
PALETTE = (
    *("#4d4d4d", "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b"),
    *("#e377c2", "#bcbd22", "#17becf", "#f7b6d2", "#aec7e8", "#ffbb78", "#98df8a"),
    *("#ff9896", "#c5b0d5", "#c49c94", "#dbdb8d", "#9edae5", "#393b79", "#637939"),
)
"""The colours of the classes from 0 on."""
_OPAQUE = (1, 255, 65535)
"""What a band that is a mask holds where there is data."""
_PERCENTILES = (2, 98)
_SHARED = 2.5  # bands whose ranges differ less than this are stretched alike, so that they keep their balance
_COLOURS = ("red", "green", "blue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture as the bytes of a PNG, its size in pixels, and what it shows."""

    png: bytes
    width: int
    height: int
    legend: Legend


def picture_of(file: IO[bytes]) -> Drawing:
    """The picture of the TIFF, PNG or JPEG in a file. Raises `NoPicture`, or `MemoryError`.

    One band is grey, or has a colour for each class; of three or more the first three are red, green and blue. A last
    band that is a mask, NaN and the declared nodata are transparent.
    """
    import numpy as np

    raster = read_raster(file)
    if raster.values.dtype.kind not in "uifb" or not raster.values.size:
        raise NoPicture(f"its values are of the type {raster.values.dtype}")
    with np.errstate(all="ignore"):  # values may be as large as their type allows
        bands, seen = _split(raster)
        colours, legend = _coloured(raster, bands, seen)
        return _encoded(colours, seen, legend)


def _split(raster: Raster) -> tuple["NDArray[Any]", "NDArray[Any]"]:
    """The bands to show, and where they have data."""
    import numpy as np

    values = raster.values
    mask = _mask_band(raster)
    shown = values if mask is None else np.delete(values, mask, axis=2)
    shown = shown[:, :, :3] if shown.shape[2] >= 3 else shown[:, :, :1]
    seen = np.isfinite(shown).all(axis=2)
    if raster.nodata is not None:
        seen &= (shown != raster.nodata).any(axis=2)
    return shown, seen if mask is None else seen & (values[:, :, mask] > 0)


def _mask_band(raster: Raster) -> int | None:
    """The band that says where there is data: the one declared, or the last of two or four that looks like it."""
    import numpy as np

    count = raster.values.shape[2]
    if raster.mask is not None and 0 < raster.mask < count:
        return raster.mask
    if count not in (2, 4):
        return None
    found = np.unique(raster.values[:, :, -1])
    is_mask = found.size <= 2 and found[-1] in _OPAQUE and found[0] in (0, found[-1])
    return count - 1 if is_mask else None


def _coloured(
    raster: Raster, bands: "NDArray[Any]", seen: "NDArray[Any]"
) -> tuple["NDArray[Any]", Legend]:  # fmt: skip
    """Grey, or red, green and blue, from 0 to 255, with the legend."""
    import numpy as np

    def legend(kind: Kind, **parts: Any) -> Legend:
        return Legend(
            kind=kind,
            columns=raster.columns,
            rows=raster.rows,
            bands=raster.values.shape[2],
            sample=str(raster.values.dtype),
            transparent=round(1 - float(seen.mean()), 4),
            **parts,
        )

    if not seen.any():
        return np.zeros(bands.shape[:2], np.uint8), legend(Kind.EMPTY)
    if bands.shape[2] == 1 and _are_classes(found := bands[seen]):
        return _palette()[np.where(seen, bands[:, :, 0], 0).astype(np.uint8)], legend(
            Kind.CLASSES, classes=_classes(found)
        )
    channels = _channels(raster, bands, seen)
    stretched = _stretched(bands, seen, channels)
    kind = Kind.COLOURS if len(channels) > 1 else Kind.GREY
    return stretched if len(channels) > 1 else stretched[:, :, 0], legend(kind, channels=channels)


def _are_classes(found: "NDArray[Any]") -> bool:
    return found.dtype.kind in "uib" and int(found.min()) >= 0 and int(found.max()) <= HIGHEST_CLASS


def _classes(found: "NDArray[Any]") -> tuple[RasterClass, ...]:
    import numpy as np

    values, counts = np.unique(found, return_counts=True)
    pairs = zip(values.tolist(), counts.tolist(), strict=True)
    return tuple(
        RasterClass(value=int(value), colour=PALETTE[int(value)], share=round(number / found.size, 4))
        for value, number in pairs
    )


def _palette() -> "NDArray[Any]":
    import numpy as np

    return np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in PALETTE], np.uint8)


def _channels(raster: Raster, bands: "NDArray[Any]", seen: "NDArray[Any]") -> tuple[Channel, ...]:
    """Each band with what is shown darkest and brightest; three bands of bytes are shown as they are."""
    import numpy as np

    count = bands.shape[2]
    numbers = [number for number in range(raster.values.shape[2]) if number != _mask_band(raster)][:count]
    values = bands[seen].astype(np.float64)
    ranges = [(0.0, 255.0)] * count if count > 1 and bands.dtype == np.uint8 else _ranges(values)
    return tuple(
        Channel(colour=colour, band=number + 1, low=low, high=high, least=float(band.min()), most=float(band.max()))
        for colour, number, (low, high), band in zip(
            _COLOURS if count > 1 else ("grey",), numbers, ranges, values.T, strict=True
        )
    )


def _ranges(values: "NDArray[Any]") -> list[tuple[float, float]]:
    """Low and high of each column of `values`: the same for all unless one would be left without contrast."""
    import numpy as np

    low, high = np.percentile(values, _PERCENTILES)
    lows, highs = np.percentile(values, _PERCENTILES, axis=0)
    if values.shape[1] > 1 and ((highs - lows) * _SHARED < high - low).any():
        return [(float(each), float(most)) for each, most in zip(lows, highs, strict=True)]
    return [(float(low), float(high))] * values.shape[1]


def _stretched(bands: "NDArray[Any]", seen: "NDArray[Any]", channels: tuple[Channel, ...]) -> "NDArray[Any]":
    import numpy as np

    lows = np.array([each.low for each in channels])
    spans = np.array([each.high - each.low or 1.0 for each in channels])
    values = np.where(seen[:, :, None], bands, 0).astype(np.float64)
    shown: NDArray[Any] = np.nan_to_num(np.clip((values - lows) / spans * 255, 0, 255)).round().astype(np.uint8)
    return shown


def _encoded(colours: "NDArray[Any]", seen: "NDArray[Any]", legend: Legend) -> Drawing:
    """As a PNG, whose text holds the legend in words."""
    import numpy as np
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    planes = colours if colours.ndim == 3 else colours[:, :, None]
    planes = np.where(seen[:, :, None], planes, 0).astype(np.uint8)
    if not seen.all():
        planes = np.dstack([planes, np.where(seen, 255, 0).astype(np.uint8)])
    text, target = PngInfo(), BytesIO()
    text.add_text("Description", legend.sentence)
    picture = Image.fromarray(np.ascontiguousarray(planes if planes.shape[2] > 1 else planes[:, :, 0]))
    picture.save(target, format="PNG", pnginfo=text, optimize=True)
    return Drawing(png=target.getvalue(), width=picture.width, height=picture.height, legend=legend)
