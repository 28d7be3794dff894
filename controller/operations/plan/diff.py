"""The difference between two request bodies, field by field: what `plan` shows for a changed job.

Pure. Both bodies are compared as the service understands them (`digest.canonical`), so bodies with the same digest do
not differ, and bodies with different digests always do.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import islice
from typing import Any

from controller.manifest.digest import canonical

MOST_FIELDS = 40
MOST_LINES = 60
LONGEST_LINE = 200  # characters
LONGEST_VALUE = 120  # characters
SCRIPT = "evalscript"
_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changed: fields in path order, and the script as lines of a unified diff.

    A field has its `path`, and its values `before` and `after`; an absent value has no key. `more_fields` and
    `more_lines` count what was left out.
    """

    fields: tuple[Mapping[str, Any], ...] = ()
    script: tuple[str, ...] = ()
    more_fields: int = 0
    more_lines: int = 0

    def __bool__(self) -> bool:
        return bool(self.fields or self.script)

    def document(self) -> dict[str, Any]:
        """The difference as JSON; empty parts are left out."""
        parts = {
            "fields": list(self.fields),
            "moreFields": self.more_fields,
            "evalscript": list(self.script),
            "moreLines": self.more_lines,
        }
        return {key: value for key, value in parts.items() if value}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    """What changed from one accepted body to the next."""
    old, new = canonical(before), canonical(after)
    scripts = old.pop(SCRIPT, ""), new.pop(SCRIPT, "")
    fields = list(_changes("", old, new))
    lines = _script_lines(*scripts)
    return Difference(
        fields=tuple(fields[:MOST_FIELDS]),
        script=tuple(_short(line, LONGEST_LINE) for line in lines[:MOST_LINES]),
        more_fields=max(0, len(fields) - MOST_FIELDS),
        more_lines=max(0, len(lines) - MOST_LINES),
    )


def format_value(field: Mapping[str, Any]) -> str:
    """One field of the JSON form as a line: `input.bounds.bbox[2]: 1 -> 2`."""
    sides = {key: _short(_text(field[key])) for key in ("before", "after") if key in field}
    match sides:
        case {"before": before, "after": after}:
            return f"{field['path']}: {before} -> {after}"
        case {"before": before}:
            return f"{field['path']}: removed {before}"
    return f"{field['path']}: added {sides['after']}"


def _changes(path: str, old: Any, new: Any) -> Iterator[dict[str, Any]]:
    """The changed leaves of two values at the same path."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            place = f"{path}.{key}" if path else key
            yield from _changes(place, old.get(key, _ABSENT), new.get(key, _ABSENT))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _changes(f"{path}[{index}]", _item(old, index), _item(new, index))
    elif not _same(old, new):
        sides = {"before": old, "after": new}
        yield {"path": path, **{key: value for key, value in sides.items() if value is not _ABSENT}}


def _item(items: Sequence[Any], index: int) -> Any:
    return items[index] if index < len(items) else _ABSENT


def _same(old: Any, new: Any) -> bool:
    # In Python `True == 1`; for the service they differ.
    return bool(old == new) and isinstance(old, bool) == isinstance(new, bool)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _script_lines(old: str, new: str) -> list[str]:
    """A unified diff without its two lines of file names."""
    return list(islice(unified_diff(old.split("\n"), new.split("\n"), lineterm=""), 2, None))


def _short(text: str, longest: int = LONGEST_VALUE) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"
