"""The jobs of a part of the Earth, added up or one by one, for maps of a hundred thousand of them.

Which job is where is read from one index, and the box of each place by its number. A phase is the one last reported.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.ledger.reads.listing import Filter, filter_condition
from controller.ledger.reads.reader import Reader
from controller.manifest.footprint import Footprint, placed
from controller.model.reasons import Reason

_JOBS = "from job cross join place on number = place"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The jobs with one reason whose middles are in one part of a window; `longitude` and `latitude` are their mean."""

    column: int
    row: int
    reason: str
    jobs: int
    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """The jobs with one reason that have the same box; `name` and `place` are those of one of them."""

    place: int
    footprint: Footprint
    reason: str
    jobs: int
    name: str


def bins(
    reader: Reader, wanted: Filter, window: Footprint, reasons: Collection[str], columns: int, rows: int
) -> list[Bin]:  # fmt: skip
    """The jobs with these reasons that a window shows, in so many parts of it.

    Each reason is asked for by itself: a hundred thousand numbers are grouped faster than as many pairs with a text.
    """
    where, arguments = _fits(wanted, window)
    column, row = _part("(longitude - ?)", columns), _part("(? - latitude)", rows)
    middles = (
        f"select {_longitude(window)} longitude, (south + north) / 2 latitude {_JOBS} where reason = ? and {where}"
    )
    sql = (
        f"select {column} * {rows} + {row} part, count(*) jobs, avg(longitude) longitude, avg(latitude) latitude "
        f"from ({middles}) group by part"
    )
    sides = [window.west, window.width / columns, window.north, window.height / rows]
    return [
        Bin(
            column=found["part"] // rows, row=found["part"] % rows, reason=reason, jobs=found["jobs"],
            longitude=found["longitude"], latitude=found["latitude"],
        )
        for reason in reasons
        for found in reader.rows(sql, [*sides, reason, *arguments])
    ]  # fmt: skip


def jobs_by_place(
    reader: Reader, wanted: Filter, window: Footprint, reasons: Collection[str], most: int
) -> list[Spot]:  # fmt: skip
    """The jobs with these reasons that a window shows, by box and reason; `most` of these at most."""
    where, arguments = _fits(wanted, window)
    sql = (
        f"select min(number) number, west, south, east, north, reason, count(*) jobs, min(name) name {_JOBS} "
        f"where reason in ({_marks(reasons)}) and {where} group by west, south, east, north, reason "
        "order by west, south, east, north, reason limit ?"
    )
    found = []
    for row in reader.rows(sql, [*reasons, *arguments, most]):
        if footprint := _footprint(row):
            name, reason = str(row["name"]), str(row["reason"])
            found.append(Spot(place=row["number"], footprint=footprint, reason=reason, jobs=row["jobs"], name=name))
    return found


def names_at(
    reader: Reader, wanted: Filter, window: Footprint, reasons: Sequence[str], most: int, only: Footprint | None = None
) -> list[tuple[str, str]]:  # fmt: skip
    """Name and reason of the first jobs that a window shows, in the order of these reasons; `only`: with this box."""
    where, arguments = _fits(wanted, window)
    if only:
        where = f"{where} and west = ? and south = ? and east = ? and north = ?"
        arguments = [*arguments, only.west, only.south, only.east, only.north]
    sql = f"select name {_JOBS} where reason = ? and {where} order by changed_at desc, name limit ?"
    found: list[tuple[str, str]] = []
    for reason in reasons:
        if len(found) < most:
            rows = reader.rows(sql, [reason, *arguments, most - len(found)])
            found += [(str(row["name"]), reason) for row in rows]
    return found


def extent(reader: Reader, wanted: Filter) -> Footprint | None:
    """The smallest box that has all jobs, without crossing the antimeridian for it; None when none has a place."""
    where, arguments = filter_condition(wanted)
    those = f"{_JOBS} where {where}" if arguments else "from place"
    sql = f"select min(west) west, min(south) south, max(east) east, max(north) north {those}"
    return next((_footprint(row) for row in reader.rows(sql, arguments) if row["west"] is not None), None)


def placed_jobs(reader: Reader, wanted: Filter) -> int:
    """How many jobs have a place, the removed ones apart."""
    where, arguments = filter_condition(wanted)
    sql = f"select count(*) jobs from job where place is not null and reason <> ? and {where}"
    return sum(int(row["jobs"]) for row in reader.rows(sql, [Reason.REMOVED, *arguments]))


def footprint_of(reader: Reader, job: str) -> Footprint | None:
    """Where a job is; None when it is not known."""
    sql = "select west, south, east, north from place where number = (select place from job where name = ?)"
    return next(map(_footprint, reader.rows(sql, [job])), None)


def footprint_at(reader: Reader, place: int) -> Footprint | None:
    """The box of the place with a number; None when there is none."""
    rows = reader.rows("select west, south, east, north from place where number = ?", [place])
    return next(map(_footprint, rows), None)


def _footprint(row: Mapping[str, Any]) -> Footprint | None:
    return placed(row["west"], row["south"], row["east"], row["north"])


def _fits(wanted: Filter, window: Footprint) -> tuple[str, list[object]]:
    """The condition for a row of `job` with its place, but for the phases."""
    where, arguments = filter_condition(wanted)
    if window.width >= 360 and window.height >= 180:
        return where, [*arguments]
    around = " or ".join(f"(west + {turn} < ? and east + {turn} > ?)" for turn in (0, -360, 360))
    borders = [window.north, window.south, *3 * (window.east, window.west)]
    return f"south < ? and north > ? and ({around}) and {where}", [*borders, *arguments]


def _longitude(window: Footprint) -> str:
    """The longitude of the middle of a place, on the turn around the Earth that is nearest to the window."""
    middle, centre = "((west + east) / 2)", (window.west + window.east) / 2
    return f"({middle} + 360 * ({middle} < {centre - 180!r}) - 360 * ({middle} >= {centre + 180!r}))"


def _part(expression: str, parts: int) -> str:
    """Which part of the window: of a box that is partly outside, the nearest one."""
    return f"max(0, min({parts - 1}, cast({expression} / ? as integer)))"


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
