"""Each hint where it belongs, with its place and what to write instead; and none where nothing is wrong."""

from typing import Any

import pytest

from tests.support.scripts import accepted, appraised, of_the_script, reported

HALF_YEAR = "2020-01-01/2020-06-30"
YEAR = "2020-01-01/2020-12-31"
YEARS = "2019-10-01/2022-10-01"
FLOAT = '{bands: 1, sampleType: "FLOAT32"}'


def script(setup: str, evaluate: str, *more: str) -> str:
    """Line 2 is setup(), line 3 evaluatePixel(), the rest follows."""
    return "\n".join(["//VERSION=3", f"function setup() {{ return {setup}; }}", evaluate, *more])


def simple(evaluate: str, *more: str, bands: str = '"B04", "B08"', output: str = FLOAT) -> str:
    return script(f"{{input: [{bands}], output: {output}}}", evaluate, *more)


def moving(evaluate: str, *more: str, mode: str = '"ORBIT"', bands: str = '"B04"', output: str = FLOAT) -> str:
    return script(f"{{input: [{bands}], output: {output}, mosaicking: {mode}}}", evaluate, *more)


BOTH = "function evaluatePixel(s) { return [index(s.B08, s.B04)]; }"
FIRST = "function evaluatePixel(samples) { return [samples.length ? samples[0].B04 : 0]; }"


def hint(id: str, text: str, expected: str, **asked: Any) -> Any:
    """A row; `asked` is what the request has beside its script."""
    return pytest.param(text, asked, expected, id=id)


HINTS = [
    hint(
        "a band that is not listed",
        simple("function evaluatePixel(s) { return [s.B08 - s.B04 + s.B11]; }"),
        "3:54 W004 B11 is read but not listed in setup(), so it is undefined and becomes NaN or 0: "
        'add "B11" to `bands`',
    ),
    hint(
        "a band in small letters",
        simple("function evaluatePixel(s) { return [s.B08 - s['b04'] + s.B04]; }"),
        "3:46 W004 b04 is read but not listed in setup(), so it is undefined and becomes NaN or 0: write B04",
    ),
    hint(
        "a mask that is not listed, taken apart",
        simple("function evaluatePixel({B08, B04, dataMask}) { return [dataMask ? B08 - B04 : 0]; }"),
        "1:1 W004 dataMask is read but not listed in setup(), so it is undefined and becomes NaN or 0: "
        'add "dataMask" to `bands`',
    ),
    hint(
        "a band that is never read, with what it costs",
        simple(BOTH, bands='"B04", "B08", "B11"'),
        "2:50 W005 B11 is listed but never read: it makes 1/3 of the price, about 42 of 127 PU; remove it from `bands`",
        width=5000,
        height=5000,
    ),
    hint(
        "a band that is never read, where the smallest price is paid anyhow",
        simple(BOTH, bands='"B04", "B08", "B11"'),
        "2:50 W005 B11 is listed but never read: it makes 1/3 of the price of larger requests; remove it from `bands`",
    ),
    hint(
        "an index as AUTO",
        simple(BOTH, output="{bands: 1}"),
        '2:51 W006 output "default" has sampleType AUTO, which is for 0..1: values below 0 are stored as 0; '
        'write sampleType: "FLOAT32" for such values, or scale them to 0..1',
    ),
    hint(
        "heights as AUTO",
        simple("function evaluatePixel(s) { return [s.DEM]; }", bands='"DEM"', output="{bands: 1}"),
        '2:44 W006 output "default" has sampleType AUTO, which is for 0..1: values above 1 are all stored as 255; '
        'write sampleType: "FLOAT32" for such values, or scale them to 0..1',
        collections="dem",
    ),
    hint(
        "digital numbers as AUTO",
        script(
            '{input: [{bands: ["B04"], units: "DN"}], output: {bands: 1}}',
            "const evaluatePixel = (s) => { return [s.B04]; }",
        ),
        '2:68 W006 output "default" has sampleType AUTO, which is for 0..1: values above 1 are all stored as 255; '
        'write sampleType: "FLOAT32" for such values, or scale them to 0..1',
    ),
    hint(
        "heights in an unsigned type",
        simple(
            "function evaluatePixel(s) { return [s.DEM]; }", bands='"DEM"', output='{bands: 1, sampleType: "UINT8"}'
        ),
        "2:63 W007 UINT8 holds 0 to 255, and heights may be negative: write INT16 or FLOAT32",
        collections="dem",
    ),
    hint(
        "filterScenes, with what it wastes",
        moving(FIRST, "function filterScenes(scenes, meta) {", "  return scenes.slice(0, 61); }"),
        "4:10 W008 filterScenes is never called in V3: no scene is dropped, and about 5 171 PU are paid (122 "
        "scenes, one in three days), 2.0 times the 2 586 PU of the 61 scenes it would keep. Write "
        "preProcessScenes(collections) instead: filter collections.scenes.orbits, and return collections",
        times=YEAR,
        width=5000,
        height=5000,
    ),
    hint(
        "the mistake of the documentation's fourth example, three times too dear",
        moving(
            "const first = (all, band) => (all.length ? all[0][band] : 0);\n"
            "const evaluatePixel = (all) => [all.length, ...['B08', 'B04', 'B03'].map((band) => first(all, band))];",
            "const YEAR = 12 * 30 * 24 * 3600 * 1000;",
            "function filterScenes (scenes, inputMetadata) {",
            "  return scenes.filter((scene) => scene.date.getTime() >= inputMetadata.to.getTime() - YEAR);",
            "}",
            "const isUsable = ({ SCL, CLM, B02 }) => SCL !== 3 && CLM === 0 && B02 > 0;",
            bands='"B08", "B04", "B03", "B02", "CLM", "SCL"',
            output="{bands: 4, sampleType: SampleType.UINT16}",
        ),
        "6:10 W008 filterScenes is never called in V3: no scene is dropped, and about 46 539 PU are paid (366 "
        "scenes, one in three days), 3.0 times the 15 259 PU of the 120 scenes it would keep. Write "
        "preProcessScenes(collections) instead: filter collections.scenes.orbits, and return collections",
        times=YEARS,
        width=5000,
        height=5000,
    ),
    hint(
        "filterScenes that would keep everything",
        moving(FIRST, "function filterScenes(scenes) { return scenes; }"),
        "4:10 W008 filterScenes is never called in V3: no scene is dropped. Write preProcessScenes(collections) "
        "instead: filter collections.scenes.orbits, and return collections",
    ),
    hint(
        "filterScenes where there are no scenes",
        simple(BOTH, "function filterScenes(scenes) { return scenes; }"),
        "4:10 W008 filterScenes is never called in V3: remove it",
    ),
    hint(
        "the end of the time range under TILE",
        moving(
            FIRST, "function preProcessScenes(all) {", "  all.since = all.to - 1;", "  return all; }", mode='"TILE"'
        ),
        "5:15 W009 under TILE mosaicking collections.to is not documented to exist: write the date itself",
    ),
    hint(
        "a variable in the place of a helper",
        simple(
            "function evaluatePixel(s) {",
            "  if (s.B04 > 99) { var index = 1; return [index(s.B04, s.B08)]; }",
            "  return [s.B04 + s.B08]; }",
        ),
        "4:21 W010 the variable index hides the function index(), which is called as well: give it another name",
    ),
    hint(
        "an alpha of 1",
        simple(
            "function evaluatePixel(s) { return [s.B04, s.dataMask]; }",
            bands='"B04", "dataMask"',
            output="{bands: 2, sampleType: SampleType.UINT16}",
        ),
        "2:75 W011 opaque is 65535 in UINT16, not 1: write 65535 * the mask as the last value",
        responses=[("default", "image/png")],
    ),
    hint(
        "a year of scenes",
        moving(FIRST),
        "2:87 W012 every scene of 366 days is read and paid for (about 54 PU): drop what you do not need in "
        "preProcessScenes(collections), or shorten timeRange",
        times=YEAR,
    ),
    hint(
        "a cloud mask on a deployment that may not have it",
        moving(
            "function evaluatePixel(samples) { return [samples.filter((s) => s.CLM === 0).length]; }", bands='"CLM"'
        ),
        "2:37 W013 whether CLM exists on this deployment is not certain: SCL of sentinel-2-l2a surely does",
        deployment="cdse",
    ),
    hint(
        "many days of gases in one mosaic",
        simple("function evaluatePixel(s) { return [s.NO2]; }", bands='"NO2"'),
        "2:28 W014 SIMPLE mosaicking shows the last overpass only, of a time range longer than 24 hours: "
        'write mosaicking: "ORBIT" and combine the days, or shorten timeRange',
        collections="sentinel-5p-l2",
    ),
    hint(
        "constants that do not exist",
        script(
            "{input: ['B04'], output: {bands: 1, sampleType: SampleType.FLOAT64}, mosaicking: Mosaicking.TILES}",
            "function evaluatePixel(s) { return [s.B04]; }",
        ),
        "2:75 W015 SampleType.FLOAT64 does not exist, so AUTO is used: write one of INT8, UINT8, INT16, UINT16, "
        "FLOAT32, AUTO\n"
        "2:108 W015 Mosaicking.TILES does not exist, so SIMPLE is used: write one of SIMPLE, ORBIT, TILE",
    ),
    hint(
        "a function of an older version",
        simple(BOTH, "function setInputComponents() {}"),
        "4:10 W016 setInputComponents belongs to an older version and is never called: list the bands in "
        "`input` of setup()",
    ),
    hint(
        "the first of one sample",
        simple("function evaluatePixel(s) { if (s[0]) return [s[0].B04]; return [s.B04 + s.B08]; }"),
        "3:33 W016 under SIMPLE mosaicking there is one sample, not an array: write s.B04, not s[0].B04",
    ),
    hint(
        "scenes as an array",
        moving("function evaluatePixel(samples, days) { return [samples.length && samples[0].B04 + days.length]; }"),
        "3:84 W017 using days as an array is deprecated: it is an object, write days.orbits[0].dateFrom, "
        "days.orbits.length",
    ),
    hint(
        "orbits in updateOutput",
        moving(
            "function evaluatePixel(samples) { return samples.length ? samples.map((s) => s.B04) : [0]; }",
            "function updateOutput(outputs, found) {",
            "  outputs.default.bands = found.scenes.orbits.length || 1; }",
        ),
        "5:27 W018 in updateOutput collection.scenes is documented as an array of {date}, without .orbits: "
        "write collection.scenes.length",
    ),
    hint(
        "a counter of pixels",
        simple("var seen = 0;", "function evaluatePixel(s) { seen++; return [s.B04 + s.B08]; }"),
        "4:29 W019 evaluatePixel writes the global seen: in which order pixels come, and how many share one "
        "global, is not documented, so the result may differ from run to run",
    ),
    hint(
        "a loop without let",
        simple("function evaluatePixel(s) { for (i = 0; i < 2; i++) {} return [s.B04 + s.B08]; }"),
        "3:34 W019 i is declared nowhere, so it is a global that all pixels share: write `let i` first",
    ),
    hint(
        "a very long script",
        simple(BOTH, "// " + "x" * 33000),
        "1:1 W020 the script has 32 KB, and how long it may be is not documented: above 32 KB a submission may be "
        "refused",
    ),
    hint(
        "a choice of scenes where there are none",
        simple(BOTH, "function preProcessScenes(collections) { return collections; }"),
        '4:10 W021 preProcessScenes is not called under SIMPLE mosaicking: write mosaicking: "ORBIT", or remove it',
    ),
    hint(
        "a return that no pixel came to",
        simple("function evaluatePixel(s) {", "  if (s.B04 > 90) {", "    return [1, 2]; }", "  return [s.B08]; }"),
        "5:5 W003 this returns 2 values, but setup() promises 1: return as many",
    ),
]


@pytest.mark.parametrize(("text", "asked", "expected"), HINTS)
def test_a_hint_says_where_and_what_to_write_instead(text: str, asked: dict[str, Any], expected: str) -> None:
    deployment = asked.get("deployment", "sandbox")
    job = accepted(text, **{key: value for key, value in asked.items() if key != "deployment"})
    found = appraised(job, deployment)
    assert reported(of_the_script(found.problems)) == []
    assert reported(of_the_script(found.warnings)) == expected.splitlines()


def test_every_hint_has_a_row() -> None:
    rows = {line.split()[1] for param in HINTS for line in str(param.values[2]).splitlines()}
    assert rows >= {f"W{number:03}" for number in range(3, 22)}


def right(id: str, text: str, **asked: Any) -> Any:
    return pytest.param(text, asked, id=id)


RIGHT = [
    right("an optional band", simple("function evaluatePixel(s) { return [s.B08 - s.B04 + (s.B11 || 0)]; }")),
    right("a note on a sample", simple("function evaluatePixel(s) { s.ndvi = index(s.B08, s.B04); return [s.ndvi]; }")),
    right(
        "names of bands that are put together",
        simple("const read = (s, n) => s['B0' + n];", "function evaluatePixel(s) { return [read(s, 4)]; }"),
    ),
    right("a band read now and then", simple("function evaluatePixel(s) { return [s.B04 > 5 ? s.B08 : 0]; }")),
    right(
        "a picture with its darkest values cut off",
        simple("function evaluatePixel(s) { return [s.B08, s.B04, 3 * (s.B04 - 0.2)]; }", output="{bands: 3}"),
    ),
    right(
        "an index scaled to AUTO",
        simple("function evaluatePixel(s) { return [index(s.B08, s.B04) / 2 + 0.5]; }", output="{bands: 1}"),
    ),
    right(
        "classes of heights in an unsigned type",
        simple(
            "function evaluatePixel(s) { return [s.DEM > 100 ? 1 : 0]; }",
            bands='"DEM"',
            output='{bands: 1, sampleType: "UINT8"}',
        ),
        collections="dem",
    ),
    right("some months of scenes", moving(FIRST), times=HALF_YEAR.replace("06-30", "06-20")),
    right("index as a plain name", simple("function evaluatePixel(s) { var index = s.B08; return [index - s.B04]; }")),
    right("an index of one's own", simple("function index(a, b) { return a - b; }", BOTH)),
    right(
        "a local with the name of a global",
        simple("const seen = [];", "function evaluatePixel(s) { let seen = s.B04; seen += s.B08; return [seen]; }"),
    ),
    right("words in a comment", simple("// Mosaicking.TILES, filterScenes, scenes[0]", BOTH)),
    right(
        "a mask band in a TIFF",
        simple(
            "function evaluatePixel(s) { return [s.B04, s.dataMask]; }",
            bands='"B04", "dataMask"',
            output='{bands: 2, sampleType: "UINT8"}',
        ),
    ),
    right(
        "one day of gases",
        simple("function evaluatePixel(s) { return [s.NO2]; }", bands='"NO2"'),
        collections="sentinel-5p-l2",
        times="2020-01-01/2020-01-01",
    ),
]


@pytest.mark.parametrize(("text", "asked"), RIGHT)
def test_no_hint_for(text: str, asked: dict[str, Any]) -> None:
    found = appraised(accepted(text, **asked))
    assert reported(of_the_script((*found.problems, *found.warnings))) == []
