"""Hints for evalscripts that run, but probably do not do what was intended, or cost more than needed.

Pure; called by the appraiser. Reference page "Evalscript V3" §10. Every hint has a stable code and can be silenced in
the manifest. In doubt there is no hint.
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

from controller.analysis.compatibility import pair_inputs
from controller.analysis.context import HintContext, found_at, found_in_setup, thousands
from controller.analysis.idioms import idioms
from controller.analysis.rehearsal import EVALUATE
from controller.analysis.returned import returned
from controller.analysis.source import SourceText
from controller.manifest.digest import parse_timestamp
from controller.manifest.problems import DATA
from controller.model.catalog import MASK, canonical_type, collection
from controller.model.errors import Finding
from controller.model.script import Mosaicking, Source

LONG = timedelta(days=180)  # of ORBIT or TILE, from which dropping scenes may pay off
LARGE = 32 * 1024  # bytes of a script; reference page "Open questions: Async API" C 22
SMALLEST_PRICE = 10.0
CLOUDS = "maxCloudCoverage"

_CAREFUL = r"\bundefined\b|\btypeof\b|\bhasOwn(?:Property)?\b|\?\?|\bisNaN\b|\bisFinite\b|['\"`]\s*in\s+[\w$]"
"""A script with these words looks at what it has before it uses it."""
_WHOLE = re.compile(
    r"\bJSON\s*\.\s*stringify\b|\bObject\s*\.\s*(?:keys|values|entries|assign)\b|\.\.\.\s*[\w$]+\s*[,)}\]]|\bin\s"
)
"""What may read a whole sample, with bands that the text does not name."""


def hints(case: HintContext) -> Iterator[Finding]:
    """The hints for one script in its request."""
    for rule in RULES:
        yield from rule(case)
    yield from returned(case)
    yield from idioms(case.source, case.facts, case.rehearsal)


def _missing_bands(case: HintContext) -> Iterator[Finding]:
    """Only names that are bands for certain, and that the script does not test before it uses them."""
    sources = {source.name: source for source in case.stage.sources}
    for name, read in sorted(case.rehearsal.missing):
        band = _meant_band(read, sources[name]) if name in sources else None
        elsewhere = any(read in source.bands for source in case.stage.sources)  # one function may serve every source
        if band is None or elsewhere or _is_tested(read, case.source):
            continue
        listed = f"write {band}" if band != read else ""
        added = f'add "{band}" to `bands`' if band not in sources[name].bands else ""
        instead = ", and ".join(filter(None, (listed, added)))
        message = f"{read} is read but not listed in setup(), so it is undefined and becomes NaN or 0: {instead}"
        yield found_at(case.source, _place_of(read, case.source), "W004", message)


def _meant_band(name: str, source: Source) -> str | None:
    """The band of the collection, or of those listed, that this name stands for: B8 and b08 are B08."""
    used = collection(source.type)
    known = {each.lower(): each for each in (*(used.bands if used else ()), MASK, *source.bands)}
    padded = re.sub(r"^(b)(\d)(?!\d)", r"\g<1>0\g<2>", name.lower())
    return known.get(name.lower()) or known.get(padded)


def _is_tested(band: str, source: SourceText) -> bool:
    """Whether the text shows that the script can do without the band, wherever it says so."""
    access = rf"(?:\.\s*{re.escape(band)}\b|\[\s*['\"`]{re.escape(band)}['\"`]\s*\])"
    default = rf"[{{,]\s*{re.escape(band)}\s*(?::\s*[\w$]+\s*)?=(?![=>])|{access}\s*\|\|"
    tested = rf"{access}\s*(?:&&|\?)|!\s*[\w$.\[\]]*{access}|\bif\s*\(\s*[\w$.\[\]]*{access}\s*\)"
    careful = (
        f"{default}|{_CAREFUL}" if band == MASK else f"{default}|{tested}|{_CAREFUL}"
    )  # a mask is there to be tested
    return bool(re.search(careful, source.words))


def _place_of(band: str, source: SourceText) -> int:
    """Where a band is read: after a dot or in brackets, else where it is named outside of setup()."""
    quoted, setup = re.escape(band), source.function("setup")
    access = re.search(rf"\.\s*{quoted}\b|\[\s*['\"`]{quoted}['\"`]\s*\]", source.words)
    if access:
        return access.start()
    named = [match.start() for match in re.finditer(rf"(?<![\w$]){quoted}(?![\w$])", source.words)]
    return next((each for each in named if not setup or not setup.start <= each < setup.end), 0)


def _unread_bands(case: HintContext) -> Iterator[Finding]:
    """Only when every pixel succeeded and the text names the band nowhere but in setup()."""
    setup, words = case.source.function("setup"), case.source.words
    if setup is None or case.rehearsal.failed or _WHOLE.search(case.source.code):
        return
    for source in case.stage.sources:
        counted = list(dict.fromkeys(band for band in source.bands if band != MASK))
        for band in counted if len(counted) > 1 else ():
            places = [match.start() for match in re.finditer(rf"(?<![\w$]){re.escape(band)}(?![\w$])", words)]
            elsewhere = [place for place in places if not setup.start <= place < setup.end]
            if (source.name, band) in case.rehearsal.read or elsewhere or not places or _is_composed(band, words):
                continue
            if any(_meant_band(read, source) == band for name, read in case.rehearsal.missing if name == source.name):
                continue  # it is read by another name
            message = f"{band} is listed but never read: {_share(case, len(counted))}remove it from `bands`"
            yield found_at(case.source, max(setup.start, places[0] - 1), "W005", message)


def _is_composed(band: str, words: str) -> bool:
    """Whether the text has a beginning or an end of the name, of which it may be made: "B" + number, `B0${number}`."""
    ends = {part for length in range(1, len(band)) for part in (band[:length], band[-length:])}
    literals = re.findall(r"['\"`]([\w$]*?)(?:['\"`]|\$\{)|\}([\w$]+)`", words)
    return any(ends & {*pair} for pair in literals)


def _share(case: HintContext, bands: int) -> str:
    if len(case.stage.sources) > 1:
        return ""
    price = case.estimate.expected if case.estimate else 0.0
    if price <= SMALLEST_PRICE:
        return f"it makes 1/{bands} of the price of larger requests; "
    return f"it makes 1/{bands} of the price, about {thousands(price / bands)} of {thousands(price)} PU; "


def _filter_scenes(case: HintContext) -> Iterator[Finding]:
    if "filterScenes" not in case.facts.functions:
        return
    match = re.search(r"\bfilterScenes\b", case.source.code)
    modes = {each.mosaicking for each in case.facts.inputs}
    shape = "tiles" if modes == {Mosaicking.TILE} else "orbits"
    message = "V3's documentation does not know filterScenes"
    if modes == {Mosaicking.SIMPLE}:
        message += ", and under SIMPLE mosaicking there are no scenes to choose from: remove it"
    else:
        message += f": unless the service calls it all the same, no scene is dropped{_waste(case)}. "
        if "preProcessScenes" in case.facts.functions:
            message += "Remove it, since preProcessScenes chooses the scenes"
        else:
            message += "Write preProcessScenes(collections) instead: filter "
            message += f"collections.scenes.{shape}, and return collections"
    yield found_at(case.source, match.start() if match else 0, "W008", message)


def _waste(case: HintContext) -> str:
    """What not dropping the scenes costs."""
    filtered, estimate = case.rehearsal.filtered, case.estimate
    if filtered is None or estimate is None or not 0 < filtered[0] < filtered[1]:
        return ""
    kept, scenes = filtered
    meant = max(SMALLEST_PRICE, estimate.expected * kept / scenes)
    return (
        f", and about {thousands(estimate.expected)} PU are paid, {estimate.expected / meant:.1f} times the "
        f"{thousands(meant)} PU of what it would keep ({kept} of {scenes} scenes, tried with one in three days)"
    )


def _never_called(case: HintContext) -> Iterator[Finding]:
    if "preProcessScenes" in case.facts.functions and all(
        each.mosaicking is Mosaicking.SIMPLE for each in case.facts.inputs
    ):
        match = re.search(r"\bpreProcessScenes\b", case.source.code)
        message = 'preProcessScenes is not called under SIMPLE mosaicking: write mosaicking: "ORBIT", or remove it'
        yield found_at(case.source, match.start() if match else 0, "W021", message)


def _many_scenes(case: HintContext) -> Iterator[Finding]:
    if {"preProcessScenes", "filterScenes"} & case.facts.functions or len(case.data) != 1:
        return
    mode, times = case.facts.inputs[0].mosaicking, case.data[0].get("dataFilter", {}).get("timeRange")
    if mode is Mosaicking.SIMPLE or not times:
        return
    days = (parse_timestamp(times["to"]) - parse_timestamp(times["from"])) / timedelta(days=1)
    if days > LONG.days:
        price = f" (about {thousands(case.estimate.expected)} PU)" if case.estimate else ""
        message = f"every scene of {days:.0f} days is read and paid for{price}: drop what you do not need in"
        yield found_in_setup(
            case.source, r"\bmosaicking\b", "W012", f"{message} preProcessScenes(collections), or shorten timeRange"
        )


def _cloud_masks(case: HintContext) -> Iterator[Finding]:
    if case.deployment != "cdse":
        return
    for script_input in case.facts.inputs:
        for band in ("CLM", "CLP"):
            if band in script_input.bands:
                message = f"whether {band} exists on this deployment is not certain: SCL of sentinel-2-l2a surely does"
                yield found_in_setup(case.source, rf"(?<![\w$]){band}(?![\w$])", "W013", message)


def _merged_days(case: HintContext) -> Iterator[Finding]:
    for script_input, data in pair_inputs(case.facts.inputs, case.data):
        times = data.get("dataFilter", {}).get("timeRange")
        if canonical_type(data["type"]) != "sentinel-5p-l2" or script_input.mosaicking is not Mosaicking.SIMPLE:
            continue
        if times and parse_timestamp(times["to"]) - parse_timestamp(times["from"]) > timedelta(days=1):
            order = data["dataFilter"].get("mosaickingOrder")
            which = "first" if order == "leastRecent" else "last"
            message = f"SIMPLE mosaicking shows the {which} overpass only, of a time range longer than 24 hours"
            advice = 'write mosaicking: "ORBIT" and combine the days, or shorten timeRange'
            yield found_in_setup(case.source, r"\binput\b", "W014", f"{message}: {advice}")


def _large_script(case: HintContext) -> Iterator[Finding]:
    size = len(case.source.text.encode())
    if size > LARGE:
        message = (
            f"the script has {size / 1024:.0f} KB, and how long it may be is not documented: above {LARGE // 1024} KB"
        )
        yield Finding(code="W020", message=f"{message} a submission may be refused", line=1, column=1)


def _samples_as_array(case: HintContext) -> Iterator[Finding]:
    """Only where an element or the length of the one sample was read, and never a band of it."""
    if case.stage.fusion or case.stage.sources[0].mode is not Mosaicking.SIMPLE or case.rehearsal.read:
        return
    if not any(key.isdigit() or key == "length" for _, key in case.rehearsal.missing):
        return
    samples = case.source.parameter(EVALUATE, 0) or "samples"
    match = re.search(rf"(?<![\w$.]){re.escape(samples)}\s*(?:\[\s*\d|\.\s*length\b)", case.source.code)
    message = (
        "under SIMPLE mosaicking there is one sample, not an array, and no band of it was ever read: write "
        f"{samples}.B04, not {samples}[0].B04"
    )
    if match and not case.rehearsal.failed.get(EVALUATE):
        yield found_at(case.source, match.start(), "W016", message)


def _small_cloud_share(case: HintContext) -> Iterator[Finding]:
    for number, data in enumerate(case.data):
        share, used = data.get("dataFilter", {}).get(CLOUDS), collection(data["type"])
        if share is not None and 0 < share < 1 and used and CLOUDS in used.options["dataFilter"]:
            message = f"{share:g} means {share:g} percent, not {100 * share:g}: write {100 * share:g} if that is meant"
            yield Finding(code="W123", path=(*DATA, number, "dataFilter", CLOUDS), message=message)


RULES: tuple[Callable[[HintContext], Iterator[Finding]], ...] = (
    _missing_bands,
    _unread_bands,
    _filter_scenes,
    _never_called,
    _many_scenes,
    _cloud_masks,
    _merged_days,
    _large_script,
    _samples_as_array,
    _small_cloud_share,
)
