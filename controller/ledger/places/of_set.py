"""The cells of a set for its page: ten thousand of them by reason, window and place, without reading the jobs whole."""

from collections.abc import Iterator
from dataclasses import dataclass

from controller.ledger.reads.reader import HAS_SET, Reader
from controller.manifest.footprint import Footprint, placed
from controller.model.files import SET

_CELLS = f"""
select name, reason, json_extract(wanted, '$.cell.window') window, west, south, east, north
from job left join place on number = place where {HAS_SET} order by name
"""
_NAMES = "select distinct json_extract(labels, '$.set') name from label_group where json_valid(labels) order by name"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCell:
    """One cell as last reported; `window` is "" without one, `footprint` None where its place is not known."""

    name: str
    reason: str
    window: str
    footprint: Footprint | None


def placed_cells(reader: Reader, set_name: str) -> list[PlacedCell]:
    """The declared cells of a set, by name."""
    return [
        PlacedCell(
            name=str(row["name"]),
            reason=str(row["reason"]),
            window=str(row["window"] or ""),
            footprint=None if row["west"] is None else placed(row["west"], row["south"], row["east"], row["north"]),
        )
        for row in reader.rows(_CELLS, [set_name])
    ]


def path_of_set(reader: Reader, set_name: str) -> str:
    """The file that declares a set, "" when it has no cells that are due."""
    rows = reader.rows(f"select path from job where {HAS_SET} limit 1", [set_name])
    return next((str(row["path"]) for row in rows), "")


def set_paths(reader: Reader) -> Iterator[str]:
    """Every file that declares sets, and those of sets with cells whose file cannot be accepted now."""
    seen = set()
    for row in reader.rows("select path from file where kind = ? order by path", [SET]):
        seen.add(str(row["path"]))
        yield str(row["path"])
    for row in reader.rows(_NAMES):
        path = path_of_set(reader, str(row["name"])) if row["name"] else ""
        if path and path not in seen:
            seen.add(path)
            yield path
