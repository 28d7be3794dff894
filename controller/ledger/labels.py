"""The labels of jobs as the ledger groups them: jobs with the same labels have the number of one row.

So a list of a hundred thousand jobs, or what a team has spent, is filtered by a few numbers. The labels of a row are
JSON with sorted keys and without spaces, in which a label is found as text: a quote inside a value is written `\\"`.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache

from controller.model.job import Job


class LabelGroups:
    """The table `label_group`. What changes it belongs inside the store's `transaction()`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def group_of(self, job: Job) -> int | None:
        """The number of the labels of a job; None without any."""
        if job.wanted is None or not job.wanted.labels:
            return None
        text = _text(job.wanted.labels)
        found = self._connection.execute("select number from label_group where labels = ?", [text]).fetchone()
        if found is None:
            return self._connection.execute("insert into label_group (labels) values (?)", [text]).lastrowid
        return int(found[0])


def group_all(connection: sqlite3.Connection) -> None:
    """Give the jobs of an older ledger the groups of their labels; one that cannot be read has none."""
    groups: dict[str, int] = {}
    rows = connection.execute("select rowid, wanted from job where wanted is not null").fetchall()
    found = [(row, labels) for row, wanted in rows if (labels := _labels_of(wanted))]
    numbered = [(groups.setdefault(labels, len(groups) + 1), row) for row, labels in found]
    connection.executemany("insert into label_group (labels, number) values (?, ?)", groups.items())
    connection.executemany("update job set label_group = ? where rowid = ?", numbered)


def has_labels(selector: Sequence[str]) -> tuple[str, list[str]]:
    """The condition, with its arguments, that a row has each `LABEL` or `LABEL=VALUE` of the selector."""
    if not selector:
        return "true", []
    each = " and ".join(["instr(labels, ?) > 0"] * len(selector))
    return f"label_group in (select number from label_group where {each})", [*map(_piece, selector)]


def _labels_of(wanted: object) -> str:
    """The labels in a row of `job`; "" without any, and where it cannot be read."""
    try:
        labels = dict(json.loads(str(wanted))["labels"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return _json(labels) if labels else ""


@lru_cache(maxsize=1024)
def labels_in(text: str | None) -> Mapping[str, str]:
    """The labels of a group; none when they cannot be read."""
    try:
        return dict(json.loads(text or "{}"))
    except (ValueError, TypeError):
        return {}


def _piece(selector: str) -> str:
    """What the text of a group contains if its jobs have this label."""
    name, separator, value = selector.partition("=")
    return f"{_json(name)}:{_json(value) if separator else ''}"


@lru_cache(maxsize=1024)
def _text(labels: tuple[tuple[str, str], ...]) -> str:
    return _json(dict(labels))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
