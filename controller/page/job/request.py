"""A request as a reader sees it: its YAML, cut where it is long, and what it asks for in a few words."""

from collections.abc import Mapping
from typing import Any

from controller.manifest.dump import manifest_text
from controller.manifest.geometry import envelope
from controller.model.catalog import DEFAULT_CRS, crs
from controller.page.job.cut import cut_text, fitting, weight

MOST_ITEMS = 12  # of one list: a bbox, the corners of a field, not the outline of a country
MOST_VALUES = 240  # of a whole request
DEEPEST = 12
LONGEST_LINE = 300  # bytes of HTML
SCRIPT = "evalscript"


def request_yaml(request: Mapping[str, Any], most: int) -> dict[str, Any]:
    """The request without its script, in at most so many bytes of HTML; `isCut`: something was left out."""
    plain = {key: value for key, value in request.items() if key != SCRIPT}
    if not plain:
        return {"text": "", "isCut": False}
    trim = _Trim()
    lines = manifest_text(trim.value(plain)).splitlines()
    short = [cut_text(line, LONGEST_LINE) for line in lines]
    shown = fitting(short, lambda line: weight(line) + 1, most)
    return {"text": "\n".join(shown), "isCut": trim.is_cut or shown != lines}


def summary_of_request(request: Mapping[str, Any]) -> dict[str, Any]:
    """Collections, time ranges, size and area; what cannot be read of a damaged request is left out."""
    try:
        data = [each for each in request["input"]["data"] if isinstance(each, dict)]
        output, bounds = request["output"], request["input"]["bounds"]
        ranges = [each.get("dataFilter", {}).get("timeRange") for each in data]
        return {
            "collections": list(dict.fromkeys(cut_text(str(each.get("type", "")), 200) for each in data))[:8],
            "timeRanges": [
                {end: cut_text(str(each.get(end, "")), 60) for end in ("from", "to")}
                for each in ranges[:4]
                if isinstance(each, dict)
            ],
            "size": {key: output[key] for key in ("width", "height", "resx", "resy") if _is_number(output.get(key))},
            **_area(bounds),
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _area(bounds: Mapping[str, Any]) -> dict[str, Any]:
    """The box of the area in its own coordinates."""
    written = str(bounds.get("properties", {}).get("crs", DEFAULT_CRS))
    known = crs(written)
    return {"bbox": list(envelope(bounds)), "crs": known.name if known else cut_text(written, 200)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Trim:
    """Leaves out what makes a request long: numbers of an outline, mostly."""

    def __init__(self) -> None:
        self._left = MOST_VALUES
        self.is_cut = False

    def value(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if isinstance(value, dict):
            items = list(value.items())[: self._most(len(value), MOST_VALUES, depth)]
            return {self._text(str(key)): self.value(each, depth + 1) for key, each in items}
        if isinstance(value, list):
            kept = value[: self._most(len(value), MOST_ITEMS, depth)]
            left = [f"… {len(value) - len(kept):,} more"] if len(kept) < len(value) else []
            return [*(self.value(each, depth + 1) for each in kept), *left]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        kept = cut_text(text, LONGEST_LINE)
        self.is_cut |= kept != text
        return kept

    def _most(self, length: int, most: int, depth: int) -> int:
        kept = 0 if depth > DEEPEST else max(0, min(length, most, self._left))
        self.is_cut |= kept < length
        return kept
