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
        "3:35 W004 dataMask is read but not listed in setup(), so it is undefined and becomes NaN or 0: "
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
        "4:10 W008 V3's documentation does not know filterScenes: unless the service calls it all the same, no scene "
        "is dropped, and about 4 655 PU are paid, 2.0 times the 2 327 PU of what it would keep "
        "(61 of 122 scenes, tried with one in three days). Write "
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
            bands='{bands: ["B08", "B04", "B03", "B02", "CLM", "SCL"], units: "DN"}',
            output="{bands: 4, sampleType: SampleType.UINT16}",
        ),
        "6:10 W008 V3's documentation does not know filterScenes: unless the service calls it all the same, no scene "
        "is dropped, and about 41 853 PU are paid, 3.0 times the 13 722 PU of what it would keep "
        "(120 of 366 scenes, tried with one in three days). Write "
        "preProcessScenes(collections) instead: filter collections.scenes.orbits, and return collections",
        times=YEARS,
        width=5000,
        height=5000,
    ),
    hint(
        "filterScenes that would keep everything",
        moving(FIRST, "function filterScenes(scenes) { return scenes; }"),
        "4:10 W008 V3's documentation does not know filterScenes: unless the service calls it all the same, no scene "
        "is dropped. Write preProcessScenes(collections) instead: filter collections.scenes.orbits, and return "
        "collections",
    ),
    hint(
        "filterScenes beside preProcessScenes",
        moving(
            FIRST, "function filterScenes(scenes) { return scenes; }", "function preProcessScenes(all) { return all; }"
        ),
        "4:10 W008 V3's documentation does not know filterScenes: unless the service calls it all the same, no scene "
        "is dropped. Remove it, since preProcessScenes chooses the scenes",
    ),
    hint(
        "filterScenes where there are no scenes",
        simple(BOTH, "function filterScenes(scenes) { return scenes; }"),
        "4:10 W008 V3's documentation does not know filterScenes, and under SIMPLE mosaicking there are no scenes to "
        "choose from: remove it",
    ),
    hint(
        "the end of the time range under TILE",
        moving(
            FIRST, "function preProcessScenes(all) {", "  all.since = all.to - 1;", "  return all; }", mode='"TILE"'
        ),
        "5:15 W009 under TILE mosaicking collections.to is not documented to exist: write the date itself",
    ),
    hint(
        "an alpha of 1",
        simple(
            "function evaluatePixel(s) { return [10000 * s.B04, s.dataMask]; }",
            bands='"B04", "dataMask"',
            output="{bands: 2, sampleType: SampleType.UINT16}",
        ),
        "2:75 W011 opaque is 65535 in UINT16, not 1: write 65535 * the mask as the last value",
        responses=[("default", "image/png")],
    ),
    hint(
        "a year of scenes",
        moving(FIRST),
        "2:87 W012 every scene of 366 days is read and paid for (about 49 PU): drop what you do not need in "
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
        "4:10 W016 setInputComponents belongs to an older version, and V3's documentation does not know it: list the "
        "bands in `input` of setup()",
    ),
    hint(
        "the first of one sample",
        simple("function evaluatePixel(s) { if (s[0]) return [s[0].B04 + s[0].B08]; return [0]; }"),
        "3:33 W016 under SIMPLE mosaicking there is one sample, not an array, and no band of it was ever read: write "
        "s.B04, not s[0].B04",
    ),
    hint(
        "the number of one sample",
        simple("function evaluatePixel(s) { if (!s.length) return [0]; return [s[0].B04 + s[0].B08]; }"),
        "3:34 W016 under SIMPLE mosaicking there is one sample, not an array, and no band of it was ever read: write "
        "s.B04, not s[0].B04",
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
        simple("var seen = 0;", "function evaluatePixel(s) { seen++; return [s.B04 + s.B08 + seen]; }"),
        "4:29 W019 a pixel's answer depends on the pixels before it, through the global seen: in which order pixels "
        "come, and how many share one global, is not documented, so the result may differ from run to run",
    ),
    hint(
        "the pixel before, beside a global that is harmless",
        simple(
            "let last = 0, sum;",
            "function evaluatePixel(s) { sum = s.B04 + last; last += s.B08; return [sum]; }",
        ),
        "4:49 W019 a pixel's answer depends on the pixels before it, through the global last: in which order pixels "
        "come, and how many share one global, is not documented, so the result may differ from run to run",
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
        "a return of another length, in its own case alone",
        moving("function evaluatePixel(s) { return s.length ? [s[0].B04] : [0, 0]; }"),
        '3:1 W003 where there is no scene: Output "default" needs an array of 1 number (`bands` in setup), but '
        "evaluatePixel returned 2",
    ),
    hint(
        "nothing returned",
        simple("const evaluatePixel = (s) => { [s.B04 - s.B08]; };"),
        "3:7 W022 evaluatePixel returned nothing for every pixel that was tried, and what is stored then is not "
        "documented, probably 0: end it with `return` and the values",
    ),
    hint(
        "keys of setup() that are unknown, misspelt, or elsewhere",
        script(
            '{input: [{bands: ["B04"], unit: "DN"}], output: {bands: 1, sampletype: "FLOAT32"}, mosaicing: "ORBIT", '
            'sampleType: "UINT8", scale: 2}',
            "function evaluatePixel(s) { return [s.B04]; }",
        ),
        "2:53 W023 V3's documentation does not know `unit` inside of `input`: did you mean units?\n"
        "2:86 W023 V3's documentation does not know `sampletype` inside of `output`: did you mean sampleType?\n"
        "2:110 W023 V3's documentation does not know `mosaicing` beside `input` and `output`: did you mean "
        "mosaicking?\n"
        "2:130 W023 V3's documentation does not know `sampleType` beside `input` and `output`: write sampleType inside "
        "of `output`\n"
        "2:151 W023 V3's documentation does not know `scale` beside `input` and `output`: it probably has no effect",
    ),
    hint(
        "an array in the array",
        simple("function evaluatePixel(s) { return [[s.B04 - s.B08]]; }"),
        '3:1 W024 value 1 of output "default" is itself an array, where a number is expected: return the array alone, '
        "or write `...` before it",
    ),
    hint(
        "a nodata value that no pixel can have",
        simple(
            "function evaluatePixel(s) { return [10000 * s.B04 + s.B08]; }",
            output='{bands: 1, sampleType: "UINT16", nodataValue: -9999}',
        ),
        '2:92 W025 output "default" can never hold its nodataValue -9999: sampleType UINT16 is stored in whole numbers '
        "from 0 to 65535; write one of them, or another sampleType",
    ),
    hint(
        "an index in whole numbers",
        simple(BOTH, output='{bands: 1, sampleType: "INT16"}'),
        '2:70 W026 output "default" has sampleType INT16, whole numbers from -32768 to 32767: values from -0.916 to '
        '0.807, as were returned, all become -1 or 0 or 1; multiply them, or write sampleType: "FLOAT32"',
    ),
    hint(
        "classes as AUTO",
        simple("function evaluatePixel(s) { return [s.SCL]; }", bands='"SCL"', output="{bands: 1}"),
        '2:44 W006 output "default" has sampleType AUTO, which is for 0..1: values above 1 are all stored as 255; '
        'write sampleType: "UINT8", or scale them to 0..1',
    ),
    hint(
        "decibels as AUTO",
        simple("function evaluatePixel(s) { return [10 * Math.log10(s.VV)]; }", bands='"VV"', output="{bands: 1}"),
        '2:43 W006 output "default" has sampleType AUTO, which is for 0..1: values below 0 are all stored as 0; '
        'write sampleType: "FLOAT32" for such values, or scale them to 0..1',
        collections="sentinel-1-grd",
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
    assert rows >= {f"W{number:03}" for number in range(3, 27) if number != 10}


def test_a_cloud_share_below_one_percent_is_asked_about() -> None:
    job = accepted(simple(BOTH), clouds=0.2)
    found = [(each.code, each.field, each.message) for each in appraised(job).warnings]
    place = "spec.request.input.data[0].dataFilter.maxCloudCoverage"
    assert found == [("W123", place, "0.2 means 0.2 percent, not 20: write 20 if that is meant")]


@pytest.mark.parametrize("clouds", [0, 1, 20, 99.5])
def test_any_other_cloud_share_is_left_alone(clouds: float) -> None:
    assert appraised(accepted(simple(BOTH), clouds=clouds)).warnings == ()
