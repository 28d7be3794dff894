"""Where the jobs are: a GeoJSON document of the places that a map shows, which is also what the page draws.

Few places are shown one by one, and many as the number of jobs in each part of the map. All of it is added up in SQL.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from controller.ledger.places.on_map import Bin, Spot, bins, extent, footprint_at, jobs_by_place, names_at, placed_jobs
from controller.ledger.reads.listing import Filter, reason_counts
from controller.ledger.reads.order import by_urgency, phase_of
from controller.ledger.reads.reader import Reader
from controller.manifest.footprint import Footprint
from controller.model.errors import UsageError
from controller.model.reasons import Phase, Reason
from controller.page.context import NotFound, ViewContext
from controller.page.recorded import filter_fields, filter_of
from controller.page.svg.features import URGENCY, box_feature, disc_feature
from controller.page.svg.projection import MOST_ZOOM, MapView, address_of, corners, view_around

COLUMNS, ROWS = 16, 8
MOST_PLACES = 160
"""On one map; where there are more, each part of it has one mark."""
MOST_JOBS = 5_000
"""Whose places are looked at one by one."""
LISTED = 50
Document = dict[str, Any]


def map_of_jobs(context: ViewContext) -> Document:
    """The jobs of the filter in the part of the Earth that the address names; without one around all of them."""
    wanted = filter_of(context.fields)
    if context.store is None:
        return {**_empty(context, MapView()), "ledger": False}
    place = _place(context)
    only = _box_at(context.store, place) if place else None
    view = view_around(only) if only else _view(context, wanted)
    counts = reason_counts(context.store, wanted)
    reasons = _shown_reasons(counts, wanted)
    found = bins(context.store, wanted, view.window, reasons, COLUMNS, ROWS)
    total = sum(each.jobs for each in found)
    listed = names_at(context.store, wanted, view.window, reasons, LISTED, only)
    return {
        **_empty(context, view),
        "features": list(_features(context.store, wanted, view.window, found)),
        "phases": _phases(found),
        "jobs": total,
        "unplaced": _unplaced(context.store, wanted, counts),
        "place": place,
        "here": {"place": place} if place else address_of(view),
        "listed": [{"job": name, "phase": str(phase_of(reason)), "reason": reason} for name, reason in listed],
    }


def _empty(context: ViewContext, view: MapView) -> Document:
    return {
        "type": "FeatureCollection",
        "features": [],
        "ledger": True,
        "filter": filter_fields(context.fields),
        "view": {"latitude": view.latitude, "longitude": view.longitude, "zoom": view.zoom},
        "window": corners(view.window),
        "here": address_of(view),
        "ways": {name: address_of(each) for name, each in _ways(view).items()},
        "phases": {},
        "jobs": 0,
        "unplaced": 0,
        "place": 0,
        "listed": [],
    }


def _ways(view: MapView) -> Mapping[str, MapView]:
    """Where one can go from a view."""
    if not view.zoom:
        return {"Closer": view.zoomed(1)}
    found = {"West": view.moved(east=-0.5), "North": view.moved(north=0.5), "South": view.moved(north=-0.5)}
    found |= {"East": view.moved(east=0.5)}
    nearer = {"Closer": view.zoomed(1)} if view.zoom < MOST_ZOOM else {}
    return {**nearer, "Farther": view.zoomed(-1), "Whole world": MapView(), **found}


def _place(context: ViewContext) -> int:
    text = context.fields.get("place", "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise UsageError("place: must be a number")
    return int(text or 0)


def _box_at(store: Reader, place: int) -> Footprint:
    box = footprint_at(store, place)
    if box is None:
        raise NotFound("no job is at this place any more: it has another since its manifest changed")
    return box


def _view(context: ViewContext, wanted: Filter) -> MapView:
    assert context.store is not None, "there is a ledger"
    if "zoom" not in context.fields:
        box = extent(context.store, wanted)
        return view_around(box) if box else MapView()
    if context.fields["zoom"] == "world":
        return MapView()
    latitude, longitude = (_degrees(context.fields, name, most) for name, most in (("lat", 90), ("lon", 180)))
    return MapView(latitude=latitude, longitude=longitude, zoom=min(context.number("zoom", 1), MOST_ZOOM))


def _degrees(fields: Mapping[str, str], name: str, most: float) -> float:
    try:
        value = float(fields.get(name) or 0)
    except ValueError:
        value = math.nan
    if not -most <= value <= most:
        raise UsageError(f"{name}: must be degrees from -{most} to {most}")
    return value


def _shown_reasons(counts: Mapping[str, int], wanted: Filter) -> list[str]:
    """The recorded reasons that the map shows, the most urgent first: removed jobs only when they are asked for."""
    phases = wanted.phases or [each for each in Phase if each is not Phase.REMOVED]
    meant = [word for word in counts if not wanted.reasons or word in wanted.reasons]
    return [word for words in by_urgency(meant, phases).values() for word in words]


def _unplaced(store: Reader, wanted: Filter, counts: Mapping[str, int]) -> int:
    """How many jobs are nowhere, whatever their phase: never accepted, or with a request that cannot be read."""
    return max(0, sum(counts.values()) - counts.get(Reason.REMOVED, 0) - placed_jobs(store, wanted))


def _phases(found: Iterable[Bin]) -> dict[str, int]:
    counted: Counter[Phase] = Counter()
    for each in found:
        counted[phase_of(each.reason)] += each.jobs
    return {str(phase): counted[phase] for phase in URGENCY if counted[phase]}


def _features(store: Reader, wanted: Filter, window: Footprint, found: Sequence[Bin]) -> Iterator[Document]:
    """What is drawn, the most urgent last, so that it is above the rest."""
    reasons = {each.reason for each in found}
    few = sum(each.jobs for each in found) <= MOST_JOBS
    places = list(_places(jobs_by_place(store, wanted, window, reasons, MOST_JOBS))) if few else []
    made = map(_at_place, places) if few and len(places) <= MOST_PLACES else map(_in_part, _parts(found))
    yield from sorted(made, key=lambda each: -URGENCY.index(Phase(each["properties"]["phase"])))


def _places(found: Iterable[Spot]) -> Iterator[list[Spot]]:
    """Those of each place together: they come sorted by it."""
    for _, same in groupby(found, lambda each: each.footprint):
        yield list(same)


def _parts(found: Iterable[Bin]) -> Iterator[list[Bin]]:
    for _, same in groupby(sorted(found, key=_part), _part):
        yield list(same)


def _part(found: Bin) -> tuple[int, int]:
    return found.column, found.row


def _at_place(same: Sequence[Spot]) -> Document:
    phases, first = _counted((each.reason, each.jobs) for each in same), same[0]
    known = {"job": first.name} if sum(phases.values()) == 1 else {"place": first.place}
    return box_feature(first.footprint, phases, known)


def _in_part(same: Sequence[Bin]) -> Document:
    jobs = sum(each.jobs for each in same)
    longitude = sum(each.longitude * each.jobs for each in same) / jobs
    latitude = sum(each.latitude * each.jobs for each in same) / jobs
    return disc_feature(longitude, latitude, _counted((each.reason, each.jobs) for each in same))


def _counted(reasons: Iterable[tuple[str, int]]) -> dict[Phase, int]:
    found: Counter[Phase] = Counter()
    for word, jobs in reasons:
        found[phase_of(word)] += jobs
    return found
