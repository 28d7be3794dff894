"""Tells manifests from the other YAML and JSON files of a repository: workflows, compose files, GeoJSON, Kubernetes.

Pure. The scan reads a file as foreign only when nothing in it looks like ours: a manifest with a mistake in
`apiVersion` or `kind`, or without them, must be an error, since its job would silently not be done.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

from controller.manifest.document import Document
from controller.manifest.model import API_VERSION, KIND
from controller.tree.ignore.lists import IGNORE_FILE

MOST_NAMED = 10
_ALIKE = 0.75  # of 1: `shjob`, `sjhobs` and `AsyncProces` are meant for ours, `v1` and `Process` are not
_GROUP, _KIND = API_VERSION.partition("/")[0], KIND.lower()
_OUR_KEYS = frozenset({"evalscript", "evalscriptfile", "evalscriptreference", "maxprocessingunits"})
_DEEPEST = 3  # `spec.request.evalscript`
_MOST_KEYS = 50  # of a mapping, that may be misspelt; ours has four
_MOST_VALUES = 1_000  # of a document, that are searched for our keys
_GEOJSON = frozenset(
    {
        *("FeatureCollection", "Feature", "GeometryCollection", "Point", "MultiPoint", "LineString"),
        *("MultiLineString", "Polygon", "MultiPolygon", "Topology"),
    }
)


def own_documents(documents: Sequence[Document], text: str) -> tuple[Document, ...]:
    """The documents to be read as manifests: all of a file that holds one, none of a foreign file.

    What cannot be read to its end may be anything: it is returned, and says what to do if it is no manifest.
    """
    if any(document.value is not None and not _is_foreign(document.value) for document in documents):
        return tuple(documents)
    is_named = _GROUP in text
    return tuple(each if is_named else _with_advice(each) for each in documents if each.value is None)


def foreign_note(paths: Sequence[str]) -> str:
    """One line about all foreign files; "" without any."""
    if not paths:
        return ""
    count = "1 file is not a shjobs manifest" if len(paths) == 1 else f"{len(paths)} files are not shjobs manifests"
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    these = "it" if len(paths) == 1 else "them"
    return f"{count}: {', '.join(paths[:MOST_NAMED])}{more}; list {these} in {IGNORE_FILE} to be silent"


def or_list_it(words: str) -> str:
    """What is wrong with a file that may be no manifest."""
    return f"{words}; if it is no manifest, list it in {IGNORE_FILE}"


def _with_advice(document: Document) -> Document:
    *others, last = document.problems
    return replace(document, problems=(*others, replace(last, message=or_list_it(last.message))))


def _is_foreign(value: Any) -> bool:
    if isinstance(value, list):
        return not any(isinstance(each, dict) and not _is_foreign(each) for each in islice(value, _MOST_VALUES))
    if not isinstance(value, dict):
        return _GROUP not in str(value)
    if value.get("apiVersion") == API_VERSION:
        return False
    groups, kinds = _named(value, "apiversion"), _named(value, "kind")
    if any(_is_like(each.partition("/")[0], _GROUP) for each in groups) or any(map(_is_our_kind, kinds)):
        return False
    if _has_our_request(value):
        return False
    if (groups and kinds) or str(value.get("type")) in _GEOJSON:
        return True
    return not (_has_our_keys(value) or _is_body(value) or _is_nameless(value, bool(groups)))


def _is_our_kind(kind: str) -> bool:
    return _is_like(kind, _KIND) or _plain(kind).startswith(_KIND)


def _has_our_request(value: dict[str, Any]) -> bool:
    """Whether it has what only our manifests have, whatever it calls itself."""
    specs = list(_below(value, "spec"))
    requests = (request for spec in specs for request in _below(spec, "request"))
    return any("evalscriptFile" in spec for spec in specs) or any(
        not request.keys().isdisjoint({"input", "output", "evalscript"}) for request in requests
    )


def _has_our_keys(value: dict[str, Any]) -> bool:
    return not _OUR_KEYS.isdisjoint(islice(_keys(value, _DEEPEST), _MOST_VALUES))


def _is_body(value: dict[str, Any]) -> bool:
    """Whether it is a request of the service without the manifest around it."""
    body = value.get("input")
    return isinstance(body, dict) and not body.keys().isdisjoint({"bounds", "data"})


def _is_nameless(value: dict[str, Any], has_group: bool) -> bool:
    """Whether it has the parts of a manifest, but does not say of what; an empty document is not even begun."""
    if not value:
        return True
    return not has_group and any(_below(value, "spec")) and any(_below(value, "metadata"))


def _below(value: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    """The mappings of a document under this key, or one that is almost it."""
    return (each for name, each in _entries(value) if isinstance(each, dict) and _is_like(name, key))


def _named(value: dict[str, Any], key: str) -> list[str]:
    """The texts of a document under this key, or one that is almost it."""
    return [str(each)[:100] for name, each in _entries(value) if _is_like(name, key) and not isinstance(each, dict)]


def _entries(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    return islice(value.items(), _MOST_KEYS)


def _keys(value: Any, depth: int) -> Iterator[str]:
    """The keys of the first levels, in small letters, without what stands between the words."""
    for key, each in value.items() if isinstance(value, dict) else ():
        yield _plain(key)
        if depth > 1:
            yield from _keys(each, depth - 1)


def _is_like(written: str, meant: str) -> bool:
    """Whether it is the word that is meant, or a mistake in typing it."""
    plain = _plain(written)
    if plain == meant or abs(len(plain) - len(meant)) > 2:
        return plain == meant
    return SequenceMatcher(None, plain, meant, autojunk=False).ratio() >= _ALIKE


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text[:100].lower())
