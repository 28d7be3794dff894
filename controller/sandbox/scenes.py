"""Which scenes a request reads: its `dataFilter`, then the script's own choice; and how the script gets to see them.

Called by the renderer. Shapes: reference page "Evalscript V3" §§3, 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from controller.evalscript import UNNAMED, Engine
from controller.sandbox.archive import Area, Orbit, SceneFilter, Tile, find_tiles, orbits_of
from controller.sandbox.failure import RenderFailed, accepted
from controller.sandbox.samples import Pixels, Samples, Source, orbit_samples, simple_samples
from controller.script import Mosaicking, ScriptOutput

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """SIMPLE: all tiles found, `orbits` None. ORBIT: the days left after preProcessScenes, in sample order.

    `document` is the second argument of evaluatePixel.
    """

    source: Source
    tiles: tuple[Tile, ...]
    orbits: tuple[Orbit, ...] | None
    document: Json

    @property
    def samples_per_pixel(self) -> int:
        return 1 if self.orbits is None else len(self.orbits)

    @property
    def count(self) -> int:
        """Tiles or days read."""
        return len(self.tiles if self.orbits is None else self.orbits)

    def read(self, pixels: Pixels) -> Samples:
        """The samples of a run of pixels."""
        if self.orbits is None:
            return simple_samples(self.source, self.tiles, pixels)
        return orbit_samples(self.source, self.orbits, pixels)


def plan_scenes(
    engine: Engine, mosaicking: Mosaicking, source: Source, data: Json, area: Area
) -> tuple[Scenes, tuple[ScriptOutput, ...]]:
    """The scenes to read over `area` and the script's outputs, after preProcessScenes and updateOutput.

    `data` is the one element of the request's `input.data`. Raises RenderFailed.
    """
    wanted = scene_filter(data)
    since = max(wanted.since, source.product.since)
    tiles = find_tiles(area, replace(wanted, since=since), source.seed)
    if mosaicking is Mosaicking.SIMPLE:
        return Scenes(source=source, tiles=tiles, orbits=None, document={}), accepted(engine.scenes({})).outputs
    found = orbits_of(tiles, wanted.order)
    days = [_day_document(orbit.day, number) for number, orbit in enumerate(found)]
    plan = accepted(engine.scenes({"from": _iso(wanted.since), "to": _iso(wanted.until), "scenes": {"orbits": days}}))
    kept = tuple(found[number] for number in plan.kept[UNNAMED])
    document = {"orbits": [_orbit_document(orbit, number) for number, orbit in enumerate(kept)]}
    return Scenes(source=source, tiles=tiles, orbits=kept, document=document), plan.outputs


def scene_filter(data: Json) -> SceneFilter:
    """The `dataFilter` of one element of `input.data`; raises RenderFailed when it has no time range."""
    asked = data.get("dataFilter", {})
    if "timeRange" not in asked:
        raise RenderFailed("COMMON_BAD_PAYLOAD", "input.data[0].dataFilter.timeRange is missing; give from and to")
    since, until = (datetime.fromisoformat(asked["timeRange"][end]).astimezone(UTC) for end in ("from", "to"))
    return SceneFilter(
        since=since,
        until=until,
        order=asked.get("mosaickingOrder", "mostRecent"),
        max_cloud=asked.get("maxCloudCoverage", 100.0),
    )


def _day_document(day: date, number: int) -> dict[str, Any]:
    return {"dateFrom": f"{day}T00:00:00Z", "dateTo": f"{day}T23:59:59Z", "__idx": number}


def _orbit_document(orbit: Orbit, number: int) -> Json:
    return {**_day_document(orbit.day, number), "tiles": [_tile_document(tile) for tile in orbit.tiles]}


def _tile_document(tile: Tile) -> Json:
    return {
        "date": _iso(tile.sensed),
        "shId": tile.id,
        "cloudCoverage": tile.cloud_coverage,
        "dataPath": f"sandbox://sentinel-2/{tile.id}",
    }


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
