"""What templates of maps ask for: pictures, marks, and the addresses of other parts of the Earth."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from controller.page.svg.marks import box_between, locator, marks, meridians, parallels, picture
from controller.page.svg.projection import MapView, address_of, view_around

CLOSER = 2  # steps of the zoom that a disc leads to


def around(corners: Sequence[float]) -> dict[str, object]:
    """The fields of the map around a box."""
    return address_of(view_around(box_between(corners)))


def closer(feature: Mapping[str, Any], zoom: int) -> dict[str, object]:
    """The fields of a nearer map of what a disc stands for."""
    longitude, latitude = feature["geometry"]["coordinates"]
    return address_of(MapView(latitude=latitude, longitude=longitude, zoom=zoom).zoomed(CLOSER))


def borders(corners: Sequence[float]) -> str:
    """`14.4°E to 14.5°E, 35.8°N to 35.9°N`."""
    west, south, east, north = corners
    across = f"{_degrees(west, 'E', 'W')} to {_degrees((east + 180) % 360 - 180 if east > 180 else east, 'E', 'W')}"
    return f"{across}, {_degrees(south, 'N', 'S')} to {_degrees(north, 'N', 'S')}"


def compact(value: int) -> str:
    """A number for a small disc: `320`, `1.2k`, `98k`."""
    if value < 1_000:
        return str(value)
    return f"{value / 1_000:.1f}k" if value < 10_000 else f"{value / 1_000:.0f}k"


def _degrees(value: float, ahead: str, behind: str) -> str:
    return f"{abs(round(value, 4)):g}°{ahead if value >= 0 else behind}"


FILTERS: Mapping[str, Callable[..., object]] = {
    "around": around,
    "borders": borders,
    "box": box_between,
    "closer": closer,
    "compact": compact,
    "locator": locator,
    "marks": marks,
    "meridians": meridians,
    "parallels": parallels,
    "picture": picture,
}
