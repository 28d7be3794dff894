"""What the colours of a picture mean: which bands it shows, between which values, and where it shows nothing.

`drawing` makes it; it is kept as JSON beside the picture, and read back by who shows both. It needs no numpy.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

MOST_NAMED = 6  # classes in a sentence


class Kind(StrEnum):
    """How a picture shows its raster."""

    GREY = "grey"
    COLOURS = "colours"
    CLASSES = "classes"
    EMPTY = "empty"
    """No pixel has data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One band of the raster, counted from 1, as one colour, or as grey.

    `low` and `high` are the values shown darkest and brightest; `least` and `most` are the extremes found.
    """

    colour: str
    band: int
    low: float
    high: float
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterClass:
    """A value that stands for something, its colour as `#1f77b4`, and its share of the pixels with data, 0 to 1."""

    value: int
    colour: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """The legend of one picture. Values and shares are those of the pixels that were read, every n-th of the raster.

    `columns`, `rows`, `bands` and the type `sample` are those of the raster; `transparent` is the share of pixels
    without data, 0 to 1.
    """

    kind: Kind
    columns: int
    rows: int
    bands: int
    sample: str
    transparent: float = 0.0
    channels: tuple[Channel, ...] = ()
    classes: tuple[RasterClass, ...] = ()

    @property
    def sentence(self) -> str:
        """The legend in words: `grey from -0.2 (black) to 0.91 (white); no data in 12 %`."""
        if self.kind is Kind.EMPTY:
            return "no pixel has data"
        words = {Kind.GREY: self._grey, Kind.COLOURS: self._colours, Kind.CLASSES: self._classes}[self.kind]()
        return f"{words}; no data in {_percent(self.transparent)}" if self.transparent else words

    def document(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Legend":
        """The legend of such a document. Raises `ValueError`, `TypeError` or `KeyError` when it is none."""
        return cls(
            kind=Kind(document["kind"]),
            columns=_whole(document["columns"]),
            rows=_whole(document["rows"]),
            bands=_whole(document["bands"]),
            sample=_word(document["sample"]),
            transparent=float(document["transparent"]),
            channels=tuple(_channel(each) for each in document["channels"]),
            classes=tuple(_class(each) for each in document["classes"]),
        )

    def _grey(self) -> str:
        (channel,) = self.channels
        band = f"band {channel.band} of {self.bands} in " if self.bands > 1 else ""
        return f"{band}grey from {plain_number(channel.low)} (black) to {plain_number(channel.high)} (white)"

    def _colours(self) -> str:
        ranges = [f"{plain_number(each.low)} to {plain_number(each.high)}" for each in self.channels]
        bands, colours = (_listed([str(part) for part in parts]) for parts in zip(*self._pairs(), strict=True))
        if len(set(ranges)) == 1:
            return f"bands {bands} as {colours}, from {ranges[0]}"
        each_alone = zip(self.channels, ranges, strict=True)
        return _listed([f"band {each.band} as {each.colour} from {extent}" for each, extent in each_alone])

    def _pairs(self) -> list[tuple[int, str]]:
        return [(each.band, each.colour) for each in self.channels]

    def _classes(self) -> str:
        by_share = sorted(self.classes, key=lambda each: -each.share)
        named = [f"{each.value} ({_percent(each.share)})" for each in by_share[:MOST_NAMED]]
        rest = len(by_share) - len(named)
        noun = "value" if len(by_share) == 1 else "values"
        return f"{len(by_share)} {noun}, each in its colour: {', '.join(named)}{f' and {rest} more' if rest else ''}"


def plain_number(value: float) -> str:
    """A value of a raster, short: `-0.213`, `12,480`, `3e+38`."""
    is_plain = abs(value) < 1e9 and (abs(value) >= 1000 or value == round(value))
    return f"{value:,.0f}" if is_plain else f"{value:.3g}"


def _percent(share: float) -> str:
    return "less than 1 %" if 0 < share < 0.01 else f"{share:.0%}".replace("%", " %")


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def _channel(document: Mapping[str, Any]) -> Channel:
    values = {name: float(document[name]) for name in ("low", "high", "least", "most")}
    return Channel(colour=_word(document["colour"]), band=_whole(document["band"]), **values)


def _class(document: Mapping[str, Any]) -> RasterClass:
    value, share = _whole(document["value"], least=-(2**63)), float(document["share"])
    return RasterClass(value=value, colour=_word(document["colour"]), share=share)


def _whole(value: object, least: int = 0) -> int:
    if not isinstance(value, int) or not least <= value < 2**64:
        raise ValueError("must be a whole number")
    return value


def _word(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 20:
        raise ValueError("must be a word")
    return value
