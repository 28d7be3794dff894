"""Whether the bands an evalscript uses, their units and its mosaicking exist in the collections of the request.

Pure; called by `compatibility`. Source: the tables of the reference page "collections.json". Of the user's own data
nothing is known, so nothing is refused.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from controller.analysis.source import SourceText
from controller.model.catalog import (
    MASK,
    BandUnit,
    Collection,
    UnitFit,
    band_units,
    collection,
    collection_names,
    nearest,
)
from controller.model.errors import Finding, truncate
from controller.model.script import Mosaicking, ScriptInput

# Bands of Sentinel-1 that only exist with this processing.
_NEEDS: Mapping[str, tuple[str, Any, str]] = {
    "localIncidenceAngle": ("orthorectify", True, "`orthorectify: true`"),
    "scatteringArea": ("backCoeff", "GAMMA0_TERRAIN", "`backCoeff: GAMMA0_TERRAIN`"),
    "shadowMask": ("backCoeff", "GAMMA0_TERRAIN", "`backCoeff: GAMMA0_TERRAIN`"),
}
_POLARIZED = frozenset({"VV", "VH", "HV", "HH"})
_GUESSED = frozenset({"landsat-8-l1c"})  # its list of bands was inferred from that of landsat-ot-l1


def band_findings(
    asked: ScriptInput, dataset: Mapping[str, Any], source: SourceText, *, is_for_all: bool
) -> Iterator[Finding]:
    """The problems of one input of `setup()`, read from one element of `input.data`.

    `is_for_all`: its mosaicking is that of several inputs, and meant for those that have scenes.
    """
    used = collection(dataset["type"])
    if used is None:
        return
    if asked.mosaicking not in used.mosaicking and not (used.timeless and is_for_all):
        yield _mosaicking(asked.mosaicking, used, source)
    if used.is_own:
        return
    for band in dict.fromkeys(asked.bands):
        if band not in used.bands:
            yield _unknown(band, used, source)
    yield from _units(asked, used, source)
    if used.type == "sentinel-1-grd":
        yield from _radar(asked, dataset, used, source)


def setup_position(source: SourceText, literal: str) -> tuple[int, int]:
    """Line and column of a word in `setup()`, quoted or a constant; else of `setup`, else of the script's start."""
    setup = re.search(r"\bsetup\b", source.code)
    start = setup.start() if setup else 0
    word = re.compile(rf"(?<![\w$]){re.escape(literal)}(?![\w$])").search(source.words, start)
    return source.place(word.start() if word else start)


def _finding(code: str, message: str, source: SourceText, literal: str) -> Finding:
    line, column = setup_position(source, literal)
    return Finding(code=code, message=message, line=line, column=column)


def _mosaicking(mosaicking: Mosaicking, used: Collection, source: SourceText) -> Finding:
    choices = " or ".join(used.mosaicking)
    if used.timeless:
        message = f"{used.type} has no scenes, so that {mosaicking} is not documented for it: write {choices}"
        return _finding("W119", message, source, mosaicking)
    message = f"mosaicking {mosaicking} is not offered by {used.name}: write {choices}"
    return _finding("E234", message, source, mosaicking)


def _unknown(band: str, used: Collection, source: SourceText) -> Finding:
    padded = f"{band[:1]}0{band[1:]}".upper()  # B8 is meant as B08, not as B8A
    near = padded if padded in used.bands else nearest(band, used.bands)
    hint = f"did you mean {near}?" if near else f"it has {truncate(', '.join(used.bands), 120)}"
    if used.type in _GUESSED:
        return _finding("W122", f"`{band}` is not known to be a band of {used.type}: {hint}", source, band)
    return _finding("E232", f"`{band}` is no band of {used.type}: {hint}", source, band)


def _units(asked: ScriptInput, used: Collection, source: SourceText) -> Iterator[Finding]:
    """One finding for a unit of all bands, else one for each band."""
    read = band_units(used.type, used.bands, asked.bands, asked.units)
    missing = [each for each in read if each.fit is UnitFit.MISSING]
    doubtful = [each for each in read if each.fit is UnitFit.DOUBTFUL]
    is_one = len(asked.units) == 1
    for each in missing[:1] if is_one else missing:
        yield _missing_unit(each, used, source)
    if is_one and doubtful and any(each.fit is UnitFit.FITS and each.band != MASK for each in read):
        unit, names = doubtful[0].asked, ", ".join(each.band for each in doubtful)
        message = f"the unit {unit} does not exist for {names}: write one unit for each band"
        yield _finding("W118", message, source, unit)
        return
    for each in doubtful[:1] if is_one else doubtful:
        change = ", and convert it" if each.asked.upper() == "DB" else ", which is what it holds"
        message = f"the unit {each.asked} is not documented for {each.band} of {used.type}: write {each.unit}{change}"
        yield _finding("W118", message, source, each.asked)


def _missing_unit(read: BandUnit, used: Collection, source: SourceText) -> Finding:
    units = used.bands[read.band]
    near = None if read.asked.upper() in _all_units() else nearest(read.asked, _all_units() & {*units})
    hint = f"did you mean {near}?" if near else f"it is in {' or '.join(units)}"
    message = f"the unit {read.asked} does not exist for {read.band} of {used.type}: {hint}"
    return _finding("E233", message, source, read.asked)


@cache
def _all_units() -> frozenset[str]:
    known = filter(None, map(collection, collection_names()))
    return frozenset(unit for each in known for units in each.bands.values() for unit in units)


def _radar(asked: ScriptInput, dataset: Mapping[str, Any], used: Collection, source: SourceText) -> Iterator[Finding]:
    processing, chosen = dataset.get("processing", {}), dataset.get("dataFilter", {}).get("polarization")
    present = used.options["dataFilter"]["polarization"]["bands_present"].get(chosen, _POLARIZED)
    for band in dict.fromkeys(asked.bands):
        key, value, words = _NEEDS.get(band, ("", None, ""))
        if key and processing.get(key) != value:
            yield _finding("E213", f"`{band}` needs {words} in the `processing` of {used.type}", source, band)
        elif band in _POLARIZED and band not in present:
            message = f"polarization {chosen} keeps scenes with {' and '.join(present)}: `{band}` may be empty in all"
            yield _finding("W120", message, source, band)
