"""Rules for the sources of data: the options a collection documents, time ranges, and names for data fusion.

`rules` applies them to every document. What a collection documents comes from `data/collections.json`.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

from controller.manifest.document import Path
from controller.manifest.problems import DATA, CodedMessage, ProblemCollector, kind_of, one_of
from controller.manifest.remedies import number_remedy
from controller.manifest.request import BOOLEANS
from controller.model.catalog import Collection, collection, nearest, option_names

_SECTIONS = ("dataFilter", "processing")
_EARLIER = timedelta(days=365)  # by which the first scene of a mission may predate the vendor's date for it
_CLOUDS = "maxCloudCoverage"


def datasets(faults: ProblemCollector) -> None:
    data = faults.at(DATA)
    if not isinstance(data, list):
        return
    for number, dataset in enumerate(data):
        type = dataset.get("type") if isinstance(dataset, dict) else None
        used = collection(type) if isinstance(type, str) else None
        if used is not None:
            _dataset(faults, (*DATA, number), dataset, used)
    if len(data) > 1:
        _names(faults, data)


def _dataset(faults: ProblemCollector, path: Path, dataset: Mapping[str, Any], used: Collection) -> None:
    type = dataset["type"]
    if type in used.aliases:
        faults.doubt((*path, "type"), "W100", f"`{type}` is an older name, which still works: write {used.type}")
    for section in _SECTIONS:
        options = dataset.get(section)
        if isinstance(options, dict):
            for key, coded in _options(used, section, options):
                (faults.doubt if coded[0].startswith("W") else faults.add)((*path, section, key), *coded)
    if not used.timeless and not used.is_own:
        _time(faults, path, dataset, used)


# --- time ---


def _time(faults: ProblemCollector, path: Path, dataset: Mapping[str, Any], used: Collection) -> None:
    options = dataset.get("dataFilter", {})
    where: Path = (*path, "dataFilter", "timeRange")
    written = options.get("timeRange") if isinstance(options, dict) else None
    if faults.touch(where):
        return
    if written is None:
        example = f"timeRange: {{from: {used.since}T00:00:00Z, to: …}}"
        faults.doubt(path, "W109", f"has no time range, so that scenes of any time are used: write `{example}`")
    elif written["to"][:10] < _impossible(used.first):
        message = f"ends more than a year before the first scene of this mission ({used.first}): it can find nothing"
        faults.add(where, "E217", message)
    elif written["to"][:10] < used.since:
        message = f"ends before {used.since}, from when on {used.type} is known to have scenes: it may find nothing"
        faults.doubt(where, "W110", message)
    elif used.until and written["from"][:10] > used.until:
        message = f"begins after {used.until}, the last day {used.type} is known to have scenes of: it may find nothing"
        faults.doubt(where, "W110", message)


@cache
def _impossible(first: str) -> str:
    """The day before which a mission has no scene, however its archive is extended."""
    return (date.fromisoformat(first) - _EARLIER).isoformat()


# --- names for data fusion ---


def _names(faults: ProblemCollector, data: list[Any]) -> None:
    names = [dataset.get("id") if isinstance(dataset, dict) else None for dataset in data]
    for number, name in enumerate(names):
        if isinstance(name, str) and name in names[:number]:
            message = f"`{name}` is the id of an earlier source as well: give each its own"
            faults.add((*DATA, number, "id"), "E214", message)
        elif name is None and any(names):
            message = "has no id, and others have: write one, so that the evalscript can name it as its `datasource`"
            faults.doubt((*DATA, number), "W117", message)


# --- options ---


def _options(used: Collection, section: str, options: Mapping[str, Any]) -> Iterator[tuple[str, CodedMessage]]:
    """Keys of `dataFilter` or `processing` with their errors, by what the collection documents."""
    for key, value in options.items():
        rule = used.options[section].get(key)
        if key == "timeRange" and used.timeless:
            yield key, ("W112", f"{used.type} has no time: the service ignores it, so it can be removed")
        elif rule is None:
            yield key, _undocumented(used, section, key)
        elif key == "speckleFilter":
            if error := _speckle_error(value):
                yield key, ("E212", error)
        elif error := _option_error(rule, value):
            yield key, ("E212", error)
    is_projected = options.get("orthorectify") not in (None, False, "false")
    if "backCoeff" in used.options[section] and options.get("backCoeff") == "GAMMA0_TERRAIN" and not is_projected:
        yield "backCoeff", ("E213", "GAMMA0_TERRAIN needs `orthorectify: true` beside it")


def _undocumented(used: Collection, section: str, key: str) -> CodedMessage:
    near = None if key in option_names(section) else nearest(key, option_names(section))
    other = next(each for each in _SECTIONS if each != section)
    if near:
        return "E104", f"unknown key: did you mean `{near}`?"
    if key == _CLOUDS:
        return "W101", f"{used.name} has no cloud coverage: nothing is filtered by it, so it can be removed"
    if key in used.options[other]:
        return "W101", f"belongs below `{other}`: here the service probably ignores it"
    return "W101", f"is no documented option of {used.name}: the service probably ignores it"


def _option_error(rule: Mapping[str, Any], value: Any) -> str:
    if "enum" in rule:
        return "" if value in rule["enum"] else one_of(rule["enum"], value)
    if rule.get("type") == "boolean":
        is_fit = isinstance(value, bool) or (isinstance(value, str) and value in BOOLEANS)
        return "" if is_fit else f"must be true or false, not {kind_of(value)}"
    if "minimum" in rule:
        least, most = rule["minimum"], rule["maximum"]
        numbers, words = (int, "a whole number") if rule["type"] == "integer" else (int | float, "a number")
        is_fit = isinstance(value, numbers) and not isinstance(value, bool) and least <= value <= most
        return "" if is_fit else f"must be {words} from {least} to {most}{number_remedy(value, numbers is int)}"
    return ""


def _speckle_error(value: Any) -> str:
    sizes = {"type": "integer", "minimum": 1, "maximum": 7}
    if isinstance(value, dict) and value.get("type") in ("NONE", "LEE"):
        sides = ("windowSizeX", "windowSizeY")
        wanted = [side for side in sides if side in value or value["type"] == "LEE"]
        if not any(_option_error(sizes, value.get(side)) for side in wanted):
            return ""
    return "must be {type: NONE}, or {type: LEE, windowSizeX: 3, windowSizeY: 3} with sizes from 1 to 7"
