"""Which scenes a request reads: its `dataFilter`, then the script's own choice; and how they are passed to the script.

Called by the renderer. Shapes: reference page "Evalscript V3" §§3, 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.evalscript.blocks import UNNAMED
from controller.evalscript.engine import Engine
from controller.model.script import Mosaicking, ScriptOutput
from controller.sandbox.date_times import parse_date_time
from controller.sandbox.failure import RenderFailed, value_or_raise
from controller.sandbox.planet.archive import Area, SceneFilter, Tile, by_day, find_tiles
from controller.sandbox.planet.look import SensorInput
from controller.sandbox.planet.samples import Group, Pixels, Samples, data_samples, grouped, read_samples, read_timeless
from controller.sandbox.render.agreement import Pair

Json = Mapping[str, Any]

_FILTERS = ("resolution", "acquisitionMode", "polarization", "orbitDirection", "timeliness", "tiers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """What one input reads: the tiles of each sample, in sample order, and what evaluatePixel gets of them.

    `charged` are the samples per pixel that the price counts: those with data, in the mean of the pixels.
    """

    name: str
    also: str
    source: SensorInput
    groups: tuple[Group, ...]
    count: int  # days or tiles read
    document: Json
    charged: float

    @property
    def samples_per_pixel(self) -> int:
        return len(self.groups)

    def read(self, pixels: Pixels) -> Samples:
        """The samples of a run of pixels."""
        if self.source.product.since is None:
            return read_timeless(self.source, pixels)
        return read_samples(self.source, self.groups, pixels)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The view shared by every input of a request; scenes after `now` do not exist yet."""

    area: Area
    seed: int
    metres_per_pixel: float
    now: datetime


def plan_scenes(
    engine: Engine, pairs: Sequence[Pair], view: View, *, is_filtered: bool
) -> tuple[tuple[Scenes, ...], tuple[ScriptOutput, ...]]:
    """The scenes of every input and the script's outputs, after preProcessScenes, updateOutput and, if `is_filtered`,
    filterScenes.

    Raises RenderFailed.
    """
    found = [_found(pair, view) for pair in pairs]
    collections = {pair.name: _collection(pair, scenes, view) for pair, scenes in zip(pairs, found, strict=True)}
    plan = value_or_raise(engine.scenes(collections, _filtered(pairs[0], view) if is_filtered else None))
    kept = []
    for pair, scenes in zip(pairs, found, strict=True):
        if pair.mosaicking is not Mosaicking.SIMPLE and pair.product.since is not None:
            scenes = [scenes[number] for number in plan.kept[pair.name]]
        kept.append(_scenes(pair, scenes, view, is_fused=len(pairs) > 1))
    return tuple(kept), plan.outputs


def document_of(scenes: Sequence[Scenes]) -> Json:
    """The second argument of evaluatePixel."""
    named = {each.name: each.document for each in scenes}
    return named.get(UNNAMED, named)


def _found(pair: Pair, view: View) -> list[tuple[Tile, ...]]:
    """The tiles of each sample, before the script has chosen; with SIMPLE all tiles form one sample."""
    if pair.product.since is None:
        return []
    wanted = _filter(pair, view.now)
    tiles = find_tiles(pair.product, view.area, wanted, view.seed)
    match pair.mosaicking:
        case Mosaicking.SIMPLE:
            return [tiles]
        case Mosaicking.ORBIT:
            return list(by_day(tiles, wanted.order))
        case Mosaicking.TILE:
            return [(tile,) for tile in tiles]


def _filter(pair: Pair, now: datetime) -> SceneFilter:
    asked = pair.data.get("dataFilter", {})
    since, until = _times(pair, now)
    assert pair.product.since is not None, "what has no time is not filtered by it"
    return SceneFilter(
        since=max(since, pair.product.since),
        until=min(until, now),
        order=asked.get("mosaickingOrder", "mostRecent"),
        max_cloud=asked.get("maxCloudCoverage", 100.0),
        asked={name: asked[name] for name in _FILTERS if name in asked},
    )


def _filtered(pair: Pair, view: View) -> tuple[str, str] | None:
    """The time range for filterScenes, which only chooses among the scenes of a single input."""
    if pair.name != UNNAMED or pair.mosaicking is Mosaicking.SIMPLE or pair.product.since is None:
        return None
    since, until = _times(pair, view.now)
    return _iso(since), _iso(until)


def _times(pair: Pair, now: datetime) -> tuple[datetime, datetime]:
    """The time range asked for; all there is when there is none, which the published schema allows."""
    asked = pair.data.get("dataFilter", {}).get("timeRange")
    if asked is None:
        return pair.product.since or now, now
    since, until = (parse_date_time(asked[end]) for end in ("from", "to"))
    if since is None or until is None:
        raise RenderFailed("COMMON_BAD_PAYLOAD", "timeRange must be two dates with time and zone (RFC 3339)")
    return since.astimezone(UTC), until.astimezone(UTC)


def _scenes(pair: Pair, found: Sequence[tuple[Tile, ...]], view: View, *, is_fused: bool) -> Scenes:
    """An input without any scene has no sample where samples are arrays (reference page §4, data fusion)."""
    source = SensorInput(
        product=pair.product,
        bands=pair.bands,
        seed=view.seed,
        filters={**pair.product.defaults, **pair.data.get("dataFilter", {})},
        processing=pair.data.get("processing", {}),
        metres_per_pixel=view.metres_per_pixel,
    )
    document: dict[str, Any] = {}
    count, groups = len(found), tuple(grouped(tiles) for tiles in found)
    if pair.product.since is None:
        groups = ({},)
        document |= _no_scenes(pair)
    elif pair.mosaicking is Mosaicking.SIMPLE:
        count = sum(map(len, found))
        groups = () if is_fused and not count else groups
    elif pair.mosaicking is Mosaicking.ORBIT:
        document["orbits"] = [_orbit_document(tiles, number, pair) for number, tiles in enumerate(found)]
    else:
        document["tiles"] = [_numbered(_tile_document(tile, pair), number) for number, (tile,) in enumerate(found)]
    charged = float(len(groups))
    if pair.product.since is not None and pair.mosaicking is not Mosaicking.SIMPLE:
        charged = data_samples(groups, pair.product.type, view.area)
    return Scenes(
        name=pair.name, also=pair.also, source=source, groups=groups, count=count, document=document, charged=charged
    )


def _collection(pair: Pair, found: Sequence[tuple[Tile, ...]], view: View) -> Json:
    """What preProcessScenes gets for one input: the days without their tiles, or the tiles without from and to."""
    if pair.mosaicking is Mosaicking.SIMPLE or pair.product.since is None:
        return {"scenes": _no_scenes(pair)}
    if pair.mosaicking is Mosaicking.TILE:
        tiles = [_numbered(_tile_document(tile, pair), number) for number, (tile,) in enumerate(found)]
        return {"scenes": {"tiles": tiles}}
    since, until = _times(pair, view.now)
    days = [_numbered(_day_document(tiles), number) for number, tiles in enumerate(found)]
    return {"from": _iso(since), "to": _iso(until), "scenes": {"orbits": days}}


def _no_scenes(pair: Pair) -> Json:
    """Of a collection without time. ASSUMED, since it is documented for SIMPLE alone: with another mosaicking there is
    one sample in the array, and no scene.
    """
    return {Mosaicking.SIMPLE: {}, Mosaicking.ORBIT: {"orbits": []}, Mosaicking.TILE: {"tiles": []}}[pair.mosaicking]


def _numbered(document: Json, number: int) -> Json:
    return {**document, "__idx": number}


def _day_document(tiles: Sequence[Tile]) -> Json:
    day = tiles[0].sensed.date()
    return {"dateFrom": f"{day}T00:00:00Z", "dateTo": f"{day}T23:59:59Z"}


def _orbit_document(tiles: Sequence[Tile], number: int, pair: Pair) -> Json:
    return {**_day_document(tiles), "tiles": [_tile_document(tile, pair) for tile in tiles], "__idx": number}


def _tile_document(tile: Tile, pair: Pair) -> Json:
    document: dict[str, Any] = {
        "date": _iso(tile.sensed),
        "shId": tile.number,
        "dataPath": f"sandbox://{tile.type}/{tile.name}",
    }
    if pair.product.has_clouds:
        document["cloudCoverage"] = tile.cloud_coverage
    if tile.type == "landsat-ot-l1":
        document["landsatOliTirsProductId"] = f"LC09_L1TP_{tile.name}_02_T1"
    if pair.bounds:
        document["dataGeometry"], document["dataEnvelope"] = _polygon(tile.outline), _envelope(tile.outline)
    return document


def _polygon(ring: Sequence[Sequence[float]]) -> Json:
    return {"type": "Polygon", "coordinates": [ring]}


def _envelope(ring: Sequence[Sequence[float]]) -> Json:
    xs, ys = zip(*ring, strict=True)
    west, south, east, north = min(xs), min(ys), max(xs), max(ys)
    return _polygon([[west, south], [east, south], [east, north], [west, north], [west, south]])


def _iso(moment: datetime) -> str:
    """As the service formats it: whole seconds, or microseconds where the collection has them."""
    fraction = f".{moment.microsecond:06}" if moment.microsecond else ""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"
