"""A set as the user writes it: every key of `kind: AsyncProcessSet`, its type and its meaning.

`accept` reads documents with it; the published JSON Schema and its hover texts come from the descriptions. The template
is read as an AsyncProcess is, once it is filled in.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from controller.manifest.fields import Bbox, Number, Pixels, Positive, Unfit, UnitLimit
from controller.manifest.model import API_VERSION, SET, Metadata, StrictModel
from controller.model.catalog import crs, crs_url
from controller.model.timing import seconds_of
from controller.sets.grid import Cover
from controller.sets.windows import Every, window
from controller.sets.zones import Zone

MOST_CELLS = 10_000  # of one set
MOST_VALUES = 1_000  # of one axis
LATER_FROM = (
    "write a later `from`; no cell is renamed, the windows before it count as removed, and what they delivered stays"
)
"""What to do about a set without an end that has too many cells."""

_AXIS = re.compile(r"[a-z][a-z0-9]{0,19}")
_KEY = re.compile(r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?")
_ZONE = re.compile(r"([1-9]|[1-5][0-9]|60)([ns])?")


def _epsg(written: str) -> str:
    url = written if crs(written) else crs_url(written.replace("EPSG/0/", "EPSG:"))
    found = crs(url) if url else None
    if url is None or found is None:
        raise Unfit("E204", f"`{written}` is not a CRS the service knows: write for example EPSG:3035")
    if found.unit != "metre":
        raise Unfit("E204", f"`{written}` counts in degrees, and a grid is in metres: write for example EPSG:3035")
    return url


def _zone(written: Any) -> Any:
    if written == "auto" or isinstance(written, Zone):
        return written
    found = _ZONE.fullmatch(str(written)) if isinstance(written, str | int) and not isinstance(written, bool) else None
    if found is None:
        raise Unfit("E108", "must be auto, or a zone of UTM such as 33 or 33s")
    return Zone(int(found[1]), is_south=found[2] == "s")


def _span(written: Any) -> Any:
    """A year is a number for YAML."""
    text = str(written) if isinstance(written, int) and not isinstance(written, bool) else written
    if not isinstance(text, str):
        raise Unfit("E106", "must be text, such as 2024-06")
    try:
        window(text)
    except ValueError as error:
        raise Unfit("E108", str(error)) from None
    return text


def _after(written: Any) -> timedelta:
    if not isinstance(written, str):
        raise Unfit("E106", 'must be text with a unit, such as "5d"')
    try:
        after = timedelta(seconds=seconds_of(written))
    except ValueError as error:
        raise Unfit("E108", str(error)) from None
    except OverflowError:
        raise Unfit("E109", "must be at most 366d") from None
    if after > timedelta(days=366):
        raise Unfit("E109", "must be at most 366d")
    return after


Crs = Annotated[str, AfterValidator(_epsg)]
Span = Annotated[str, BeforeValidator(_span), WithJsonSchema({"type": ["string", "integer"]})]
After = Annotated[
    timedelta, BeforeValidator(_after), WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?[smhd]$"})
]
ZoneChoice = Annotated[Zone | Literal["auto"], BeforeValidator(_zone), WithJsonSchema({"type": ["string", "integer"]})]


def is_axis(name: str) -> bool:
    """Whether an axis can have this name: templates refer to it as `$name`."""
    return _AXIS.fullmatch(name) is not None


def is_key(written: str) -> bool:
    """Whether a value can have this key: it becomes a part of the names of jobs."""
    return _KEY.fullmatch(written) is not None


class AreaInManifest(StrictModel):
    """An area without a file of its own, in longitude and latitude."""

    bbox: Bbox | None = Field(
        None, description="[west, south, east, north] in degrees.", examples=[[13.3, 45.4, 16.6, 46.9]]
    )
    geometry: dict[str, Any] | None = Field(
        None, description="GeoJSON: Polygon, MultiPolygon, Feature or FeatureCollection."
    )


class GridAxis(StrictModel):
    """Square tiles of a grid that is anchored at the zone's origin, so that the area never moves a tile."""

    area_file: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="File with the area as GeoJSON, relative to the manifest and inside the jobs folder.",
        examples=["alps.geojson"],
    )
    area: AreaInManifest | None = Field(None, description="The area itself: `bbox` or `geometry`.")
    zone: ZoneChoice = Field(
        "auto", description="`auto`: each part in the UTM zone it lies in. A number: all of it in that zone."
    )
    crs: Crs | None = Field(
        None,
        description="One grid in this CRS instead, over the borders of zones: `EPSG:3035`.",
        examples=["EPSG:3035"],
    )
    pixel: Positive = Field(description="Side of a pixel in metres.", examples=[10])
    cell: Pixels = Field(
        description="Side of a tile in pixels, at most 10000; in metres a whole number of km.", examples=[5000]
    )
    leave_out_below: Annotated[Number, Field(ge=0, le=100)] = Field(
        0, description="Percent of a tile that must be inside the area: a sliver is not worth the least price."
    )
    cover: Cover = Field(
        "cells",
        description="`cells`: whole tiles, which a later change of the area does not pay for again. `area`: tiles "
        "trimmed to the area, in steps of 256 pixels.",
    )


class WindowAxis(StrictModel):
    """Windows of the calendar, in UTC, that begin between `from` and `to`."""

    every: Every = Field(description="Length of a window.", examples=["month"])
    from_: Span = Field(
        alias="from", description="The first: a year, quarter, month, dekad, week or day.", examples=["2024-01"]
    )
    to: Span | None = Field(None, description="The last, inclusive. Left out, the set goes on for ever.")
    after: After = Field(
        timedelta(0), description="How long after its end a window is asked for: scenes arrive late.", examples=["5d"]
    )


class ValuesAxis(StrictModel):
    """Values by name, each with fields of its own."""

    values: dict[str, dict[str, Any]] = Field(
        description="By key, the fields a template may ask for: `ndvi: {script: ndvi.js}` is `$index.script`.",
        examples=[{"ndvi": {"script": "ndvi.js"}}],
    )


class SetLimits(StrictModel):
    """Beside `maxProcessingUnits` of each cell."""

    per_window: UnitLimit | None = Field(None, description="Processing units that the cells of one window may need.")


class SetSpec(StrictModel):
    """What varies, and the job that is asked for with each."""

    axes: dict[str, dict[str, Any]] = Field(
        description="What varies, in the order of the names: `grid`, a window (`every`) or `values` each."
    )
    exclude: list[dict[str, Any]] = Field([], description="Cells that are left out: by axis, a key or a list of keys.")
    trial: Annotated[int, Field(ge=1)] | None = Field(
        None, description="So many cells first; the others wait until these succeeded and are accepted."
    )
    limits: SetLimits = Field(SetLimits(), description="What the cells may need together.")
    template: dict[str, Any] = Field(description="What stands below `spec` of an AsyncProcess, with `$axis.field`.")


class SetManifest(StrictModel):
    """Many jobs in one manifest: one for each cell of its axes."""

    api_version: Literal["shjobs/v1"] = Field(description="Version of the manifest's language.", examples=[API_VERSION])
    kind: Literal["AsyncProcessSet"] = Field(description="What the document declares.", examples=[SET])
    metadata: Metadata = Field(description="Who the set is; a cell's name begins with its name.")
    spec: SetSpec = Field(description="What varies, and the job that is asked for with each.")
