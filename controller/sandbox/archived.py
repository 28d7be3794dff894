"""Which collections and coordinate systems the sandbox knows: lookups in the package's data, called by `validation`."""

import functools
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

OWN_DATA = re.compile(r"(byoc|batch|zarr)-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def collection_of(name: str) -> Mapping[str, Any] | None:
    """The entry of a collection by its present name, an older alias or a `byoc-<uuid>` form; None when unknown."""
    if OWN_DATA.fullmatch(name):
        return _collections().get(f"{name.partition('-')[0]}-<collectionId>")
    return None if "<" in name else _collections().get(name)


def short_name(collection: Mapping[str, Any]) -> str:
    """The name the service prints in its messages: the oldest one."""
    aliases = collection["aliases"]
    return str(aliases[0] if aliases else collection["type"])


def is_known_crs(url: object) -> bool:
    return isinstance(url, str) and url in _crs_urls()


@functools.cache
def _collections() -> Mapping[str, Mapping[str, Any]]:
    known = {}
    for entry in _data("collections.json")["collections"]:
        for name in (entry["type"], *entry["aliases"]):
            known[name] = entry
    return known


@functools.cache
def _crs_urls() -> frozenset[str]:
    return frozenset(entry["url"] for entry in _data("crs.json")["crs"])


def _data(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((resources.files("controller") / "data" / name).read_text(encoding="utf-8"))
    return document
