"""Zones of UTM: which part of the Earth each one covers, with the exceptions around Norway and Svalbard.

Source: the definition of the Universal Transverse Mercator grid (NGA.SIG.0012, 2014, chapter 3). Called by `grid`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

NORTHERNMOST, SOUTHERNMOST = 84.0, -80.0  # degrees of latitude; the polar caps have another grid
# By zone: west, south, east and north of its part, where it is not the regular one of six degrees.
_IRREGULAR = {
    31: ((0, 0, 6, 56), (0, 56, 3, 64), (0, 64, 6, 72), (0, 72, 9, 84)),
    32: ((6, 0, 12, 56), (3, 56, 12, 64), (6, 64, 12, 72)),
    33: ((12, 0, 18, 72), (9, 72, 21, 84)),
    34: ((18, 0, 24, 72),),
    35: ((24, 0, 30, 72), (21, 72, 33, 84)),
    36: ((30, 0, 36, 72),),
    37: ((36, 0, 42, 72), (33, 72, 42, 84)),
}


@dataclass(frozen=True, slots=True, order=True)
class Zone:
    """Number, 1 to 60, and hemisphere."""

    number: int
    is_south: bool = False

    @property
    def name(self) -> str:
        """`32n`: the beginning of the keys of its tiles."""
        return f"{self.number}{'s' if self.is_south else 'n'}"

    @property
    def epsg(self) -> int:
        return (32700 if self.is_south else 32600) + self.number

    @property
    def meridian(self) -> float:
        """The central one, in degrees of longitude."""
        return 6 * self.number - 183.0

    @property
    def parts(self) -> tuple[tuple[float, float, float, float], ...]:
        """West, south, east and north of the rectangles it covers, in degrees."""
        west = 6.0 * self.number - 186
        if self.is_south:
            return ((west, SOUTHERNMOST, west + 6, 0),)
        return _IRREGULAR.get(self.number, ((west, 0, west + 6, NORTHERNMOST),))


def all_zones() -> Iterator[Zone]:
    for number in range(1, 61):
        yield Zone(number)
        yield Zone(number, is_south=True)
