"""Records of files from rows."""

import json
from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from typing import Any

from controller.ledger.rows.cells import CANNOT_BE_READ, checked_text, list_of, whole_of
from controller.model.files import STATUS


@lru_cache(maxsize=1024)
def uses_of(text: str) -> tuple[str, ...]:
    """The files that a manifest uses; many use the same script."""
    return tuple(checked_text(item) for item in list_of(json.loads(text)))


def file_of(row: Mapping[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """The record of a file, and whether it can be read; None: the file must be read again."""
    try:
        numbers = {name: whole_of(row[name]) for name in ("size", "mtime_ns", "ctime_ns", "inode")}
        path, digest, kind = checked_text(row["path"]), checked_text(row["sha256"]), intern(checked_text(row["kind"]))
        shared = path if kind == STATUS else intern(path)  # its jobs have the path too
        if numbers["ctime_ns"] == numbers["mtime_ns"]:
            numbers["ctime_ns"] = numbers["mtime_ns"]  # one number in memory, as of most files
        return {**numbers, "path": shared, "kind": kind, "sha256": digest, "uses": uses_of(row["uses"])}, True
    except CANNOT_BE_READ:
        return None, False
